"""Counts the flights of the full data set into flights.csv.

Must never change what it counts: a row that is not one-hot ends it, with file and line.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import flight_counts
import flight_rows
from features import FLIGHTS

FLIGHTS_CSV = Path(__file__).with_name("flights.csv")


def tally(directory: Path) -> list[flight_counts.Count]:
    """Counts both parts in `directory`: training before test, then in the order of the features."""
    counts = []
    for part, name in flight_rows.PARTS.items():
        seen = Counter(flight_rows.flights(directory / name))
        for key in FLIGHTS.combinations():
            on_time, late = seen[key, 0], seen[key, 1]
            if on_time + late > 0:
                counts.append(flight_counts.Count(part, *key, on_time, late))
    return counts


def main() -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="tally.py",
        description="Counts the flights of the full data set into flights.csv, from which train.py trains.",
        epilog="The data set is not part of the repository: train.csv.gz and test.csv.gz of the NeuralWorks "
        "flight-delay challenge, gzipped CSV without header, first the class (1: late), then the one-hot row.",
    )
    parser.add_argument("data_dir", type=Path, help="the folder with train.csv.gz and test.csv.gz")
    parser.add_argument("--output", type=Path, default=FLIGHTS_CSV, help="the file to write (default: flights.csv)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is stale")
    options = parser.parse_args()
    try:
        counts = tally(options.data_dir)
    except (flight_rows.BadRow, OSError) as error:
        print(f"tally.py: {error}", file=sys.stderr)
        return 1
    text = flight_counts.render(counts)
    if options.check:
        if not options.output.exists() or options.output.read_bytes() != text.encode():
            print(f"tally.py: {options.output} is stale; run `cargo xtask model tally`", file=sys.stderr)
            return 1
    else:
        options.output.write_bytes(text.encode())
    for part in flight_rows.PARTS:
        of_part = [count for count in counts if count.part == part]
        flights = sum(count.on_time + count.late for count in of_part)
        print(f"{part}: {flights} flights in {len(of_part)} combinations of airline, type and month")
    return 0


if __name__ == "__main__":
    sys.exit(main())
