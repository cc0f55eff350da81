"""The author's handle on a span that another library opened."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.sdk.trace import Span as SdkSpan

from certtrace import semconv
from certtrace.ports import ModelValue
from certtrace.tracing.capture import capture
from certtrace.tracing.handle import SpanHandle
from certtrace.tracing.naming import ATOMS
from certtrace.tracing.replies import asks_to_keep
from certtrace.tracing.updates import attributes_of


class ForeignHandle(SpanHandle):
    """Writes to an SDK span in the types that OpenTelemetry has: structured values become JSON text."""

    __slots__ = ("_force", "_span")

    def __init__(self, span: SdkSpan, force: Callable[[int, str], None]) -> None:
        """Take the open span, and what keeps or drops the unit of a span by its id."""
        self._span = span
        self._force = force

    @property
    def recording(self) -> bool:
        """See `SpanHandle.recording`."""
        return self._span.is_recording()

    @property
    def trace_id(self) -> str:
        """See `SpanHandle.trace_id`."""
        return f"{self._span.get_span_context().trace_id:032x}"

    @property
    def span_id(self) -> str:
        """See `SpanHandle.span_id`."""
        return f"{self._span.get_span_context().span_id:016x}"

    def set_attribute(self, key: str, value: Any) -> None:
        """See `SpanHandle.set_attribute`."""
        if value is not None:
            plain = value if type(value) in ATOMS else json.dumps(capture(value, []), default=_fields)
            self._span.set_attribute(key, plain)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """See `SpanHandle.set_attributes`."""
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None) -> None:
        """See `SpanHandle.add_event`."""
        self._span.add_event(name, dict(attributes or {}))

    def update(self, **fields: Any) -> None:
        """See `SpanHandle.update`."""
        name = fields.pop("name", None)
        if name is not None:
            self._span.update_name(name)
        for key, value in attributes_of(fields).items():
            self.set_attribute(key, value)

    def keep(self) -> None:
        """See `SpanHandle.keep`."""
        self._force(self._span.get_span_context().span_id, "keep")

    def drop(self) -> None:
        """See `SpanHandle.drop`."""
        self._force(self._span.get_span_context().span_id, "drop")

    def heed(self, reply_headers: Mapping[Any, Any]) -> None:
        """See `SpanHandle.heed`."""
        if asks_to_keep(reply_headers):
            self.keep()

    def fail(self, error_type: str, message: str = "", **attributes: Any) -> None:
        """See `SpanHandle.fail`."""
        self._span.set_attribute(semconv.OBSERVATION_LEVEL, "ERROR")
        self._span.set_attribute(semconv.ERROR_TYPE, error_type)
        if message:
            self._span.set_attribute(semconv.OBSERVATION_STATUS_MESSAGE, message)
        self.set_attributes(attributes)


def _fields(value: Any) -> Any:
    # A marked model: its markers cannot travel in JSON text, so only its class does.
    return f"<{value.cls.__qualname__}>" if isinstance(value, ModelValue) else "<unreadable>"
