"""The challenge's usual answer: Flask and a pickle. Run by itself it is the development server; gunicorn runs `app`."""

from __future__ import annotations

import os

import joblib
import tokens
from flask import Flask, Response, abort, json, request

app = Flask(__name__)
model = joblib.load(os.environ["PICKLE"])


@app.post("/api")
def api() -> Response:
    """One flight."""
    if not tokens.is_good(request.headers.get("authorization", "")):
        abort(401)
    predictions = model.predict([request.get_json()["array"]]).tolist()
    content = json.dumps({"predicciones": predictions}, separators=(",", ":"))
    return Response(content, mimetype="application/json")


if __name__ == "__main__":
    app.run(port=int(os.environ["SERVER_PORT"]))
