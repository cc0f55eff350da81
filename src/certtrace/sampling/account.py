"""The account: every local root that started is open, pending, kept or dropped for a named reason.

What is kept was accepted by the spool, and the records of it are, by destination, in the spool, delivered, dead
letters, or in memory while the disk refuses. All sums are checked while the process runs.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class ServiceCounts:
    """Exact counts of the units of one service."""

    started: int = 0
    open: int = 0
    pending: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    """By rule."""
    dropped: dict[str, dict[str, int]] = field(default_factory=dict)
    """By reason, then by the rule that had decided; where nothing but a rule was the reason, both are its name."""


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """Exact counts of units at one moment; `started == open + pending + kept + sum(dropped)`."""

    started: int = 0
    open: int = 0
    """Not ended yet."""
    pending: int = 0
    """The local root has ended, and spans below it have not, or a rate limit's window is open: not decided yet."""
    kept: int = 0
    kept_by_rule: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    """By reason."""
    service: str = ""
    """The process's own."""
    by_service: dict[str, ServiceCounts] = field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        """Whether the counts add up."""
        return self.off == 0

    @property
    def off(self) -> int:
        """How many units are nowhere or counted twice."""
        return abs(self.started - (self.open + self.pending + self.kept + sum(self.dropped.values())))

    def with_undecided(self, *, started: int, open_units: int, pending: int) -> "AccountSnapshot":
        """Return the whole account, with what only the tracer knows: units that started and are not decided."""
        elsewhere = sum(
            sum(counts.kept.values()) + sum(map(_sum, counts.dropped.values()))
            for name, counts in self.by_service.items()
            if name != self.service
        )
        own = self.by_service.get(self.service, ServiceCounts())
        own = replace(own, started=started - elsewhere, open=open_units, pending=pending)
        return replace(
            self,
            started=started,
            open=open_units,
            pending=pending,
            by_service={**self.by_service, self.service: own},
        )

    def describe(self) -> str:
        """Return the sum in words, and what is off where it is."""
        parts = {"open": self.open, "pending": self.pending, "kept": self.kept}
        parts |= {f"dropped ({reason})": number for reason, number in sorted(self.dropped.items())}
        return _sum_text(self.started, "started", parts)


class Account:
    """Counters of one process; exact under any number of threads."""

    def __init__(self, lock: AbstractContextManager[object], service: str = "") -> None:
        """Start at zero.

        Args:
            lock: Shared with the queue of units that are still to be counted.
            service: Whose units these are, where a call does not say otherwise.
        """
        self._lock = lock
        self._service = service
        self._kept: dict[tuple[str, str], int] = {}
        self._dropped: dict[tuple[str, str, str], int] = {}
        self.at_start = 0
        """Units dropped at their start: nobody else counts that they started."""
        self.recalled = 0
        """Units kept here that other processes had dropped, which ended: in none of the counts."""

    def count_kept(self, rule: str, service: str | None = None) -> None:
        """Count a kept unit; the caller holds the lock."""
        key = self._service if service is None else service, rule
        self._kept[key] = self._kept.get(key, 0) + 1

    def dropped(self, reason: str, rule: str = "", service: str | None = None) -> None:
        """Count a dropped unit.

        Args:
            reason: Why: a rule, a limit, no room.
            rule: What had decided before something else dropped it, such as `error` where the spool is full.
            service: Whose unit it is; by default the process's own.
        """
        with self._lock:
            self.count_dropped(reason, rule, service)

    def count_dropped(self, reason: str, rule: str = "", service: str | None = None) -> None:
        """Do the same; the caller holds the lock."""
        key = self._service if service is None else service, reason, rule or reason
        self._dropped[key] = self._dropped.get(key, 0) + 1

    def dropped_at_start(self, reason: str, rule: str) -> None:
        """Count a unit that was dropped before it was anything."""
        with self._lock:
            self.at_start += 1
            self.count_dropped(reason, rule)

    def promoted(self, reason: str) -> None:
        """Count a unit of the process's own service that was dropped for this reason as kept after all.

        Args:
            reason: Empty where another process had dropped it.
        """
        with self._lock:
            found = (key for key, number in self._dropped.items() if key[:2] == (self._service, reason) and number)
            dropped = next(found, None)
            if dropped is None:
                self.recalled += 1
                return
            self._dropped[dropped] -= 1
            self.count_kept("promoted")

    def snapshot(self, queued: Sequence[str]) -> AccountSnapshot:
        """Return the counts of decided units; the caller holds the lock and fills in what the tracer knows.

        Args:
            queued: Rules of the units that are kept and not counted yet.
        """
        kept = dict(self._kept)
        for rule in queued:
            kept[self._service, rule] = kept.get((self._service, rule), 0) + 1
        by_rule: dict[str, int] = {}
        services: dict[str, ServiceCounts] = {}
        for (service, rule), number in sorted(kept.items()):
            by_rule[rule] = by_rule.get(rule, 0) + number
            services.setdefault(service, ServiceCounts()).kept[rule] = number
        by_reason: dict[str, int] = {}
        for (service, reason, rule), number in sorted(self._dropped.items()):
            if not number:
                continue  # all of them came after all
            by_reason[reason] = by_reason.get(reason, 0) + number
            services.setdefault(service, ServiceCounts()).dropped.setdefault(reason, {})[rule] = number
        decided = {
            name: replace(counts, started=_sum(counts.kept) + sum(map(_sum, counts.dropped.values())))
            for name, counts in services.items()
        }
        return AccountSnapshot(
            kept=_sum(by_rule), kept_by_rule=by_rule, dropped=by_reason, service=self._service, by_service=decided
        )


@dataclass(frozen=True, slots=True)
class Handover:
    """How the account and the spool agree, in units.

    `accepted == kept + begun + recalled + accepting` at one moment, and at another `taken == waiting + settled`.
    """

    accepted: int
    """Units that the spool has accepted."""
    kept: int
    """Units that the account has as kept."""
    begun: int = 0
    """Units that are not decided as a whole, of which a first part was accepted, or whose skeleton is just written."""
    recalled: int = 0
    """Units that processes had dropped that ended, and that were wanted after all: in no account."""
    accepting: int = 0
    """Units of which a thread is about to note that they were accepted; no more than there are threads that do."""
    taken: int = 0
    """Units that the spool has accepted, counted with the two that follow."""
    waiting: int = 0
    """Units without content on disk: they wait for the worker, are in memory, or what they had was refused by both."""
    settled: int = 0
    """Units with content on disk, or taken from memory by every destination."""

    @property
    def off(self) -> int:
        """How many units are nowhere or counted twice."""
        missing = self.accepted - (self.kept + self.begun + self.recalled + self.accepting)
        return abs(missing) + abs(self.taken - self.waiting - self.settled)

    @property
    def balanced(self) -> bool:
        """Whether both sums hold."""
        return self.off == 0

    def describe(self) -> str:
        """Return the sums in words, and what is off where it is."""
        names = ("kept", "begun", "recalled", "accepting")
        first = _sum_text(self.accepted, "accepted", {name: getattr(self, name) for name in names})
        second = _sum_text(self.taken, "accepted", {"waiting": self.waiting, "settled": self.settled})
        return f"{first}; {second}"


@dataclass(frozen=True, slots=True)
class Passage:
    """Where the records are that this process had for one destination; `records` is the sum of all the others.

    A record is what the spool takes at once: the content of a unit, a part of it where it is large, or scores. Counted
    are this process's own: neither what ended processes left and it delivers for them, nor what its parent wrote before
    a fork. A record that is for other destinations only is not counted.
    """

    destination: str
    records: int
    """Records that were given to the spool."""
    spooled: int = 0
    """On disk, and neither delivered nor refused."""
    delivered: int = 0
    """Taken whole by the destination."""
    dead_lettered: int = 0
    """Refused, all or a part, and the whole kept as a dead letter."""
    degraded: int = 0
    """In memory, because the disk refuses, and not delivered."""
    lost: int = 0
    """Held by neither disk nor memory, deleted or damaged from outside, or neither deliverable nor kept as a letter."""

    @property
    def off(self) -> int:
        """How many records are nowhere or counted twice."""
        return abs(self.records - _sum(self._places()))

    @property
    def balanced(self) -> bool:
        """Whether every record is somewhere."""
        return self.off == 0

    def describe(self) -> str:
        """Return the sum in words, and what is off where it is."""
        return f"{self.destination}: {_sum_text(self.records, 'records', self._places())}"

    def _places(self) -> dict[str, int]:
        return {
            "spooled": self.spooled,
            "delivered": self.delivered,
            "dead-lettered": self.dead_lettered,
            "degraded": self.degraded,
            "lost": self.lost,
        }


def _sum(counts: Mapping[str, int]) -> int:
    return sum(counts.values())


def _sum_text(total: int, name: str, parts: Mapping[str, int]) -> str:
    text = " + ".join(f"{number} {part}" for part, number in parts.items() if number) or "0"
    missing = total - sum(parts.values())
    if not missing:
        return f"{total} {name} = {text}"
    off = f"{missing} nowhere" if missing > 0 else f"{-missing} counted twice"
    return f"{total} {name}, but {text}: {off}"
