"""Between OTLP's messages and the records that a redactor takes."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from certtrace.ports import EventRecord, LinkRecord, ScopeRecord, SpanRecord, Structured

_SCALARS = frozenset({"string_value", "bool_value", "int_value", "double_value"})

Pairs = RepeatedCompositeFieldContainer[KeyValue]


def record_of(span: Span, scope: ScopeRecord) -> SpanRecord:
    """Return a span as a redactor takes it. Values that are lists or objects stay structures."""
    return SpanRecord(
        trace_id=int.from_bytes(span.trace_id),
        span_id=int.from_bytes(span.span_id),
        parent_span_id=int.from_bytes(span.parent_span_id),
        name=span.name,
        kind=span.kind,
        start_time_ns=span.start_time_unix_nano,
        end_time_ns=span.end_time_unix_nano,
        status_code=span.status.code,
        status_message=span.status.message,
        attributes=values_of(span.attributes),
        events=[EventRecord(each.name, each.time_unix_nano, values_of(each.attributes)) for each in span.events],
        links=[LinkRecord(0, 0, each.trace_state, values_of(each.attributes)) for each in span.links],
        trace_state=span.trace_state,
        scope=scope,
    )


def put_back(record: SpanRecord, span: Span) -> None:
    """Put what a redactor returned into the span it came from; ids and times stay."""
    span.name = record.name
    span.status.message = record.status_message
    span.trace_state = record.trace_state
    put_values(record.attributes, span.attributes)
    for event, clean in zip(span.events, record.events, strict=True):
        event.name = clean.name
        put_values(clean.attributes, event.attributes)
    for link, clean_link in zip(span.links, record.links, strict=True):
        link.trace_state = clean_link.trace_state
        put_values(clean_link.attributes, link.attributes)


def values_of(pairs: Iterable[KeyValue]) -> dict[str, object]:
    """Return attributes by key; of those with the same key the last."""
    return {pair.key: _value_of(pair.value) for pair in pairs}


def put_values(values: Mapping[str, object], pairs: Pairs) -> None:
    """Put redacted values where attributes stood; what was a list or an object is one again."""
    shapes = {pair.key: pair.value.WhichOneof("value") for pair in pairs}
    del pairs[:]
    for key, value in values.items():
        message = pairs.add(key=key).value
        if not (value == "" and key in shapes and shapes[key] is None):
            is_structure = isinstance(value, str) and shapes.get(key) in ("array_value", "kvlist_value")
            _put(_decoded(str(value)) if is_structure else value, message)


def _value_of(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind in _SCALARS:
        return getattr(value, kind)
    if kind is None:
        return ""  # a redactor would write it as text
    return value.bytes_value if kind == "bytes_value" else Structured(_plain(value))


def _plain(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return {each.key: _plain(each.value) for each in value.kvlist_value.values}
    return None if kind is None else getattr(value, kind)


def _decoded(text: str) -> object:
    try:
        found: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text  # a rule took the value as a whole
    return found if isinstance(found, (list, dict)) else text


def _put(value: Any, message: AnyValue) -> None:
    kind = type(value)
    if kind is str:
        message.string_value = value
    elif kind is bool:
        message.bool_value = value
    elif kind is int and -(2**63) <= value < 2**63:
        message.int_value = value
    elif kind in (int, float):
        message.double_value = value
    elif kind is dict:
        message.kvlist_value.SetInParent()
        for key, item in value.items():
            _put(item, message.kvlist_value.values.add(key=key).value)
    elif kind in (list, tuple):
        message.array_value.SetInParent()
        for item in value:
            _put(item, message.array_value.values.add())
