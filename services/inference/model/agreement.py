"""Runs the same rows through scikit-learn, ONNX Runtime and tract, and demands the same class from each.

Owns the comparison and its report. Must never repair an answer, and never pass where a runtime gave none.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import shlex
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

REPOSITORY = Path(__file__).resolve().parents[3]
TRACT = "cargo run --quiet --package inference --manifest-path {} --".format(
    shlex.quote(str(REPOSITORY / "Cargo.toml"))
)
"""The command that reaches tract where the caller names no other: the service's own `evaluate`."""


class Disagreement(Exception):
    """Two runtimes gave different classes; the message names the row and every answer."""


class CannotRun(Exception):
    """A runtime could not run the model; the message names it and what it said."""


@dataclass(frozen=True)
class Answers:
    """What one runtime answered: a class for each row, and probabilities where it has them."""

    runtime: str
    classes: np.ndarray
    probabilities: np.ndarray | None


def add_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--tract` to a command line."""
    parser.add_argument(
        "--tract",
        metavar="COMMAND",
        default=TRACT,
        help="how to reach tract: the service's binary, called as `COMMAND evaluate --model FILE --rows FILE` "
        "(default: build and run it with cargo)",
    )


def scikit_learn(model: Any, rows: np.ndarray) -> Answers:
    """The classifier's own answers, which the others are measured by."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        classes = np.asarray(model.predict(rows)).astype(np.int64)
        probabilities = model.predict_proba(rows) if hasattr(model, "predict_proba") else None
    return Answers("scikit-learn", classes, probabilities)


def onnx_runtime(file: Path, rows: np.ndarray) -> Answers:
    """ONNX Runtime's answers. Raises CannotRun with its message."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        classes, scores = session.run(None, {session.get_inputs()[0].name: rows.astype(np.float32)})[:2]
    except Exception as error:  # its exceptions share no base below Exception
        raise CannotRun(f"onnxruntime cannot run {file.name}: {error}") from error
    return Answers("onnxruntime", classes, np.asarray(scores, dtype=np.float64))


def tract(file: Path, rows: np.ndarray, command: str = TRACT) -> Answers:
    """Answers of tract, by `COMMAND evaluate`. Raises CannotRun with what it printed on standard error."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "rows.csv"
        with table.open("w", encoding="ascii", newline="") as text:
            csv.writer(text, lineterminator="\n").writerows(rows.astype(np.float32).tolist())
        call = [*shlex.split(command), "evaluate", "--model", str(file.resolve()), "--rows", str(table)]
        try:
            done = subprocess.run(call, capture_output=True, text=True, check=False)
        except OSError as error:
            raise CannotRun(f"cannot start `{command}`: {error}; name the service's binary with --tract") from error
    if done.returncode != 0:
        raise CannotRun(f"tract cannot run {file.name}: {done.stderr.strip().removeprefix('error: ')}")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(rows):
        raise CannotRun(f"tract gave {len(answers)} answers for {len(rows)} rows of {file.name}")
    classes = np.array([answer["class"] for answer in answers], dtype=np.int64)
    scores = np.array([answer.get("scores") or [] for answer in answers], dtype=np.float64)
    return Answers("tract", classes, scores if scores.size else None)


def demand(answers: list[Answers], rows: np.ndarray) -> None:
    """Raises Disagreement for the first row on which the runtimes' classes are not all the same."""
    table = np.stack([answer.classes for answer in answers])
    wrong = np.flatnonzero((table != table[0]).any(axis=0))
    if wrong.size:
        first = int(wrong[0])
        said = ", ".join(f"{answer.runtime} says {int(answer.classes[first])}" for answer in answers)
        row = ",".join(f"{value:g}" for value in rows[first])
        raise Disagreement(f"{wrong.size} of {len(rows)} rows: the first is row {first + 1} ({row}): {said}")


def differences(answers: list[Answers]) -> list[str]:
    """A line for each pair of runtimes: the largest difference of a probability, or why there is none."""
    lines = []
    for one, other in itertools.combinations(answers, 2):
        pair = f"{one.runtime} and {other.runtime}"
        if one.probabilities is None or other.probabilities is None:
            lines.append(f"{pair}: no probabilities to compare")
        elif one.probabilities.shape != other.probabilities.shape:
            lines.append(f"{pair}: {one.probabilities.shape} and {other.probabilities.shape} scores, not compared")
        else:
            largest = float(np.abs(one.probabilities - other.probabilities).max())
            lines.append(f"{pair}: largest difference of a probability {largest:.1e}")
    return lines


def verify(model: Any, file: Path, rows: np.ndarray, command: str = TRACT) -> Answers:
    """Asks all three runtimes about `rows`, prints how far they are apart, and returns scikit-learn's answers.

    The rows are rounded to float32 first: the service cannot receive anything finer. Raises Disagreement where a class
    differs, CannotRun where a runtime fails.
    """
    rows = rows.astype(np.float32).astype(np.float64)
    own = scikit_learn(model, rows)
    answers = [own, onnx_runtime(file, rows), tract(file, rows, command)]
    demand(answers, rows)
    print(f"{len(rows)} rows: scikit-learn, onnxruntime and tract give the same class on each")
    for line in differences(answers):
        print(f"  {line}")
    return own
