"""How long recordings stay: the oldest segment goes first, whichever process wrote it."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from certtrace.delivery.directory import SUFFIX, ProcessDirectory, remove_stale_drafts
from certtrace.delivery.recordings import processes


class Kept(NamedTuple):
    """What one look at the folder left."""

    bytes: int
    """Size of all recordings."""
    removed: int
    """Segments that were deleted."""


class _Segment(NamedTuple):
    modified: float
    size: int
    path: Path


def enforce(root: Path, *, max_bytes: int, max_seconds: float, min_free_bytes: int) -> Kept:
    """Delete what is too old, and then the oldest until the rest fits; return what is left. Never raises.

    Args:
        root: Folder of all processes' recordings.
        max_bytes: Budget of them together.
        max_seconds: Age at which a segment is deleted, counted from its last record.
        min_free_bytes: Free disk that recordings give way to.
    """
    found = sorted(_segments(root))
    total = sum(segment.size for segment in found)
    oldest = time.time() - max_seconds
    allowed = min(max_bytes, total + _free_bytes(root) - min_free_bytes)
    removed = 0
    for segment in found:
        if segment.modified >= oldest and total <= allowed:
            break
        with suppress(OSError):
            segment.path.unlink()
            removed += 1
        total -= segment.size
    return Kept(total, removed)


def remove_empty(root: Path) -> None:
    """Delete the directories of dead processes that hold nothing any more. Never raises."""
    remove_stale_drafts(root)
    for path in processes(root):
        if not any(True for _ in _files(path)):
            directory = ProcessDirectory.adopt(path)
            if directory is not None:
                directory.remove()


def _segments(root: Path) -> Iterator[_Segment]:
    for directory in processes(root):
        yield from _files(directory)


def _files(directory: Path) -> Iterator[_Segment]:
    """Yield recordings, and the notes of what was promoted, which grow old in the same way."""
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX):
                    with suppress(OSError):
                        facts = entry.stat(follow_symlinks=False)
                        yield _Segment(facts.st_mtime, facts.st_size, Path(entry.path))
    except OSError:
        return


def _free_bytes(root: Path) -> int:
    try:
        facts = os.statvfs(root)
    except OSError:
        return 2**62
    return facts.f_bavail * facts.f_frsize
