"""The author's handle on a span that another library opened."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from opentelemetry.sdk.trace import Span as SdkSpan

from certtrace import semconv
from certtrace.ports import ModelValue, ScoreRecord
from certtrace.tracing.capture import capture
from certtrace.tracing.handle import ScoreValue, SpanHandle
from certtrace.tracing.naming import ATOMS, text_of
from certtrace.tracing.replies import asks_to_keep
from certtrace.tracing.scores import score_record
from certtrace.tracing.updates import attributes_of


class ForeignOwner(Protocol):
    """What the handle asks of the tracer."""

    @property
    def fault(self) -> Callable[[str, BaseException], None]:
        """Counts our faults."""
        ...

    def force_foreign(self, span_id: int, what: str) -> None:
        """Keep or drop the unit of the span."""

    def score_foreign(self, span_id: int, record: ScoreRecord) -> None:
        """Take a score of the span."""


class ForeignHandle(SpanHandle):
    """Writes to an SDK span in the types that OpenTelemetry has: structured values become JSON text."""

    __slots__ = ("_owner", "_span")

    def __init__(self, span: SdkSpan, owner: ForeignOwner) -> None:
        """Take the open span and the tracer whose trace it is in."""
        self._span = span
        self._owner = owner

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
        if value is None:
            return
        try:
            self._span.set_attribute(text_of(key), _plain(value))
        except Exception as error:  # noqa: BLE001 - our own fault, or the SDK's, must not reach the host
            self._owner.fault("set_attribute", error)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """See `SpanHandle.set_attributes`."""
        try:
            for key, value in attributes.items():
                self.set_attribute(key, value)
        except Exception as error:  # noqa: BLE001 - as above
            self._owner.fault("set_attributes", error)

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None) -> None:
        """See `SpanHandle.add_event`."""
        try:
            taken = {text_of(key): _plain(value) for key, value in (attributes or {}).items()}
            self._span.add_event(text_of(name), taken)
        except Exception as error:  # noqa: BLE001 - as above
            self._owner.fault("add_event", error)

    def update(self, **fields: Any) -> None:
        """See `SpanHandle.update`."""
        try:
            name = fields.pop("name", None)
            if name is not None:
                self._span.update_name(text_of(name))
            for key, value in attributes_of(fields).items():
                self.set_attribute(key, value)
        except Exception as error:  # noqa: BLE001 - as above
            self._owner.fault("update", error)

    def keep(self) -> None:
        """See `SpanHandle.keep`."""
        self._owner.force_foreign(self._span.get_span_context().span_id, "keep")

    def drop(self) -> None:
        """See `SpanHandle.drop`."""
        self._owner.force_foreign(self._span.get_span_context().span_id, "drop")

    def heed(self, reply_headers: Mapping[Any, Any]) -> None:
        """See `SpanHandle.heed`."""
        if asks_to_keep(reply_headers):
            self.keep()

    def score(
        self,
        name: str,
        value: ScoreValue,
        *,
        comment: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """See `SpanHandle.score`."""
        try:
            record = score_record(name, value, comment=comment, metadata=metadata)
            self._owner.score_foreign(self._span.get_span_context().span_id, record)
        except Exception as error:  # noqa: BLE001 - as above
            self._owner.fault("score", error)

    def fail(self, error_type: str, message: str = "", **attributes: Any) -> None:
        """See `SpanHandle.fail`."""
        failed = {semconv.OBSERVATION_LEVEL: "ERROR", semconv.ERROR_TYPE: text_of(error_type)}
        if text_of(message):
            failed[semconv.OBSERVATION_STATUS_MESSAGE] = text_of(message)
        self.set_attributes({**failed, **attributes})


def _plain(value: Any) -> Any:
    return value if type(value) in ATOMS else json.dumps(capture(value, []), default=_fields)


def _fields(value: Any) -> Any:
    # A marked model: its markers cannot travel in JSON text, so only its class does.
    return f"<{value.cls.__qualname__}>" if isinstance(value, ModelValue) else "<unreadable>"
