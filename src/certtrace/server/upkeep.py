"""What a server does on the side: index what was stored, delete what is past its time."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

_log: Final = logging.getLogger("certtrace.server")
_LONGEST_END_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to be done again and again."""

    name: str
    every_seconds: float
    do: Callable[[], bool]
    """Does a piece of the work, within a second or so; returns whether more of it is waiting."""


class Upkeep:
    """A thread that does chores, one after the other, until the end of the block. A chore that fails is tried again."""

    def __init__(self, chores: Sequence[Chore], clock: Callable[[], float] = time.monotonic) -> None:
        """Take the chores; each is done first right at the start.

        Args:
            chores: The chores.
            clock: Seconds, never going back.
        """
        self._clock = clock
        self._due = {chore: clock() for chore in chores}
        self._ended = threading.Event()
        self._failed: set[tuple[str, str]] = set()
        self._thread = threading.Thread(target=self._run, name="certtrace upkeep", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End after the piece of work under way; it is not waited for very long."""
        self._ended.set()
        self._thread.join(_LONGEST_END_SECONDS)

    def _run(self) -> None:
        while self._due and not self._ended.is_set():
            chore, due = min(self._due.items(), key=lambda each: each[1])
            if self._ended.wait(max(due - self._clock(), 0.0)):
                return
            more = self._done(chore)
            self._due[chore] = self._clock() + (0.0 if more else chore.every_seconds)

    def _done(self, chore: Chore) -> bool:
        try:
            return chore.do()
        except Exception as error:  # noqa: BLE001 - the thread must outlive every failure of one chore
            cause = (chore.name, type(error).__name__)
            if cause not in self._failed:
                self._failed.add(cause)
                # Without its text, which may quote what is stored.
                _log.error("%s failed with %s; it is tried again, and not logged again.", *cause)
            return False
