"""The named parts of exported data: spans and attributes of OTLP, paths of JSON, lines of text."""

import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

Shown = Callable[[str], str]
"""Returns a name as a report may show it."""

Parts = Iterator[tuple[str, bytes]]

_GZIP: Final = b"\x1f\x8b\x08"
_MAX_LINES: Final = 10_000


def parts_of(data: bytes, shown: Shown) -> Parts:
    """Yield the parts of a source with their names; nothing when it has no parts that are known."""
    if data.startswith(_GZIP):
        try:
            data = zlib.decompress(data, 31)
        except zlib.error:
            return
    units = _units(data)
    if units:
        for unit in units:
            yield from _unit(unit, shown)
        return
    document = _json(data)
    if document is not None:
        yield from _leaves(document, "$", shown)
    elif data.count(b"\n") < _MAX_LINES and b"\0" not in data:
        yield from ((f"line {number}", line) for number, line in enumerate(data.splitlines(), 1))


def _json(data: bytes) -> Any:
    if data.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _leaves(value: Any, path: str, shown: Shown) -> Parts:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}, a key", str(key).encode("utf-8", "surrogatepass")
            yield from _leaves(inner, f"{path}.{shown(str(key))}", shown)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{number}]", shown)
    else:
        yield path, str(value).encode("utf-8", "surrogatepass")


def _units(data: bytes) -> list[ResourceSpans]:
    for read in (_request, _resource_spans):
        try:
            units = read(data)
        except (DecodeError, ValueError):
            continue
        if any(span.trace_id for unit in units for scope in unit.scope_spans for span in scope.spans):
            return units
    return []


def _request(data: bytes) -> list[ResourceSpans]:
    return list(ExportTraceServiceRequest.FromString(data).resource_spans)


def _resource_spans(data: bytes) -> list[ResourceSpans]:
    return [ResourceSpans.FromString(data)]


def _unit(unit: ResourceSpans, shown: Shown) -> Parts:
    yield from _attributes("resource", unit.resource.attributes, shown)
    for scope in unit.scope_spans:
        yield "scope", f"{scope.scope.name} {scope.scope.version}".encode()
        yield from _attributes("scope", scope.scope.attributes, shown)
        for span in scope.spans:
            yield from _span(span, shown)


def _span(span: Span, shown: Shown) -> Parts:
    where = f"span {shown(span.name)!r}"
    yield f"{where}, name", span.name.encode()
    yield f"{where}, tracestate", span.trace_state.encode()
    yield f"{where}, status message", span.status.message.encode()
    yield from _attributes(where, span.attributes, shown)
    for event in span.events:
        yield f"{where}, name of an event", event.name.encode()
        yield from _attributes(f"{where}, event {shown(event.name)!r}", event.attributes, shown)
    for link in span.links:
        yield f"{where}, tracestate of a link", link.trace_state.encode()
        yield from _attributes(f"{where}, link", link.attributes, shown)


def _attributes(where: str, attributes: Any, shown: Shown) -> Parts:
    for attribute in attributes:
        yield f"{where}, key of an attribute", attribute.key.encode()
        yield f"{where}, attribute {shown(attribute.key)}", attribute.value.SerializeToString()
