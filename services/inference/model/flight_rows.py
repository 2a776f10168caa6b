"""Flights one by one, as the challenge hands them out: gzipped CSV without header, the class, then the one-hot row.

Owns the reading and the checking of those files; a row that is not one-hot is refused with its file and line.
Must never count or fit.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

from features import FLIGHTS

PARTS = {"train": "train.csv.gz", "test": "test.csv.gz"}
"""The parts of the data set, and the file of each."""


class BadRow(Exception):
    """A row that is no flight; the message starts with file and line."""


def flights(file: Path) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yields (airline, type, month) and the class (1: late) of each flight in `file`."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        for line, row in enumerate(csv.reader(text), start=1):
            try:
                yield _flight(row)
            except ValueError as error:
                raise BadRow(f"{file}:{line}: {error}") from None


def _flight(row: list[str]) -> tuple[tuple[str, ...], int]:
    label, *cells = row or [""]
    if label not in ("0", "1"):
        raise ValueError(f"the class is {label!r}; expected 0 (on time) or 1 (late)")
    return FLIGHTS.decode(cells), int(label)
