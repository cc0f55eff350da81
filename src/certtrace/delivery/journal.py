"""The skeleton journal: what the thread that ends a local root writes, by one call to the kernel.

Its files are its own, so that callers never wait for the worker that writes content. There is no lock on the usual
path: `O_APPEND` makes each write whole and in order, and `next()` of a counter is atomic.
"""

import os
from collections.abc import Callable
from itertools import count
from typing import Final, NamedTuple
from zlib import crc32

from certtrace.delivery.files import Handle
from certtrace.delivery.frames import CRC, RECORD_MAGIC, SKELETON, SKELETON_BYTES, SKELETON_PAYLOAD, VERSION, RecordType

REFUSED: Final = 0
"""What `accept` returns for a unit that was not accepted; sequences start at 1."""

_pack = SKELETON.pack
_pack_crc = CRC.pack
_write = os.write
_PAYLOAD_BYTES: Final = SKELETON_PAYLOAD.size
_SKELETON_TYPE: Final = int(RecordType.SKELETON)  # an enum member costs more to pack
_UINT32: Final = 2**32 - 1
_UINT64: Final = 2**64 - 1


class Troubled(NamedTuple):
    """A unit that could not be accepted in the usual way."""

    skeleton: bytes
    """The whole record; empty where not even numbers were given."""
    sequence: int
    threshold: int
    rule: int


class Journal:
    """Hands out sequence numbers and puts skeletons on disk."""

    __slots__ = ("_gaps", "_on_trouble", "_on_written", "_sequence", "handle", "is_open", "watched")

    def __init__(self) -> None:
        """Start without a file; `begin` comes before the first `accept`."""
        self.begin(lambda _unit: REFUSED, lambda _handle: None)

    def begin(self, on_trouble: Callable[[Troubled], int], on_written: Callable[[Handle], None]) -> None:
        """Start as a process that has accepted nothing; also in a forked child, where callers keep this very object.

        Args:
            on_trouble: Called when there is no open file, it refused, or not everybody is taken. Returns the sequence
                or `REFUSED`. Never raises.
            on_written: Called after a write while `watched`. Raises `OSError` where the skeleton may not be safe: it
                then counts as not written.
        """
        self._on_trouble = on_trouble
        self._on_written = on_written
        self._sequence = count(1)
        self._gaps = 0
        self.handle: Handle | None = None
        self.is_open = True
        """Whether every unit is taken; if not, `on_trouble` decides."""
        self.watched = False
        """Whether somebody wants to know of the next write."""

    def accept(  # noqa: PLR0913, PLR0917 - an object for the nine would cost as much as the write
        self,
        trace_id: int,
        root_span_id: int,
        start_time_ns: int,
        end_time_ns: int,
        status_code: int = 0,
        span_count: int = 1,
        outcome: int = 0,
        threshold: int = 0,
        rule: int = 0,
    ) -> int:
        """Put one unit's skeleton on disk; return its sequence, or `REFUSED`. Never raises, never waits.

        Args:
            trace_id: 128 bits.
            root_span_id: Span id of the local root.
            start_time_ns: Start of the local root, unix time.
            end_time_ns: End of the local root, unix time.
            status_code: OTLP's number.
            span_count: Spans in the unit.
            outcome: Flags: 1 error, 2 cancelled, 4 abandoned, 8 does not count (kept for context), 16 part of a unit
                that went on. See `frames.Outcome`.
            threshold: Rejection threshold the unit was kept with; 0 is certain.
            rule: Number of the rule that kept it, 16 bits.
        """
        # The sequence before the handle: a file that was swapped out can then only hold numbers below the one that
        # `swap` takes, which is what makes its deletion safe.
        sequence = next(self._sequence)
        body = b""
        try:
            body = _pack(
                RECORD_MAGIC,
                VERSION,
                _SKELETON_TYPE,
                rule,
                _PAYLOAD_BYTES,
                sequence,
                trace_id.to_bytes(16, "big"),
                root_span_id,
                threshold,
                end_time_ns,
                start_time_ns,
                span_count,
                status_code,
                outcome,
            )
            if self.is_open:
                handle = self.handle
                if _write(handle.fd, body + _pack_crc(crc32(body))) == SKELETON_BYTES:  # type: ignore[union-attr]  # None raises, and the except branch opens the file: no test on the usual path
                    if self.watched:
                        self._on_written(handle)  # type: ignore[arg-type]  # as above
                    return sequence
        except Exception:  # noqa: BLE001, S110 - the caller is the host's code; every failure goes the slow way below
            pass
        if not body:
            body = _pack_clamped(
                sequence,
                (rule, trace_id, root_span_id, threshold, end_time_ns, start_time_ns, span_count, status_code, outcome),
            )
        return self._on_trouble(Troubled(body + _pack_crc(crc32(body)) if body else b"", sequence, threshold, rule))

    def swap(self, handle: Handle) -> int:
        """Write to another file from now on; return a sequence that every number in the old file is below."""
        self.handle = handle
        return self.take_gap()

    def take_gap(self) -> int:
        """Use up one sequence number that belongs to no unit."""
        self._gaps += 1
        return next(self._sequence)

    def accepted(self, gap: int) -> int:
        """Return how many numbers below a fresh gap went to units."""
        return gap - self._gaps


def _pack_clamped(sequence: int, fields: tuple[int, ...]) -> bytes:
    """Return the skeleton with every number forced into its field: a clock or an id out of range costs no trace."""
    try:
        rule, trace_id, root, threshold, end, start, spans, status, outcome = fields
        return _pack(
            RECORD_MAGIC,
            VERSION,
            RecordType.SKELETON,
            rule & 0xFFFF,
            _PAYLOAD_BYTES,
            sequence,
            (trace_id & (1 << 128) - 1).to_bytes(16, "big"),
            root & _UINT64,
            min(max(threshold, 0), _UINT64),
            min(max(end, 0), _UINT64),
            min(max(start, 0), _UINT64),
            min(max(spans, 0), _UINT32),
            status & 0xFF,
            outcome & 0xFF,
        )
    except Exception:  # noqa: BLE001 - not even numbers: the unit stays accepted, without a skeleton
        return b""
