"""Reading what recorders wrote, of living processes and dead ones: nothing here needs a lock or changes a file."""

import json
import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from certtrace.delivery import frames
from certtrace.delivery.asides import Aside, aside_of, key_of_promotion
from certtrace.delivery.directory import SUFFIX, abandoned
from certtrace.delivery.files import Handle, open_for_reading, read_from, replace_file
from certtrace.delivery.frames import FILE_HEADER, HEADER, OVERHEAD_BYTES, RECORD_MAGIC, VERSION, Record, RecordType

ASIDE_PREFIX: Final = "aside-"
PROMOTED_PREFIX: Final = "promoted-"
"""What a process promoted of its own recordings."""
RECALLED_PREFIX: Final = "recalled-"
"""What a process promoted of others' recordings: these the others have to look at."""

_LIFE: Final = "life.json"


class Head(NamedTuple):
    """Where a record is, and the part of its header that an index needs."""

    offset: int
    type: int
    sequence: int
    trace_id: int


class Findings(NamedTuple):
    """What the recorders below one folder hold of some traces."""

    asides: list[Aside]
    """Not promoted yet, oldest first."""
    promoted: list[Aside]
    """Sent already, and still on disk."""


def processes(root: Path) -> list[Path]:
    """Return the directories of all processes below a recorder's root."""
    return abandoned(root)


def segments(directory: Path, prefix: str = ASIDE_PREFIX) -> list[tuple[int, Path]]:
    """Return numbers and paths of a directory's segments, oldest first; none where it is gone."""
    found = []
    try:
        for path in directory.iterdir():
            number = path.name.removeprefix(prefix).removesuffix(SUFFIX)
            if path.name.startswith(prefix) and number.isdecimal():
                found.append((int(number), path))
    except OSError:
        return []
    return sorted(found)


def segment_path(directory: Path, number: int) -> Path:
    """Return the file of a segment of recordings."""
    return directory / f"{ASIDE_PREFIX}{number:08d}{SUFFIX}"


def heads(path: Path) -> Iterator[Head]:
    """Yield the records of a segment, in order, without their payloads; a damaged stretch is passed over.

    Raises:
        OSError: The segment cannot be read.
    """
    handle = open_for_reading(path)
    size = os.fstat(handle.fd).st_size
    if frames.is_from_a_later_version(os.pread(handle.fd, FILE_HEADER.size, 0)):
        return
    offset = FILE_HEADER.size
    while size - offset >= OVERHEAD_BYTES:
        magic, version, kind, _, length, sequence, trace_id, *_ = HEADER.unpack(
            os.pread(handle.fd, HEADER.size, offset)
        )
        end = offset + OVERHEAD_BYTES + length
        if magic != RECORD_MAGIC or version != VERSION or end > size:
            yield from _behind_damage(path, offset)
            return
        yield Head(offset, kind, sequence, int.from_bytes(trace_id, "big"))
        offset = end


def _behind_damage(path: Path, start: int) -> Iterator[Head]:
    for found in frames.scan(read_from(path, start)):
        if found.record is not None:
            record = found.record
            yield Head(start + found.start, record.type, record.sequence, record.trace_id)


def read_record(path: Path, offset: int) -> Record | None:
    """Return the record at a place; None where it is damaged.

    Raises:
        OSError: The segment is gone or cannot be read.
    """
    handle: Handle = open_for_reading(path)
    head = os.pread(handle.fd, HEADER.size, offset)
    if len(head) < HEADER.size or not head.startswith(RECORD_MAGIC):
        return None
    length = HEADER.unpack(head)[4]
    if length > frames.MAX_PAYLOAD_BYTES:
        return None
    found = next(frames.scan(os.pread(handle.fd, OVERHEAD_BYTES + length, offset)), None)
    return found.record if found is not None else None


def read_aside(path: Path, offset: int) -> Aside | None:
    """Return the unit at a place; None where it is gone or damaged."""
    try:
        record = read_record(path, offset)
        return aside_of(record, path.parent.name) if record is not None else None
    except (OSError, ValueError):
        return None


def promotions(directory: Path, prefix: str) -> set[tuple[str, int]]:
    """Return the keys of what a process noted as promoted; a damaged note is passed over."""
    keys = set()
    for _, path in segments(directory, prefix):
        try:
            data = read_from(path, 0)
        except OSError:
            continue
        for found in frames.scan(data, min(FILE_HEADER.size, len(data))):
            if found.record is not None and found.record.type == RecordType.PROMOTED:
                keys.add(key_of_promotion(found.record))
    return keys


def recalled(root: Path) -> set[tuple[str, int]]:
    """Return the keys of what was promoted by others than the process that had set it aside."""
    return {key for directory in processes(root) for key in promotions(directory, RECALLED_PREFIX)}


def write_life(directory: Path, max_seconds: float) -> None:
    """Note how long a process's recordings live: whoever reads them may have other settings, or none.

    Raises:
        OSError: The disk refuses.
    """
    replace_file(directory / _LIFE, json.dumps({"max_seconds": max_seconds}).encode())


def _since_ns(directory: Path) -> int:
    """Return the unix time before which a process's recordings count as gone."""
    try:
        seconds = float(json.loads(read_from(directory / _LIFE, 0))["max_seconds"])
        return time.time_ns() - int(seconds * 1e9)
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return 0


def find(root: Path, trace_ids: Collection[int]) -> Findings:
    """Return what all recorders below `root` hold of the traces; what outlived its time counts as gone."""
    asides: list[Aside] = []
    done: set[tuple[str, int]] = set()
    for directory in processes(root):
        done |= promotions(directory, PROMOTED_PREFIX) | promotions(directory, RECALLED_PREFIX)
        since = _since_ns(directory)
        for _, path in segments(directory):
            asides += [aside for aside in _asides_in(path, trace_ids) if aside.time_ns >= since]
    asides.sort(key=lambda aside: aside.time_ns)
    return Findings([a for a in asides if a.key not in done], [a for a in asides if a.key in done])


def _asides_in(path: Path, trace_ids: Collection[int]) -> list[Aside]:
    try:
        wanted = [head for head in heads(path) if head.type == RecordType.ASIDE and head.trace_id in trace_ids]
    except OSError:
        return []  # deleted meanwhile, as the oldest are
    read = (read_aside(path, head.offset) for head in wanted)
    return [aside for aside in read if aside is not None]
