"""Content as a record of the spool: what kind it is, and which destinations it is for."""

from typing import Final

from certtrace.delivery.frames import Record, RecordType
from certtrace.ports import Payload

_KINDS: Final = {int(RecordType.SPANS): "spans", int(RecordType.SCORES): "scores"}
_TYPES: Final = {kind: RecordType(number) for number, kind in _KINDS.items()}
_ADDRESSED: Final = {int(RecordType.SPANS_FOR): "spans", int(RecordType.SCORES_FOR): "scores"}
_TYPES_ADDRESSED: Final = {kind: RecordType(number) for number, kind in _ADDRESSED.items()}
_END: Final = b"\n"


def holds_content(record: Record) -> bool:
    """Whether a record is something that destinations take."""
    return record.type in _KINDS or record.type in _ADDRESSED


def record_of(payload: Payload, sequence: int, time_ns: int) -> Record:
    """Return the record that holds a payload."""
    data = payload.data
    if payload.destinations:
        data = ",".join(payload.destinations).encode() + _END + data
    return Record(
        type=(_TYPES_ADDRESSED if payload.destinations else _TYPES)[payload.kind],
        sequence=sequence,
        trace_id=int(payload.trace_id, 16) if payload.trace_id else 0,
        payload=data,
        time_ns=time_ns,
    )


def payload_of(record: Record) -> Payload:
    """Return what a record of content holds.

    Raises:
        ValueError: It is no record of content.
    """
    trace_id = f"{record.trace_id:032x}" if record.trace_id else ""
    if record.type in _KINDS:
        return Payload(_KINDS[record.type], record.payload, trace_id)
    names, end, data = record.payload.partition(_END)
    if record.type not in _ADDRESSED or not end:
        msg = f"Record type {record.type} holds no content."
        raise ValueError(msg)
    return Payload(_ADDRESSED[record.type], data, trace_id, tuple(names.decode("utf-8", "replace").split(",")))


def addressees(record: Record) -> tuple[str, ...]:
    """Return the destinations that a record of content is for; empty for all."""
    if record.type not in _ADDRESSED:
        return ()
    return tuple(record.payload[: record.payload.find(_END)].decode("utf-8", "replace").split(","))


def is_for(payload: Payload, destination: str) -> bool:
    """Whether a destination is to get a payload."""
    return not payload.destinations or destination in payload.destinations
