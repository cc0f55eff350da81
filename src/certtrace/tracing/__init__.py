"""Spans of traced calls: `@traced`, `span`, what they capture, and how their context travels."""

from certtrace.tracing.api import (
    continue_trace,
    current_span,
    identify,
    in_context,
    inject,
    link_of,
    propagate_attributes,
    span,
)
from certtrace.tracing.decorator import traced
from certtrace.tracing.handle import ObservationType, SpanHandle

__all__ = [
    "ObservationType",
    "SpanHandle",
    "continue_trace",
    "current_span",
    "identify",
    "in_context",
    "inject",
    "link_of",
    "propagate_attributes",
    "span",
    "traced",
]
