"""The account: every local root that started is open, pending, kept or dropped for a named reason."""

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """Exact counts of units at one moment; `started == open + pending + kept + sum(dropped)`."""

    started: int
    open: int
    """Not ended yet."""
    pending: int
    """The local root has ended, spans below it have not: not decided yet."""
    kept: int
    kept_by_rule: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    """By reason."""

    @property
    def balanced(self) -> bool:
        """Whether the counts add up."""
        return self.started == self.open + self.pending + self.kept + sum(self.dropped.values())


class Account:
    """Counters of one process; exact under any number of threads."""

    def __init__(self) -> None:
        """Start at zero."""
        self.reset()

    def reset(self) -> None:
        """Start again at zero, as a forked child does."""
        self._lock = threading.Lock()
        self._kept: dict[str, int] = {}
        self._dropped: dict[str, int] = {}

    def kept(self, rule: str) -> None:
        """Count a kept unit."""
        with self._lock:
            self._kept[rule] = self._kept.get(rule, 0) + 1

    def dropped(self, reason: str) -> None:
        """Count a dropped unit."""
        with self._lock:
            self._dropped[reason] = self._dropped.get(reason, 0) + 1

    def snapshot(self, *, started: int, open_units: int, pending: int) -> AccountSnapshot:
        """Return the counts, together with what the tracer has started and has not handed on yet."""
        with self._lock:
            kept, dropped = dict(self._kept), dict(self._dropped)
        return AccountSnapshot(
            started=started,
            open=open_units,
            pending=pending,
            kept=sum(kept.values()),
            kept_by_rule=kept,
            dropped=dropped,
        )
