"""The counts stand for the flights: nothing is lost, nothing is guessed."""

import gzip

import flight_counts
import flight_rows
import numpy as np
import pytest
import tally
from estimation import balanced_weights, fit, weighted_rows
from features import FLIGHTS
from flight_counts import Count

KEYS = list(FLIGHTS.combinations())


def write(folder, rows):
    """Both parts with these rows, each a class and a combination."""
    lines = "".join(",".join(map(str, [label, *map(int, FLIGHTS.encode(key))])) + "\n" for label, key in rows)
    for name in flight_rows.PARTS.values():
        with gzip.open(folder / name, "wt") as file:
            file.write(lines)


def test_flights_are_counted_by_class(tmp_path):
    write(tmp_path, [(0, KEYS[3]), (1, KEYS[3]), (1, KEYS[3]), (0, KEYS[500])])
    counts = [count for count in tally.tally(tmp_path) if count.part == "train"]
    assert [(count.key, count.on_time, count.late) for count in counts] == [(KEYS[3], 1, 2), (KEYS[500], 1, 0)]


@pytest.mark.parametrize("column", [1, 24, 26])
def test_a_row_that_is_not_one_hot_is_refused_with_its_place(tmp_path, column):
    write(tmp_path, [(0, KEYS[0])] * 2)
    good = [0, *map(int, FLIGHTS.encode(KEYS[0]))]
    good[column] = 1 - good[column]
    with gzip.open(tmp_path / flight_rows.PARTS["train"], "at") as file:
        file.write(",".join(map(str, good)) + "\n")
    with pytest.raises(flight_rows.BadRow, match=r"train\.csv\.gz:3"):
        tally.tally(tmp_path)


def test_the_committed_counts_hold_the_whole_data_set():
    counts = flight_counts.read(tally.FLIGHTS_CSV)
    flights = {part: sum(c.on_time + c.late for c in counts if c.part == part) for part in flight_rows.PARTS}
    assert flights == {"train": 45698, "test": 22508}


def test_the_committed_counts_are_those_of_the_full_rows(data_dir):
    assert flight_counts.read(tally.FLIGHTS_CSV) == tally.tally(data_dir)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("train,Sky Airline,N,13,1,1", "no airline, type and month"),
        ("train,Sky Airline,N,1,-1,1", "whole numbers"),
        ("dev,Sky Airline,N,1,1,1", "expected train or test"),
        ("train,Sky Airline,N,1,1", "expected 6 columns"),
        ("train,Sky Airline,N,2,1,1", "counted before"),
    ],
)
def test_a_line_that_is_no_count_is_refused_with_its_place(tmp_path, line, says):
    file = tmp_path / "flights.csv"
    file.write_text(flight_counts.render([Count("train", "Sky Airline", "N", "2", 3, 4)]) + line + "\n")
    with pytest.raises(flight_counts.BadCounts, match=rf"flights\.csv:4: .*{says}"):
        flight_counts.read(file)


def test_classes_weigh_the_same_and_all_weights_are_all_flights():
    classes, flights = np.array([0, 1, 0]), np.array([5.0, 2.0, 3.0])
    weights = balanced_weights(classes, flights)
    assert weights[classes == 0].sum() == pytest.approx(weights[classes == 1].sum())
    assert weights.sum() == pytest.approx(flights.sum())


def test_counts_and_single_flights_are_the_same_estimation():
    generator = np.random.default_rng(7)
    counts = [Count("train", *key, *map(int, generator.integers(0, 5, 2))) for key in KEYS]
    rows, classes, flights = weighted_rows(counts)
    singles = np.repeat(np.arange(len(rows)), flights.astype(int))
    by_count = fit(rows, classes, flights)
    by_flight = fit(rows[singles], classes[singles], np.ones(len(singles)))
    assert np.abs(by_count.coef_ - by_flight.coef_).max() < 1e-8
