"""Aggregates that SQLite has not: exact quantiles, and histograms."""

import math
import sqlite3
from typing import Final

from certtrace.records.mapping.values import json_text

QUANTILES: Final = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}


class _Gathered:
    """The values of one group; those that are missing do not count."""

    def __init__(self) -> None:
        self._values: list[float] = []
        self._option: float = 0

    def step(self, value: float | None, option: float) -> None:
        """Take one more value."""
        self._option = option
        if isinstance(value, (int, float)) and math.isfinite(value):
            self._values.append(value)


class _Quantile(_Gathered):
    def finalize(self) -> float | None:
        """Return the quantile: between two values, as far as it lies between their ranks."""
        return quantile(sorted(self._values), self._option)


class _Histogram(_Gathered):
    def finalize(self) -> str:
        """Return the bins as JSON."""
        return json_text(histogram(self._values, int(self._option)))


def install(connection: sqlite3.Connection) -> None:
    """Give a connection the aggregates `quantile(value, share)` and `histogram(value, bins)`."""
    connection.create_aggregate("quantile", 2, _Quantile)  # type: ignore[arg-type]  # its values are numbers, not any
    connection.create_aggregate("histogram", 2, _Histogram)  # type: ignore[arg-type]  # its values are numbers, not any


def quantile(ordered: list[float], share: float) -> float | None:
    """Return the value that a share of ordered values lies below; None of no values."""
    if not ordered:
        return None
    rank = share * (len(ordered) - 1)
    lower = math.floor(rank)
    upper = min(lower + 1, len(ordered) - 1)
    return ordered[lower] + (ordered[upper] - ordered[lower]) * (rank - lower)


def histogram(values: list[float], bins: int) -> list[tuple[float, float, int]]:
    """Return lower end, upper end and count of bins of equal width that have any values in them.

    A value on a border counts to the bin above; the largest to the last.
    """
    if not values:
        return []
    low, high = min(values), max(values)
    width = (high - low) / bins
    if not width or not math.isfinite(width):
        return [(low, high, len(values))]
    counts = [0] * bins
    for value in values:
        counts[min(int((value - low) / width), bins - 1)] += 1
    edges = [low + width * index for index in range(bins)] + [high]
    return [(edges[index], edges[index + 1], count) for index, count in enumerate(counts) if count]
