"""Reads the account's sums while everything moves, and watches that they hold."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from certtrace.assembly.pipeline import Pipeline
from certtrace.delivery.fates import Books
from certtrace.delivery.spool import Spool
from certtrace.sampling import AccountSnapshot, Handover, Passage
from certtrace.tracing.runtime import Tracer
from certtrace.tracing.units import Unit

_log = logging.getLogger("certtrace")

_LOOKS: Final = 5
"""How often a reading is begun anew because a unit started or was accepted meanwhile."""
_NO_BOOKS: Final = Books(0, 0, 0, 0, 0, {})


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of one process at one moment."""

    account: AccountSnapshot
    handover: Handover | None = None
    """None where nothing is spooled."""
    passages: Mapping[str, Passage] = field(default_factory=dict)
    """By destination."""

    @property
    def imbalance(self) -> int:
        """How many units and records are nowhere or counted twice."""
        return sum(each.off for each in self._all())

    @property
    def balanced(self) -> bool:
        """Whether all sums hold."""
        return self.imbalance == 0

    def describe(self) -> str:
        """Return every sum in words, one a line, and what is off where it is."""
        return "\n".join(each.describe() for each in self._all())

    def faults(self) -> str:
        """Return the sums that do not hold, in words; empty where all do."""
        return "; ".join(each.describe() for each in self._all() if not each.balanced)

    def _all(self) -> list[AccountSnapshot | Handover | Passage]:
        handover = [self.handover] if self.handover is not None else []
        return [self.account, *handover, *self.passages.values()]


def read_sums(pipeline: Pipeline, tracer: Tracer, spool: Spool | None) -> Sums:
    """Read the sums. No thread waits for this longer than for the worker."""
    for _ in range(_LOOKS - 1):
        look = _Look(pipeline, tracer, spool)
        if not look.moved:
            return look.sums()
    return _Look(pipeline, tracer, spool).sums()


class _Look:
    """One look at all counters. What only grows is read before and behind what it is compared with.

    A unit is found among the undecided ones until it is in the queue or, by its own word, counted; the account's lock
    keeps it from passing from the queue to the counts. It enters the undecided ones before it counts as started.
    """

    def __init__(self, pipeline: Pipeline, tracer: Tracer, spool: Spool | None) -> None:
        before = spool.books() if spool is not None else _NO_BOOKS
        account, started = pipeline.account, tracer.started_total
        with pipeline.lock:
            # In this order: a unit passes from the first to the second, and from both to the queue.
            undecided = {id(unit): unit for unit in [*tracer.units.open.values(), *pipeline.deferred.values()]}
            queued = pipeline.queued()
            self.decided = account.snapshot([unit.decision.rule for unit in queued if unit.decision is not None])
            for unit in queued:
                undecided.pop(id(unit), None)
            live = [unit for unit in undecided.values() if not unit.counted and unit.number >= 0]
            self.pending = sum(unit.root_ended or id(unit) in pipeline.deferred for unit in live)
            self.undecided = len(live)
            self.begun = sum(unit.sequence > 0 for unit in live)
            self.accepting = sum(_is_being_accepted(unit) for unit in live) + pipeline.outlet.is_promoting
            at_start, self.recalled = account.at_start, account.recalled
        self.started = started + at_start, tracer.started_total + at_start
        self.has_spool = spool is not None
        self.books = after = spool.books() if spool is not None else _NO_BOOKS
        self.accepted = before.handed_out - after.refused, after.handed_out - before.refused

    @property
    def moved(self) -> bool:
        """Whether a unit started or was accepted meanwhile."""
        return self.started[0] != self.started[1] or self.accepted[0] != self.accepted[1]

    def sums(self) -> Sums:
        """Return the sums. What grew meanwhile counts as of the moment at which the rest was read, if there was one."""
        known = self.undecided + self.decided.kept + sum(self.decided.dropped.values())
        account = self.decided.with_undecided(
            started=min(max(known, self.started[0]), self.started[1]),
            open_units=self.undecided - self.pending,
            pending=self.pending,
        )
        return Sums(account, self._handover() if self.has_spool else None, self._passages())

    def _handover(self) -> Handover:
        low, high = self.accepted
        known = self.decided.kept + self.begun + self.recalled
        accepted = max(known, low) if known <= high else high
        return Handover(
            accepted=accepted,
            kept=self.decided.kept,
            begun=self.begun,
            recalled=self.recalled,
            accepting=min(max(accepted - known, 0), self.accepting),
            taken=self.books.accepted,
            waiting=self.books.waiting,
            settled=self.books.settled,
        )

    def _passages(self) -> dict[str, Passage]:
        return {
            name: Passage(
                destination=name,
                records=found.written,
                spooled=found.spooled,
                delivered=found.delivered,
                dead_lettered=found.dead_lettered,
                degraded=found.degraded,
                lost=found.lost,
            )
            for name, found in self.books.records.items()
        }


def _is_being_accepted(unit: Unit) -> bool:
    """Whether the spool may have the unit, and the thread that gave it has not noted so yet."""
    decided = unit.decision is not None and unit.decision.keep
    return unit.sequence <= 0 and (decided or unit.parting != 0)


class Audit:
    """The running check: what is off in two looks in a row is a fault of certtrace, logged once and counted."""

    def __init__(self, read: Callable[[], Sums]) -> None:
        """Take what reads the sums."""
        self._read = read
        self._off_before = False
        self._told = False
        self.faults = 0
        """How often a sum stopped holding."""

    def __call__(self) -> None:
        """Look."""
        found = self._read()
        off = not found.balanced
        if off and self._off_before and not self._told:
            self.faults += 1
            if self.faults == 1:
                _log.error("The account does not add up. This is a fault of certtrace: %s", found.faults())
        self._told = off and self._off_before
        self._off_before = off
