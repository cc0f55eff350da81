"""Builders of OTLP payloads for the tests of this folder."""

import itertools
import json

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from certtrace import semconv
from certtrace.ports import Payload

START_NS = 1_795_375_000_000_000_000
_ids = itertools.count(1)


def any_value(value):
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    if isinstance(value, (list, tuple)):
        return AnyValue(array_value=ArrayValue(values=map(any_value, value)))
    return AnyValue(string_value=value)


def pairs(attributes):
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def new_trace_id():
    return f"{next(_ids):032x}"


def new_span_id():
    return f"{next(_ids):016x}"


def meta(**facts):
    """Metadata as certtrace sends it: `cert__confidence=0.5` becomes the JSON value of `cert.confidence`."""
    return {semconv.metadata(key.replace("__", ".")): json.dumps(value) for key, value in facts.items()}


def span(
    name="step",
    *,
    trace_id,
    span_id=None,
    parent=None,
    attributes=None,
    start_ms=0.0,
    end_ms=1000.0,
    error=None,
    events=(),
):
    made = Span(
        trace_id=bytes.fromhex(trace_id),
        span_id=bytes.fromhex(span_id or new_span_id()),
        parent_span_id=bytes.fromhex(parent) if parent else b"",
        name=name,
        start_time_unix_nano=START_NS + int(start_ms * 1e6),
        end_time_unix_nano=START_NS + int(end_ms * 1e6),
        attributes=pairs(attributes or {}),
        events=[Span.Event(name=event, attributes=pairs(given)) for event, given in events],
    )
    if error is not None:
        made.status.code = 2
        made.status.message = error
    return made


def resource_spans(spans, *, resource=None, scope=semconv.SCOPE_NAME, scope_version=""):
    made = ResourceSpans()
    made.resource.attributes.extend(pairs(resource or {}))
    scope_spans = made.scope_spans.add()
    scope_spans.scope.name = scope
    scope_spans.scope.version = scope_version
    scope_spans.spans.extend(spans)
    return made


def payload(spans, **resource):
    made = resource_spans(spans, **resource)
    return Payload("spans", made.SerializeToString(), spans[0].trace_id.hex() if spans else "")


def scores(*given):
    return Payload("scores", json.dumps(given).encode(), "")
