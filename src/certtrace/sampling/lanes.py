"""One rule's limit: the lanes of its keys and of the total, each a budget with the window that is open on it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from certtrace.ports import Decision
from certtrace.sampling.budgets import Purse
from certtrace.sampling.verdict import NEVER, Deferred, LimitSpec, Offer
from certtrace.sampling.windows import Window, scaled

REASON: Final = "rate_limit"
"""Why a unit was dropped that its rule's own probability would have kept."""
SECOND_WINDOW: Final = 1.0
"""Seconds of a window, where a bound is by the second."""
DAY_WINDOW: Final = 5.0
"""The same, where bounds are by the day only."""
_GOOD_PLACES: Final = 10
"""Places for which a window by the day waits: with few places the weights of the kept units scatter widely."""
_LONGEST_WAIT: Final = 30.0
"""How long it waits for them; for the first place, as long as it takes."""
_MOST_PLACES: Final = 1_000
"""Places of a window whose budget is by the day: units wait in memory."""
_TIDY_SECONDS: Final = 1.0


class WaitingUnit:
    """A unit that waits for at least one window."""

    __slots__ = ("deferred", "item", "open", "randomness", "rule", "threshold")

    def __init__(self, item: object, deferred: Deferred, randomness: int) -> None:
        self.item = item
        self.deferred = deferred
        self.randomness = randomness
        self.open = len(deferred.offers)
        self.threshold = NEVER
        self.rule = ""

    def settle(self, offer: Offer, threshold: int) -> None:
        """Note what became of one offer."""
        self.open -= 1
        if threshold < self.threshold or not self.rule:
            self.threshold, self.rule = threshold, offer.spec.rule

    def decision(self) -> Decision:
        """Return the decision, once no offer is open."""
        otherwise = self.deferred.otherwise
        threshold, rule = self.threshold, self.rule
        if otherwise.counts and otherwise.threshold <= threshold:
            threshold, rule = otherwise.threshold, otherwise.rule
        if self.randomness >= threshold:
            return Decision(keep=True, rule=rule, threshold=threshold)
        if otherwise.keep:
            return otherwise
        limited = any(offer.floor <= self.randomness for offer in self.deferred.offers)
        return Decision(keep=False, rule=REASON if limited else rule, threshold=threshold)


class Ticket:
    """One offer of one unit on its way through the levels of the limit."""

    __slots__ = ("offer", "threshold", "unit")

    def __init__(self, unit: WaitingUnit, offer: Offer) -> None:
        self.unit = unit
        self.offer = offer
        self.threshold = offer.floor

    def settle(self, threshold: int) -> WaitingUnit:
        """Note what became of the offer; return the unit."""
        self.unit.settle(self.offer, max(self.threshold, threshold))
        return self.unit


@dataclass(slots=True)
class Closed:
    """A window that takes nothing more."""

    window: Window[Ticket]
    at: float
    share: float = 1.0

    def results(self) -> list[tuple[Ticket, int]]:
        """Return the units with a place and the threshold of each."""
        boundary = self.window.beaten + 1
        return [(held, scaled(max(held.threshold, boundary), self.share)) for held in self.window.held()]


class Lane:
    """One budget and the window that is open on it."""

    __slots__ = ("purse", "seconds", "window")

    def __init__(self, per_second: float | None, per_day: int | None, now: float) -> None:
        self.purse = Purse(per_second, per_day, now)
        self.seconds = DAY_WINDOW if per_second is None else SECOND_WINDOW
        self.window: Window[Ticket] | None = None

    def is_due(self, now: float) -> bool:
        """Whether the open window's time is over."""
        return self.window is not None and now >= self.window.close_at

    def add(self, ticket: Ticket, now: float) -> list[tuple[Ticket, int]]:
        """Take a ticket into the open window; return those without a place and their thresholds."""
        if self.window is None:
            self.window = self._open(now)
        return self.window.add(ticket.unit.randomness, ticket)

    def _open(self, now: float) -> Window[Ticket]:
        close_at = (math.floor(now / self.seconds) + 1) * self.seconds
        ready = self.purse.ready_at(close_at)
        if ready == math.inf:
            return Window(0, close_at, 0.0)
        if self.seconds == DAY_WINDOW:
            ready = max(ready, min(self.purse.ready_at(close_at, _GOOD_PLACES), close_at - DAY_WINDOW + _LONGEST_WAIT))
        if ready > close_at:
            close_at = math.ceil(ready / self.seconds) * self.seconds
        places = max(self.purse.whole(close_at), 1)
        if self.seconds == DAY_WINDOW:
            places = min(places, _MOST_PLACES)
        return Window(places, close_at, self.purse.ceiling(close_at))

    def close(self) -> Closed | None:
        """Close the window at its time."""
        window, self.window = self.window, None
        if window is None:
            return None
        self.purse.take(window.close_at, window.units, window.units)
        return Closed(window, window.close_at)

    def close_early(self, now: float) -> tuple[Closed, list[tuple[Ticket, int]]] | None:
        """Close the window now, within what may be kept by now; return it and those that lose their places.

        Where less than one unit may be kept, the best keeps its place with that probability, so that what is counted
        from such windows stays unbiased.
        """
        window, self.window = self.window, None
        if window is None:
            return None
        places = self.purse.whole(now)
        lost = window.shrink(min(window.places, places))
        if places or not window.units:
            self.purse.take(now, window.units, window.units)
            return Closed(window, now), lost
        share = max(self.purse.available(now), 0.0)
        closed = Closed(window, now, share)
        kept = sum(held.unit.randomness >= threshold for held, threshold in closed.results())
        self.purse.take(now, share * window.units, kept)
        return closed, lost


class Limit:
    """All windows of one rule."""

    def __init__(self, spec: LimitSpec, now: float) -> None:
        self.spec = spec
        self.used_at = now
        self._keyed = spec.key_per_second is not None or spec.key_per_day is not None
        self._keys: dict[str, Lane] = {}
        self._shared: Lane | None = None
        self.total: Lane | None = None
        if spec.per_second is not None or spec.per_day is not None:
            self.total = Lane(spec.per_second, spec.per_day, now)
        self._tidied_at = -math.inf

    def lane(self, key: str, now: float) -> Lane | None:
        """Return where a unit of this key enters; None where nothing limits it."""
        self.used_at = now
        return self._lane_of(key, now) if self._keyed else self.total

    def _lane_of(self, key: str, now: float) -> Lane:
        lane = self._keys.get(key)
        if lane is not None:
            return lane
        if len(self._keys) >= self.spec.max_keys:
            self._tidy(now)
        if len(self._keys) < self.spec.max_keys:
            lane = self._keys[key] = self._new_lane(now)
            return lane
        if self._shared is None:
            self._shared = self._new_lane(now)
        return self._shared

    def _new_lane(self, now: float) -> Lane:
        return Lane(self.spec.key_per_second, self.spec.key_per_day, now)

    def _tidy(self, now: float) -> None:
        """Forget keys whose budget is as if they had never been seen."""
        if now - self._tidied_at >= _TIDY_SECONDS:
            self._tidied_at = now
            idle = [key for key, lane in self._keys.items() if lane.window is None and lane.purse.is_fresh(now)]
            for key in idle:
                del self._keys[key]

    def lanes(self) -> Iterator[Lane]:
        """Yield the lanes of the first level."""
        if not self._keyed:
            if self.total is not None:
                yield self.total
            return
        yield from self._keys.values()
        if self._shared is not None:
            yield self._shared

    @property
    def feeds_total(self) -> bool:
        """Whether what a first window keeps competes in another."""
        return self._keyed and self.total is not None
