"""What older SDKs say of a trace itself, on any of its spans: its input and output.

Langfuse stores neither since its version 4, where a trace has those of its root. Who reads a trace by the older routes
expects them.
"""

from collections.abc import Iterator
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from certtrace import semconv
from certtrace.records.model import TraceChange

_KEYS: Final = frozenset({semconv.TRACE_INPUT, semconv.TRACE_OUTPUT})


def may_tell(body: bytes) -> bool:
    """Tell whether an export in protobuf may say something of a trace: most do not, and need not be looked through."""
    return any(key.encode() in body for key in _KEYS)


def trace_changes(message: ExportTraceServiceRequest) -> Iterator[TraceChange]:
    """Yield what the spans of an export, redacted already, say of their traces."""
    for resource_spans in message.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                told = {
                    attribute.key: attribute.value.string_value
                    for attribute in span.attributes
                    if attribute.key in _KEYS and attribute.value.HasField("string_value")
                }
                if told:
                    yield TraceChange(
                        trace_id=span.trace_id.hex(),
                        input=told.get(semconv.TRACE_INPUT),
                        output=told.get(semconv.TRACE_OUTPUT),
                    )
