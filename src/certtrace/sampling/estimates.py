"""What kept units say about all units: weighted sums and means with their standard errors.

A unit kept with threshold T had the probability p = 1 - T / 2^56 and stands for 1 / p units. A unit without a threshold
was kept for context only: it stands for nothing, and is told apart.

Units of one trace share their randomness, so they are kept together or not: they are added as one trace, and their
covariance is part of the error. Units of different traces are independent where probabilities decided, and uncorrelated
where limits with two or more places did; with a single place the error is stated too large rather than too small.

References:
    Horvitz and Thompson, "A generalization of sampling without replacement from a finite universe", JASA 47, 1952.
    Särndal, Swensson and Wretman, "Model Assisted Survey Sampling", 1992, 2.8 and 5.5 (ratio, linearized).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, NamedTuple

from certtrace.sampling.verdict import NEVER

FEW: Final = 30
"""With fewer sampled traces than this, counted by their weights, a standard error is itself a rough guess."""


def weight(threshold: int | None) -> float:
    """Return how many units one that was kept with this threshold stands for; 0 without a threshold.

    Raises:
        ValueError: The threshold keeps nothing, so that no kept unit can have it.
    """
    if threshold is None:
        return 0.0
    if not 0 <= threshold < NEVER:
        msg = f"a kept unit has a threshold of 0 to 2**56 - 1, got {threshold}"
        raise ValueError(msg)
    return NEVER / (NEVER - threshold)


class Part(NamedTuple):
    """One kept unit of a trace, or any part of one that carries the unit's threshold."""

    threshold: int | None
    """None where it was kept for context only."""
    value: float = 1.0
    size: float = 1.0
    """What `value` is divided by in a mean: 1 for each, or 0 where it has no value."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far an estimate is from what is known exactly."""

    absolute: float
    standard_errors: float | None
    """The same in standard errors; None where the estimate has none."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its standard error."""

    value: float
    standard_error: float = 0.0
    units: int = 0
    """Kept units behind it, without those that weigh nothing."""
    sampled: int = 0
    """Those of them that stand for more than themselves."""
    effective: float = 0.0
    """How many sampled traces of equal weight would say as much: few where a few weigh more than all the others."""
    at_least: float = -math.inf
    """What was seen itself, where no unit can take away from a sum."""

    @property
    def is_exact(self) -> bool:
        """Whether nothing behind it was left to chance."""
        return not self.sampled

    @property
    def is_rough(self) -> bool:
        """Whether so little was sampled that the standard error itself is a rough guess."""
        return self.sampled > 0 and self.effective < FEW

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return where the truth lies with this confidence, by the normal distribution.

        Raises:
            ValueError: `confidence` is not between 0 and 1.
        """
        if not 0.0 < confidence < 1.0:
            msg = f"a confidence is between 0 and 1, got {confidence}"
            raise ValueError(msg)
        reach = NormalDist().inv_cdf(0.5 + confidence / 2) * self.standard_error
        return max(self.value - reach, min(self.at_least, self.value)), self.value + reach

    def against(self, exact: float) -> Difference:
        """Return the difference from the exact number."""
        absolute = self.value - exact
        return Difference(absolute, absolute / self.standard_error if self.standard_error else None)


class Tally:
    """Adds kept units up, trace by trace; its memory does not grow with them."""

    __slots__ = (
        "_heavy",
        "_heavy_size",
        "_seen",
        "_seen_size",
        "_spread",
        "_total",
        "_total_size",
        "context",
        "sampled",
        "units",
    )

    def __init__(self) -> None:
        """Begin at zero."""
        self.units = 0
        """Units that count."""
        self.sampled = 0
        """Those of them that stand for more than themselves."""
        self.context = 0
        """Units that were kept for context only."""
        self._seen = self._seen_size = 0.0
        self._total = self._total_size = 0.0
        self._spread = [0.0, 0.0, 0.0]
        self._heavy = self._heavy_size = (0.0, 0.0)

    def add(self, threshold: int | None, value: float = 1.0, size: float = 1.0) -> None:
        """Add a unit that is alone in its trace."""
        if threshold is None:
            self.context += 1
            return
        self.units += 1
        self.sampled += threshold > 0
        self._add_weighed(((weight(threshold), value, size),))

    def add_trace(self, parts: Iterable[Part]) -> None:
        """Add all kept units of one trace."""
        parts = tuple(parts)
        if len(parts) == 1:
            self.add(*parts[0])
            return
        by_threshold: dict[int, tuple[float, float]] = {}
        for threshold, value, size in parts:
            if threshold is None:
                self.context += 1
                continue
            self.units += 1
            self.sampled += threshold > 0
            before = by_threshold.get(threshold, (0.0, 0.0))
            by_threshold[threshold] = before[0] + value, before[1] + size
        self._add_weighed([(weight(threshold), *sums) for threshold, sums in by_threshold.items()])

    def _add_weighed(self, weighed: Sequence[tuple[float, float, float]]) -> None:
        heavy = heavy_size = 0.0
        for factor, value, size in weighed:
            self._seen += value
            self._seen_size += size
            self._total += factor * value
            self._total_size += factor * size
            if factor > 1.0:
                heavy += factor * value
                heavy_size += factor * size
        if any(factor > 1.0 for factor, _, _ in weighed):
            self._heavy = _heavier(self._heavy, heavy)
            self._heavy_size = _heavier(self._heavy_size, heavy_size)
            self._add_spread(weighed)

    def _add_spread(self, weighed: Sequence[tuple[float, float, float]]) -> None:
        """Add to the variances of total and size, and to their covariance: parts of a trace are kept together."""
        spread = self._spread
        for one, value, size in weighed:
            for other, other_value, other_size in weighed:
                # 1 / (p q) - 1 / min(p, q), with the thresholds of one trace nested
                joint = one * other - max(one, other)
                spread[0] += joint * value * other_value
                spread[1] += joint * value * other_size
                spread[2] += joint * size * other_size

    def total(self) -> Estimate:
        """Estimate the sum of all values."""
        return self._estimate(self._total, self._spread[0], self._heavy, self._seen)

    def count(self) -> Estimate:
        """Estimate the sum of all sizes: the number of units."""
        return self._estimate(self._total_size, self._spread[2], self._heavy_size, self._seen_size)

    def mean(self) -> Estimate | None:
        """Estimate the sum of values over the sum of sizes; None where there is nothing to divide by."""
        if not self._total_size:
            return None
        mean = self._total / self._total_size
        spread = self._spread[0] - 2 * mean * self._spread[1] + mean * mean * self._spread[2]
        return self._estimate(mean, spread / self._total_size**2, self._heavy_size, -math.inf)

    def _estimate(self, value: float, variance: float, heavy: tuple[float, float], seen: float) -> Estimate:
        effective = heavy[0] ** 2 / heavy[1] if heavy[1] else 0.0
        return Estimate(value, math.sqrt(max(variance, 0.0)), self.units, self.sampled, effective, seen)


def _heavier(sums: tuple[float, float], weighed: float) -> tuple[float, float]:
    """Add what one trace stands for to the sum and to the sum of squares."""
    return sums[0] + abs(weighed), sums[1] + weighed * weighed
