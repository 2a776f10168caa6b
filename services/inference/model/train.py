"""Trains the flights model from flights.csv alone; writes flights.onnx, golden.json and CARD.md beside it.

Must never write a model whose answers the three runtimes do not share.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import agreement
import card
import export
import flight_counts
import flight_rows
import golden
import numpy as np
from estimation import DOMAIN, fit, weighted_rows
from features import FLIGHTS
from sklearn.linear_model import LogisticRegression
from tally import tally

HERE = Path(__file__).resolve().parent
COMMAND = "cargo xtask model train"
MODEL = "flights.onnx"


class Differs(Exception):
    """The full rows tell something else than the counts."""


def train(counts: list[flight_counts.Count]) -> LogisticRegression:
    """The classifier of the training part."""
    return fit(*weighted_rows(count for count in counts if count.part == "train"))


def artefacts(model: LogisticRegression, counts: list[flight_counts.Count]) -> dict[str, bytes]:
    """The files that training makes, by name. The same counts give the same bytes."""
    metadata = export.properties("flights", FLIGHTS.names, FLIGHTS.spans())
    onnx = export.to_onnx(model, features=FLIGHTS.width, metadata=metadata)
    answers = golden.render(MODEL, onnx, DOMAIN, model.predict(DOMAIN), COMMAND)
    return {MODEL: onnx, "golden.json": answers.encode(), "CARD.md": card.render(model, counts, COMMAND).encode()}


def stale(made: dict[str, bytes], directory: Path) -> list[str]:
    """The names of the files in `directory` that are not what was made."""
    files = {name: directory / name for name in made}
    return [name for name, file in files.items() if not file.exists() or file.read_bytes() != made[name]]


def compare_with_rows(model: LogisticRegression, counts: list[flight_counts.Count], directory: Path) -> np.ndarray:
    """Fits the full rows in `directory` too, and prints how far the two fits are apart.

    Returns all rows, training before test. Raises Differs where the counts or a class of the domain is another.
    """
    if tally(directory) != counts:
        raise Differs(
            f"flights.csv does not hold the flights in {directory}; run `cargo xtask model tally {directory}`"
        )
    rows, classes = [], []
    for name in flight_rows.PARTS.values():
        for key, label in flight_rows.flights(directory / name):
            rows.append(FLIGHTS.encode(key))
            classes.append(label)
    flights = sum(count.on_time + count.late for count in counts if count.part == "train")
    every = np.array(rows, dtype=np.float64)
    settings = model.get_params() | {"class_weight": "balanced"}
    on_rows = LogisticRegression(**settings).fit(every[:flights], np.array(classes[:flights]))
    apart = int((on_rows.predict(DOMAIN) != model.predict(DOMAIN)).sum())
    if apart:
        raise Differs(f"{flights} rows and their counts give another class on {apart} of {FLIGHTS.size} combinations")
    largest = np.abs(np.append(on_rows.coef_ - model.coef_, on_rows.intercept_ - model.intercept_)).max()
    print(f"{flights} rows and their counts give the same class on all {FLIGHTS.size} combinations")
    print(f"  largest difference of a coefficient {largest:.1e}")
    return every


def write(model: LogisticRegression, made: dict[str, bytes], rows: np.ndarray | None, tract: str) -> None:
    """Writes what was made, after all runtimes agreed on the domain and on `rows`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / MODEL
        file.write_bytes(made[MODEL])
        for checked in (DOMAIN, rows):
            if checked is not None:
                agreement.verify(model, file, checked, tract)
    for name, content in made.items():
        (HERE / name).write_bytes(content)
        print(f"wrote {name}, {len(content)} bytes")


def main() -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="train.py",
        description="Trains the flights model from flights.csv and writes flights.onnx, golden.json and CARD.md, after "
        "scikit-learn, onnxruntime and tract gave the same class on every combination.",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="write nothing; fail, naming the file, when one is stale")
    how.add_argument(
        "--rows",
        type=Path,
        metavar="DATA_DIR",
        help="the folder with the full data set: fit it too, show that the classes are the same, and compare the "
        "runtimes on each of its rows",
    )
    agreement.add_option(parser)
    options = parser.parse_args()
    try:
        counts = flight_counts.read(HERE / "flights.csv")
        model = train(counts)
        made = artefacts(model, counts)
        if options.check:
            found = stale(made, HERE)
            for name in found:
                print(f"train.py: services/inference/model/{name} is stale; run `{COMMAND}`", file=sys.stderr)
            return 1 if found else 0
        rows = compare_with_rows(model, counts, options.rows) if options.rows else None
        write(model, made, rows, options.tract)
    except (
        agreement.CannotRun,
        agreement.Disagreement,
        export.CannotExport,
        flight_counts.BadCounts,
        flight_rows.BadRow,
        Differs,
        OSError,
    ) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
