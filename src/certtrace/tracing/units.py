"""Units: the part of a trace below one local root, from its first span to the moment it can be decided."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from threading import Lock
from time import perf_counter_ns, time_ns
from typing import Any, Final

from certtrace.ports import Decision
from certtrace.semconv import CONFIDENCE

MAX_REMEMBERED_TRACES: Final = 4_096
"""Traces whose known identities are kept in memory for units of the same trace that start later in this process."""

RECENT_TRACES: Final = 64
"""How many traces are asked for known people when a score or dataset item names none."""


class TraceGroup:
    """What the units of one trace in this process share: which are open, and who is known."""

    __slots__ = ("identities", "open", "trace_id")

    def __init__(self, trace_id: int) -> None:
        """Start with nobody known."""
        self.trace_id = trace_id
        self.open: dict[int, Unit] = {}
        self.identities: list[object] = []

    def reduce(self, essentials: Callable[[list[object]], list[object]]) -> list[object]:
        """Keep of what was captured only what identifies somebody, and return it. For the worker."""
        seen = len(self.identities)
        reduced = essentials(self.identities[:seen])
        self.identities[:seen] = reduced  # in place: another thread may be appending
        return reduced


class Unit:
    """One local root and everything below it in this process."""

    # Defaults live on the class: a unit is made for every local root, most of these never change.
    root: Any = None
    root_ended = False
    root_ended_ns = 0
    """When, if spans below were open then."""
    number = -1
    """Its place among the local roots that started, from 0: it is started once it has one."""
    counted = False
    """Whether the account has it, as kept or dropped. Changes under the account's lock."""
    accepted = False
    """Whether the unit is in the pipeline's hands."""
    group: TraceGroup | None = None
    decision: Decision | None = None
    inherited: Decision | None = None
    trace_state: str = ""
    """Value of the foreign tracestate, header form."""
    randomness = -1
    """R, when it does not come from the trace id."""
    forced = ""
    """`keep` or `drop`, where code said so, here or in another process of the trace."""
    _certain = False
    """Whether the rules kept it for certain when they were asked last."""
    _certain_by: tuple[object, ...] = ()
    """What had happened then."""
    light = False
    """Whether it records no content: it began under stress, and its own randomness would not keep it."""
    late = False
    """Whether it holds what came after its trace's unit was decided."""
    parent_sampled: bool | None = None
    """What a remote parent decided."""
    is_part = False
    """Whether it stands for a part of a unit that goes on."""
    parting = 0
    """The thread that hands a part of it on at present; 0 for none."""
    partial: Decision | None = None
    """What was decided about its first parts, if that was to keep them."""
    parts = 0
    """How many parts have gone on before the end."""
    shed = 0
    """Spans that were left out in parts: nothing spoke for the unit yet."""
    noted: dict[str, dict[int, object]] | None = None
    """Values of the attributes that sampling rules read, by attribute and span."""
    foreign_scores: list[Any] | None = None
    """Redacted scores that the `langfuse` SDK gave while the unit was open."""
    confidence: float | None = None
    error_start_ns = 0
    """When that span started: an earlier span's exception is another one, though at the same address."""
    error_id = 0
    """`id()` of the exception recorded last: its stack is recorded once, at the span where it rose."""
    has_error = False
    cancelled = False
    abandoned = False
    special = False
    """Whether any of the above, or a confidence, gives sampling something to decide on."""
    bytes = 0
    scores: list[Any] | None = None
    sequence = -1
    """The spool's number of the unit, once accepted."""

    def __init__(self, trace_id: int, generation: int) -> None:
        """Start the unit's clock: one wall reading, all else monotonic from there."""
        self.trace_id = trace_id
        self.generation = generation
        self.wall_ns = time_ns()
        self.mono_ns = perf_counter_ns()
        self.open: dict[int, Any] = {}
        self.ended: list[Any] = []
        self.claim: list[None] = [None]
        """Whoever pops the element completes the unit: exactly one thread can."""

    def now(self) -> int:
        """Return the time in nanoseconds since the epoch, monotonic within the unit."""
        return self.wall_ns + perf_counter_ns() - self.mono_ns

    def see_outcome(self, outcome: str) -> None:
        """Remember that a span of the unit ended in `error`, `cancelled` or `abandoned`."""
        self.special = True
        if outcome == "error":
            self.has_error = True
        elif outcome == "cancelled":
            self.cancelled = True
        else:
            self.abandoned = True

    def is_certain(self, ask: Callable[["Unit"], bool]) -> bool:
        """Return whether the rules keep the unit for certain; they are asked when something new has happened."""
        noted = sum(map(len, self.noted.values())) if self.noted else 0
        happened = (self.has_error, self.cancelled, self.abandoned, noted)
        if self._certain_by != happened:
            self._certain_by, self._certain = happened, ask(self)
        return self._certain

    def note(self, span_id: int, key: str, value: object) -> None:
        """Remember an attribute that a sampling rule reads; the last value of each span counts."""
        self.special = True
        if self.noted is None:
            self.noted = {}
        self.noted.setdefault(key, {})[span_id] = value
        if key == CONFIDENCE:
            self.see_confidence(value)

    def see_confidence(self, value: object) -> None:
        """Remember the lowest confidence of the unit."""
        if isinstance(value, (int, float)) and (self.confidence is None or value < self.confidence):
            self.confidence = float(value)


class Units:
    """Every unit of this process that is not decided yet, and the traces they belong to."""

    def __init__(self) -> None:
        """Start empty; a forked child starts empty again."""
        self.generation = 0
        self.open: dict[int, Unit] = {}
        self._groups: OrderedDict[int, TraceGroup] = OrderedDict()
        self._lock = Lock()

    def forked(self) -> None:
        """Forget what belongs to the parent process: it will end there."""
        self.generation += 1
        self.open = {}
        self._groups = OrderedDict()
        self._lock = Lock()

    def group_of(self, unit: Unit) -> TraceGroup:
        """Return the group of the unit's trace, making it when it is first needed."""
        group = unit.group
        if group is None:
            group = self.join(unit)
        return group

    def join(self, unit: Unit) -> TraceGroup:
        """Enter a unit into the group of its trace: its trace id is, or will be, known elsewhere."""
        with self._lock:
            group = self._groups.get(unit.trace_id)
            if group is None:
                group = self._groups[unit.trace_id] = TraceGroup(unit.trace_id)
            if unit.decision is None:
                group.open[id(unit)] = unit
            unit.group = group
            if len(self._groups) > MAX_REMEMBERED_TRACES:
                self._forget_oldest()
        return group

    def _forget_oldest(self) -> None:
        for trace_id, group in list(self._groups.items())[: MAX_REMEMBERED_TRACES // 8]:
            if not group.open:
                del self._groups[trace_id]

    def identities(self, trace_id: int) -> list[object]:
        """Return who is known in a trace; in one that this process does not know, whoever was known here lately."""
        with self._lock:
            group = self._groups.get(trace_id)
            if group is not None:
                return list(group.identities)
            recent = list(self._groups.values())[-RECENT_TRACES:]
            return [identity for group in recent for identity in group.identities]

    def release(self, group: TraceGroup) -> None:
        """Forget a trace whose units are all out, unless it names people who may appear in later units."""
        with self._lock:
            if not group.open and not group.identities:
                self._groups.pop(group.trace_id, None)

    def of_trace(self, trace_id: int) -> Unit | None:
        """Return an undecided unit of the trace, the one that began last, or `None`."""
        found = [unit for unit in list(self.open.values()) if unit.trace_id == trace_id and unit.decision is None]
        return found[-1] if found else None

    def older_than(self, age_seconds: float) -> list[Unit]:
        """Return the undecided units that began longer ago than that."""
        now = perf_counter_ns()
        return [unit for unit in list(self.open.values()) if now - unit.mono_ns > age_seconds * 1e9]

    def open_bytes(self) -> int:
        """Return the estimated memory of what open units have captured."""
        return sum(unit.bytes for unit in list(self.open.values()))

    def waiting(self) -> Iterator[Unit]:
        """Yield the units whose root has ended while spans below it are still open."""
        for unit in list(self.open.values()):
            if unit.root_ended and unit.decision is None:
                yield unit
