"""From a span's end to a finished unit: whole, late, or in parts."""

from collections.abc import Callable
from threading import Lock, get_ident
from typing import Any, Final, Protocol

from opentelemetry.sdk.trace import ReadableSpan

from certtrace.ports import ScoreRecord
from certtrace.tracing.faults import Faults
from certtrace.tracing.spans import TracedSpan
from certtrace.tracing.units import Unit, Units

MAX_OPEN_SECONDS: Final = 86_400.0
"""Age at which a unit whose root was never ended is given up: it is ended for its author, as abandoned."""
_PART_SECONDS: Final = 0.5
_NO_SPANS: Final[dict[int, Any]] = {}
_CLAIMED: Final[list[None]] = []


class UnitSink(Protocol):
    """Who takes finished units; `assembly`'s pipeline."""

    light_below: int
    """Under stress: units whose randomness is below it record no content; 0 otherwise."""

    def dropped_at_start(self, rule: str) -> None:
        """Count a local root that a drop rule refused."""
        ...

    def accept(self, unit: Unit) -> None:
        """Take a unit whose spans have all ended: decide it and write its skeleton. Never raises, never blocks."""
        ...

    def accept_part(self, unit: Unit) -> None:
        """Take from a unit that goes on what has ended of it so far. Never raises, never blocks."""
        ...

    def lost(self, unit: Unit) -> None:
        """Count a unit that `accept` failed on, unless it got through all the same."""
        ...

    def score(self, record: ScoreRecord, unit: Unit) -> None:
        """Take a score of a unit that was decided before the score came."""
        ...


class Completing:
    """The end of spans and units. Everything here runs on the host's threads, or on the worker's where it says so."""

    def __init__(self, sink: UnitSink, *, max_spans: int, max_bytes: int, watched: frozenset[str]) -> None:
        """Take who gets finished units, how much of a unit is held in memory, and what sampling rules read."""
        self.sink = sink
        self.watched = watched
        """Attributes that sampling rules read."""
        self.units = Units()
        self.fault: Callable[[str, BaseException], None] = Faults()
        self._max_spans = max_spans
        self._max_bytes = max_bytes
        self._parting = Lock()

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
        elif len(unit.ended) >= self._max_spans or unit.bytes > self._max_bytes:
            self.part(unit)

    def _ended_late(self, decided: Unit, span: Any) -> None:
        # The unit went on without this span. It comes in a unit of its own, which follows the decision.
        unit = self.unit(decided.trace_id)
        unit.root, unit.root_ended = span, True
        unit.ended.append(span)
        self.inherit(unit, decided)
        if type(span) is TracedSpan:
            span.unit = unit
            if span.failure is not None:
                unit.see_outcome(span.failure.outcome)
        elif not span.status.is_ok:
            unit.see_outcome("error")
        self.complete(unit)

    def unit(self, trace_id: int) -> Unit:
        """Begin a unit."""
        raise NotImplementedError

    def inherit(self, unit: Unit, decided: Unit) -> None:
        """Let a late span's unit follow the decision about the one it belonged to."""
        unit.late = True
        unit.inherited = decided.decision
        unit.trace_state = decided.trace_state
        unit.randomness = decided.randomness
        self.units.join(unit)

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
        if unit.parting:
            self._await_part(unit)
        try:
            self.sink.accept(unit)
        except BaseException as error:  # above all a stack that ends right here, or Ctrl-C
            self.sink.lost(unit)
            if not isinstance(error, Exception):
                raise
            self.fault("accept", error)
        finally:
            self.units.open.pop(id(unit), None)
            if unit.group is not None:
                unit.group.open.pop(id(unit), None)
            # Units wait in a queue: what they no longer need is memory that the next call can use.
            unit.open, unit.claim = _NO_SPANS, _CLAIMED

    def part(self, unit: Unit) -> None:
        """Hand on what has ended of a unit that grows too large or too old."""
        if not self._parting.acquire(blocking=False):
            return  # another thread does; the next span's end looks again
        try:
            unit.parting = get_ident()
            if unit.claim:
                self.sink.accept_part(unit)
        except Exception as error:  # noqa: BLE001 - our own fault must not reach the host
            self.fault("part", error)
        finally:
            unit.parting = 0
            self._parting.release()

    def _await_part(self, unit: Unit) -> None:
        # Whoever parts the unit at this moment takes spans and writes its skeleton: neither must happen twice. It is
        # this very thread where a finalizer ended the root in the midst of it.
        if unit.parting != get_ident() and self._parting.acquire(timeout=_PART_SECONDS):
            self._parting.release()

    def complete_stale(self, older_than_ns: int, max_age_seconds: float) -> None:
        """Hand on what waits for spans that may never end; called by the worker.

        Args:
            older_than_ns: Units whose root ended before that time are decided without the spans below.
            max_age_seconds: Units older than that are decided in parts, and given up after a day.
        """
        for unit in self.units.waiting():
            if unit.root_ended_ns < older_than_ns:
                self.complete(unit, partly=True)
        given_up = {id(unit) for unit in self.units.older_than(MAX_OPEN_SECONDS)}
        for unit in self.units.older_than(min(max_age_seconds, MAX_OPEN_SECONDS)):
            if id(unit) in given_up:
                self._give_up(unit)
            elif not unit.root_ended and (unit.ended or not unit.parts):
                self.part(unit)

    def _give_up(self, unit: Unit) -> None:
        unit.see_outcome("abandoned")
        unit.root.end()
        if unit.claim:
            self.complete(unit, partly=True)

    def see_attributes(self, unit: Unit, span: ReadableSpan) -> None:
        """Note what sampling rules read of another library's span."""
        context = span.get_span_context()
        for key, value in (span.attributes or {}).items():
            if key in self.watched and context is not None:
                unit.note(context.span_id, key, value)


def _is_root(root: Any, span_id: int) -> bool:
    # Another library's span ends as a copy of the one that started.
    return root is not None and type(root) is not TracedSpan and root.get_span_context().span_id == span_id
