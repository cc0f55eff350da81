"""The tracer: opens spans for traced calls, groups them into units and hands finished units on."""

from collections.abc import Callable, Mapping, MutableMapping
from hashlib import sha256
from hmac import new as hmac_new
from itertools import count
from typing import Any, Final

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
from certtrace.tracing.completing import Completing, UnitSink
from certtrace.tracing.contexts import SPAN_KEY, with_span
from certtrace.tracing.faults import Faults
from certtrace.tracing.foreign import ForeignHandle
from certtrace.tracing.handle import NOT_RECORDED, ScoreValue, SpanHandle
from certtrace.tracing.head import Drops, HeadRules
from certtrace.tracing.identifiers import new_bits
from certtrace.tracing.naming import ATOMS
from certtrace.tracing.propagated import PROPAGATED_KEY
from certtrace.tracing.replies import says_keep, signalling
from certtrace.tracing.scores import give_score, score_record
from certtrace.tracing.skipped import SkippedSpan, Unrecorded
from certtrace.tracing.spans import TracedSpan, new_span
from certtrace.tracing.stack import reach_as_deep_as_the_end
from certtrace.tracing.units import Unit

_set = dict.__setitem__  # a `Context` refuses item assignment; this one is not shared yet

_LOW_BITS: Final = 2**56 - 1


class Tracer(Completing):
    """Opens and ends spans. Everything here runs on the host's threads and must neither raise nor block."""

    fault: Faults

    def __init__(
        self,
        sink: UnitSink,
        resource: Resource,
        version: str,
        seed_key: bytes,
        rules: HeadRules,
        *,
        max_unit_spans: int = 10_000,
        max_unit_bytes: int = 33_554_432,
    ) -> None:
        """Take what the tracer works with.

        Args:
            sink: Who gets finished units.
            resource: Resource of all spans.
            version: Our version.
            seed_key: Key of seeded trace ids.
            rules: What the sampling policy says before anything has happened.
            max_unit_spans: Ended spans of one unit held in memory.
            max_unit_bytes: The same in estimated bytes.
        """
        super().__init__(sink, max_spans=max_unit_spans, max_bytes=max_unit_bytes, watched=rules.watched)
        self.resource = resource
        self.scope = InstrumentationScope(semconv.SCOPE_NAME, version)
        self.on_start: Callable[[SdkSpan, Context], None] | None = None
        """Set while processors of other libraries want to see spans start."""
        self.fault = Faults()
        """Called with where and what, when something of ours went wrong."""
        self._seed_key = seed_key
        self._rules = rules
        self._drops = Drops(rules)
        self._foreign: dict[int, Unit] = {}
        self._started = count()

    @property
    def started_total(self) -> int:
        """How many local roots were started, but for those that the sink was told of: dropped at their start."""
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
        if span.unit.light:
            return span
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
            if self._drops[site.name]:
                return self._skipped(context, self._drops[site.name])
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
        if self._drops[site.name]:
            return self._skipped(context, self._drops[site.name])
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
        self.inherit(span.unit, unit)
        return span

    def _child(self, site: CallSite, unit: Unit, parent_id: int) -> TracedSpan:
        return new_span(self, site, unit, new_bits(64) or 1, parent_id, unit.now())

    def _root(self, site: CallSite, trace_id: int, parent_id: int) -> TracedSpan:
        reach_as_deep_as_the_end()
        units = self.units
        unit = Unit(trace_id, units.generation)
        units.open[id(unit)] = unit
        unit.number = next(self._started)  # whoever sees it counted finds it among the open ones
        if self.sink.light_below:
            unit.light = trace_id & _LOW_BITS < self.sink.light_below
        unit.root = span = new_span(self, site, unit, new_bits(64) or 1, parent_id, unit.wall_ns)
        return span

    def unit(self, trace_id: int) -> Unit:
        """See `Completing.unit`."""
        unit = Unit(trace_id, self.units.generation)
        self.units.open[id(unit)] = unit
        unit.number = next(self._started)
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
        self._heed_upstream(span.unit, upstream)
        return span

    def _heed_upstream(self, unit: Unit, upstream: SpanContext) -> None:
        unit.trace_state = upstream.trace_state.to_header() if upstream.trace_state else ""
        if upstream.is_remote:
            unit.parent_sampled = upstream.trace_flags.sampled
            if says_keep(unit.trace_state):
                unit.forced, unit.special = "keep", True
        self.units.join(unit)

    def _skipped(self, context: Context, rule: str) -> SkippedSpan:
        self.sink.dropped_at_start(rule)
        skipped = SkippedSpan(with_span(context, Unrecorded()), context)
        skipped.resume()
        return skipped

    def drops(self, name: str) -> str:
        """Return the rule that drops local roots of this name; empty for none."""
        return self._drops[name]

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
            unit = self.unit(own.trace_id)
            unit.root = span
            unit.open[own.span_id] = span
            if above is not None:
                above.open.pop(own.span_id, None)
                self.inherit(unit, above)
            elif span.parent is not None:
                self._heed_upstream(unit, span.parent)
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
        if self.watched:
            self.see_attributes(unit, span)
        self.ended(unit, own.span_id, span)

    def forked(self) -> None:
        """Forget the parent's open units in a forked child."""
        self.units.forked()
        self._foreign = {}
        self.fault = Faults()
        self._started = count()

    # --- what is current, and who is known -------------------------------------------------------------------------

    def share(self, unit: Unit) -> str:
        """Note that others may continue the unit's trace from now on; return the tracestate that they get."""
        if unit.group is None:
            self.units.join(unit)
        rest = self._rules.tracestate(unit.trace_id, unit.randomness, unit.trace_state, unit.root.name)
        return signalling(rest, keep=self.is_certain(unit))

    def foreign_state(self, trace_id: int, name: str, above: SpanContext) -> str:
        """Return the tracestate of another library's span: what stands above it, and for a local root what we add."""
        state = above.trace_state.to_header() if above.is_valid and above.trace_state else ""
        if above.is_valid and not above.is_remote:
            return state
        return signalling(self._rules.tracestate(trace_id, -1, state, name), keep=says_keep(state))

    # --- keep signals ----------------------------------------------------------------------------------------------

    def force(self, unit: Unit, what: str) -> None:
        """Keep or drop a unit whatever the rules say; a keep is never taken back."""
        if unit.forced != "keep":
            unit.forced, unit.special = what, True
            for span in list(unit.open.values()):
                if type(span) is TracedSpan:
                    span.forget_context()  # who asks from now on gets the signal with it

    def force_foreign(self, span_id: int, what: str) -> None:
        """Do the same for the unit of another library's open span."""
        unit = self._foreign.get(span_id)
        if unit is not None:
            self.force(unit, what)

    def keeps(self) -> bool:
        """Return whether the current unit is to be kept for certain, by what has happened so far."""
        unit = self._current_unit()
        return unit is not None and self.is_certain(unit)

    def is_certain(self, unit: Unit) -> bool:
        """Return whether a unit will be kept whatever may follow."""
        if unit.forced or not unit.special:
            return unit.forced == "keep"
        return unit.is_certain(self._rules.is_certain)

    def current(self) -> SpanHandle:
        """See `Runtime.current`."""
        span = get_current().get(SPAN_KEY)
        if type(span) is TracedSpan:
            return span
        if isinstance(span, SdkSpan) and span.is_recording():
            return ForeignHandle(span, self)
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
            give_score(record, span.unit, span.id, self.sink.score)
        except Exception as error:  # noqa: BLE001 - as above
            self.fault("score", error)

    def score_foreign(self, span_id: int, record: ScoreRecord) -> None:
        """Record a score of another library's open span."""
        unit = self._foreign.get(span_id)
        if unit is not None:
            give_score(record, unit, span_id, self.sink.score)


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
