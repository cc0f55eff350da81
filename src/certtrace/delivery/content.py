"""Appending content records to segments; the file side of one process's output."""

import os
from pathlib import Path

from certtrace.delivery.directory import CONTENT_PREFIX, ProcessDirectory
from certtrace.delivery.files import Handle, create_for_append, write_whole
from certtrace.delivery.frames import FILE_HEADER, file_header
from certtrace.delivery.syncing import SyncedFile, sync_folder


def open_segment(path: Path) -> Handle:
    """Create a spool file with its header.

    Raises:
        OSError: The file system refuses; no half-made file is left.
    """
    handle = create_for_append(path)
    try:
        write_whole(handle, file_header())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return handle


class SegmentWriter:
    """Appends whole records or nothing. Not thread-safe: its owner holds a lock."""

    def __init__(
        self,
        directory: ProcessDirectory,
        segment_bytes: int,
        last_segment: int = 0,
        *,
        prefix: str = CONTENT_PREFIX,
        is_synced: bool = False,
    ) -> None:
        """Take where to write.

        Args:
            directory: Where the segments are.
            segment_bytes: Size at which a segment is full.
            last_segment: The last number in use.
            prefix: How the names begin.
            is_synced: Whether somebody syncs: a full segment then stays open until that is done.
        """
        self._is_synced = is_synced
        self._directory = directory
        self._prefix = prefix
        self._segment_bytes = segment_bytes
        self._file: SyncedFile | None = None
        self._full: list[SyncedFile] = []
        self.segment = last_segment
        self.end = 0

    def append(self, data: bytes) -> int:
        """Write one record; return how many bytes the segment grew by.

        Raises:
            OSError: Nothing was written: what a short write left is cut off again.
        """
        before = self.end
        if self._file is None or self.end + len(data) > self._segment_bytes:
            self._open_next()
            before = 0
        file = self._file
        if file is None:  # pragma: no cover - `_open_next` raised or set it
            return 0
        try:
            write_whole(file.handle, data)
        except OSError:
            self._cut_back(file)
            raise
        self.end += len(data)
        return self.end - before

    def behind(self) -> list[SyncedFile]:
        """Return the files that may not be whole on the disk itself, full ones first."""
        self._full = [file for file in self._full if file.is_behind()]
        present = self._file
        return [*self._full, present] if present is not None and present.is_behind() else list(self._full)

    def give_up(self, file: SyncedFile) -> None:
        """Write no more to a file, nor sync it again."""
        self._full = [full for full in self._full if full is not file]
        if self._file is file:
            self._file = None

    def sync(self) -> None:
        """Put what was written on stable storage, the names of the files included.

        Raises:
            OSError: It may not be there. The segment is closed for good: Linux reports such an error once and marks the
                pages clean, so that a second `fdatasync` would lie.
        """
        files = self.behind()
        for file in files:
            try:
                file.sync()
            except OSError:
                self.give_up(file)
                raise
        if files:
            sync_folder(self._directory.path)

    def is_unlinked(self) -> bool:
        """Whether somebody deleted the file that is being written."""
        return self._file is not None and os.fstat(self._file.handle.fd).st_nlink == 0

    def close(self) -> None:
        """Write no more to the present segment."""
        self._retire()

    def _open_next(self) -> None:
        self._retire()
        self.segment += 1  # before the attempt: a number is never used twice, whatever a failure leaves behind
        path = self._directory.segment(self.segment, self._prefix)
        self._file = SyncedFile(open_segment(path), path, self.segment)
        self.end = FILE_HEADER.size

    def _retire(self) -> None:
        """Go on without the present segment; it waits for its last sync."""
        file, self._file = self._file, None
        if file is not None and self._is_synced:
            self._full.append(file)

    def _cut_back(self, file: SyncedFile) -> None:
        try:
            os.ftruncate(file.handle.fd, self.end)
        except OSError:
            self._retire()  # a torn record may stay at its end; readers stop at the last whole one
