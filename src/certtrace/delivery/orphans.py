"""The directories of processes that ended, as far as this process took them over."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from certtrace.delivery.adoption import StandIn, adopt
from certtrace.delivery.backlog import Backlog
from certtrace.delivery.directory import ProcessDirectory, abandoned, remove_stale_drafts

_log = logging.getLogger(__name__)


class Orphans:
    """Takes directories over, and leaves or deletes them when they are drained. `look` and `leave` by one thread."""

    def __init__(
        self,
        root: Path,
        *,
        on_fault: Callable[[str], None],
        on_content_lost: Callable[[Sequence[StandIn]], None],
    ) -> None:
        """Take the spool's folder, and whom to tell what was found damaged or without content."""
        self._root = root
        self._on_fault = on_fault
        self._on_content_lost = on_content_lost
        self._lock = threading.Lock()
        self._adopted: dict[Path, Backlog] = {}
        self._left_alone: set[Path] = set()
        self._complained: set[Path] = set()

    def backlogs(self) -> list[Backlog]:
        """Return what the directories owe."""
        with self._lock:
            return list(self._adopted.values())

    def look(self, destinations: Sequence[str]) -> None:
        """Take over every directory that nobody owns any more."""
        remove_stale_drafts(self._root)
        for path in abandoned(self._root):
            if path in self._left_alone:
                continue
            directory = ProcessDirectory.adopt(path)
            if directory is None:
                continue
            try:
                backlog = adopt(directory, destinations, on_fault=self._on_fault, on_content_lost=self._on_content_lost)
            except Exception as error:  # noqa: BLE001 - a hostile or damaged directory must not stop the others
                self._give_back(directory, error)
                continue
            with self._lock:
                self._adopted[path] = backlog

    def leave_finished(self, destinations: Sequence[str]) -> None:
        """Delete the directories that owe nobody anything, and leave those that only owe to others."""
        for path, backlog in list(self._adopted.items()):
            if backlog.is_done() and not backlog.has_untouched():
                self._leave(path, remove=True)
            elif backlog.has_all(destinations):
                # What is left is for destinations that this process does not have: another one shall have its turn.
                self._leave(path)

    def leave_all(self) -> None:
        """Give up all directories."""
        for path in list(self._adopted):
            self._leave(path)

    def forget_after_fork(self) -> None:
        """Drop the parent's directories in a forked child."""
        for backlog in self._adopted.values():
            backlog.directory.forget_after_fork()

    def _give_back(self, directory: ProcessDirectory, error: Exception) -> None:
        directory.release()
        # A full disk passes, and every step of an adoption can be repeated; what fails otherwise would fail again.
        if not isinstance(error, OSError):
            self._left_alone.add(directory.path)
        if directory.path not in self._complained:
            self._complained.add(directory.path)
            _log.warning("A spool directory could not be adopted (%s); it stays as it is.", type(error).__name__)

    def _leave(self, path: Path, *, remove: bool = False) -> None:
        with self._lock:
            backlog = self._adopted.pop(path)
        backlog.retire()
        if remove:
            backlog.directory.remove()
        else:
            self._left_alone.add(path)
            backlog.directory.release()
