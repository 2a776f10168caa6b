"""What the columns of a row mean: named one-hot groups, their order, and all rows that they allow.

Owns the feature order of the flights model. Must never read a file or know a classifier.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """One categorical feature, one-hot encoded: exactly one of its columns is 1 in a row of the domain."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """Groups side by side, in the order of the columns."""

    groups: tuple[Group, ...]

    @property
    def width(self) -> int:
        """How many columns a row has."""
        return sum(len(group.values) for group in self.groups)

    @property
    def size(self) -> int:
        """How many rows the domain has: one for each combination of values."""
        return math.prod(len(group.values) for group in self.groups)

    @property
    def names(self) -> list[str]:
        """The columns' names, `GROUP_value`."""
        return [f"{group.name}_{value}" for group in self.groups for value in group.values]

    def starts(self) -> list[int]:
        """The column at which each group starts."""
        widths = (len(group.values) for group in self.groups)
        return list(itertools.accumulate(widths, initial=0))[:-1]

    def spans(self) -> list[dict[str, str | int]]:
        """Name, start and end (exclusive) of each group, as the ONNX metadata property `feature_groups` holds them."""
        return [
            {"name": group.name, "start": start, "end": start + len(group.values)}
            for group, start in zip(self.groups, self.starts(), strict=True)
        ]

    def combinations(self) -> Iterator[tuple[str, ...]]:
        """Every combination of values; the first group changes slowest."""
        return itertools.product(*(group.values for group in self.groups))

    def encode(self, key: tuple[str, ...]) -> list[int]:
        """The one-hot row of a combination of values."""
        row = [0] * self.width
        for group, start, value in zip(self.groups, self.starts(), key, strict=True):
            row[start + group.values.index(value)] = 1
        return row

    def decode(self, row: list[str]) -> tuple[str, ...]:
        """The combination of values that a one-hot row of the texts `0` and `1` stands for.

        Raises ValueError, saying which column or group is wrong, for anything else.
        """
        if len(row) != self.width:
            raise ValueError(f"expected {self.width} features, got {len(row)}")
        for name, cell in zip(self.names, row, strict=True):
            if cell not in ("0", "1"):
                raise ValueError(f"{name} is {cell!r}; expected 0 or 1")
        key = []
        for group, start in zip(self.groups, self.starts(), strict=True):
            cells = row[start : start + len(group.values)]
            if cells.count("1") != 1:
                raise ValueError(f"{cells.count('1')} columns of {group.name} are 1; expected exactly one")
            key.append(group.values[cells.index("1")])
        return tuple(key)


FLIGHTS = Layout(
    (
        Group(
            "OPERA",
            (
                "Aerolineas Argentinas",
                "Aeromexico",
                "Air Canada",
                "Air France",
                "Alitalia",
                "American Airlines",
                "Austral",
                "Avianca",
                "British Airways",
                "Copa Air",
                "Delta Air",
                "Gol Trans",
                "Grupo LATAM",
                "Iberia",
                "JetSmart SPA",
                "K.L.M.",
                "Lacsa",
                "Latin American Wings",
                "Oceanair Linhas Aereas",
                "Plus Ultra Lineas Aereas",
                "Qantas Airways",
                "Sky Airline",
                "United Airlines",
            ),
        ),
        Group("TIPOVUELO", ("I", "N")),
        Group("MES", tuple(str(month) for month in range(1, 13))),
    )
)
"""The flights model: operating airline, flight type (international, national), month."""
