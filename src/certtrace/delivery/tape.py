"""What one process's recorder writes: its directory, segments of recordings, and notes of what was promoted."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from certtrace.delivery import frames
from certtrace.delivery.asides import Aside, promotion_of, record_of_aside
from certtrace.delivery.content import SegmentWriter
from certtrace.delivery.directory import ProcessDirectory
from certtrace.delivery.files import make_private_folder
from certtrace.delivery.recorder_index import Place
from certtrace.delivery.recordings import ASIDE_PREFIX, PROMOTED_PREFIX, RECALLED_PREFIX, write_life

_NOTES_BYTES: Final = 65_536
_SEGMENTS_PER_LIFE: Final = 16


class Tape:
    """Appends to this process's directory, which is made when it is first needed. Not thread-safe."""

    def __init__(self, root: Path, *, segment_bytes: int, max_seconds: float) -> None:
        """Take the folder of all processes, the size at which the next segment begins, and how long recordings live."""
        self._root = root
        self._segment_bytes = segment_bytes
        self._max_seconds = max_seconds
        self._directory: ProcessDirectory | None = None
        self._writers: dict[str, SegmentWriter] = {}
        self._next_at = 0.0

    @property
    def path(self) -> Path | None:
        """This process's directory; None as long as nothing was written."""
        return self._directory.path if self._directory is not None else None

    def write(self, aside: Aside) -> tuple[Place, int]:
        """Append one unit; return where it is, and by how much the folder grew.

        Raises:
            OSError: The disk refuses.
            SpoolError: The folder cannot be used.
            ValueError: The unit is too large.
        """
        data = frames.pack(record_of_aside(aside))
        now = time.monotonic()
        directory, writer = self._open(ASIDE_PREFIX, self._segment_bytes)
        if now >= self._next_at:
            # By time as well: one young record would keep a segment's old ones on the disk.
            writer.close()
            self._next_at = now + self._max_seconds / _SEGMENTS_PER_LIFE
        grown = writer.append(data)
        return Place(directory.path, writer.segment, writer.end - len(data)), grown

    def note(self, asides: Sequence[Aside]) -> None:
        """Note units as promoted.

        Raises:
            OSError: The disk refuses.
            SpoolError: The folder cannot be used.
        """
        now = time.time_ns()
        for aside in asides:
            own = self._directory is not None and aside.process == self._directory.path.name
            # A note about another's recording goes where everybody looks: its directory may change hands again.
            _, writer = self._open(PROMOTED_PREFIX if own else RECALLED_PREFIX, _NOTES_BYTES)
            writer.append(frames.pack(promotion_of(aside, now)))

    def begin_next_segment(self) -> None:
        """Write no more to the present segment: a write to it failed."""
        for writer in self._writers.values():
            writer.close()

    def release(self) -> None:
        """Write no more. What is there stays for the others."""
        self._writers = {}
        if self._directory is not None:
            self._directory.release()

    def forget_after_fork(self) -> None:
        """Drop what is the parent's."""
        self._writers = {}
        if self._directory is not None:
            self._directory.forget_after_fork()

    def _open(self, prefix: str, segment_bytes: int) -> tuple[ProcessDirectory, SegmentWriter]:
        if any(writer.is_unlinked() for writer in self._writers.values()):
            self._begin_anew()
        directory = self._directory
        if directory is None:
            make_private_folder(self._root)
            directory = self._directory = ProcessDirectory.create(self._root)
            write_life(directory.path, self._max_seconds)
        writer = self._writers.get(prefix)
        if writer is None:
            writer = self._writers[prefix] = SegmentWriter(directory, segment_bytes, prefix=prefix)
        return directory, writer

    def _begin_anew(self) -> None:
        """Write to other files: another process made room with ours, or an operator deleted the folder."""
        self.begin_next_segment()
        if self._directory is not None and not self._directory.path.is_dir():
            self.release()
            self._directory = None
