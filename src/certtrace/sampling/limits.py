"""Rate limits: units wait for their window to close, then those with the largest randomness are kept.

A limit has up to two levels. Each key has windows of its own; what survives them competes in the total's, and T is the
higher of the two. Every rule's windows see all units that it matches, whatever other rules say of them, so that the
order of rules does not matter; a unit's final T is the lowest of what its limits and the other rules say.
"""

import math
import threading
from typing import Final

from certtrace.ports import Decision
from certtrace.sampling.lanes import Closed, Lane, Limit, Ticket, WaitingUnit
from certtrace.sampling.verdict import CERTAIN, Deferred, LimitSpec

_A_MOMENT: Final = 1e-6
_FORGET_SECONDS: Final = 86_400.0

Decided = list[tuple[object, Decision]]


class Limits:
    """Decides units that rate limits have to see first. Thread-safe; knows no clock of its own.

    Each unit that is offered is returned once: by `offer` itself, by a later `offer` that beats it, or by `due`.
    Memory is bounded by the places of the windows, not by traffic.
    """

    def __init__(self) -> None:
        """Begin with fresh budgets."""
        self._lock = threading.Lock()
        self._limits: dict[LimitSpec, Limit] = {}
        self._closed: list[tuple[Limit, Closed]] = []
        self._waiting: dict[int, WaitingUnit] = {}
        self._next = math.inf
        self._latest = -math.inf
        self._stepped_back = 0.0

    @property
    def pending(self) -> int:
        """Units that are not decided yet."""
        return len(self._waiting)

    def pending_items(self) -> list[object]:
        """Return what is not decided yet, oldest first."""
        with self._lock:
            return [unit.item for unit in self._waiting.values()]

    def offer(self, item: object, deferred: Deferred, randomness: int, now: float) -> Decided:
        """Take one unit in; return what is decided by that: this unit, or others that it beats.

        Args:
            item: Whatever stands for the unit; it comes back as it is.
            deferred: What the policy says.
            randomness: R of the unit, 0 to 2**56 - 1.
            now: Unix time in seconds. A clock that is set back does not stop the windows.
        """
        otherwise = deferred.otherwise
        if not deferred.offers or (otherwise.keep and otherwise.counts and otherwise.threshold == CERTAIN):
            return [(item, otherwise)]
        with self._lock:
            now = self._time(now)
            unit = WaitingUnit(item, deferred, randomness)
            self._waiting[id(unit)] = unit
            decided: Decided = []
            for each in deferred.offers:
                self._enter(Ticket(unit, each), now, decided)
            return decided

    def due(self, now: float, *, everything: bool = False) -> Decided:
        """Return the units whose windows have closed by now.

        Args:
            now: As for `offer`.
            everything: Close all windows, at a flush or the end of the process, within what may be kept by now.
        """
        with self._lock:
            now = self._time(now)
            if now < self._next and not self._closed and not everything:
                return []
            decided: Decided = []
            for limit in list(self._limits.values()):
                self._close_firsts(limit, now, decided, everything=everything)
            firsts, self._closed = self._closed, []
            for limit, closed in sorted(firsts, key=lambda pair: pair[1].at):
                self._hand_on(limit, closed, decided)
            for limit in list(self._limits.values()):
                if limit.feeds_total and limit.total is not None:
                    self._close(limit, limit.total, now, decided, everything=everything)
            totals, self._closed = self._closed, []
            for _, closed in totals:
                self._finish(closed.results(), decided)
            self._look_ahead(now)
            return decided

    def _time(self, now: float) -> float:
        if now + self._stepped_back < self._latest:
            self._stepped_back = self._latest - now
        self._latest = now + self._stepped_back
        return self._latest

    def _enter(self, ticket: Ticket, now: float, decided: Decided) -> None:
        offer = ticket.offer
        if ticket.unit.randomness < offer.floor:
            self._finish([(ticket, offer.floor)], decided)
            return
        limit = self._limits.get(offer.spec)
        if limit is None:
            limit = self._limits[offer.spec] = Limit(offer.spec, now)
        lane = limit.lane(offer.key, now)
        if lane is None:
            self._finish([(ticket, offer.floor)], decided)
            return
        self._add(limit, lane, ticket, now, decided)

    def _add(self, limit: Limit, lane: Lane, ticket: Ticket, now: float, decided: Decided) -> None:
        if lane.is_due(now) and (closed := lane.close()) is not None:
            self._closed.append((limit, closed))
        self._finish(lane.add(ticket, now), decided)
        if lane.window is not None:
            self._next = min(self._next, lane.window.close_at)

    def _close_firsts(self, limit: Limit, now: float, decided: Decided, *, everything: bool) -> None:
        for lane in limit.lanes():
            self._close(limit, lane, now, decided, everything=everything)

    def _close(self, limit: Limit, lane: Lane, now: float, decided: Decided, *, everything: bool) -> None:
        closed: Closed | None = None
        if lane.is_due(now):
            closed = lane.close()
        elif everything and (early := lane.close_early(now)) is not None:
            closed, lost = early
            self._finish(lost, decided)
        if closed is not None:
            self._closed.append((limit, closed))

    def _hand_on(self, limit: Limit, closed: Closed, decided: Decided) -> None:
        """Settle what a first window kept, or let it compete in the total's window of the same time."""
        if not limit.feeds_total or limit.total is None:
            self._finish(closed.results(), decided)
            return
        for ticket, threshold in closed.results():
            ticket.threshold = threshold
            if ticket.unit.randomness < threshold:
                self._finish([(ticket, threshold)], decided)
            else:
                self._add(limit, limit.total, ticket, closed.at - _A_MOMENT, decided)

    def _finish(self, results: list[tuple[Ticket, int]], decided: Decided) -> None:
        for ticket, threshold in results:
            unit = ticket.settle(threshold)
            if not unit.open:
                del self._waiting[id(unit)]
                decided.append((unit.item, unit.decision()))

    def _look_ahead(self, now: float) -> None:
        """Note when the next window closes, and forget limits that no policy has any more."""
        self._next = math.inf
        for limit in list(self._limits.values()):
            lanes = [*limit.lanes(), *([limit.total] if limit.feeds_total and limit.total is not None else [])]
            times = [lane.window.close_at for lane in lanes if lane.window is not None]
            if times:
                self._next = min(self._next, *times)
            elif now - limit.used_at > _FORGET_SECONDS:
                del self._limits[limit.spec]
