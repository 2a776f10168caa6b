"""Golden answers: rows with the class that scikit-learn gave; the service refuses a model that misses one.

Owns the format of golden.json. Must never compute an answer.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np


def render(model_file: str, model: bytes, rows: np.ndarray, classes: np.ndarray, command: str) -> str:
    """The text of a golden file: which ONNX file, its SHA-256, then one row per line."""
    head = {
        "generated_by": command,
        "model": model_file,
        "sha256": hashlib.sha256(model).hexdigest(),
    }
    opening = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items())
    lines = ",\n".join(
        f'{{"array":[{",".join(map(_number, row))}],"class":{int(answer)}}}'
        for row, answer in zip(rows.tolist(), classes, strict=True)
    )
    return f'{{{opening},\n"rows": [\n{lines}\n]}}\n'


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(value)
