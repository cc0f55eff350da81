"""Let other threads run: redaction works beside the threads that grade, and must not make them wait."""

import time
from threading import local
from typing import Final

_EVERY: Final = 16
_HELD_SECONDS: Final = 0.002
_PAUSE_SECONDS: Final = 0.000_05


class DeadlinePassedError(Exception):
    """The time that a value may take is used up."""


class Deadline:
    """The moment until which a value may be examined; what is not examined by then is withheld."""

    __slots__ = ("_at",)

    def __init__(self, seconds: float) -> None:
        """Begin now; infinity sets no limit."""
        self._at = time.monotonic() + seconds

    def passed(self) -> bool:
        """Tell whether the time is used up."""
        return time.monotonic() >= self._at

    def check(self) -> None:
        """Raise `DeadlinePassedError` when the time is used up."""
        if time.monotonic() >= self._at:
            raise DeadlinePassedError


NEVER: Final = Deadline(float("inf"))
"""No limit."""


class Turns:
    """Gives up the interpreter from time to time during work that is done in Python, and minds a deadline."""

    __slots__ = ("_deadline", "_steps")

    def __init__(self, deadline: Deadline = NEVER) -> None:
        self._steps = 0
        self._deadline = deadline

    def step(self) -> None:
        """Count one step of some ten microseconds.

        Raises:
            DeadlinePassedError: The time is used up.
        """
        self._steps += 1
        if self._steps % _EVERY == 0:
            self.turn()

    def turn(self) -> None:
        """Give up the interpreter when it has been held for long, and mind the deadline, at once."""
        yield_turn()
        if self._deadline is not NEVER:
            self._deadline.check()


class _Held(local):
    """When this thread last let the others in."""

    since = 0.0


_held: Final = _Held()


def yield_turn() -> None:
    """Pause for a moment if this thread has worked for two milliseconds without.

    To release the GIL and take it again at once, as a search with RE2 does thousands of times a second, is worse than
    to keep it: each release wakes a thread that waits, which finds the lock taken again and begins its 5 ms anew. The
    pause is as long as a thread needs to wake up.
    """
    now = time.monotonic()
    if now - _held.since > _HELD_SECONDS:
        time.sleep(_PAUSE_SECONDS)
        _held.since = time.monotonic()
