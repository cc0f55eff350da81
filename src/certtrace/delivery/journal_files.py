"""The files of one process's skeleton journal: which one is written to, and which may go."""

from typing import Final

from certtrace.delivery import frames
from certtrace.delivery.content import open_segment
from certtrace.delivery.directory import JOURNAL_PREFIX, ProcessDirectory
from certtrace.delivery.files import Handle, read_from, write_whole
from certtrace.delivery.frames import RecordType
from certtrace.delivery.journal import Journal
from certtrace.delivery.settlement import Settlement
from certtrace.delivery.syncing import SyncedFile, sync_folder

_JOURNAL_RECORDS: Final = 100_000


class JournalFiles:
    """Opens, rotates and deletes. Not thread-safe: its owner holds a lock; only writers of skeletons do not need it."""

    def __init__(self, journal: Journal, settlement: Settlement, *, is_synced: bool) -> None:
        """Take what hands out the numbers, what knows which of them need nothing more, and whether somebody syncs."""
        self._is_synced = is_synced
        self._journal = journal
        self._settlement = settlement
        self._present: SyncedFile | None = None
        self._number = 0
        self._begins = 1
        self._old: list[tuple[int, int]] = []
        self._full: list[SyncedFile] = []

    def open_next(self, directory: ProcessDirectory) -> None:
        """Write to a new file from now on.

        Raises:
            OSError: The file system refuses.
        """
        self._number += 1
        path = directory.segment(self._number, JOURNAL_PREFIX)
        file = SyncedFile(open_segment(path), path, self._number)
        bound = self._journal.swap(file.handle)
        self._settlement.settle(bound)
        if self._present is not None:
            self._old.append((self._present.number, bound))
            if self._is_synced:
                self._full.append(self._present)
        self._present = file
        self._begins = bound

    def is_full(self, sequence: int) -> bool:
        """Whether the present file holds enough, given a number in it."""
        return sequence - self._begins >= _JOURNAL_RECORDS

    def file_of(self, handle: Handle) -> SyncedFile | None:
        """Return the file that is written through a handle, if it is still known."""
        present = self._present
        if present is not None and present.handle is handle:
            return present
        return next((file for file in self._full if file.handle is handle), None)

    def write(self, skeletons: bytes, *, sync: bool) -> None:
        """Write to the present file, whole records.

        Raises:
            OSError: Not all of it was written, or it may not be on the disk itself. What a short write left stays:
                readers find the next whole record, and cutting it off could cut off what another thread wrote behind.
        """
        file = self._present
        if file is None:
            msg = "The skeleton journal is not open."
            raise OSError(msg)
        write_whole(file.handle, skeletons)
        if sync:
            file.sync()

    def behind(self) -> list[SyncedFile]:
        """Return the files that may not be whole on the disk itself."""
        self._full = [file for file in self._full if file.is_behind()]
        present = self._present
        return [*self._full, present] if present is not None and present.is_behind() else list(self._full)

    def give_up(self, file: SyncedFile) -> None:
        """Never write to a file again, nor sync it."""
        self._full = [full for full in self._full if full is not file]
        if self._present is file:
            self._journal.handle = None

    def delete_settled(self, directory: ProcessDirectory) -> None:
        """Delete the files of which every number needs nothing more.

        Raises:
            OSError: The file system refuses.
        """
        deletable = [(number, bound) for number, bound in self._old if bound <= self._settlement.low]
        for number, bound in deletable:
            directory.segment(number, JOURNAL_PREFIX).unlink(missing_ok=True)
            self._old.remove((number, bound))

    def forget(self) -> None:
        """Go on without any file: the directory is gone."""
        self._journal.handle = None
        self._present = None
        self._old.clear()
        self._full.clear()


def unsynced_skeletons(file: SyncedFile) -> bytes:
    """Return the whole skeletons that may not be on the disk itself, as the kernel still remembers them.

    Raises:
        OSError: It does not.
    """
    data = read_from(file.path, max(file.synced, frames.FILE_HEADER.size))
    return b"".join(
        data[found.start : found.end]
        for found in frames.scan(data)
        if found.record is not None and found.record.type == RecordType.SKELETON
    )


def sync_names(directory: ProcessDirectory) -> None:
    """Put the names of new files and of the directory itself on the disk.

    Raises:
        OSError: They may not be there.
    """
    sync_folder(directory.path)
    sync_folder(directory.path.parent)
