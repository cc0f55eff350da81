"""Forcing what was written to the disk itself: which files are behind, and the thread that brings them up."""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, Protocol

from certtrace.delivery.files import Handle

_log = logging.getLogger(__name__)

Fsync = Literal["process", "group", "always"]
"""`process`: never, what was written survives the process; `group`: soon after; `always`: before a unit is accepted."""
FSYNC: Final[tuple[Fsync, ...]] = ("process", "group", "always")

GROUP_SECONDS: Final = 0.1
"""Longest time between two rounds: what waits for the next, and the round itself, are to end within 0.2 s."""
GROUP_BYTES: Final = 1024 * 1024
"""A round begins at once when so much is waiting."""


class SyncedFile:
    """One file that is appended to, and how much of it is on the disk itself."""

    __slots__ = ("handle", "has_failed", "number", "path", "synced")

    def __init__(self, handle: Handle, path: Path, number: int) -> None:
        """Take an open file of which nothing is known to be on the disk."""
        self.handle = handle
        self.path = path
        self.number = number
        self.synced = 0
        self.has_failed = False
        """Whether the disk failed it once: it is never forced again, nor written to."""

    def size(self) -> int:
        """Return how much was written."""
        return os.fstat(self.handle.fd).st_size

    def is_behind(self) -> bool:
        """Whether something was written that may not be on the disk, and may yet be forced to it."""
        return not self.has_failed and self.size() > self.synced

    def sync(self) -> None:
        """Put what was written on the disk itself.

        Raises:
            OSError: It may not be there, and never will be through this file: Linux reports such an error once and
                marks the pages clean, so that a second `fdatasync` would lie.
        """
        end = self.size()
        try:
            os.fdatasync(self.handle.fd)
        except OSError:
            self.has_failed = True
            raise
        self.synced = max(self.synced, end)


class SetWatched(Protocol):
    """Sets the flag that makes writers call `SyncThread.wrote`."""

    def __call__(self, *, watched: bool) -> None:
        """Set it."""
        ...


class SyncThread:
    """Calls `sync` soon after something was written, on a thread of its own that sleeps while nothing is.

    A writer pays one test of a flag: the thread raises the flag when it goes to sleep and looks once more, so that
    whoever writes later sees the flag, and what was written before is seen by the look.
    """

    def __init__(self, sync: Callable[[], object], is_behind: Callable[[], bool], set_watched: "SetWatched") -> None:
        """Take what to do.

        Args:
            sync: Syncs what is behind. Never raises.
            is_behind: Whether there is something to sync.
            set_watched: Sets the flag that makes writers call `wrote`.
        """
        self._sync = sync
        self._is_behind = is_behind
        self._set_watched = set_watched
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._written = threading.Event()
        self._hurried = threading.Event()
        self._stopped = False
        set_watched(watched=True)

    def wrote(self) -> None:
        """Sync within `GROUP_SECONDS`. Called by writers that see the flag; starts the thread the first time."""
        self._set_watched(watched=False)
        self._written.set()
        if self._thread is None:
            self._start()

    def hurry(self) -> None:
        """Sync at once."""
        self._hurried.set()
        self.wrote()

    def stop(self, timeout_seconds: float) -> bool:
        """Sync once more and end; return whether that was done in time, so that nothing is behind."""
        self._stopped = True
        self._set_watched(watched=False)
        thread = self._thread
        if thread is None:
            self._sync()
            return True
        self._hurried.set()
        self._written.set()
        thread.join(timeout_seconds)
        return not thread.is_alive()

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None or self._stopped:
                return
            thread = threading.Thread(target=self._run, name="certtrace-sync", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return  # the interpreter is ending, or there are no more threads: upkeep and closing sync as well
            self._thread = thread

    def _run(self) -> None:
        while not self._stopped:
            self._written.wait()
            self._written.clear()
            self._keep_up()
        self._sync()

    def _keep_up(self) -> None:
        """Sync in rounds until a whole round found nothing new."""
        while not self._stopped:
            self._hurried.wait(GROUP_SECONDS)
            self._hurried.clear()
            try:
                self._sync()
                self._set_watched(watched=True)
                if not self._is_behind():
                    return
            except Exception as error:  # noqa: BLE001 - the thread must live: the next round tries again
                _log.debug("A round of syncing failed (%s).", type(error).__name__)
            self._set_watched(watched=False)


def sync_folder(path: Path) -> None:
    """Put the names of new files on the disk itself.

    Raises:
        OSError: They may not be there.
    """
    handle = Handle(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC))
    os.fsync(handle.fd)
