"""The top of a tree that a drop rule refused at its start: nothing below it is recorded."""

from opentelemetry.context import attach, get_current
from opentelemetry.context.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from certtrace.tracing.active import OpenSpan
from certtrace.tracing.contexts import SPAN_KEY, across, with_span
from certtrace.tracing.identifiers import new_bits


class Unrecorded(NonRecordingSpan):
    """The current span below a dropped local root: a call that finds it goes straight through."""

    def __init__(self) -> None:
        """Make no context yet: most dropped trees call nobody else."""
        self._made: SpanContext | None = None

    def get_span_context(self) -> SpanContext:
        """Return an unsampled context, for whoever continues the trace elsewhere."""
        if self._made is None:
            self._made = SpanContext(
                new_bits(128) or 1, new_bits(64) or 1, is_remote=False, trace_flags=TraceFlags(TraceFlags.DEFAULT)
            )
        return self._made

    def __repr__(self) -> str:
        """Show nothing: there is nothing to show."""
        return "<span that is not recorded>"


def record_nothing() -> Context:
    """Record nothing that this thread does from now on, and return the context that was current.

    For threads that work for certtrace: were their own requests and calls recorded, each trace would make the next.
    """
    before = get_current()
    attach(with_span(before, Unrecorded()))
    return before


class SkippedSpan(OpenSpan):
    """Keeps the context of a dropped local root; records nothing."""

    __slots__ = ("_inside", "_outside")

    def __init__(self, inside: Context, outside: Context) -> None:
        """Take the context with `Unrecorded` in it and the one to restore."""
        self._inside = inside
        self._outside = outside

    def _leave(self) -> None:
        current = get_current()
        if current is self._inside:
            attach(self._outside)
        elif current.get(SPAN_KEY) is self._inside.get(SPAN_KEY):
            attach(with_span(current, self._outside.get(SPAN_KEY)))

    def succeed(self, result: object) -> None:  # noqa: ARG002 - nothing is recorded
        """See `OpenSpan.succeed`."""
        self._leave()

    def fail_with(self, error: BaseException) -> None:  # noqa: ARG002 - as above
        """See `OpenSpan.fail_with`."""
        self._leave()

    def suspend(self) -> None:
        """See `OpenSpan.suspend`."""
        current = get_current()
        self._outside, self._inside = across(current, self._inside, self._outside), current
        attach(self._outside)

    def resume(self) -> None:
        """See `OpenSpan.resume`."""
        current = get_current()
        self._inside, self._outside = across(current, self._outside, self._inside), current
        attach(self._inside)

    def item(self, value: object) -> None:
        """See `OpenSpan.item`."""

    def exhausted(self, result: object) -> None:  # noqa: ARG002 - nothing is recorded
        """See `OpenSpan.exhausted`."""
        self._leave()
