"""Span records to OTLP protobuf: one serialized `ResourceSpans` per unit, joined without decoding.

Input is already redacted. One value that OTLP cannot carry never costs its span: it is replaced and the rest goes out.
Field numbers are those of opentelemetry-proto 1.x (`common.proto`, `resource.proto`, `trace.proto`).
"""

import math
import struct
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from operator import is_
from typing import Final, TypeAlias

import orjson

from certtrace import semconv
from certtrace.delivery.protobuf import (
    delimited,
    delimited_tag,
    fixed32,
    fixed32_tag,
    fixed64,
    fixed64_tag,
    varint,
    varint_tag,
)
from certtrace.ports import EventRecord, LinkRecord, ScopeRecord, SpanRecord

_METADATA_PREFIX: Final = semconv.metadata("")
_ENCODED_PREFIXES: Final = (_METADATA_PREFIX, f"{semconv.TRACE_METADATA}.")
_KEPT_AS_THEY_ARE: Final = frozenset({semconv.USER_ID, semconv.SESSION_ID})
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_UINT64_MAX: Final = 2**64 - 1
_UINT32_MAX: Final = 2**32 - 1
_LOCAL_FLAGS: Final = 0x101
"""W3C's sampled bit, and OTLP's "is_remote is known"."""
_REMOTE_FLAGS: Final = 0x301

_FIELD_1: Final = delimited_tag(1)
_FIELD_2: Final = delimited_tag(2)
_FIELD_3: Final = delimited_tag(3)
_FIELD_4: Final = delimited_tag(4)
_EVENT_TIME: Final = fixed64_tag(1)
_STATUS_CODE: Final = varint_tag(3)
_SPAN_NAME: Final = delimited_tag(5)
_SPAN_KIND: Final = varint_tag(6)
_SPAN_START: Final = fixed64_tag(7)
_SPAN_END: Final = fixed64_tag(8)
_SPAN_ATTRIBUTE: Final = delimited_tag(9)
_SPAN_DROPPED_ATTRIBUTES: Final = varint_tag(10)
_SPAN_EVENT: Final = delimited_tag(11)
_SPAN_DROPPED_EVENTS: Final = varint_tag(12)
_SPAN_LINK: Final = delimited_tag(13)
_SPAN_DROPPED_LINKS: Final = varint_tag(14)
_SPAN_STATUS: Final = delimited_tag(15)
_SPAN_FLAGS: Final = fixed32_tag(16)
_ANY_STRING: Final = delimited_tag(1)
_ANY_BOOL: Final = varint_tag(2)
_ANY_INT: Final = varint_tag(3)
_ANY_DOUBLE: Final = fixed64_tag(4)
_ANY_ARRAY: Final = delimited_tag(5)
Parts: TypeAlias = tuple[bytes, bytes]
"""A field, cut before its text: a long text is not copied until everything is joined."""

_JSON_STARTS: Final = (b"{", b"[", b'"')
_ATOMS: Final = frozenset({str, bool, int, float, type(None)})
_CACHED_KEY: Final = 256
_pack_double = struct.Struct("<d").pack


def encode_unit(spans: Sequence[SpanRecord], resource: Mapping[str, object]) -> bytes:
    """Return one serialized `ResourceSpans`, its spans grouped by scope.

    Args:
        spans: Redacted spans of one unit.
        resource: Redacted resource attributes.
    """
    scopes: dict[tuple[str, str], list[bytes]] = {}
    for span in spans:
        scope = span.scope
        encoded = scopes.get((scope.name, scope.version))
        if encoded is None:
            encoded = scopes[scope.name, scope.version] = [delimited(_FIELD_1, _scope(scope))]
        encoded += _nested(_FIELD_2, _span_or_bare(span))
    # Parts are joined once, at the very end: a long text is copied once and not at every level of nesting.
    parts = [_resource.encoded(resource)]
    for encoded in scopes.values():
        parts += _nested(_FIELD_2, encoded)
    return b"".join(parts)


def _nested(tag: bytes, parts: list[bytes]) -> list[bytes]:
    """Return the parts of a field that holds a message, given the parts of the message."""
    return [tag, varint(sum(map(len, parts))), *parts]


class _Resource:
    """The latest resource, encoded: a process has one. Safe between threads."""

    def __init__(self) -> None:
        self._latest: tuple[tuple[str, ...], tuple[object, ...], bytes] = ((), (), delimited(_FIELD_1, b""))

    def encoded(self, resource: Mapping[str, object]) -> bytes:
        """Return the resource's field."""
        keys, values = tuple(resource), tuple(resource.values())
        known_keys, known_values, known = self._latest
        # `is`, not `==`: 1 equals True, and a list may have changed since.
        if keys == known_keys and all(map(is_, values, known_values)):
            return known
        encoded = delimited(_FIELD_1, b"".join(_attributes(_FIELD_1, resource.items())))
        if all(type(value) in _ATOMS for value in values):
            self._latest = (keys, values, encoded)
        return encoded


def concat_units(payloads: Iterable[bytes]) -> bytes:
    """Return a serialized `ExportTraceServiceRequest` made of serialized `ResourceSpans`, without decoding them."""
    parts: list[bytes] = []
    for payload in payloads:
        parts += (_FIELD_1, varint(len(payload)), payload)
    return b"".join(parts)


def _span_or_bare(span: SpanRecord) -> list[bytes]:
    try:
        return _span(span)
    except Exception:  # noqa: BLE001 - whatever a foreign value did, ids, times, name and status still go out
        return _span(replace(span, attributes={}, events=[], links=[], dropped_attributes=len(span.attributes)))


def _span(span: SpanRecord) -> list[bytes]:
    start, end, attributes = _repaired(span)
    parts = [
        delimited(_FIELD_1, _id(span.trace_id, 16)),
        delimited(_FIELD_2, _id(span.span_id, 8)),
        delimited(_SPAN_NAME, _utf8(span.name)),
        fixed64(_SPAN_START, start),
        fixed64(_SPAN_END, end),
        fixed32(_SPAN_FLAGS, _REMOTE_FLAGS if span.parent_is_remote else _LOCAL_FLAGS),
    ]
    if span.parent_span_id:
        parts.append(delimited(_FIELD_4, _id(span.parent_span_id, 8)))
    if span.trace_state:
        parts.append(delimited(_FIELD_3, _utf8(span.trace_state)))
    if 0 < span.kind <= 5:
        parts.append(_SPAN_KIND + varint(span.kind))
    own = span.scope.name == semconv.SCOPE_NAME
    parts += _attributes_for_langfuse(attributes) if own else _attributes(_SPAN_ATTRIBUTE, attributes.items())
    if span.dropped_attributes > 0:
        parts.append(_SPAN_DROPPED_ATTRIBUTES + varint(min(span.dropped_attributes, _UINT32_MAX)))
    parts += [delimited(_SPAN_EVENT, _event(event)) for event in span.events]
    if span.dropped_events > 0:
        parts.append(_SPAN_DROPPED_EVENTS + varint(min(span.dropped_events, _UINT32_MAX)))
    parts += [delimited(_SPAN_LINK, _link(link)) for link in span.links]
    if span.dropped_links > 0:
        parts.append(_SPAN_DROPPED_LINKS + varint(min(span.dropped_links, _UINT32_MAX)))
    if span.status_code or span.status_message:
        parts.append(delimited(_SPAN_STATUS, _status(span)))
    return parts


def _repaired(span: SpanRecord) -> tuple[int, int, Mapping[str, object]]:
    """Return start, end and attributes of the span; times that cannot be are replaced, and the span says so.

    A clock that is set back while a span runs makes it end before it starts, and one time that no backend can hold
    costs the whole batch.
    """
    start, end = span.start_time_ns, span.end_time_ns
    if 0 < start <= end <= _INT64_MAX:
        return start, end, span.attributes
    if not 0 < start <= _INT64_MAX:
        start = end if 0 < end <= _INT64_MAX else time.time_ns()
    end = max(end, start) if end <= _INT64_MAX else start
    return start, end, {**span.attributes, semconv.TIMES_REPAIRED: True}


def _status(span: SpanRecord) -> bytes:
    message = delimited(_FIELD_2, _utf8(span.status_message)) if span.status_message else b""
    return message + (_STATUS_CODE + varint(span.status_code) if 0 < span.status_code <= 2 else b"")


def _event(event: EventRecord) -> bytes:
    head = fixed64(_EVENT_TIME, _uint64(event.time_ns)) + delimited(_FIELD_2, _utf8(event.name))
    return head + b"".join(_attributes(_FIELD_3, event.attributes.items()))


def _link(link: LinkRecord) -> bytes:
    head = delimited(_FIELD_1, _id(link.trace_id, 16)) + delimited(_FIELD_2, _id(link.span_id, 8))
    state = delimited(_FIELD_3, _utf8(link.trace_state)) if link.trace_state else b""
    return head + state + b"".join(_attributes(_FIELD_4, link.attributes.items()))


def _scope(scope: ScopeRecord) -> bytes:
    head = delimited(_FIELD_1, _utf8(scope.name)) + delimited(_FIELD_2, _utf8(scope.version))
    return head + b"".join(_attributes(_FIELD_3, scope.attributes.items()))


def _attributes_for_langfuse(attributes: Mapping[str, object]) -> list[bytes]:
    """Return the attributes under the names where Langfuse shows them.

    Of a scope called `langfuse-sdk…` Langfuse stores its own attributes and metadata, and drops every other attribute.
    """
    encoded: list[bytes] = []
    for key, value in attributes.items():
        if value is not None:
            shown_key, encode = _shown_by_langfuse(key) if len(key) <= _CACHED_KEY else _shown(key)
            encoded += _attribute(_SPAN_ATTRIBUTE, shown_key, value, encode)
    return encoded


def _shown(key: str) -> tuple[str, Callable[[object], Parts]]:
    """Return the name under which Langfuse shows an attribute, and how its value is written."""
    if key.startswith(_ENCODED_PREFIXES):
        return key, _json_parts
    if key.startswith("langfuse.") or key in _KEPT_AS_THEY_ARE:
        return key, _any_parts
    return _METADATA_PREFIX + key, _json_parts


_shown_by_langfuse: Final = lru_cache(maxsize=1024)(_shown)


def _attributes(tag: bytes, attributes: Iterable[tuple[str, object]]) -> list[bytes]:
    encoded: list[bytes] = []
    for key, value in attributes:
        if value is not None:
            encoded += _attribute(tag, key, value)
    return encoded


def _any_value(value: object) -> bytes:  # noqa: PLR0911 - one branch per type of OTLP
    if isinstance(value, str):
        return _string(_utf8(value))
    if isinstance(value, bool):
        return _ANY_BOOL + varint(value)
    if isinstance(value, int):
        if _INT64_MIN <= value <= _INT64_MAX:
            return _ANY_INT + varint(value & _UINT64_MAX)
        return _string(str(value).encode())
    if isinstance(value, float):
        return _ANY_DOUBLE + _pack_double(value)
    if isinstance(value, list | tuple):
        return delimited(_ANY_ARRAY, b"".join(delimited(_FIELD_1, _any_value(element)) for element in value))
    return _string(_unrepresentable(value).encode())


def _any_parts(value: object) -> Parts:
    if not isinstance(value, str):
        return _any_value(value), b""
    text = _utf8(value)
    return _ANY_STRING + varint(len(text)), text


def _json_parts(value: object) -> Parts:
    text = _json(value)
    return _ANY_STRING + varint(len(text)), text


def _attribute(tag: bytes, key: str, value: object, encode: Callable[[object], Parts] = _any_parts) -> Parts:
    """Return a `KeyValue` field."""
    name = _name(key) if len(key) <= _CACHED_KEY else delimited(_FIELD_1, _utf8(key))
    try:
        head, text = encode(value)
    except Exception:  # noqa: BLE001 - one value must not cost its span: a cycle, a subclass with methods of its own
        head, text = _string(_unrepresentable(value).encode()), b""
    size = len(head) + len(text)
    length = varint(size)
    return b"".join((tag, varint(1 + len(name) + len(length) + size), name, _FIELD_2, length, head)), text


@lru_cache(maxsize=1024)
def _name(key: str) -> bytes:
    return delimited(_FIELD_1, _utf8(key))


def _string(text: bytes) -> bytes:
    return delimited(_ANY_STRING, text)


def _json(value: object) -> bytes:
    """Return the value as JSON, strings included, as Langfuse expects of metadata.

    Text that already is a JSON object, array or string stays: structured values are JSON text when they get here.
    """
    if isinstance(value, str):
        text = _utf8(value)
        return text if text.startswith(_JSON_STARTS) and _is_json(text) else orjson.dumps(text.decode())
    return orjson.dumps(_plain(value))


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _plain(value: object) -> object:
    """Return what orjson can write, by the same rules as `_any_value`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _utf8(value).decode()
    if isinstance(value, int):
        return int(value) if _INT64_MIN <= value <= _INT64_MAX else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    return _unrepresentable(value)


def _unrepresentable(value: object) -> str:
    """Name the type only: the value's own `str` is foreign code, and may say what redaction never saw."""
    return f"<unrepresentable {type(value).__name__}>"


def _utf8(text: str) -> bytes:
    """Return the text's bytes, lone surrogates replaced: protobuf and JSON refuse them."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _id(number: int, size: int) -> bytes:
    return (number & (1 << 8 * size) - 1).to_bytes(size, "big")


def _uint64(number: int) -> int:
    return min(max(number, 0), _UINT64_MAX)


_resource: Final = _Resource()
