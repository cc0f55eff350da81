"""The bytes of the spool: file header, record header, payload, CRC; nothing here does I/O.

A record is `header | payload | crc32(header + payload)`, little endian. Nothing is ever pickled: a damaged or hostile
file can lose its own records and do nothing else.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

FILE_MAGIC: Final = b"certspl\n"
RECORD_MAGIC: Final = b"CTR\xf1"
VERSION: Final = 1
MAX_PAYLOAD_BYTES: Final = 64 * 1024 * 1024

FILE_HEADER: Final = struct.Struct("<8sHHI")
"""Magic, version, reserved, CRC of what stands before. The version is here too, so that a later format is recognised
even where its record framing is unknown."""
HEADER: Final = struct.Struct("<4sBBHIQ16sQQQ")
"""Magic, version, type, rule, payload length, sequence, trace id, local root span id, threshold, time in ns."""
SKELETON: Final = struct.Struct("<4sBBHIQ16sQQQQIBB")
"""A whole skeleton without its CRC: the header, then start time in ns, span count, status code, outcome flags."""
SKELETON_PAYLOAD: Final = struct.Struct("<QIBB")
CRC: Final = struct.Struct("<I")
SKELETON_BYTES: Final = SKELETON.size + CRC.size
OVERHEAD_BYTES: Final = HEADER.size + CRC.size


class RecordType(IntEnum):
    """What a record holds."""

    SKELETON = 1
    SPANS = 2
    SCORES = 3
    REASON = 4
    """Why the record before it, a dead letter, was refused: JSON."""
    SPANS_FOR = 5
    """Spans for the destinations that the first line of the payload names."""
    SCORES_FOR = 6
    """Scores for the destinations that the first line of the payload names."""
    ASIDE = 7
    """A whole unit that was not kept, in a recorder: see `asides`."""
    PROMOTED = 8
    """A unit of a recorder that was sent after all; the payload names the process that had set it aside."""


class Outcome(IntFlag):
    """How a unit ended, in one byte of its skeleton."""

    ERROR = 1
    CANCELLED = 2
    ABANDONED = 4
    UNCOUNTED = 8
    """Kept for context only: it stands for itself, not for 1 / p units."""
    PART = 16
    """A part of a unit whose local root had not ended."""


@dataclass(slots=True, frozen=True)
class Record:
    """One record as it was read."""

    type: int
    sequence: int
    trace_id: int
    payload: bytes
    root_span_id: int = 0
    threshold: int = 0
    time_ns: int = 0
    rule: int = 0


@dataclass(slots=True, frozen=True)
class Found:
    """One stretch of a segment: a record, or a fault.

    `fault` is `torn` (cut short at the end), `corrupt` (skipped up to the next whole record) or `unknown` (written by a
    later version: the rest is left alone).
    """

    start: int
    end: int
    record: Record | None = None
    fault: str = ""


def file_header() -> bytes:
    """Return the first bytes of every spool file."""
    head = FILE_HEADER.pack(FILE_MAGIC, VERSION, 0, 0)[:-4]
    return head + CRC.pack(zlib.crc32(head))


def is_from_a_later_version(head: bytes) -> bool:
    """Whether a whole file header names a version that this code does not know."""
    if len(head) < FILE_HEADER.size:
        return False
    magic, version, _reserved, crc = FILE_HEADER.unpack_from(head)
    return bool(magic == FILE_MAGIC and crc == zlib.crc32(head[: FILE_HEADER.size - 4]) and version != VERSION)


def pack(record: Record) -> bytes:
    """Return the record's bytes, CRC included."""
    head = HEADER.pack(
        RECORD_MAGIC,
        VERSION,
        record.type,
        record.rule,
        len(record.payload),
        record.sequence,
        record.trace_id.to_bytes(16, "big"),
        record.root_span_id,
        record.threshold,
        record.time_ns,
    )
    return b"".join((head, record.payload, CRC.pack(zlib.crc32(record.payload, zlib.crc32(head)))))


def scan(data: bytes, start: int = 0) -> Iterator[Found]:
    """Yield every record and every fault from `start` to the end of `data`, without a gap."""
    position = start
    while position < len(data):
        found = _parse(data, position) or _resync(data, position)
        yield found
        if found.fault == "unknown":
            return
        position = found.end


def _parse(data: bytes, start: int) -> Found | None:
    """Return the whole record at `start`, or None."""
    if len(data) - start < OVERHEAD_BYTES or data[start : start + 4] != RECORD_MAGIC:
        return None
    _, version, kind, rule, length, sequence, trace_id, root, threshold, time_ns = HEADER.unpack_from(data, start)
    payload_start = start + HEADER.size
    payload_end = payload_start + length
    if length > MAX_PAYLOAD_BYTES or payload_end + CRC.size > len(data):
        return None
    if CRC.unpack_from(data, payload_end)[0] != zlib.crc32(memoryview(data)[start:payload_end]):
        return None
    if version != VERSION:
        return Found(start, len(data), fault="unknown")
    payload = data[payload_start:payload_end]
    record = Record(
        type=kind,
        sequence=sequence,
        trace_id=int.from_bytes(trace_id, "big"),
        payload=payload,
        root_span_id=root,
        threshold=threshold,
        time_ns=time_ns,
        rule=rule,
    )
    return Found(start, payload_end + CRC.size, record)


def _resync(data: bytes, start: int) -> Found:
    """Return the fault that ends where the next whole record begins.

    Without a later whole record the stretch is a torn tail: the process died, or the disk was full, while it wrote.
    """
    candidate = data.find(RECORD_MAGIC, start + 1)
    while candidate != -1:
        if _parse(data, candidate) is not None:
            return Found(start, candidate, fault="corrupt")
        candidate = data.find(RECORD_MAGIC, candidate + 1)
    whole_at_the_end = _claims_to_be_whole(data, start)
    return Found(start, len(data), fault="corrupt" if whole_at_the_end else "torn")


def _claims_to_be_whole(data: bytes, start: int) -> bool:
    """Whether the bytes at `start` have the length their header names, so that they are damaged rather than cut."""
    if len(data) - start < OVERHEAD_BYTES or data[start : start + 4] != RECORD_MAGIC:
        return len(data) - start >= OVERHEAD_BYTES
    length = HEADER.unpack_from(data, start)[4]
    return bool(start + OVERHEAD_BYTES + length <= len(data))
