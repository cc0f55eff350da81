"""The SDK's side of a traced span: every public method and property of `opentelemetry.sdk.trace.Span`, made cheap.

Containers exist once something is put in; the `SpanContext` is made when somebody asks for it, which is also the sign
that the trace goes on elsewhere.
"""

import json
from collections.abc import Mapping, Sequence
from time import perf_counter_ns
from typing import Any, Final, Protocol

from opentelemetry.context.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationInfo, InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from certtrace import semconv
from certtrace.ports import ModelValue, Structured
from certtrace.tracing.active import CallSite
from certtrace.tracing.capture import capture, weight
from certtrace.tracing.failures import Failure, failure_of
from certtrace.tracing.handle import ScoreValue
from certtrace.tracing.naming import ATOMS, text_of
from certtrace.tracing.replies import says_keep
from certtrace.tracing.units import Unit

MAX_ATTRIBUTES: Final = 1_000
MAX_EVENTS: Final = 1_000
MAX_LINKS: Final = 128

SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID)
_UNSET: Final = Status(StatusCode.UNSET)
_FEW: Final = 16


class SpanOwner(Protocol):
    """What a span asks of the tracer that opened it."""

    resource: Resource
    scope: InstrumentationScope

    def fault(self, where: str, error: BaseException) -> None:
        """Take note of a fault of ours."""

    def ended(self, unit: Unit, span_id: int, span: Any) -> None:
        """Take the span back."""

    watched: frozenset[str]

    def share(self, unit: Unit) -> str:
        """Note that others may continue the trace; return the tracestate that they get."""

    def is_certain(self, unit: Unit) -> bool:
        """Return whether the unit will be kept whatever may follow."""

    def force(self, unit: Unit, what: str) -> None:
        """Keep or drop the unit, whatever the rules say."""

    def remember(self, unit: Unit, models: list[Any]) -> None:
        """Keep captured models, which may name people."""

    def score(self, span: Any, name: str, value: ScoreValue, comment: str | None, metadata: Any) -> None:
        """Take a score of the span."""


class SdkSurface(SdkSpan):
    """What other libraries see of a traced span."""

    # Everything that most spans never touch has its default on the class: see `units.Unit`.
    tracer: SpanOwner
    site: CallSite
    """What was known before the call."""
    unit: Unit
    id: int
    """Span id."""
    parent_id = 0
    parent_is_remote = False
    label: str
    """Span name."""
    start_ns: int
    end_ns: int | None = None
    given: dict[str, Any] | None = None
    """Attributes that were set on the span, captured but not redacted."""
    dropped = 0
    failure: Failure | None = None
    """What went wrong, if an exception left the span or `fail` was called."""
    _events: list[Event] | None = None  # type: ignore[assignment]  # the SDK keeps a list of its own kind here
    _links: list[Link] | None = None  # type: ignore[assignment]  # as above
    _status: Status = _UNSET
    _context: SpanContext | None = None
    _tells_keep = False
    """Whether the context says that the trace is kept."""
    _parent_context: SpanContext | None = None

    def take(self, value: object) -> object:
        """Capture one value as it is now."""
        if type(value) is dict and len(value) <= _FEW:  # the usual argument and result: one small flat mapping
            copied = value.copy()
            size = 0
            for key, item in copied.items():
                kind = type(item)
                if kind is str:
                    size += len(item)
                elif kind not in ATOMS:
                    break
                if type(key) is not str:
                    break
            else:
                self.unit.bytes += size
                return copied
        models: list[ModelValue] = []
        taken = capture(value, models)
        if models:
            self.tracer.remember(self.unit, models)
        self.unit.bytes += weight(taken)
        return taken

    def given_attributes(self) -> dict[str, Any]:
        """Return the attributes for setting."""
        if self.given is None:
            self.given = {}
        return self.given

    def structured(self, value: Any) -> Any:
        """Return a value as it is kept in an attribute: an atom, or captured data."""
        if type(value) in ATOMS:
            return value
        taken = self.take(value)
        return taken if type(taken) is str else Structured(taken)

    def set_attribute(self, key: str, value: Any) -> None:
        """Set one attribute; anything may be given, structured values are captured as data."""
        if self.end_ns is not None or value is None:
            return
        try:
            given = self.given_attributes()
            if len(given) >= MAX_ATTRIBUTES and key not in given:
                self.dropped += 1
                return
            kind = type(value)
            if kind is str:
                self.unit.bytes += len(value)
            elif kind not in ATOMS:
                self.unit.bytes += 1_024
                value = self.structured(value)
            given[key] = value
            if key in self.tracer.watched:
                self.unit.note(self.id, key, given[key])
        except Exception as error:  # noqa: BLE001 - as above
            self.tracer.fault("set_attribute", error)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set several attributes."""
        try:
            for key, value in attributes.items():
                self.set_attribute(key, value)
        except Exception as error:  # noqa: BLE001 - as above
            self.tracer.fault("set_attributes", error)

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        """Record an event; see the SDK's span."""
        if self.end_ns is not None:
            return
        try:
            if self._events is None:
                self._events = []
            if len(self._events) >= MAX_EVENTS:
                self.dropped_events += 1
                return
            taken = {key: self.structured(value) for key, value in (attributes or {}).items()}
            self.unit.bytes += 256 + sum(len(value) for value in taken.values() if type(value) is str)
            self._events.append(Event(text_of(name), taken, self.unit.now() if timestamp is None else timestamp))
        except Exception as error:  # noqa: BLE001 - as above
            self.tracer.fault("add_event", error)

    def add_link(self, context: SpanContext, attributes: Mapping[str, Any] | None = None) -> None:
        """Link another span."""
        if self.end_ns is not None:
            return
        if self._links is None:
            self._links = []
        if len(self._links) >= MAX_LINKS:
            self.dropped_links += 1
        elif context.is_valid:
            self._links.append(Link(context, attributes))

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT001, FBT002 - OpenTelemetry's signature
    ) -> None:
        """Record an exception as an event; see the SDK's span."""
        try:
            failure = failure_of(exception, again=False)
            event = {**failure.event_attributes(), "exception.escaped": str(escaped), **(attributes or {})}
        except Exception as error:  # noqa: BLE001 - as above
            self.tracer.fault("record_exception", error)
            return
        self.add_event("exception", event, timestamp)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status; see the SDK's span."""
        if self.end_ns is not None:
            return
        given = status if isinstance(status, Status) else Status(status, description)
        if self._status.status_code is not StatusCode.OK and given.status_code is not StatusCode.UNSET:
            self._status = given
            if given.status_code is StatusCode.ERROR:
                self.unit.has_error = self.unit.special = True

    def update_name(self, name: str) -> None:
        """Rename the span."""
        if self.end_ns is None:
            self.label = name

    def is_recording(self) -> bool:
        """Whether the span is still open."""
        return self.end_ns is None

    def start(self, start_time: int | None = None, parent_context: Context | None = None) -> None:
        """Do nothing: a traced span is started by its tracer."""

    def end(self, end_time: int | None = None) -> None:
        """End the span; a second end does nothing."""
        if self.end_ns is None:
            unit = self.unit
            self.end_ns = unit.wall_ns + perf_counter_ns() - unit.mono_ns if end_time is None else end_time
            self.tracer.ended(unit, self.id, self)

    def get_span_context(self) -> SpanContext:
        """Return the identity of the span, as others need it to continue the trace."""
        context, unit = self._context, self.unit
        # What has happened since may have made it certain that the trace is kept: others are told.
        if context is None or (unit.special and not self._tells_keep and self.tracer.is_certain(unit)):
            state = TraceState.from_header([self.tracer.share(unit)])
            self._tells_keep = says_keep(state.to_header())
            context = SpanContext(unit.trace_id, self.id, is_remote=False, trace_flags=SAMPLED, trace_state=state)
            self._context = context
        return context

    def forget_context(self) -> None:
        """Make the identity anew when somebody asks: what it tells others has changed."""
        self._context, self._tells_keep = None, False

    # The SDK reads these as properties of a `ReadableSpan`.

    @property
    def name(self) -> str:
        """Span name."""
        return self.label

    @property
    def context(self) -> SpanContext:
        """Span context."""
        return self.get_span_context()

    @property
    def kind(self) -> SpanKind:
        """Span kind."""
        return SpanKind(self.site.kind - 1)

    @property
    def parent(self) -> SpanContext | None:
        """Context of the parent span."""
        if self._parent_context is None and self.parent_id:
            self._parent_context = SpanContext(
                self.unit.trace_id, self.parent_id, is_remote=self.parent_is_remote, trace_flags=SAMPLED
            )
        return self._parent_context

    @property
    def start_time(self) -> int:
        """Nanoseconds since the epoch."""
        return self.start_ns

    @property
    def end_time(self) -> int | None:
        """Nanoseconds since the epoch; `None` while the span is open."""
        return self.end_ns

    @property
    def status(self) -> Status:
        """Span status."""
        if self.failure is not None and self.failure.outcome == "error":
            return Status(StatusCode.ERROR, self.failure.text())
        return self._status

    @property
    def attributes(self) -> Mapping[str, Any]:
        """What was set on the span, in OpenTelemetry's types; captured arguments and results are not among it."""
        shown = {semconv.OBSERVATION_TYPE: self.site.as_type, **(self.site.attributes or {})}
        for key, value in (self.given or {}).items():
            shown[key] = json.dumps(value.value, default=repr) if isinstance(value, Structured) else value
        return shown

    @property
    def events(self) -> Sequence[Event]:
        """Span events."""
        return tuple(self._events or ())

    @property
    def links(self) -> Sequence[Link]:
        """Span links."""
        return tuple(self._links or ())

    @property
    def resource(self) -> Resource:
        """Resource of the provider."""
        return self.tracer.resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope:
        """The scope of certtrace."""
        return self.tracer.scope

    @property
    def instrumentation_info(self) -> InstrumentationInfo:
        """The SDK's older form of the scope."""
        return InstrumentationInfo(self.tracer.scope.name, self.tracer.scope.version or "")

    @property
    def dropped_attributes(self) -> int:
        """Attributes beyond the limit."""
        return self.dropped

    dropped_events = 0
    dropped_links = 0

    def _readable_span(self) -> ReadableSpan:
        return ReadableSpan(
            name=self.label,
            context=self.context,
            parent=self.parent,
            resource=self.resource,
            attributes=dict(self.attributes),
            events=self.events,
            links=self.links,
            kind=self.kind,
            status=self.status,
            start_time=self.start_ns,
            end_time=self.end_ns,
            instrumentation_scope=self.instrumentation_scope,
        )

    def to_json(self, indent: int | None = 4) -> str:
        """Return the SDK's JSON form of the span."""
        return str(self._readable_span().to_json(indent))

    def __repr__(self) -> str:
        """Name the span by its ids: names and values are not redacted yet."""
        return f"<TracedSpan {self.unit.trace_id:032x}/{self.id:016x}>"
