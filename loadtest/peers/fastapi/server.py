"""FastAPI and onnxruntime, one worker of uvicorn a core, as FastAPI's page on workers says."""

from __future__ import annotations

from typing import Annotated

import tokens
from fastapi import Depends, FastAPI, Header, HTTPException
from flights import Flights, answer
from pydantic import BaseModel


class Body(BaseModel):
    """One flight."""

    array: list[float]


def identity(authorization: Annotated[str, Header()] = "") -> None:
    """Refuses who proves nothing."""
    if not tokens.is_good(authorization):
        raise HTTPException(401)


app = FastAPI()
flights = Flights()


@app.post("/api", dependencies=[Depends(identity)])
async def api(body: Body) -> dict[str, list[int]]:
    """One flight: the model takes microseconds, less than a hop to a thread."""
    return answer(flights.predict(body.array))
