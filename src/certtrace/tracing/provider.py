"""The tracer provider that other libraries use, and the gate behind it.

Spans of httpx, FastAPI, the OpenAI SDK or `langfuse` join the trace through this provider. A processor that such a
library adds sees a span start; at its end it gets redacted, sampled spans only, from the pipeline's worker.
"""

# Imported for its fork hooks, which must be registered before the SDK's: in a forked child the SDK's hook uses an
# executor, whose lock only the hook of `concurrent.futures` frees. In the other order the child waits for ever.
import concurrent.futures.thread  # noqa: F401 - see above
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from opentelemetry.context import Context, attach
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    ReadableSpan,
    SpanLimits,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    TracerProvider,
)
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from certtrace.tracing.identifiers import OwnIdGenerator
from certtrace.tracing.runtime import Tracer
from certtrace.tracing.skipped import Unrecorded, record_nothing
from certtrace.tracing.spans import TracedSpan

_log = logging.getLogger("certtrace")

_REFUSED: Final = ("langfuse._client.span_processor",)
"""Modules whose processors export by themselves to a destination that certtrace serves."""


class HeadSampler(Sampler):
    """Records every span of other libraries, unless a drop rule refused the tree it stands in.

    The decision to keep is made when the local root has ended; until then `sampled` is set, so that nobody below drops.
    """

    def __init__(self, gate: "Gate") -> None:
        """Take the gate that knows the running tracer."""
        self._gate = gate

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,  # noqa: ARG002 - as above
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,  # noqa: ARG002 - as above
        trace_state: TraceState | None = None,  # noqa: ARG002 - as above; the SDK never passes it
    ) -> SamplingResult:
        """Decide at the start of a span."""
        parent = get_current_span(parent_context)
        if isinstance(parent, Unrecorded) or self._gate.drops_at_start(name, parent):
            return SamplingResult(Decision.DROP)
        # The SDK does not hand the parent's tracestate on: other vendors' entries would be lost.
        above = parent.get_span_context()
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, self._gate.state(trace_id, name, above))

    def get_description(self) -> str:
        """Name the sampler."""
        return "certtrace"


class Gate(SynchronousMultiSpanProcessor):
    """The only span processor that sees raw spans."""

    def __init__(self) -> None:
        """Start closed: without a tracer nothing is recorded."""
        super().__init__()  # type: ignore[no-untyped-call]  # the SDK does not annotate it
        self.tracer: Tracer | None = None
        self.guests: tuple[SpanProcessor, ...] = ()
        self.langfuse_is_served = False
        """Whether certtrace delivers to Langfuse, so that the SDK's own exporter has nothing left to do."""
        self._logged: set[str] = set()

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Admit a processor of another library: as a guest, which never sees a raw span end."""
        self.guests += (span_processor,)
        self._connect()

    def remove(self, keep: Callable[[SpanProcessor], bool]) -> None:
        """Send guests away, for a fixture that restores what it found."""
        self.guests = tuple(guest for guest in self.guests if keep(guest))
        self._connect()

    def use(self, tracer: Tracer | None) -> None:
        """Send spans to this tracer from now on."""
        if self.tracer is not None:
            self.tracer.on_start = None
        self.tracer = tracer
        self._connect()

    def _connect(self) -> None:
        if self.tracer is not None:
            self.tracer.on_start = self._tell_guests if self.guests else None

    def drops_at_start(self, name: str, parent: Any) -> bool:
        """Return whether a drop rule refuses a local root of this name."""
        tracer = self.tracer
        if tracer is None:
            return True
        local = isinstance(parent, (TracedSpan, SdkSpan))
        rule = "" if local else tracer.drops(name)
        if not rule:
            return False
        tracer.sink.dropped_at_start(rule)
        return True

    def state(self, trace_id: int, name: str, above: SpanContext) -> TraceState | None:
        """Return the tracestate of a span that another library starts below this context."""
        tracer = self.tracer
        if tracer is None:
            return above.trace_state
        try:
            return TraceState.from_header([tracer.foreign_state(trace_id, name, above)])
        except Exception as error:  # noqa: BLE001 - our own fault must not reach the host
            tracer.fault("foreign_state", error)
            return above.trace_state

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        """Enter a span of another library into its unit."""
        tracer = self.tracer
        if tracer is None:
            return
        try:
            tracer.foreign_started(span, parent_context)
        except Exception as error:  # noqa: BLE001 - our own fault must not reach the host
            tracer.fault("foreign_started", error)
        if self.guests:
            self._tell_guests(span, parent_context)

    def _tell_guests(self, span: SdkSpan, parent_context: Context | None) -> None:
        for guest in self.guests:
            try:
                guest.on_start(span, parent_context)
            except Exception as error:  # noqa: BLE001 - a guest's fault must not reach the host either
                self._log_once(guest, f"on_start raised {type(error).__name__}")

    def _on_ending(self, span: SdkSpan) -> None:
        """Tell nobody: the span is raw."""

    def on_end(self, span: ReadableSpan) -> None:
        """Take an ended span of another library; guests get its redacted form later."""
        tracer = self.tracer
        if tracer is None:
            return
        try:
            tracer.foreign_ended(span)
        except Exception as error:  # noqa: BLE001 - as above
            tracer.fault("foreign_ended", error)

    def hosts(self) -> list[SpanProcessor]:
        """Return the guests that get redacted spans."""
        admitted = []
        for guest in self.guests:
            if type(guest).__module__ not in _REFUSED:
                admitted.append(guest)
            elif not self.langfuse_is_served:
                self._log_once(
                    guest,
                    "does not export: only certtrace sends traces, redacted and sampled. "
                    'To have them in Langfuse add "langfuse" to CERTTRACE_DESTINATIONS',
                )
        return admitted

    def deliver(self, spans: Sequence[ReadableSpan]) -> None:
        """Give redacted, sampled spans to the guests; called by the pipeline's worker."""
        hosts = self.hosts()
        before = record_nothing()  # a guest may export over a client that is instrumented
        try:
            for guest in hosts:
                self._deliver_to(guest, spans)
        finally:
            attach(before)

    def _deliver_to(self, guest: SpanProcessor, spans: Sequence[ReadableSpan]) -> None:
        for span in spans:
            try:
                guest.on_end(span)
            except Exception as error:  # noqa: BLE001 - as above
                self._log_once(guest, f"on_end raised {type(error).__name__}")

    def _log_once(self, guest: SpanProcessor, what: str) -> None:
        line = f"{type(guest).__qualname__} {what}"
        if line not in self._logged:
            self._logged.add(line)
            _log.warning("The span processor %s.", line)

    def shutdown(self) -> None:
        """Shut the guests down."""
        for guest in self.guests:
            guest.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the guests."""
        flushed = [guest.force_flush(timeout_millis) for guest in self.guests]
        return all(result is not False for result in flushed)


class CerttraceTracerProvider(TracerProvider):
    """The provider: made once in a process, because OpenTelemetry's global provider can be set only once."""

    def __init__(self, resource: Resource) -> None:
        """Take the resource of all spans."""
        self.gate = Gate()
        super().__init__(
            sampler=HeadSampler(self.gate),
            resource=resource,
            shutdown_on_exit=False,
            active_span_processor=self.gate,
            id_generator=OwnIdGenerator(),
            span_limits=SpanLimits(max_events=1_000, max_links=128),
        )

    def renew(self, resource: Resource) -> None:
        """Take the resource of a new configuration; tracers handed out earlier keep working."""
        self._resource = resource
