"""What one process writes: its directory, skeleton journal and content segments, and memory while the disk refuses."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from certtrace.delivery import frames
from certtrace.delivery.addressed import record_of
from certtrace.delivery.backlog import Backlog, Item
from certtrace.delivery.content import SegmentWriter
from certtrace.delivery.counters import SpoolCounters
from certtrace.delivery.directory import Manifest, Position, ProcessDirectory
from certtrace.delivery.durability import Durability
from certtrace.delivery.fates import Books, Fate, Owing, Records, gather
from certtrace.delivery.journal import REFUSED, Journal, Troubled
from certtrace.delivery.journal_files import JournalFiles
from certtrace.delivery.ring import Ring
from certtrace.delivery.settlement import Settlement
from certtrace.delivery.syncing import Fsync
from certtrace.ports import Payload

_log = logging.getLogger(__name__)

_PROBE_SECONDS: Final = 0.5
_PROBE_SECONDS_MAX: Final = 60.0


class Sizes(NamedTuple):
    """Bounds of what one process writes."""

    segment_bytes: int
    memory_bytes: int


class Output:
    """Writes skeletons and content; degrades to memory and comes back. Thread-safe."""

    def __init__(
        self,
        root: Path,
        manifest: Manifest,
        journal: Journal,
        counters: SpoolCounters,
        *,
        sizes: Sizes,
        fsync: Fsync,
        refuses: Callable[[Troubled], bool],
    ) -> None:
        """Take where to create the directory; `open` creates it.

        Args:
            root: The spool's folder.
            manifest: What whoever adopts the directory has to know.
            journal: What hands out the numbers.
            counters: Counted into, under this output's lock.
            sizes: Bounds.
            fsync: When to force the disk.
            refuses: Decides, while the journal is not open to all, whether a unit is refused, and counts it.
        """
        # Reentrant: a signal handler may end a span while its own thread is in here.
        self._lock = threading.RLock()
        self._root = root
        self._manifest = manifest
        self._counters = counters
        self._sizes = sizes
        self._refuses = refuses
        self._settlement = Settlement()
        self._settled_units = 0
        self._replaced: dict[str, Counter[Fate]] = {}
        self._journals = JournalFiles(journal, self._settlement, is_synced=fsync != "process")
        self._durability = Durability(
            fsync, self._lock, self._journals, counters, recover=self._ready, on_trouble=self._disk_refused
        )
        self._directory: ProcessDirectory | None = None
        self._writer: SegmentWriter | None = None
        self._degraded = False
        self._logged: set[str] = set()
        self._probe_at = 0.0
        self._probe_seconds = _PROBE_SECONDS
        self.journal = journal
        self.journal.begin(self._accept_with_trouble, self._durability.wrote_skeleton)
        self._durability.begin(journal)
        self.backlog: Backlog | None = None
        self.ring = Ring(sizes.memory_bytes, on_gone=self._settle_items)
        self.ring.owe(manifest.destinations)
        self.written_bytes = 0
        self.moved = (Position(), Position())
        """First place in memory that went to disk since, and the place on disk behind all of it."""

    @property
    def path(self) -> Path | None:
        """This process's directory, once it is open."""
        directory = self._directory
        return directory.path if directory else None

    @property
    def is_degraded(self) -> bool:
        """Whether the disk refuses at present."""
        return self._degraded

    def open(self) -> None:
        """Prepare the directory and the journal, so that no host thread has to. Failure degrades."""
        with self._lock:
            self._ready()

    def describe(self, manifest: Manifest) -> None:
        """Set what whoever adopts the directory has to know, and with it who is to get what is written."""
        with self._lock:
            self._manifest = manifest
            self.ring.owe(manifest.destinations)
            if self.backlog is not None and self._directory is not None:
                self.backlog.owe(manifest.destinations)
                try:
                    self._directory.write_manifest(self._manifest)
                except OSError as error:
                    self._disk_refused(error)

    def put(self, sequence: int, payload: Payload) -> bool:
        """Append one payload to disk, or keep it in memory; False where neither has room."""
        with self._lock:
            now = time.time_ns()
            if self._append(sequence, payload, now):
                self._rotate_journal_if_full(sequence)
                return True
            self._counters.degraded += 1
            return self.ring.append(payload, sequence, now)

    def sync(self) -> bool:
        """Force what was written to the disk; return whether all of it is safe now. Never raises."""
        return self._durability.sync(wait=True)

    def sync_if_always(self) -> None:
        """Force it now where nothing counts as written before."""
        self._durability.sync_if_always()

    def give_up(self, sequence: int) -> None:
        """Note that an accepted sequence will have no content in this process."""
        with self._lock:
            self._settle(sequence)

    def accepted(self) -> tuple[int, int]:
        """Return how many units got a sequence, and how many of those have no content on disk yet."""
        with self._lock:
            gap = self._take_gap()
            return self.journal.accepted(gap), gap - self._settlement.count()

    def books(self) -> Books:
        """Return what became of everything that was written; the caller holds the spool's lock."""
        with self._lock:
            gap = self._take_gap()
            handed_out, refused = self.journal.accepted(gap), self._counters.refused_units
            return Books(
                accepted=handed_out - refused,
                handed_out=handed_out,
                refused=refused,
                waiting=gap - self._settlement.count(),
                settled=self._settled_units,
                records={name: self._records(name) for name in self._manifest.destinations},
            )

    def _records(self, destination: str) -> Records:
        taken, lost = self._counters.records_of(destination)
        disk = self.backlog.owing(destination) if self.backlog is not None else Owing()
        memory = self.ring.owing(destination)
        return gather(taken, lost, disk, memory, self._replaced.get(destination, Counter()))

    def maintain(self) -> None:
        """Do what must not happen on a host's thread: probe, sync, replace a deleted directory, delete old journals."""
        with self._lock:
            try:
                if self._writer is not None:
                    self._reopen_if_deleted(self._writer)
                if self._ready() and self._directory is not None:
                    self._move_memory_to_disk()
                    self._journals.delete_settled(self._directory)
            except OSError as error:
                self._disk_refused(error)
        self._durability.sync()

    def make_room(self) -> None:
        """Begin new files where nobody needs anything of the present ones, so that these are deleted."""
        with self._lock:
            try:
                if self._writer is not None and self.backlog is not None and self.backlog.is_done():
                    self._writer.close()
                    self.backlog.seal()
                if self._directory is not None and not self._has_unsettled():
                    self._open_journal()
                    self._journals.delete_settled(self._directory)
            except OSError as error:
                self._disk_refused(error)

    def close(self, timeout_seconds: float) -> None:
        """Write no more; leave the directory to others, or delete it when it owes nothing to anyone."""
        with self._lock:
            self._move_memory_to_disk()
        self._durability.end(timeout_seconds)
        with self._lock:
            self.journal.handle = None
            directory, backlog = self._directory, self.backlog
            self._writer = None
            self._directory = None
            if directory is None or backlog is None:
                return
            if backlog.is_done() and not self._has_unsettled() and not backlog.has_untouched():
                directory.remove()
            else:
                self._save_settlement(directory)
                backlog.retire()
                directory.release()

    def forget_after_fork(self) -> None:
        """Drop the parent's files in a forked child. Nothing is written, and the parent's lock stays the parent's."""
        self.journal.handle = None
        if self._directory is not None:
            self._directory.forget_after_fork()

    # --- opening, trouble and recovery -------------------------------------------------------------------------------

    def _ready(self) -> bool:
        """Whether directory and journal are open, after an attempt to open them where one is due."""
        if self._degraded and time.monotonic() < self._probe_at:
            return False
        try:
            if self._directory is None:
                self._open_directory()
            if self.journal.handle is None:
                self._open_journal()
            self._durability.write_anew()
        except OSError as error:
            self._disk_refused(error)
            return False
        return True

    def _open_directory(self) -> None:
        directory = ProcessDirectory.create(self._root)
        try:
            directory.write_manifest(self._manifest)
        except OSError:
            directory.remove()
            raise
        self._directory = directory
        self._writer = SegmentWriter(directory, self._sizes.segment_bytes, is_synced=self._durability.is_on)
        self.backlog = Backlog(directory, on_fault=self._count_fault, before_delete=self._checkpoint)
        self.backlog.owe(self._manifest.destinations)
        self._durability.use(directory, self._writer, self.backlog)

    def _open_journal(self) -> None:
        if self._directory is not None:
            self._journals.open_next(self._directory)

    def _disk_refused(self, error: OSError) -> None:
        self._degraded = True
        reason = error.strerror or type(error).__name__
        self._log_once(f"The spool writes to memory: the disk refused ({reason}). What is in memory dies with us.")
        self._probe_at = time.monotonic() + self._probe_seconds
        self._probe_seconds = min(self._probe_seconds * 2, _PROBE_SECONDS_MAX)

    def _log_once(self, message: str) -> None:
        if message not in self._logged:
            self._logged.add(message)
            _log.warning("%s", message)

    def _disk_took(self) -> None:
        self._degraded = False
        if not self._durability.is_failing:
            self._probe_seconds = _PROBE_SECONDS

    def _reopen_if_deleted(self, writer: SegmentWriter) -> None:
        directory = self._directory
        if directory is None or (directory.path.exists() and not writer.is_unlinked()):
            return
        _log.warning("The spool's directory was deleted while in use; a new one is made.")
        if self.backlog is not None:
            self._counters.lost += self._give_up(self.backlog)
        self._durability.use(None, None, None)
        self._journals.forget()
        self._directory = self._writer = self.backlog = None
        directory.release()

    def _give_up(self, backlog: Backlog) -> int:
        """Count what nobody can have any more; return how many records."""
        names = backlog.owed
        backlog.retire()  # first: what is on its way counts as lost, and not as delivered as well
        lost = {name: backlog.owing(name) for name in names}
        for name, owing in lost.items():
            gone = Counter({Fate.LOST: owing.waiting + owing.damaged})
            self._replaced[name] = self._replaced.get(name, Counter()) + Counter(owing.fates) + gone
        return max((owing.waiting for owing in lost.values()), default=0)

    # --- skeletons ---------------------------------------------------------------------------------------------------

    def _accept_with_trouble(self, unit: Troubled) -> int:
        """Take a unit whose usual way failed: no open journal, a full or failing disk, a spool not open to all."""
        try:
            with self._lock:
                if not self.journal.is_open and self._refuses(unit):
                    self._settlement.settle(unit.sequence)
                    return REFUSED
                if not self._write_skeleton(unit.skeleton):
                    self._counters.degraded += 1
                    self._counters.degraded_units += 1
        except Exception as error:  # noqa: BLE001 - this runs inside the host's call
            self._log_once(f"A skeleton could not be written: unexpected {type(error).__name__} in the spool.")
        return unit.sequence

    def _write_skeleton(self, skeleton: bytes) -> bool:
        if not skeleton or not self._ready():
            return False
        try:
            self._journals.write(skeleton, sync=self._durability.is_always)
        except OSError as error:
            self.journal.handle = None
            self._disk_refused(error)
            return False
        self._durability.wrote(0)
        return True

    def _rotate_journal_if_full(self, sequence: int) -> None:
        if self._journals.is_full(sequence):
            try:
                self._open_journal()
            except OSError as error:
                self._disk_refused(error)

    # --- content -----------------------------------------------------------------------------------------------------

    def _append(self, sequence: int, payload: Payload, time_ns: int) -> bool:
        if not self._ready() or self._writer is None or self.backlog is None:
            return False
        try:
            written = self._writer.append(frames.pack(record_of(payload, sequence, time_ns)))
        except OSError as error:
            self._disk_refused(error)
            return False
        self.written_bytes += written
        self.backlog.grew(self._writer.segment, self._writer.end, payload.destinations)
        self._settle(sequence)
        self._counters.spooled += 1
        self._durability.wrote(written)
        self._disk_took()
        return True

    def _move_memory_to_disk(self) -> None:
        waiting = self.ring.take_back()
        moved = 0
        try:
            while moved < len(waiting):
                item = waiting[moved]
                if not self._append(item.sequence, item.payload, item.time_ns):
                    return
                moved += 1
        finally:
            self.ring.put_back(waiting[moved:])
        if waiting and self.backlog is not None:
            self.moved = (waiting[0].after, self.backlog.end())

    def _settle_items(self, items: Sequence[Item]) -> None:
        with self._lock:
            for item in items:
                self._settle(item.sequence)

    def _settle(self, sequence: int) -> None:
        self._settled_units += self._settlement.settle(sequence)

    def _checkpoint(self) -> None:
        with self._lock:
            if self._directory is not None:
                self._directory.write_settled(
                    self._settlement.low, sorted(self._settlement.above), durable=self._durability.is_on
                )

    def _save_settlement(self, directory: ProcessDirectory) -> None:
        try:
            directory.write_settled(self._settlement.low, sorted(self._settlement.above))
        except OSError:
            _log.debug("The spool's settlement could not be written; the next owner reads the segments instead.")

    def _has_unsettled(self) -> bool:
        return self._settlement.low < self._take_gap()

    def _take_gap(self) -> int:
        gap = self.journal.take_gap()
        self._settlement.settle(gap)
        return gap

    def _count_fault(self, fault: str) -> None:
        with self._lock:
            setattr(self._counters, fault, getattr(self._counters, fault) + 1)
