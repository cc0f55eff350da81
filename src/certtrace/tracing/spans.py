"""The span of a traced call: a genuine OpenTelemetry SDK span, without the cost of making one.

It is an `opentelemetry.sdk.trace.Span` to every `isinstance` and answers every public method of one, but creates its
containers when they are first used and its `SpanContext` when somebody asks for it.
"""

from collections.abc import Mapping, Sequence
from time import perf_counter_ns
from types import TracebackType
from typing import Any, Final, Self

from opentelemetry.context import attach, get_current
from opentelemetry.context.context import Context

from certtrace import semconv
from certtrace.tracing.active import CallSite, OpenSpan
from certtrace.tracing.contexts import SPAN_KEY, across, with_span
from certtrace.tracing.failures import Failure, failure_of
from certtrace.tracing.naming import ATOMS
from certtrace.tracing.replies import asks_to_keep
from certtrace.tracing.surface import SdkSurface, SpanOwner
from certtrace.tracing.units import Unit
from certtrace.tracing.updates import attributes_of

MAX_ITEMS: Final = 200
"""Items of a generator that are recorded; all are counted."""

_NOTHING: Final[Any] = object()
_bare = object.__new__


class TracedSpan(SdkSurface, OpenSpan):
    """One traced call or `with span(...)` block."""

    captured: Sequence[object] | None = None
    """The arguments, in the order of the call site's parameters."""
    propagated: Mapping[str, Any] | None = None
    inside: Context | None = None
    outside: Context | None = None
    """The contexts within and around the span, while it is current."""
    _result: Any = _NOTHING
    _items: list[object] | None = None
    _item_count = 0

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
            self.tracer.fault("suspend", error)

    def resume(self) -> None:
        """See `OpenSpan.resume`."""
        try:
            if self.inside is not None and self.outside is not None:
                current = get_current()
                self.inside = across(current, self.outside, self.inside)
                self.outside = current
                attach(self.inside)
        except Exception as error:  # noqa: BLE001 - as above
            self.tracer.fault("resume", error)

    # --- the end ---------------------------------------------------------------------------------------------------

    def succeed(self, result: object) -> None:
        """See `OpenSpan.succeed`."""
        # Written out, `_close` included: every traced call comes through here, and each call more would be felt.
        try:
            if result is not None and self.site.capture_output and not self.unit.light:
                if type(result) is str:
                    self._result = result
                    self.unit.bytes += len(result)
                elif type(result) in ATOMS:
                    self._result = result
                else:
                    self._result = self.take(result)
                    self.unit.bytes += 1_024
        except Exception as error:  # noqa: BLE001 - as above
            self.tracer.fault("capture", error)
        try:
            outside = self.outside
            if outside is not None and get_current() is self.inside and self.end_ns is None:
                attach(outside)
                self.inside = self.outside = None
                unit = self.unit
                self.end_ns = unit.wall_ns + perf_counter_ns() - unit.mono_ns
                self.tracer.ended(unit, self.id, self)
            else:
                self._close()
        except Exception as error:  # noqa: BLE001 - as above
            self.tracer.fault("end", error)

    def fail_with(self, error: BaseException) -> None:
        """See `OpenSpan.fail_with`."""
        try:
            unit = self.unit
            again = unit.error_id == id(error) and unit.error_start_ns >= self.start_ns
            self.failure = failure_of(error, again=again)
            unit.error_id, unit.error_start_ns = id(error), self.start_ns
            unit.see_outcome(self.failure.outcome)
        except Exception as fault:  # noqa: BLE001 - as above
            self.tracer.fault("failure", fault)
        self._close()

    def item(self, value: object) -> None:
        """See `OpenSpan.item`."""
        try:
            self._item_count += 1
            if self.site.capture_output and self._item_count <= MAX_ITEMS and not self.unit.light:
                if self._items is None:
                    self._items = []
                self.unit.bytes += len(value) if type(value) is str else 64
                self._items.append(value if type(value) in ATOMS else self.take(value))
        except Exception as error:  # noqa: BLE001 - as above
            self.tracer.fault("capture", error)

    def exhausted(self, result: object) -> None:
        """See `OpenSpan.exhausted`."""
        self.succeed(result)

    def _close(self) -> None:
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
                self.tracer.ended(unit, self.id, self)
        except Exception as error:  # noqa: BLE001 - as above
            self.tracer.fault("end", error)

    def _untangle(self, outside: Context) -> None:
        # What the body itself left in the context stays, as it would untraced; only this span is taken out of it, and
        # spans below it that were never left.
        current = get_current()
        inner = current.get(SPAN_KEY)
        while type(inner) is TracedSpan and inner is not self and inner.unit is self.unit:
            above = self.unit.open.get(inner.parent_id)
            inner.inside = inner.outside = None
            inner.end()
            inner = above
        if inner is self:
            attach(with_span(current, outside.get(SPAN_KEY)))

    def take_given_input(self, value: object) -> None:
        """Capture what `span(input=...)` was given."""
        self.given_attributes()[semconv.OBSERVATION_INPUT] = self.structured(value)

    def input_value(self) -> Any:
        """Return the captured arguments by name, or `None`."""
        if self.captured is None or not self.site.params:
            return None
        return dict(zip(self.site.params, self.captured, strict=False))

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
    def item_count(self) -> int:
        """How many items the generator yielded."""
        return self._item_count

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
            if self.end_ns is not None:
                return
            name = fields.pop("name", None)
            if name is not None:
                self.label = str(name)
            for key, value in attributes_of(fields).items():
                self.set_attribute(key, value)
        except Exception as error:  # noqa: BLE001 - as above
            self.tracer.fault("update", error)

    def score(
        self,
        name: str,
        value: float | str | bool,  # noqa: FBT001 - see SpanHandle
        *,
        comment: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """See `SpanHandle.score`."""
        self.tracer.score(self, name, value, comment, metadata)

    def fail(self, error_type: str, message: str = "", **attributes: Any) -> None:
        """See `SpanHandle.fail`."""
        if self.end_ns is not None:
            return
        self.failure = Failure("error", error_type, message, (), ())
        self.unit.has_error = self.unit.special = True
        self.set_attributes(attributes)

    def keep(self) -> None:
        """See `SpanHandle.keep`."""
        self._force("keep")

    def drop(self) -> None:
        """See `SpanHandle.drop`."""
        self._force("drop")

    def heed(self, reply_headers: Mapping[Any, Any]) -> None:
        """See `SpanHandle.heed`."""
        try:
            if asks_to_keep(reply_headers):
                self._force("keep")
        except Exception as error:  # noqa: BLE001 - as above
            self.tracer.fault("heed", error)

    def _force(self, what: str) -> None:
        try:
            self.tracer.force(self.unit, what)
        except Exception as error:  # noqa: BLE001 - as above
            self.tracer.fault("force", error)

    def __enter__(self) -> Self:
        """Return the span: OpenTelemetry allows a span as a context manager."""
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """End the span, recording an exception that leaves the block."""
        if exc_val is not None:
            self.fail_with(exc_val)
        else:
            self._close()


def new_span(tracer: SpanOwner, site: CallSite, unit: Unit, span_id: int, parent_id: int, start_ns: int) -> TracedSpan:
    """Make an open span of a unit.

    Not by calling the class: the SDK's `Span.__new__` and an `__init__` would cost as much as all else here.
    """
    span = _bare(TracedSpan)
    span.tracer = tracer
    span.site = site
    span.label = site.name
    span.unit = unit
    span.id = span_id
    span.parent_id = parent_id
    span.start_ns = start_ns
    unit.open[span_id] = span
    return span
