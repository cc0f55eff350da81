"""A unit that was not kept, as a recorder holds it: one record, compressed; nothing here does I/O."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from certtrace.delivery.frames import MAX_PAYLOAD_BYTES, Record, RecordType
from certtrace.ports import Decision, Payload

_LEVEL: Final = 1
_END: Final = b"\n"


@dataclass(slots=True, frozen=True)
class Aside:
    """One unit that was set aside instead of being sent."""

    trace_id: int
    root_span_id: int
    """Span id of the local root."""
    decision: Decision
    """Why it was not kept."""
    span_count: int
    payloads: tuple[Payload, ...]
    time_ns: int
    """When it was set aside, unix time."""
    process: str = ""
    """Name of the directory of the process that set it aside."""
    sequence: int = 0
    """Its number there; both together name this unit and no other."""

    @property
    def key(self) -> tuple[str, int]:
        """What names this unit among all that were set aside."""
        return self.process, self.sequence


def record_of_aside(aside: Aside) -> Record:
    """Return the record that holds a unit.

    Raises:
        ValueError: It is larger than a record may be.
    """
    decision = aside.decision
    head = {
        "rule": decision.rule,
        "counts": decision.counts,
        "spans": aside.span_count,
        "parts": [[payload.kind, list(payload.destinations), len(payload.data)] for payload in aside.payloads],
    }
    body = b"".join((json.dumps(head).encode(), _END, *(payload.data for payload in aside.payloads)))
    if len(body) > MAX_PAYLOAD_BYTES:
        msg = f"A unit of {len(body)} bytes is too large to be set aside."
        raise ValueError(msg)
    return Record(
        type=RecordType.ASIDE,
        sequence=aside.sequence,
        trace_id=aside.trace_id,
        payload=zlib.compress(body, _LEVEL),
        root_span_id=aside.root_span_id,
        threshold=decision.threshold,
        time_ns=aside.time_ns,
    )


def aside_of(record: Record, process: str) -> Aside:
    """Return the unit that a record of a process's directory holds.

    Raises:
        ValueError: It is not whole, or says what no recorder writes.
    """
    if record.type != RecordType.ASIDE:
        msg = f"Record type {record.type} holds no unit."
        raise ValueError(msg)
    head, data = _unpacked(record.payload)
    trace_id = f"{record.trace_id:032x}"
    try:
        payloads = tuple(_parts(head["parts"], data, trace_id))
        return Aside(
            trace_id=record.trace_id,
            root_span_id=record.root_span_id,
            decision=Decision(
                keep=False, rule=str(head["rule"]), threshold=record.threshold, counts=head["counts"] is True
            ),
            span_count=int(head["spans"]),
            payloads=payloads,
            time_ns=record.time_ns,
            process=process,
            sequence=record.sequence,
        )
    except (KeyError, TypeError) as error:
        msg = f"The unit's record lacks something ({type(error).__name__})."
        raise ValueError(msg) from None


def promotion_of(aside: Aside, time_ns: int) -> Record:
    """Return the record that says that a unit was sent after all."""
    return Record(
        type=RecordType.PROMOTED,
        sequence=aside.sequence,
        trace_id=aside.trace_id,
        payload=aside.process.encode(),
        root_span_id=aside.root_span_id,
        time_ns=time_ns,
    )


def key_of_promotion(record: Record) -> tuple[str, int]:
    """Return the key of the unit that a promotion is about."""
    return record.payload.decode("utf-8", "replace"), record.sequence


def _unpacked(packed: bytes) -> tuple[dict[str, Any], bytes]:
    reading = zlib.decompressobj()
    try:
        # Bounded: a hostile file must not unpack to more than a record may hold.
        body = reading.decompress(packed, MAX_PAYLOAD_BYTES)
        head, end, data = body.partition(_END)
        told = json.loads(head)
    except (zlib.error, ValueError):
        told, end, data = None, b"", b""
    if not isinstance(told, dict) or not end or not reading.eof:
        msg = "The unit's record cannot be unpacked."
        raise ValueError(msg)
    return told, data


def _parts(parts: Sequence[Any], data: bytes, trace_id: str) -> list[Payload]:
    payloads = []
    start = 0
    for kind, destinations, size in parts:
        piece = data[start : start + int(size)]
        payloads.append(Payload(str(kind), piece, trace_id, tuple(map(str, destinations))))
        start += int(size)
    if start != len(data):
        msg = "The unit's record does not hold what it names."
        raise ValueError(msg)
    return payloads
