"""Spans of a tracer provider that the host set before us: OpenTelemetry's global provider can be set only once."""

import weakref
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace import Span as SdkSpan

from certtrace.tracing.provider import Gate


class JoiningProcessor(SpanProcessor):
    """Lets the spans of another provider join our traces. What that provider exports itself stays the host's affair."""

    def __init__(self, gate: Gate) -> None:
        """Take the gate that knows the running tracer."""
        self._gate = gate

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        """Enter a span into its unit."""
        self._gate.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Take an ended span."""
        self._gate.on_end(span)


_joined: "weakref.WeakSet[Any]" = weakref.WeakSet()


def join(provider: Any, gate: Gate) -> None:
    """Let the spans of another tracer provider join our traces; once per provider."""
    if provider not in _joined:
        _joined.add(provider)
        provider.add_span_processor(JoiningProcessor(gate))
