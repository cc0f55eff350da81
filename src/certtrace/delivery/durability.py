"""When one process's files are forced to the disk, and what becomes of those that the disk failed."""

import threading
from collections.abc import Callable
from typing import Final

from certtrace.delivery import frames
from certtrace.delivery.backlog import Backlog
from certtrace.delivery.content import SegmentWriter
from certtrace.delivery.counters import SpoolCounters
from certtrace.delivery.directory import JOURNAL_PREFIX, Position, ProcessDirectory
from certtrace.delivery.files import Handle, read_from
from certtrace.delivery.journal import Journal
from certtrace.delivery.journal_files import JournalFiles, sync_names, unsynced_skeletons
from certtrace.delivery.syncing import GROUP_BYTES, Fsync, SyncedFile, SyncThread

_EMPTY: Final = frames.FILE_HEADER.size


class Durability:
    """Syncs files as the policy says. `sync` takes no lock of the output while it waits for the disk. Thread-safe."""

    def __init__(
        self,
        fsync: Fsync,
        lock: threading.RLock,
        journals: JournalFiles,
        counters: SpoolCounters,
        *,
        recover: Callable[[], object],
        on_trouble: Callable[[OSError], None],
    ) -> None:
        """Take what is shared with the output.

        Args:
            fsync: The policy.
            lock: The output's; held for every change to files.
            journals: The files of the journal.
            counters: Counted into under the lock.
            recover: Opens what is not open, and calls `write_anew`. Never raises.
            on_trouble: Told that the disk refuses for longer.
        """
        self._fsync = fsync
        self._lock = lock
        self._journals = journals
        self._counters = counters
        self._recover = recover
        self._on_trouble = on_trouble
        self._syncing = threading.Lock()
        self._thread: SyncThread | None = None
        self._journal: Journal | None = None
        self._directory: ProcessDirectory | None = None
        self._writer: SegmentWriter | None = None
        self._backlog: Backlog | None = None
        self._waiting_bytes = 0
        self._suspects: list[SyncedFile] = []
        self.is_failing = False
        """Whether the last round failed."""

    @property
    def is_on(self) -> bool:
        """Whether the disk is ever forced."""
        return self._fsync != "process"

    @property
    def is_always(self) -> bool:
        """Whether nothing counts as written before it is on the disk itself."""
        return self._fsync == "always"

    def begin(self, journal: Journal) -> None:
        """Ask to be told of skeletons: of every one, or of the first after a pause."""
        self._journal = journal
        journal.watched = self.is_always
        if self._fsync == "group":
            self._thread = SyncThread(self.sync, self._is_behind, self._set_watched)

    def use(self, directory: ProcessDirectory | None, writer: SegmentWriter | None, backlog: Backlog | None) -> None:
        """Take the files of a directory, or forget those of one that is gone."""
        self._directory, self._writer, self._backlog = directory, writer, backlog
        self._suspects.clear()

    # --- writers -----------------------------------------------------------------------------------------------------

    def wrote_skeleton(self, handle: Handle) -> None:
        """Take note of a skeleton, on the thread that wrote it.

        Raises:
            OSError: It may not be on the disk, where that is what counts.
        """
        if self._thread is not None:
            self._thread.wrote()
        elif self.is_always:
            file = self._journals.file_of(handle)
            if file is not None:
                self._force(file)

    def wrote(self, content_bytes: int) -> None:
        """Take note of something written under the output's lock."""
        if self._thread is None:
            return
        self._waiting_bytes += content_bytes
        if self._waiting_bytes >= GROUP_BYTES:
            self._thread.hurry()
        elif self._journal is not None and self._journal.watched:
            self._thread.wrote()

    def sync_if_always(self) -> None:
        """Force content to the disk where nothing counts as written before."""
        if self.is_always:
            self.sync(wait=True)

    # --- the disk ----------------------------------------------------------------------------------------------------

    def sync(self, *, wait: bool = False) -> bool:
        """Force everything that is behind; return whether all of it is safe now. Never raises.

        Args:
            wait: Whether to wait for a round that is under way on another thread, and do another.
        """
        if not self.is_on or not self._syncing.acquire(blocking=wait):
            return False
        try:
            with self._lock:
                writer, directory = self._writer, self._directory
                files = [*self._journals.behind(), *(writer.behind() if writer is not None else ())]
                self._waiting_bytes = 0
            is_new = any(not file.synced for file in files)
            safe = [self._sync_one(file) for file in files]
            if is_new and directory is not None:
                safe.append(self._sync_names(directory))
            self.is_failing = not all(safe)
            return all(safe)
        finally:
            self._syncing.release()

    def end(self, timeout_seconds: float) -> None:
        """Sync once more. A disk that hangs is left alone after the timeout: it must not hang the process's end."""
        if self._thread is not None:
            self._thread.stop(timeout_seconds)
        else:
            self.sync()

    def write_anew(self) -> None:
        """Write what a failed sync left in doubt to the files that are open now. The caller holds the lock.

        Raises:
            OSError: They refuse as well; it is tried again.
        """
        while self._suspects:
            file = self._suspects[0]
            if file.path.name.startswith(JOURNAL_PREFIX):
                self._write_skeletons_anew(file)
            else:
                self._write_content_anew(file)
            self._suspects.pop(0)

    def _force(self, file: SyncedFile) -> None:
        is_new = not file.synced
        try:
            file.sync()
            if is_new and self._directory is not None:
                sync_names(self._directory)
        except OSError as error:
            self._failed(file, error)
            raise

    def _sync_one(self, file: SyncedFile) -> bool:
        try:
            file.sync()
        except OSError as error:
            self._failed(file, error)
            return False
        return True

    def _sync_names(self, directory: ProcessDirectory) -> bool:
        try:
            sync_names(directory)
        except FileNotFoundError:
            return True  # deleted meanwhile; upkeep makes another
        except OSError as error:
            with self._lock:
                self._counters.sync_errors += 1
                self._on_trouble(error)
            return False
        return True

    def _failed(self, file: SyncedFile, error: OSError) -> None:
        """Seal a file that the disk failed; what it may have lost goes to new ones, at once if this is the first."""
        with self._lock:
            self._counters.sync_errors += 1
            again, self.is_failing = self.is_failing, True
            self._journals.give_up(file)
            if self._writer is not None:
                self._writer.give_up(file)
            self._suspects.append(file)
            if again:
                self._on_trouble(error)
            else:
                self._recover()

    def _write_skeletons_anew(self, file: SyncedFile) -> None:
        try:
            skeletons = unsynced_skeletons(file)
        except FileNotFoundError:
            return  # all of its units have their content
        except OSError:
            self._counters.unsafe += 1
            return
        if skeletons:
            self._journals.write(skeletons, sync=self.is_always)

    def _write_content_anew(self, file: SyncedFile) -> None:
        start = max(file.synced, _EMPTY)
        try:
            tail = read_from(file.path, start)
        except FileNotFoundError:
            return  # every destination has it
        except OSError:
            self._counters.unsafe += 1
            return
        writer, backlog = self._writer, self._backlog
        if tail and writer is not None and backlog is not None:
            writer.append(tail)
            old, new = Position(file.number, start), Position(writer.segment, writer.end - len(tail))
            backlog.moved(old, new, writer.end)

    def _is_behind(self) -> bool:
        with self._lock:
            writer = self._writer
            return bool(self._journals.behind() or (writer is not None and writer.behind()))

    def _set_watched(self, *, watched: bool) -> None:
        if self._journal is not None:
            self._journal.watched = watched
