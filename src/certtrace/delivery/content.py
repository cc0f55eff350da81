"""Appending content records to segments; the file side of one process's output."""

import os
from pathlib import Path

from certtrace.delivery.directory import CONTENT_PREFIX, ProcessDirectory
from certtrace.delivery.files import Handle, create_for_append, write_whole
from certtrace.delivery.frames import FILE_HEADER, file_header


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
        self, directory: ProcessDirectory, segment_bytes: int, last_segment: int = 0, *, prefix: str = CONTENT_PREFIX
    ) -> None:
        """Take the directory, the size at which a segment is full, the last number in use, and how names begin."""
        self._directory = directory
        self._prefix = prefix
        self._segment_bytes = segment_bytes
        self._handle: Handle | None = None
        self._unsynced = False
        self.segment = last_segment
        self.end = 0

    def append(self, data: bytes) -> int:
        """Write one record; return how many bytes the segment grew by.

        Raises:
            OSError: Nothing was written: what a short write left is cut off again.
        """
        before = self.end
        if self._handle is None or self.end + len(data) > self._segment_bytes:
            self._open_next()
            before = 0
        handle = self._handle
        if handle is None:  # pragma: no cover - `_open_next` raised or set it
            return 0
        try:
            write_whole(handle, data)
        except OSError:
            self._cut_back(handle)
            raise
        self.end += len(data)
        self._unsynced = True
        return self.end - before

    def sync(self) -> None:
        """Put what was written on stable storage.

        Raises:
            OSError: It may not be there. The segment is closed for good: Linux reports such an error once and marks the
                pages clean, so that a second `fdatasync` would lie.
        """
        handle, self._unsynced = (self._handle if self._unsynced else None), False
        if handle is None:
            return
        try:
            os.fdatasync(handle.fd)
        except OSError:
            self._handle = None
            raise

    def is_unlinked(self) -> bool:
        """Whether somebody deleted the file that is being written."""
        return self._handle is not None and os.fstat(self._handle.fd).st_nlink == 0

    def close(self) -> None:
        """Write no more to the present segment."""
        self._handle = None

    def _open_next(self) -> None:
        self._handle = None
        self.segment += 1  # before the attempt: a number is never used twice, whatever a failure leaves behind
        self._handle = open_segment(self._directory.segment(self.segment, self._prefix))
        self.end = FILE_HEADER.size

    def _cut_back(self, handle: Handle) -> None:
        try:
            os.ftruncate(handle.fd, self.end)
        except OSError:
            self._handle = None  # a torn record may stay at its end; readers stop at the last whole one
