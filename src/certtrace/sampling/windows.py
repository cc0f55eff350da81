"""Bottom-k sampling: of the units of one window the k with the largest randomness are kept.

The threshold is one above the largest R that did not get a place. For each unit it depends on the others alone, so
1 / (1 - T / 2^56) weighs without bias. Units of one trace share R: they stand or fall together. A trace that alone has
more units than there are places keeps them all the same, or it could never be kept; what it takes beyond is charged.

References:
    Cohen and Kaplan, "Summarizing data using bottom-k sketches", PODC 2007 (rank conditioning).
    Duffield, Lund and Thorup, "Priority sampling for estimation of arbitrary subset sums", J. ACM 54(6), 2007.
"""

import heapq
from typing import Final, Generic, TypeVar

from certtrace.sampling.verdict import NEVER

Held = TypeVar("Held")

MOST_OF_ONE_TRACE: Final = 1_000
"""Units of one trace that a window holds beyond its places; more could fill the memory."""


class Window(Generic[Held]):
    """What competes for `places`. Which units stay does not depend on the order in which they come."""

    __slots__ = ("_held", "_order", "_widest", "beaten", "close_at", "places", "units")

    def __init__(self, places: int, close_at: float, ceiling: float) -> None:
        """Open the window.

        Args:
            places: Units that may be kept; with none, nothing is.
            close_at: When it closes, if nobody closes it before.
            ceiling: Units that may be kept at the very most, even of one trace.
        """
        self.places = places
        self.close_at = close_at
        self.beaten = -1 if places else NEVER - 1
        """The largest R that got no place."""
        self.units = 0
        self._widest = max(places, int(min(ceiling, MOST_OF_ONE_TRACE)))
        self._held: dict[int, list[Held]] = {}
        self._order: list[int] = []

    def add(self, randomness: int, unit: Held) -> list[tuple[Held, int]]:
        """Take a unit in; return those without a place from now on, with their thresholds."""
        if randomness <= self.beaten:
            return [(unit, self.beaten + 1)]
        of_trace = self._held.get(randomness)
        if of_trace is None:
            self._held[randomness] = [unit]
            heapq.heappush(self._order, randomness)
        elif len(of_trace) >= self._widest:
            return [(unit, NEVER)]
        else:
            of_trace.append(unit)
        self.units += 1
        return self.shrink(self.places)

    def shrink(self, places: int) -> list[tuple[Held, int]]:
        """Leave only so many places, at least one trace's; return those that lose theirs, with their thresholds."""
        self.places = places
        lost: list[tuple[Held, int]] = []
        while self.units > places and len(self._order) > 1:
            self.beaten = heapq.heappop(self._order)
            units = self._held.pop(self.beaten)
            self.units -= len(units)
            lost += [(unit, self.beaten + 1) for unit in units]
        return lost

    def held(self) -> list[Held]:
        """Return the units that have a place."""
        return [unit for units in self._held.values() for unit in units]


def scaled(threshold: int, share: float) -> int:
    """Return the threshold that keeps `share` of what this one keeps."""
    if share >= 1.0:
        return threshold
    return NEVER - int((NEVER - threshold) * max(share, 0.0))
