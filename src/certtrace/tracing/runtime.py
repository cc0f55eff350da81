"""The tracer: opens spans for traced calls, groups them into units and hands finished units on."""

from collections.abc import Callable, Mapping, MutableMapping
from hashlib import sha256
from hmac import new as hmac_new
from itertools import count
from typing import Any, Final, Protocol

from opentelemetry.context import attach, get_current
from opentelemetry.context.context import Context
from opentelemetry.propagate import inject as inject_context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, get_current_span

from certtrace import semconv
from certtrace.ports import ScoreRecord
from certtrace.tracing.active import CallSite
from certtrace.tracing.contexts import SPAN_KEY, with_span
from certtrace.tracing.faults import Faults
from certtrace.tracing.foreign import ForeignHandle
from certtrace.tracing.handle import NOT_RECORDED, ScoreValue, SpanHandle
from certtrace.tracing.identifiers import new_bits
from certtrace.tracing.naming import ATOMS
from certtrace.tracing.propagated import PROPAGATED_KEY
from certtrace.tracing.scores import score_record
from certtrace.tracing.skipped import SkippedSpan, Unrecorded
from certtrace.tracing.spans import TracedSpan, new_span
from certtrace.tracing.stack import reach_as_deep_as_the_end
from certtrace.tracing.units import Unit, Units

_set = dict.__setitem__  # a `Context` refuses item assignment; this one is not shared yet

_NO_SPANS: Final[dict[int, Any]] = {}
_CLAIMED: Final[list[None]] = []


class UnitSink(Protocol):
    """Who takes finished units; `assembly`'s pipeline."""

    def dropped_at_start(self) -> None:
        """Count a local root that a drop rule refused."""
        ...

    def accept(self, unit: Unit) -> None:
        """Take a unit whose spans have all ended: decide it and write its skeleton. Never raises, never blocks."""
        ...

    def lost(self, unit: Unit) -> None:
        """Count a unit that `accept` failed on, unless it got through all the same."""
        ...

    def score(self, record: ScoreRecord, unit: Unit) -> None:
        """Take a score of a unit that was decided before the score came."""
        ...


class Tracer:
    """Opens and ends spans. Everything here runs on the host's threads and must neither raise nor block."""

    def __init__(
        self, sink: UnitSink, resource: Resource, version: str, seed_key: bytes, drop_names: frozenset[str]
    ) -> None:
        """Take the sink of finished units, the resource, our version, the key of seeded ids, and names to drop."""
        self.sink = sink
        self.resource = resource
        self.scope = InstrumentationScope(semconv.SCOPE_NAME, version)
        self.units = Units()
        self.on_start: Callable[[SdkSpan, Context], None] | None = None
        """Set while processors of other libraries want to see spans start."""
        self.fault = Faults()
        """Called with where and what, when something of ours went wrong."""
        self._seed_key = seed_key
        self._drop_names = drop_names
        self._foreign: dict[int, Unit] = {}
        self._started = count()

    @property
    def started_total(self) -> int:
        """How many local roots were started, dropped ones included."""
        # `next()` of a counter is atomic and free of locks; its repr is the one way to read it without counting on.
        return int(repr(self._started).removeprefix("count(").removesuffix(")"))

    # --- opening ---------------------------------------------------------------------------------------------------

    def open(self, site: CallSite, values: tuple[object, ...]) -> TracedSpan | SkippedSpan | None:
        """See `Runtime.open`."""
        try:
            span = self._open(site, get_current(), "")
            if type(span) is not TracedSpan:
                return span
        except RecursionError:
            return None  # the host's stack ends here: the call itself may still fit, we do not
        except Exception as error:  # noqa: BLE001 - our own fault must not reach the host: the call goes on untraced
            self.fault("open", error)
            return None
        try:
            size = 0
            captured = []
            for value in values:
                kind = type(value)
                if kind is str:
                    size += len(value)  # type: ignore[arg-type]  # exactly a str
                elif kind not in ATOMS:
                    size += 1_024
                    value = span.take(value)
                captured.append(value)
            span.captured = captured
            span.unit.bytes += size
        except Exception as error:  # noqa: BLE001 - as above
            self.fault("capture", error)
        return span

    def open_span(self, site: CallSite, given: Any, options: Mapping[str, Any]) -> TracedSpan | SkippedSpan | None:
        """See `Runtime.open_span`."""
        try:
            span = self._open(site, get_current(), options.get("seed") or "")
        except Exception as error:  # noqa: BLE001 - as above
            self.fault("open", error)
            return None
        if type(span) is TracedSpan:
            try:
                _fill(span, given, options)
            except Exception as error:  # noqa: BLE001 - as above
                self.fault("capture", error)
        return span

    def _open(self, site: CallSite, context: Context, seed: str) -> TracedSpan | SkippedSpan | None:
        parent = context.get(SPAN_KEY)
        if type(parent) is TracedSpan:
            span = self._below(site, parent)
        elif parent is None:
            if site.name in self._drop_names:
                return self._skipped(context)
            span = self._origin(site, seed) if seed else self._root(site, new_bits(128) or 1, 0)
        elif type(parent) is Unrecorded:
            return None
        else:
            other = self._beside(site, context, parent, seed)
            if type(other) is not TracedSpan:
                return other
            span = other
        if PROPAGATED_KEY in context:
            span.propagated = context[PROPAGATED_KEY]  # type: ignore[assignment]  # only `propagate_attributes` sets it
        if context:
            inside = Context(context)
            _set(inside, SPAN_KEY, span)
        else:
            inside = Context({SPAN_KEY: span})
        span.inside, span.outside = inside, context
        attach(inside)
        if self.on_start is not None:
            self.on_start(span, context)
        return span

    def _beside(self, site: CallSite, context: Context, parent: Any, seed: str) -> TracedSpan | SkippedSpan | None:
        """Open below a span that is not ours: another library's, a remote one, or none that is valid."""
        upstream = _valid_context(parent)
        unit = None if upstream is None else self._foreign.get(upstream.span_id)
        if upstream is not None and unit is not None and unit.claim:
            return self._child(site, unit, upstream.span_id)
        if site.name in self._drop_names:
            return self._skipped(context)
        if upstream is not None:
            return self._continued(site, upstream)
        return self._origin(site, seed) if seed else self._root(site, new_bits(128) or 1, 0)

    def _below(self, site: CallSite, parent: TracedSpan) -> TracedSpan:
        unit = parent.unit
        if unit.claim and unit.generation == self.units.generation:
            span = self._child(site, unit, parent.id)
            if unit.claim:
                return span
            unit.open.pop(span.id, None)  # the unit was completed in between
        span = self._root(site, unit.trace_id, parent.id)
        self._inherit(span.unit, unit)
        return span

    def _child(self, site: CallSite, unit: Unit, parent_id: int) -> TracedSpan:
        return new_span(self, site, unit, new_bits(64) or 1, parent_id, unit.now())

    def _root(self, site: CallSite, trace_id: int, parent_id: int) -> TracedSpan:
        reach_as_deep_as_the_end()
        units = self.units
        unit = Unit(trace_id, units.generation)
        next(self._started)
        units.open[id(unit)] = unit
        unit.root = span = new_span(self, site, unit, new_bits(64) or 1, parent_id, unit.wall_ns)
        return span

    def _unit(self, trace_id: int) -> Unit:
        unit = Unit(trace_id, self.units.generation)
        next(self._started)
        self.units.open[id(unit)] = unit
        return unit

    def _origin(self, site: CallSite, seed: str) -> TracedSpan:
        span = self._root(site, self.trace_id_for(seed), 0)
        span.unit.randomness = new_bits(56)  # a seeded id repeats when an answer is graded again: it is no randomness
        span.unit.trace_state = f"{semconv.TRACESTATE_KEY}=rv:{span.unit.randomness:014x}"
        self.units.join(span.unit)
        return span

    def _continued(self, site: CallSite, upstream: SpanContext) -> TracedSpan:
        span = self._root(site, upstream.trace_id, upstream.span_id)
        span.parent_is_remote = upstream.is_remote
        span.unit.trace_state = upstream.trace_state.to_header() if upstream.trace_state else ""
        self.units.join(span.unit)
        return span

    def _inherit(self, unit: Unit, decided: Unit) -> None:
        # A late span: its unit was completed before it began. It follows that decision, in a unit of its own.
        unit.inherited = decided.decision
        unit.trace_state = decided.trace_state
        unit.randomness = decided.randomness
        self.units.join(unit)

    def _skipped(self, context: Context) -> SkippedSpan:
        self.sink.dropped_at_start()
        next(self._started)
        skipped = SkippedSpan(with_span(context, Unrecorded()), context)
        skipped.resume()
        return skipped

    def drops(self, name: str) -> bool:
        """Return whether a drop rule refuses local roots of this name."""
        return name in self._drop_names

    # --- spans of other libraries ----------------------------------------------------------------------------------

    def foreign_started(self, span: SdkSpan, context: Context | None) -> None:
        """Enter a span that another library started on our provider into its unit."""
        parent = get_current_span(context)
        own = span.get_span_context()
        above = parent.unit if type(parent) is TracedSpan else self._foreign.get(parent.get_span_context().span_id)
        if above is not None and above.claim and above.generation == self.units.generation:
            unit = above
            unit.open[own.span_id] = span
        if above is None or not above.claim or above.generation != self.units.generation:
            unit = self._unit(own.trace_id)
            unit.root = span
            unit.open[own.span_id] = span
            if above is not None:
                above.open.pop(own.span_id, None)
                self._inherit(unit, above)
            elif span.parent is not None:
                unit.trace_state = own.trace_state.to_header()
                self.units.join(unit)
        self._foreign[own.span_id] = unit

    def foreign_ended(self, span: ReadableSpan) -> None:
        """Take a span that another library ended."""
        own = span.get_span_context()
        if own is None:
            return
        unit = self._foreign.pop(own.span_id, None)
        if unit is None:
            return
        if not span.status.is_ok:
            unit.see_outcome("error")
        unit.bytes += 2_048
        self.ended(unit, own.span_id, span)

    # --- the end of a span and of a unit ---------------------------------------------------------------------------

    def ended(self, unit: Unit, span_id: int, span: Any) -> None:
        """Move a span from open to ended; the last one below an ended root completes the unit."""
        if unit.generation != self.units.generation:
            return  # begun before a fork: the parent process ends it
        if not unit.claim:
            unit.open.pop(span_id, None)
            self._ended_late(unit, span)
            return
        unit.ended.append(span)
        open_spans = unit.open
        open_spans.pop(span_id, None)
        if unit.root is span or (not unit.root_ended and _is_root(unit.root, span_id)):
            unit.root_ended = True
            if open_spans:
                unit.root_ended_ns = unit.now()
        if unit.root_ended and not open_spans:
            self.complete(unit)

    def _ended_late(self, decided: Unit, span: Any) -> None:
        # The unit went on without this span. It comes in a unit of its own, which follows the decision.
        unit = self._unit(decided.trace_id)
        unit.root, unit.root_ended = span, True
        unit.ended.append(span)
        self._inherit(unit, decided)
        if type(span) is TracedSpan:
            span.unit = unit
            if span.failure is not None:
                unit.see_outcome(span.failure.outcome)
        elif not span.status.is_ok:
            unit.see_outcome("error")
        self.complete(unit)

    def complete(self, unit: Unit, *, partly: bool = False) -> None:
        """Hand a unit on, once.

        Args:
            unit: Its root has ended.
            partly: Also when spans below are open; what they record comes as a unit of its own.
        """
        try:
            unit.claim.pop()
        except IndexError:
            return
        if unit.open and not partly:  # a span began below in this very moment: its end completes the unit
            unit.claim.append(None)
            return
        try:
            self.sink.accept(unit)
        except Exception as error:  # noqa: BLE001 - above all a stack that ends right here
            self.sink.lost(unit)
            self.fault("accept", error)
        finally:
            self.units.open.pop(id(unit), None)
            if unit.group is not None:
                unit.group.open.pop(id(unit), None)
            # Units wait in a queue: what they no longer need is memory that the next call can use.
            unit.open, unit.claim = _NO_SPANS, _CLAIMED

    def complete_stale(self, older_than_ns: int) -> None:
        """Hand on units whose root ended before that time while spans below have not: some never end."""
        for unit in self.units.waiting():
            if unit.root_ended_ns < older_than_ns:
                self.complete(unit, partly=True)

    def forked(self) -> None:
        """Forget the parent's open units in a forked child."""
        self.units.forked()
        self._foreign = {}
        self.fault = Faults()
        self._started = count()

    # --- what is current, and who is known -------------------------------------------------------------------------

    def share(self, unit: Unit) -> None:
        """Note that others may continue the unit's trace from now on."""
        if unit.group is None:
            self.units.join(unit)

    def current(self) -> SpanHandle:
        """See `Runtime.current`."""
        span = get_current().get(SPAN_KEY)
        if type(span) is TracedSpan:
            return span
        if isinstance(span, SdkSpan) and span.is_recording():
            return ForeignHandle(span)
        return NOT_RECORDED

    def _current_unit(self) -> Unit | None:
        span = get_current().get(SPAN_KEY)
        if type(span) is TracedSpan:
            return span.unit
        return self._foreign.get(span.get_span_context().span_id) if isinstance(span, SdkSpan) else None

    def identify(self, identity: Mapping[str, Any]) -> None:
        """See `Runtime.identify`."""
        try:
            unit = self._current_unit()
            if unit is not None:
                self.units.group_of(unit).identities.append(dict(identity))
        except Exception as error:  # noqa: BLE001 - as above
            self.fault("identify", error)

    def known_in(self, trace_id: str) -> list[object]:
        """Return who is known in a trace, given as 32 hex digits, or in the current one, given as empty text."""
        try:
            if trace_id:
                return self.units.identities(int(trace_id, 16))
            unit = self._current_unit()
            return self.units.identities(unit.trace_id if unit is not None else 0)
        except ValueError:
            return []

    def remember(self, unit: Unit, models: list[Any]) -> None:
        """Keep captured models for the redaction of the whole trace: their marked fields name people."""
        self.units.group_of(unit).identities.extend(models)

    def inject(self, headers: MutableMapping[str, str]) -> None:
        """See `Runtime.inject`."""
        try:
            inject_context(headers)
        except Exception as error:  # noqa: BLE001 - as above
            self.fault("inject", error)

    def trace_id_for(self, seed: str) -> int:
        """See `Runtime.trace_id_for`: keyed, because an unkeyed hash of a business id can be looked up."""
        digest = hmac_new(self._seed_key, b"trace:" + seed.encode("utf-8", "replace"), sha256).digest()
        return int.from_bytes(digest[:16], "big") or 1

    def score(self, span: TracedSpan, name: str, value: ScoreValue, comment: str | None, metadata: Any) -> None:
        """Record a score of a span; it leaves with the span's unit."""
        try:
            record = score_record(name, value, comment=comment, metadata=metadata)
            record.trace_id, record.observation_id = span.trace_id, span.span_id
            record.timestamp_ns = span.unit.now()
            if span.unit.decision is not None:
                self.sink.score(record, span.unit)
                return
            if span.unit.scores is None:
                span.unit.scores = []
            span.unit.scores.append(record)
        except Exception as error:  # noqa: BLE001 - as above
            self.fault("score", error)


def _is_root(root: Any, span_id: int) -> bool:
    # Another library's span ends as a copy of the one that started.
    return root is not None and type(root) is not TracedSpan and root.get_span_context().span_id == span_id


def _valid_context(span: Any) -> SpanContext | None:
    context = span.get_span_context() if hasattr(span, "get_span_context") else None
    return context if context is not None and context.is_valid else None


def _fill(span: TracedSpan, given: Any, options: Mapping[str, Any]) -> None:
    if given is not None:
        span.take_given_input(given)
    for link in options.get("links") or ():
        span.add_link(link if isinstance(link, SpanContext) else link.get_span_context())
    if options.get("attributes"):
        span.set_attributes(options["attributes"])
