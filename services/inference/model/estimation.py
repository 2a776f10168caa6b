"""The estimation of the flights model: a balanced logistic regression, on counts or on single flights.

Owns the settings of the classifier. Must never read or write a file.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from features import FLIGHTS
from flight_counts import Count
from sklearn.linear_model import LogisticRegression

DOMAIN = np.array([FLIGHTS.encode(key) for key in FLIGHTS.combinations()], dtype=np.float64)
"""All rows that the features allow."""


def weighted_rows(counts: Iterable[Count]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, classes and how many flights each stands for; a count of zero has no row."""
    rows, classes, flights = [], [], []
    for count in counts:
        for label, number in ((0, count.on_time), (1, count.late)):
            if number > 0:
                rows.append(FLIGHTS.encode(count.key))
                classes.append(label)
                flights.append(number)
    return np.array(rows, dtype=np.float64), np.array(classes), np.array(flights, dtype=np.float64)


def balanced_weights(classes: np.ndarray, flights: np.ndarray) -> np.ndarray:
    """Each row's flights times its class's weight: all flights / (number of classes × flights of the class).

    It is what `class_weight="balanced"` means on single flights. It is computed here because scikit-learn took the
    classes' shares from the number of rows, not from their weights, before its version 1.9.
    """
    present = np.unique(classes)
    share = {label: flights[classes == label].sum() for label in present}
    weight = {label: flights.sum() / (len(present) * share[label]) for label in present}
    return flights * np.array([weight[label] for label in classes])


def fit(rows: np.ndarray, classes: np.ndarray, flights: np.ndarray) -> LogisticRegression:
    """The classifier that fits the flights; deterministic, and converged far below the precision of float32."""
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-10, max_iter=200)
    return model.fit(rows, classes, sample_weight=balanced_weights(classes, flights))
