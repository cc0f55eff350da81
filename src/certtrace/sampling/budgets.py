"""How many units a limit may keep by now: so many a second, or so many a UTC day along a spending line.

A day's line begins with the worth of one hour, so that a quiet service keeps everything, and the rest accrues evenly
until midnight. What is not spent stays for later the same day. A process that starts anew begins a fresh line: an
hour's worth is also the most that a restart can add to what the day's budget allows.
"""

import math
from typing import Final, Protocol

DAY_SECONDS: Final = 86_400.0
_ROUNDING: Final = 1e-9
_CARRIED: Final = 0.999
"""What a budget a second may hold above one second's worth: fractions add up, whole units do not."""


class Budget(Protocol):
    """One bound. Times are unix seconds that never go back."""

    def available(self, now: float) -> float:
        """Return how many units may be kept now; negative where one trace took more than there was."""
        ...

    def ready_at(self, now: float, units: int = 1) -> float:
        """Return when at least so many units may be kept: `now`, a later time, or infinity."""
        ...

    def ceiling(self, now: float) -> float:
        """Return how many units may be kept at the very most."""
        ...

    def take(self, now: float, units: float, kept: int) -> None:
        """Charge `units`, what was expected to be kept, and count what was `kept` indeed."""
        ...

    def is_fresh(self, now: float) -> bool:
        """Whether it says the same as a new one would."""
        ...


class PerSecond:
    """So many units a second. What is not spent within a second is gone, but for fractions of a unit."""

    def __init__(self, rate: float) -> None:
        """Take the rate; it begins with one second's worth, and at least one unit."""
        self._rate = rate
        self._full = max(rate, 1.0) if rate > 0.0 else 0.0
        self._tokens = self._full
        self._at = -math.inf

    def available(self, now: float) -> float:
        """See `Budget`."""
        if self._at == -math.inf:
            return self._tokens
        most = self._full + _CARRIED if self._full else 0.0
        return min(self._tokens + self._rate * max(now - self._at, 0.0), most)

    def ready_at(self, now: float, units: int = 1) -> float:
        """See `Budget`."""
        missing = units - self.available(now)
        if missing <= _ROUNDING:
            return now
        return now + missing / self._rate if self._rate > 0.0 else math.inf

    def ceiling(self, now: float) -> float:
        """See `Budget`."""
        return math.inf if self._rate > 0.0 else self.available(now)

    def take(self, now: float, units: float, kept: int) -> None:  # noqa: ARG002 - the protocol's signature
        """See `Budget`."""
        self._tokens, self._at = self.available(now) - units, max(now, self._at)

    def is_fresh(self, now: float) -> bool:
        """See `Budget`."""
        return self.available(now) >= self._full


class PerDay:
    """So many units a UTC day, and never more."""

    def __init__(self, units: int) -> None:
        """Take the day's budget."""
        self._budget = units
        self._first = min(max(1.0, units / 24), float(units))
        self._rate = (units - self._first) / DAY_SECONDS
        self._begin = -math.inf
        self._spent = 0.0
        self._kept = 0

    def _state(self, now: float) -> tuple[float, float, int]:
        """Return when the line began, what is spent of it and how many were kept, as of now."""
        midnight = math.floor(now / DAY_SECONDS) * DAY_SECONDS
        if self._begin == -math.inf:
            return now, 0.0, 0
        return (self._begin, self._spent, self._kept) if self._begin >= midnight else (midnight, 0.0, 0)

    def available(self, now: float) -> float:
        """See `Budget`."""
        begin, spent, kept = self._state(now)
        return min(self._first + self._rate * max(now - begin, 0.0) - spent, self._budget - kept)

    def ready_at(self, now: float, units: int = 1) -> float:
        """See `Budget`."""
        missing = units - self.available(now)
        if missing <= _ROUNDING:
            return now
        if not self._budget:
            return math.inf
        midnight = (math.floor(now / DAY_SECONDS) + 1) * DAY_SECONDS
        used_up = self._state(now)[2] >= self._budget or not self._rate
        return midnight if used_up else min(now + missing / self._rate, midnight)

    def ceiling(self, now: float) -> float:
        """See `Budget`."""
        return self._budget - self._state(now)[2]

    def take(self, now: float, units: float, kept: int) -> None:
        """See `Budget`."""
        begin, spent, before = self._state(now)
        self._begin, self._spent, self._kept = begin, spent + units, before + kept

    def touch(self, now: float) -> None:
        """Begin the line."""
        self.take(now, 0.0, 0)

    def is_fresh(self, now: float) -> bool:
        """See `Budget`."""
        return self._begin == -math.inf or self._begin < math.floor(now / DAY_SECONDS) * DAY_SECONDS


class Purse:
    """The bounds of one level of a limit together: what all of them allow."""

    def __init__(self, per_second: float | None, per_day: int | None, now: float) -> None:
        """Take the bounds that are set, at least one, and when the process first asks."""
        self._budgets: list[Budget] = []
        if per_second is not None:
            self._budgets.append(PerSecond(per_second))
        if per_day is not None:
            line = PerDay(per_day)
            line.touch(now)
            self._budgets.append(line)

    def available(self, now: float) -> float:
        """Return how many units may be kept now."""
        return min(budget.available(now) for budget in self._budgets)

    def whole(self, now: float) -> int:
        """Return how many whole units may be kept now."""
        return max(math.floor(self.available(now) + _ROUNDING), 0)

    def ready_at(self, now: float, units: int = 1) -> float:
        """Return when at least so many units may be kept; at midnight at the latest, if ever."""
        return max(budget.ready_at(now, units) for budget in self._budgets)

    def ceiling(self, now: float) -> float:
        """Return how many units may be kept at the very most."""
        return max(min(budget.ceiling(now) for budget in self._budgets), 0.0)

    def take(self, now: float, units: float, kept: int) -> None:
        """Charge what was expected to be kept, and count what was kept."""
        for budget in self._budgets:
            budget.take(now, units, kept)

    def is_fresh(self, now: float) -> bool:
        """Whether a new purse would say the same."""
        return all(budget.is_fresh(now) for budget in self._budgets)
