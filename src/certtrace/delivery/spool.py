"""The spool: accepted means on disk before the caller goes on; what is on disk reaches every destination."""

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from certtrace.delivery import files
from certtrace.delivery.adoption import adopt
from certtrace.delivery.backlog import Backlog, Item, Pending
from certtrace.delivery.counters import SpoolCounters
from certtrace.delivery.directory import Manifest, Position, ProcessDirectory, abandoned, remove_stale_drafts
from certtrace.delivery.journal import REFUSE_ALL, REFUSE_NOTHING, REFUSE_UNCERTAIN, REFUSED, Journal
from certtrace.delivery.output import Output
from certtrace.delivery.parting import halve_unit
from certtrace.ports import Payload

_log = logging.getLogger(__name__)

_MIB: Final = 1024 * 1024
_USAGE_SECONDS: Final = 5.0
_ADOPT_SECONDS: Final = 15.0
_CLOSE_SECONDS: Final = 1.0
_CERTAIN_ONLY_ABOVE: Final = 0.9
"""Share of the budget above which only units that a rule kept for certain are accepted."""
_DIVIDE_ABOVE: Final = 4 * _MIB


class Source(Protocol):
    """Something that destinations are owed from."""

    def read(self, destination: str, max_bytes: int, max_units: int) -> list[Item]:
        """Return the next payloads, at least one if there is any; the cursor does not move."""
        ...

    def ack(self, destination: str, items: Sequence[Item]) -> None:
        """Note that the destination has the items."""
        ...

    def pending(self, destination: str) -> Pending:
        """Return what the destination has not taken."""
        ...


class Mark(NamedTuple):
    """How far this process had written at one moment."""

    disk: Position
    memory: Position


class Spool:
    """One process's part of the spool. Thread-safe, fork-safe; after construction nothing raises.

    `accept` is for the host's thread, `content` for the worker, everything else for the delivery threads.
    """

    accept: Callable[..., int]
    """`Journal.accept`: put one unit's skeleton on disk and return its sequence, or 0 where it was refused."""

    def __init__(
        self,
        root: Path,
        *,
        resource: Mapping[str, object] | None = None,
        max_bytes: int = 1024 * _MIB,
        segment_bytes: int = 8 * _MIB,
        memory_bytes: int = 16 * _MIB,
        min_free_bytes: int = 64 * _MIB,
    ) -> None:
        """Open the spool and this process's directory in it.

        Args:
            root: Folder of all processes' directories; created if missing, closed to other users.
            resource: Redacted resource attributes, for the spans that stand in for content a crash destroyed.
            max_bytes: Budget for everything below `root`. Above it new units are refused; accepted ones stay.
            segment_bytes: Size at which the next segment begins.
            memory_bytes: Bound for what is held in memory while the disk refuses.
            min_free_bytes: Below this much free disk, units that were kept by chance are refused.

        Raises:
            SpoolError: `root` is not usable.
        """
        files.make_private_folder(root)
        self._root = root
        self._resource = dict(resource or {})
        self._max_bytes = max_bytes
        self._segment_bytes = segment_bytes
        self._memory_bytes = memory_bytes
        self._min_free_bytes = min_free_bytes
        self._destinations: tuple[str, ...] = ()
        self._closed = False
        self._journal = Journal()
        self.accept = self._journal.accept
        self._begin()
        self._output.open()
        _spools.add(self)

    def _begin(self) -> None:
        """Start as a process that has written nothing: at construction, and in a forked child."""
        self._lock = threading.Lock()
        self._upkeep = threading.Lock()
        self._counters = SpoolCounters()
        self._output = Output(
            self._root,
            Manifest(self._destinations, self._resource),
            self._journal,
            self._counters,
            segment_bytes=self._segment_bytes,
            memory_bytes=self._memory_bytes,
        )
        self._adopted: dict[Path, Backlog] = {}
        self._left_alone: set[Path] = set()
        self._complained: set[Path] = set()
        self._adopt_at = 0.0
        self._usage_at = 0.0
        self._used_bytes = 0
        self._disk_is_low = False
        if self._closed:
            self._journal.refuse_from = REFUSE_ALL

    @property
    def path(self) -> Path | None:
        """This process's directory; None until the disk gave one."""
        return self._output.path

    @property
    def is_degraded(self) -> bool:
        """Whether the disk refuses at present, so that new units are in memory only."""
        return self._output.is_degraded

    @property
    def root(self) -> Path:
        """The folder of all processes' directories."""
        return self._root

    def owe(self, destinations: Sequence[str]) -> None:
        """Name the destinations that are to get what is written from now on."""
        self._destinations = tuple(destinations)
        self._output.owe(destinations)

    def content(self, sequence: int, *payloads: Payload) -> bool:
        """Append redacted content; False where it was refused or neither disk nor memory took it. Never raises.

        Args:
            sequence: What `accept` returned for the unit; 0 for what has no skeleton, such as scores.
            payloads: The content: one for all destinations, or several, each for its own.
        """
        try:
            with self._lock:
                if self._closed or (sequence == REFUSED and self._journal.refuse_from == REFUSE_ALL):
                    self._counters.refused += 1
                    return False
                if not self._put(sequence, payloads):
                    self._counters.lost += 1
                    return False
                self._update_gate()
                return True
        except Exception as error:  # noqa: BLE001 - the worker has to live on; the loss is counted
            self._counters.lost += 1
            _log.warning("A unit could not be spooled: %s. It is lost.", type(error).__name__)
            return False

    def _put(self, sequence: int, payloads: Sequence[Payload]) -> bool:
        *parts, last = [part for payload in payloads for part in _divide(payload)]
        # Only the last part has the sequence: a crash in between leaves the unit without settled content.
        return all(self._output.put(REFUSED, part) for part in parts) and self._output.put(sequence, last)

    # --- the delivery threads' side ----------------------------------------------------------------------------------

    def sources(self, destination: str) -> list[Source]:
        """Return what the destination is owed from: this process's output, and adopted directories."""
        own = self._output.backlog
        with self._lock:
            adopted = [backlog for backlog in self._adopted.values() if destination in backlog.owed]
        return [*([own] if own is not None else []), self._output.ring, *adopted]

    def mark(self) -> Mark:
        """Return how far this process has written."""
        own = self._output.backlog
        return Mark(own.end() if own is not None else Position(), self._output.ring.end())

    def reached(self, destination: str, mark: Mark) -> bool:
        """Whether the destination took everything this process wrote before the mark."""
        own = self._output.backlog
        first_moved, behind_moved = self._output.moved
        disk = max(mark.disk, behind_moved) if mark.memory >= first_moved else mark.disk
        on_disk = own is None or own.reached(destination, disk)
        return on_disk and self._output.ring.reached(destination, mark.memory)

    def pending(self, destination: str) -> Pending:
        """Return what the destination has not taken, adopted directories included."""
        parts = [source.pending(destination) for source in self.sources(destination)]
        times = [part.oldest_time_ns for part in parts if part.oldest_time_ns is not None]
        return Pending(sum(p.units for p in parts), sum(p.bytes for p in parts), min(times, default=None))

    def counters(self) -> SpoolCounters:
        """Return a copy of the counts, `accepted` brought up to date."""
        handed_out = self._output.accepted()
        with self._lock:
            return replace(self._counters, accepted=max(handed_out - self._counters.refused_units, 0))

    def maintain(self) -> None:
        """Do the upkeep that is due: probe and sync the disk, measure, adopt, delete. Called often, by any thread."""
        if self._closed or not self._upkeep.acquire(blocking=False):
            return
        try:
            self._output.maintain()
            now = time.monotonic()
            if now >= self._usage_at:
                self._usage_at = now + _USAGE_SECONDS
                self._measure()
            if now >= self._adopt_at:
                self._adopt_at = now + _ADOPT_SECONDS
                self._adopt_abandoned()
            self._remove_finished()
        finally:
            self._upkeep.release()

    def close(self) -> None:
        """Accept no more. What is not delivered stays on disk for the next process."""
        if self._closed:
            return
        self._closed = True
        self._journal.refuse_from = REFUSE_ALL
        if not self._upkeep.acquire(timeout=_CLOSE_SECONDS):
            return  # a disk that hangs must not hang the exit; the lock dies with the process, and others adopt
        try:
            self._remove_finished()
            for path in list(self._adopted):
                self._leave(path)
            with self._lock:
                self._output.close()
        finally:
            self._upkeep.release()

    # --- upkeep ------------------------------------------------------------------------------------------------------

    def _measure(self) -> None:
        self._used_bytes = files.folder_bytes(self._root)
        self._output.written_bytes = 0
        try:
            facts = os.statvfs(self._root)
            self._disk_is_low = facts.f_bavail * facts.f_frsize < self._min_free_bytes
        except OSError:
            self._disk_is_low = False
        self._update_gate()

    def _update_gate(self) -> None:
        used = self._used_bytes + self._output.written_bytes
        journal = self._journal
        if self._closed or used >= self._max_bytes:
            journal.refuse_from = REFUSE_ALL
        elif self._disk_is_low or used >= self._max_bytes * _CERTAIN_ONLY_ABOVE:
            journal.refuse_from = REFUSE_UNCERTAIN
        else:
            journal.refuse_from = REFUSE_NOTHING

    def _adopt_abandoned(self) -> None:
        remove_stale_drafts(self._root)
        for path in abandoned(self._root):
            if path in self._left_alone:
                continue
            directory = ProcessDirectory.adopt(path)
            if directory is None:
                continue
            try:
                backlog = adopt(
                    directory, self._destinations, on_fault=self._count_fault, on_content_lost=self._count_content_lost
                )
            except Exception as error:  # noqa: BLE001 - a hostile or damaged directory must not stop the others
                self._give_back(directory, error)
                continue
            with self._lock:
                self._adopted[path] = backlog

    def _give_back(self, directory: ProcessDirectory, error: Exception) -> None:
        directory.release()
        # A full disk passes, and every step of an adoption can be repeated; what fails otherwise would fail again.
        if not isinstance(error, OSError):
            self._left_alone.add(directory.path)
        if directory.path not in self._complained:
            self._complained.add(directory.path)
            _log.warning("A spool directory could not be adopted (%s); it stays as it is.", type(error).__name__)

    def _remove_finished(self) -> None:
        for path, backlog in list(self._adopted.items()):
            if backlog.is_done() and not backlog.has_untouched():
                self._leave(path, remove=True)
            elif backlog.has_all(self._destinations):
                # What is left is for destinations that this process does not have: another one shall have its turn.
                self._leave(path)

    def _leave(self, path: Path, *, remove: bool = False) -> None:
        with self._lock:
            backlog = self._adopted.pop(path)
        backlog.retire()
        if remove:
            backlog.directory.remove()
        else:
            self._left_alone.add(path)
            backlog.directory.release()

    def _count_fault(self, fault: str) -> None:
        with self._lock:
            setattr(self._counters, fault, getattr(self._counters, fault) + 1)

    def _count_content_lost(self, number: int) -> None:
        with self._lock:
            self._counters.content_lost += number

    def _after_fork_in_child(self) -> None:
        """Become a process of its own: files are dropped unflushed, the directory is opened on first use."""
        self._output.forget_after_fork()
        for backlog in self._adopted.values():
            backlog.directory.forget_after_fork()
        self._begin()


def _divide(payload: Payload) -> list[Payload]:
    """Return the payload in parts that a destination takes: a unit of many large spans exceeds any backend's limit."""
    if payload.kind != "spans" or len(payload.data) <= _DIVIDE_ABOVE:
        return [payload]
    halves = halve_unit(payload.data)
    if halves is None:
        return [payload]
    return [part for half in halves for part in _divide(replace(payload, data=half))]


_spools: "weakref.WeakSet[Spool]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for spool in list(_spools):
        spool._after_fork_in_child()  # noqa: SLF001 - the same module; no caller outside may do this


os.register_at_fork(after_in_child=_after_fork_in_child)
