"""The account: every local root that started is open, pending, kept or dropped for a named reason."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """Exact counts of units at one moment; `started == open + pending + kept + sum(dropped)`."""

    started: int = 0
    open: int = 0
    """Not ended yet."""
    pending: int = 0
    """The local root has ended, spans below it have not: not decided yet."""
    kept: int = 0
    kept_by_rule: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    """By reason."""

    @property
    def balanced(self) -> bool:
        """Whether the counts add up."""
        return self.started == self.open + self.pending + self.kept + sum(self.dropped.values())


class Account:
    """Counters of one process; exact under any number of threads."""

    def __init__(self, lock: threading.Lock) -> None:
        """Start at zero; the lock is shared with the queue of units that are still to be counted."""
        self._lock = lock
        self._kept: dict[str, int] = {}
        self._dropped: dict[str, int] = {}

    def count_kept(self, rule: str) -> None:
        """Count a kept unit; the caller holds the lock."""
        self._kept[rule] = self._kept.get(rule, 0) + 1

    def dropped(self, reason: str) -> None:
        """Count a dropped unit."""
        with self._lock:
            self._dropped[reason] = self._dropped.get(reason, 0) + 1

    def promoted(self, reason: str) -> None:
        """Count a unit that was dropped for this reason as kept after all."""
        with self._lock:
            self._dropped[reason] = self._dropped.get(reason, 0) - 1
            self.count_kept("promoted")

    def snapshot(self, queued: Sequence[str]) -> AccountSnapshot:
        """Return the counts of decided units; the caller holds the lock and fills in what the tracer knows.

        Args:
            queued: Rules of the units that are kept and not counted yet.
        """
        kept = dict(self._kept)
        for rule in queued:
            kept[rule] = kept.get(rule, 0) + 1
        return AccountSnapshot(kept=sum(kept.values()), kept_by_rule=kept, dropped=dict(self._dropped))
