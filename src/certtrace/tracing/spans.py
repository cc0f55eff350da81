"""The span of a traced call: a genuine OpenTelemetry SDK span, without the cost of making one.

It is an `opentelemetry.sdk.trace.Span` to every `isinstance` and answers every public method of one, but creates its
containers when they are first used and its `SpanContext` when somebody asks for it.
"""

import json
from collections.abc import Mapping, Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import attach, get_current
from opentelemetry.context.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationInfo, InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from certtrace import semconv
from certtrace.ports import ModelValue, Structured
from certtrace.tracing.active import CallSite, OpenSpan
from certtrace.tracing.capture import ATOMS, capture
from certtrace.tracing.contexts import across
from certtrace.tracing.failures import Failure, failure_of
from certtrace.tracing.updates import attributes_of
from certtrace.tracing.units import Unit

if TYPE_CHECKING:
    from certtrace.tracing.runtime import Tracer

MAX_ATTRIBUTES: Final = 1_000
MAX_EVENTS: Final = 1_000
MAX_LINKS: Final = 128
MAX_ITEMS: Final = 200
"""Items of a generator that are recorded; all are counted."""

SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID)
_UNSET: Final = Status(StatusCode.UNSET)
_NOTHING: Final[Any] = object()
_FEW: Final = 16
_bare = object.__new__


class TracedSpan(OpenSpan, SdkSpan):
    """One traced call or `with span(...)` block."""

    # Everything that most spans never touch has its default on the class: see `units.Unit`.
    start_ns: int
    end_ns: int | None = None
    captured: Sequence[object] | None = None
    """The arguments, in the order of the call site's parameters."""
    _result: Any = _NOTHING
    _given: dict[str, Any] | None = None
    _events: list[Event] | None = None  # type: ignore[assignment]  # the SDK keeps a list of its own kind here
    _links: list[Link] | None = None  # type: ignore[assignment]  # as above
    _status: Status = _UNSET
    _context: SpanContext | None = None
    _parent_context: SpanContext | None = None
    _failure: Failure | None = None
    _items: list[object] | None = None
    _item_count = 0
    dropped = 0
    propagated: Mapping[str, Any] | None = None
    parent_is_remote = False
    parent_id = 0

    inside: Context | None = None
    outside: Context | None = None
    """The contexts within and around the span, while it is current."""
    unit: Unit
    id: int
    """Span id."""

    def __init__(self) -> None:
        """Refuse: `new_span` makes traced spans."""
        msg = "A traced span is opened by @traced or span()."
        raise TypeError(msg)

    # --- context ---------------------------------------------------------------------------------------------------

    def suspend(self) -> None:
        """See `OpenSpan.suspend`."""
        try:
            if self.inside is not None and self.outside is not None:
                current = get_current()
                self.outside = across(current, self.inside, self.outside)
                self.inside = current
                attach(self.outside)
        except Exception as error:  # noqa: BLE001 - our own fault must not reach the host
            self._tracer.fault("suspend", error)

    def resume(self) -> None:
        """See `OpenSpan.resume`."""
        try:
            if self.inside is not None and self.outside is not None:
                current = get_current()
                self.inside = across(current, self.outside, self.inside)
                self.outside = current
                attach(self.inside)
        except Exception as error:  # noqa: BLE001 - as above
            self._tracer.fault("resume", error)

    # --- the end ---------------------------------------------------------------------------------------------------

    def succeed(self, result: object) -> None:
        """See `OpenSpan.succeed`."""
        try:
            if result is not None and self._site.capture_output:
                self._result = result if type(result) in ATOMS else self.take(result)
        except Exception as error:  # noqa: BLE001 - as above
            self._tracer.fault("capture", error)
        self._close()

    def leave_block(self) -> None:
        """End a `with` block: there is no result."""
        self._close()

    def fail_with(self, error: BaseException) -> None:
        """See `OpenSpan.fail_with`."""
        try:
            unit = self.unit
            again = unit.error_id == id(error) and unit.error_start_ns >= self.start_ns
            self._failure = failure_of(error, again=again)
            unit.error_id, unit.error_start_ns = id(error), self.start_ns
            unit.special = True
            if self._failure.outcome == "error":
                unit.has_error = True
            elif self._failure.outcome == "cancelled":
                unit.cancelled = True
            else:
                unit.abandoned = True
        except Exception as fault:  # noqa: BLE001 - as above
            self._tracer.fault("failure", fault)
        self._close()

    def item(self, value: object) -> None:
        """See `OpenSpan.item`."""
        try:
            self._item_count += 1
            if self._site.capture_output and self._item_count <= MAX_ITEMS:
                if self._items is None:
                    self._items = []
                self._items.append(value if type(value) in ATOMS else self.take(value))
        except Exception as error:  # noqa: BLE001 - as above
            self._tracer.fault("capture", error)

    def exhausted(self, result: object) -> None:
        """See `OpenSpan.exhausted`."""
        self.succeed(result)

    def _close(self) -> None:
        # One function, not three: every traced call comes through here.
        try:
            outside = self.outside
            if outside is not None:
                # No token: a token is bound to one contextvars context, but a coroutine may be closed in another.
                if get_current() is self.inside:
                    attach(outside)
                else:
                    self._untangle(outside)
                self.inside = self.outside = None  # the context holds the span: they would keep each other alive
            if self.end_ns is None:
                unit = self.unit
                self.end_ns = unit.wall_ns + perf_counter_ns() - unit.mono_ns
                self._tracer.ended(unit, self.id, self)
        except Exception as error:  # noqa: BLE001 - as above
            self._tracer.fault("end", error)

    def _untangle(self, outside: Context) -> None:
        # What the body itself left in the context stays, as it would untraced; only this span is taken out of it.
        current = get_current()
        if self._tracer.span_in(current) is self:
            attach(self._tracer.with_span(current, self._tracer.span_in(outside)))

    def take(self, value: object) -> object:
        """Capture one value as it is now."""
        if type(value) is dict and len(value) <= _FEW:  # the usual argument and result: one small flat mapping
            copied = dict(value)
            for key, item in copied.items():
                if type(item) not in ATOMS or type(key) is not str:
                    break
            else:
                return copied
        models: list[ModelValue] = []
        taken = capture(value, models)
        if models:
            self._tracer.remember(self.unit, models)
        return taken

    def take_given_input(self, value: object) -> None:
        """Capture what `span(input=...)` was given."""
        self._given_attributes()[semconv.OBSERVATION_INPUT] = self._structured(value)

    def input_value(self) -> Any:
        """Return the captured arguments by name, or `None`."""
        if self.captured is None or not self._site.params:
            return None
        return dict(zip(self._site.params, self.captured, strict=False))

    def output_value(self) -> Any:
        """Return the captured result, or what a generator yielded, or `None`."""
        if self._items is None:
            return None if self._result is _NOTHING else self._result
        items: object = self._items
        if all(type(item) is str for item in self._items):
            items = "".join(self._items)  # type: ignore[arg-type]  # a stream of text reads as text
        if self._result is _NOTHING:
            return items
        return {"items": items, "returned": self._result}

    @property
    def failure(self) -> Failure | None:
        """What went wrong, if an exception left the span or `fail` was called."""
        return self._failure

    @property
    def item_count(self) -> int:
        """How many items the generator yielded."""
        return self._item_count

    @property
    def site(self) -> CallSite:
        """What was known before the call."""
        return self._site

    @property
    def given(self) -> Mapping[str, Any]:
        """Attributes that were set on the span, captured but not redacted."""
        return self._given or {}

    # --- the author's handle ---------------------------------------------------------------------------------------

    @property
    def recording(self) -> bool:
        """See `SpanHandle.recording`."""
        return self.end_ns is None

    @property
    def trace_id(self) -> str:
        """See `SpanHandle.trace_id`."""
        return f"{self.unit.trace_id:032x}"

    @property
    def span_id(self) -> str:
        """See `SpanHandle.span_id`."""
        return f"{self.id:016x}"

    def update(self, **fields: Any) -> None:
        """See `SpanHandle.update`."""
        try:
            name = fields.pop("name", None)
            if name is not None:
                self._name = str(name)
            for key, value in attributes_of(fields).items():
                self.set_attribute(key, value)
        except Exception as error:  # noqa: BLE001 - as above
            self._tracer.fault("update", error)

    def score(
        self,
        name: str,
        value: float | str | bool,  # noqa: FBT001 - see SpanHandle
        *,
        comment: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """See `SpanHandle.score`."""
        self._tracer.score(self, name, value, comment, metadata)

    def fail(self, error_type: str, message: str = "", **attributes: Any) -> None:
        """See `SpanHandle.fail`."""
        self._failure = Failure("error", error_type, message, (), ())
        self.unit.has_error = self.unit.special = True
        self.set_attributes(attributes)

    # --- OpenTelemetry's span --------------------------------------------------------------------------------------

    def _given_attributes(self) -> dict[str, Any]:
        if self._given is None:
            self._given = {}
        return self._given

    def _structured(self, value: Any) -> Any:
        if type(value) in ATOMS:
            return value
        taken = self.take(value)
        return taken if type(taken) is str else Structured(taken)

    def set_attribute(self, key: str, value: Any) -> None:
        """Set one attribute; anything may be given, structured values are captured as data."""
        if self.end_ns is not None or value is None:
            return
        try:
            given = self._given_attributes()
            if len(given) >= MAX_ATTRIBUTES and key not in given:
                self.dropped += 1
                return
            given[key] = value if type(value) in ATOMS else self._structured(value)
            if key == semconv.CONFIDENCE:
                self.unit.see_confidence(value)
        except Exception as error:  # noqa: BLE001 - as above
            self._tracer.fault("set_attribute", error)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set several attributes."""
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        """Record an event; see the SDK's span."""
        if self.end_ns is not None:
            return
        try:
            if self._events is None:
                self._events = []
            if len(self._events) < MAX_EVENTS:
                taken = {key: self._structured(value) for key, value in (attributes or {}).items()}
                self._events.append(Event(name, taken, self.unit.now() if timestamp is None else timestamp))
        except Exception as error:  # noqa: BLE001 - as above
            self._tracer.fault("add_event", error)

    def add_link(self, context: SpanContext, attributes: Mapping[str, Any] | None = None) -> None:
        """Link another span."""
        if self.end_ns is not None:
            return
        if self._links is None:
            self._links = []
        if len(self._links) < MAX_LINKS and context.is_valid:
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
            self._tracer.fault("record_exception", error)
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
            self._name = name

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
            self._tracer.ended(unit, self.id, self)

    def get_span_context(self) -> SpanContext:
        """Return the identity of the span, as others need it to continue the trace."""
        context = self._context
        if context is None:
            unit = self.unit
            self._tracer.share(unit)
            state = TraceState.from_header([unit.trace_state] if unit.trace_state else [])
            state = state.update(semconv.TRACESTATE_OWN_KEY, "t:1")
            context = SpanContext(unit.trace_id, self.id, is_remote=False, trace_flags=SAMPLED, trace_state=state)
            self._context = context
        return context

    # The SDK reads these as properties of a `ReadableSpan`.

    @property
    def name(self) -> str:
        """Span name."""
        return self._name

    @property
    def context(self) -> SpanContext:
        """Span context."""
        return self.get_span_context()

    @property
    def kind(self) -> SpanKind:
        """Span kind."""
        return SpanKind(self._site.kind - 1)

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
        if self._failure is not None and self._failure.outcome == "error":
            return Status(StatusCode.ERROR, self._failure.text())
        return self._status

    @property
    def attributes(self) -> Mapping[str, Any]:
        """What was set on the span, in OpenTelemetry's types; captured arguments and results are not among it."""
        shown = {semconv.OBSERVATION_TYPE: self._site.as_type, **(self._site.attributes or {})}
        for key, value in self.given.items():
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
        return self._tracer.resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope:
        """The scope of certtrace."""
        return self._tracer.scope

    @property
    def instrumentation_info(self) -> InstrumentationInfo:
        """The SDK's older form of the scope."""
        return InstrumentationInfo(self._tracer.scope.name, self._tracer.scope.version or "")

    @property
    def dropped_attributes(self) -> int:
        """Attributes beyond the limit."""
        return self.dropped

    dropped_events = 0
    dropped_links = 0

    def _readable_span(self) -> ReadableSpan:
        return ReadableSpan(
            name=self._name,
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
        return self._readable_span().to_json(indent)

    def __repr__(self) -> str:
        """Name the span by its ids: names and values are not redacted yet."""
        return f"<TracedSpan {self.trace_id}/{self.span_id}>"

    def __enter__(self) -> "TracedSpan":
        """Return the span: OpenTelemetry allows a span as a context manager."""
        return self

    def __exit__(self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: Any) -> None:
        """End the span, recording an exception that leaves the block."""
        if exc_val is not None:
            self.fail_with(exc_val)
        else:
            self._close()


def new_span(  # noqa: PLR0913 - a constructor
    tracer: "Tracer", site: CallSite, unit: Unit, span_id: int, parent_id: int, start_ns: int
) -> TracedSpan:
    """Make an open span of a unit.

    Not by calling the class: the SDK's `Span.__new__` and an `__init__` would cost as much as all else here.
    """
    span = _bare(TracedSpan)
    span._tracer = tracer  # noqa: SLF001 - this is the constructor
    span._site = site  # noqa: SLF001 - as above
    span._name = site.name  # noqa: SLF001 - as above
    span.unit = unit
    span.id = span_id
    span.parent_id = parent_id
    span.start_ns = start_ns
    unit.open[span_id] = span
    return span
