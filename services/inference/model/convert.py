"""Converts a pickled scikit-learn classifier to an ONNX file that the service runs, with golden answers beside it.

Must never write a model whose answers the three runtimes do not share, and never load a pickle without `--trust`.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import agreement
import export
import golden
import numpy as np
import pickled
from features import FLIGHTS, Group, Layout

MOST_COMBINATIONS = 100_000
MOST_GOLDEN_ROWS = 1_000
"""Rows of a CSV file that become golden answers; the service checks each golden row whenever it loads the model."""


class BadRows(Exception):
    """Rows to compare on that are missing or are not the model's; the message says where."""


def domain(text: str) -> Layout:
    """Parses `--domain`: `flights`, or groups of one-hot columns as `NAME:WIDTH,…`."""
    if text == "flights":
        return FLIGHTS
    groups = []
    for part in text.split(","):
        found = re.fullmatch(r"([^:,]+):([1-9][0-9]{0,5})", part)
        if found is None:
            raise argparse.ArgumentTypeError(f"{part!r}; expected `flights`, or NAME:WIDTH,NAME:WIDTH,…")
        groups.append(Group(found[1], tuple(str(value) for value in range(int(found[2])))))
    layout = Layout(tuple(groups))
    if layout.size > MOST_COMBINATIONS:
        raise argparse.ArgumentTypeError(
            f"{layout.size} combinations; expected at most {MOST_COMBINATIONS}: give rows in a CSV file with --rows"
        )
    return layout


def model_name(text: str) -> str:
    """Parses `--name`, by the service's rule: it stands in URLs and metric labels."""
    if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text) is None:
        raise argparse.ArgumentTypeError(f"{text!r}; expected 1 to 64 of a-z, A-Z, 0-9, `.`, `_`, `-`")
    return text


def read_rows(file: Path, features: int) -> np.ndarray:
    """The rows of a CSV file without header. Raises BadRows, with file and line, for what is not a row of numbers."""
    rows = []
    for line, text in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = np.array([float(cell) for cell in text.split(",")])
        except ValueError as error:
            raise BadRows(f"{file}:{line}: {error}; expected numbers, without a header") from None
        if len(row) != features:
            raise BadRows(f"{file}:{line}: expected {features} numbers, got {len(row)}")
        if not (np.abs(row) <= np.finfo(np.float32).max).all():
            raise BadRows(f"{file}:{line}: a number is not finite as float32")
        rows.append(row)
    if not rows:
        raise BadRows(f"{file}: no row")
    return np.array(rows)


def rows_to_compare(layout: Layout | None, csv: Path | None, features: int) -> tuple[np.ndarray, int]:
    """All rows on which the runtimes must agree, and how many of them, from the first, become golden answers."""
    if layout is None and csv is None:
        raise BadRows("nothing to compare the runtimes on: give --domain, --rows or both")
    parts = []
    if layout is not None:
        if layout.width != features:
            raise BadRows(f"the model takes {features} features, the domain has {layout.width}")
        parts.append(np.array([layout.encode(key) for key in layout.combinations()], dtype=np.float64))
    if csv is not None:
        parts.append(read_rows(csv, features))
    every = np.concatenate(parts).astype(np.float32).astype(np.float64)
    distinct = np.array(list(dict.fromkeys(map(tuple, every.tolist()))))
    return distinct, (layout.size if layout else 0) + MOST_GOLDEN_ROWS


def feature_names(model: Any, layout: Layout | None) -> list[str]:
    """The columns' names, where anybody gave them any."""
    if hasattr(model, "feature_names_in_"):
        return [str(name) for name in model.feature_names_in_]
    return layout.names if layout is FLIGHTS else []


def convert(options: argparse.Namespace) -> None:
    """Loads, converts, compares, writes; in this order, so that nothing is written that was not compared."""
    model = pickled.load(options.pickle, trust=options.trust)
    features = int(model.n_features_in_)
    rows, golden_rows = rows_to_compare(options.domain, options.rows, features)
    groups = options.domain.spans() if options.domain else []
    name = options.name or model_name(options.output.stem)
    metadata = export.properties(name, feature_names(model, options.domain), groups)
    onnx = export.to_onnx(model, features=features, metadata=metadata)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / options.output.name
        file.write_bytes(onnx)
        answers = agreement.verify(model, file, rows, options.tract)
    beside = options.output.with_suffix(".golden.json")
    kept, classes = rows[:golden_rows], answers.classes[:golden_rows]
    options.output.write_bytes(onnx)
    beside.write_text(golden.render(options.output.name, onnx, kept, classes, "cargo xtask model convert"), "utf-8")
    print(f"wrote {options.output}, {len(onnx)} bytes, and {beside} with {len(kept)} golden answers")
    print(f"serve it: inference --model {options.output} --golden {beside}")


def main() -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="convert.py",
        description="Converts a pickled scikit-learn classifier to an ONNX file that the service runs, and writes "
        "golden answers beside it, after scikit-learn, onnxruntime and tract gave the same class on every row.",
        epilog="Example: convert.py delay_model.pkl delay.onnx --domain flights --trust",
    )
    parser.add_argument("pickle", type=Path, help="the pickle: a fitted classifier, or a pipeline that ends in one")
    parser.add_argument("output", type=Path, help="the ONNX file to write; OUTPUT.golden.json comes beside it")
    parser.add_argument("--trust", action="store_true", help="load the pickle; it is a program, and loading it runs it")
    parser.add_argument(
        "--domain",
        type=domain,
        help="one-hot groups, `flights` or NAME:WIDTH,NAME:WIDTH,…: all combinations are compared, and the service "
        "counts the rows outside",
    )
    parser.add_argument("--rows", type=Path, metavar="CSV", help="rows to compare on: numbers, no header, no class")
    parser.add_argument("--name", type=model_name, help="the model's name in URLs and metrics (default: OUTPUT's stem)")
    agreement.add_option(parser)
    try:
        convert(parser.parse_args())
    except (
        agreement.CannotRun,
        agreement.Disagreement,
        argparse.ArgumentTypeError,
        export.CannotExport,
        pickled.Refused,
        BadRows,
        OSError,
    ) as error:
        print(f"convert.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
