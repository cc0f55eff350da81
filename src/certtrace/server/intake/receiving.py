"""The way of a trace export: decoded, checked, redacted where it comes from elsewhere, mapped, written."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from certtrace.records.mapping import observations_of
from certtrace.records.model import Observation, ObservationChange, Score, TraceChange
from certtrace.records.store import StoreWriter
from certtrace.server.box import Box
from certtrace.server.errors import ApiError
from certtrace.server.intake.otlp_json import JsonRequest
from certtrace.server.intake.parts import count_parts
from certtrace.server.intake.redacting import redact_spans
from certtrace.server.intake.refusing import Fault, Malformed, bad_export, refused
from certtrace.server.intake.trace_content import may_tell, trace_changes

_MOST_SPANS: Final = 50_000
_MOST_PARTS: Final = 500_000
_SMALL_BYTES: Final = 8 * 1024 * 1024
"""Bodies up to this length cannot cost much, whatever they are made of."""


def receive_protobuf(box: Box, project: str, body: bytes) -> int:
    """Store an export in protobuf and return how many spans it held.

    Raises:
        ApiError: It is malformed; nothing was stored.
    """
    if len(body) > _SMALL_BYTES and count_parts(body, _MOST_PARTS) > _MOST_PARTS:
        raise bad_export(413, f"The export is made of more than {_MOST_PARTS} parts. Send it in several.")
    try:
        message = ExportTraceServiceRequest.FromString(body)
    except (DecodeError, RecursionError):
        raise bad_export(400, "Failed to parse OTel Protobuf Trace") from None
    return _receive(box, project, message, {}, tells=may_tell(body))


def receive_json(box: Box, project: str, body: object) -> int:
    """Store an export in JSON and return how many spans it held.

    Raises:
        ApiError: It is malformed; nothing was stored.
    """
    try:
        request = JsonRequest(body)
    except Malformed as error:
        raise refused(error) from None
    return _receive(box, project, request.message, request.renamed, tells=True)


def _receive(
    box: Box, project: str, message: ExportTraceServiceRequest, renamed: Mapping[str, str], *, tells: bool
) -> int:
    try:
        count = _checked(message)
    except Malformed as error:
        raise refused(error) from None
    if not count:
        return 0
    redact_spans(box, message)
    found = (each for resource_spans in message.resource_spans for each in observations_of(resource_spans))
    traces = list(trace_changes(message)) if tells else []
    if renamed:
        traces = [replace(each, trace_id=renamed.get(each.trace_id, each.trace_id)) for each in traces]
    write(box, project, _renamed(found, renamed) if renamed else found, traces=traces)
    return count


def write(
    box: Box,
    project: str,
    observations: Iterable[Observation] = (),
    scores: Iterable[Score] = (),
    *,
    changes: Iterable[ObservationChange] = (),
    traces: Iterable[TraceChange] = (),
) -> None:
    """Store everything in one transaction; it is committed when this returns.

    Raises:
        ApiError: 503, the disk is full or the store is damaged.
        StoreError: The store cannot be opened or is busy.
    """
    writer = StoreWriter(box.store)
    try:
        writer.write(project, observations, scores, changes=list(changes), traces=list(traces))
    except sqlite3.Error as error:
        symbol = getattr(error, "sqlite_errorname", type(error).__name__)
        msg = f"The store could not be written ({symbol}). Nothing of this request was stored; send it again later."
        raise ApiError(503, msg, "ServiceUnavailableError") from None


def _checked(message: ExportTraceServiceRequest) -> int:
    count = 0
    for span in spans_of(message):
        count += 1
        _check_id(span.trace_id, "traceId", 16)
        _check_id(span.span_id, "spanId", 8)
        if any(span.parent_span_id):
            _check_id(span.parent_span_id, "parentSpanId", 8)
    if count > _MOST_SPANS:
        msg = f"The export holds {count} spans, more than {_MOST_SPANS}. Send it in parts."
        raise bad_export(413, msg)
    return count


def spans_of(message: ExportTraceServiceRequest) -> Iterator[Span]:
    """Yield every span of a message."""
    for resource_spans in message.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            yield from scope_spans.spans


def _check_id(raw: bytes, field: str, length: int) -> None:
    if len(raw) != length:
        raise Malformed(Fault.WRONG_LENGTH if raw else Fault.ABSENT, field)
    if not any(raw):
        raise Malformed(Fault.ALL_ZERO, field)


def _renamed(observations: Iterable[Observation], names: Mapping[str, str]) -> Iterator[Observation]:
    for each in observations:
        parent = each.parent_observation_id
        yield replace(
            each,
            id=names.get(each.id, each.id),
            trace_id=names.get(each.trace_id, each.trace_id),
            parent_observation_id=names.get(parent, parent) if parent is not None else None,
        )
