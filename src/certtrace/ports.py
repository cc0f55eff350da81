"""The seams between rooms: the records that travel from a finished span to a destination, and who takes them.

Import-light on purpose: the standard library only, because every traced function reaches this module.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, runtime_checkable

Identity = Mapping[str, object]
"""What is known about one person, as `identify(...)` was told: `name`, `email`, `phone`, `role`, any other key."""


class ModelValue:
    """A captured pydantic model, dataclass, attrs class or named tuple: its class and a copy of its field values.

    The class travels along because the markers (`Annotated[str, Pii.PERSON]`) are declared on it.
    """

    __slots__ = ("cls", "fields")

    def __init__(self, cls: type, fields: dict[str, Any]) -> None:
        """Take the class and its already captured field values by name."""
        self.cls = cls
        self.fields = fields

    def __repr__(self) -> str:
        """Name the class only: a repr ends up in logs, field values must not."""
        return f"<captured {self.cls.__qualname__}>"


class Structured:
    """An attribute value that is data, not text: it is redacted as a structure and sent as JSON.

    `value` is made of `str`, `bool`, `int`, `float`, `None`, `bytes`, `list`, `tuple`, `dict` and `ModelValue`.
    """

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        """Take a captured value."""
        self.value = value

    def __repr__(self) -> str:
        """Show no content."""
        return "<structured value>"


@dataclass(slots=True)
class EventRecord:
    """One span event."""

    name: str
    time_ns: int
    attributes: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class LinkRecord:
    """One span link."""

    trace_id: int
    span_id: int
    trace_state: str = ""
    attributes: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class ScopeRecord:
    """The instrumentation scope of a span."""

    name: str = ""
    version: str = ""
    attributes: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class SpanRecord:
    """One finished span on its way out; the same shape before and after redaction.

    Before redaction attribute values may be `Structured` or any captured value. After redaction every value is what
    OTLP can carry (`str`, `bool`, `int`, `float`, or a list of those) and holds nothing personal.
    """

    trace_id: int
    span_id: int
    parent_span_id: int
    """0 for a root."""
    name: str
    kind: int
    """OTLP's number: 1 internal, 2 server, 3 client, 4 producer, 5 consumer."""
    start_time_ns: int
    end_time_ns: int
    status_code: int
    """OTLP's number: 0 unset, 1 ok, 2 error."""
    status_message: str
    attributes: dict[str, object]
    events: list[EventRecord] = field(default_factory=list)
    links: list[LinkRecord] = field(default_factory=list)
    trace_state: str = ""
    parent_is_remote: bool = False
    scope: ScopeRecord = field(default_factory=ScopeRecord)
    dropped_attributes: int = 0
    dropped_events: int = 0
    dropped_links: int = 0


@dataclass(slots=True)
class ScoreRecord:
    """One Langfuse score on its way out."""

    id: str
    name: str
    value: float | str
    data_type: str
    """`NUMERIC`, `CATEGORICAL` or `BOOLEAN`."""
    trace_id: str | None = None
    observation_id: str | None = None
    session_id: str | None = None
    comment: str | None = None
    metadata: object = None
    timestamp_ns: int = 0


RULES: Final = (
    "baseline", "error", "cancelled", "low_confidence", "forced", "parent", "context", "dry_run", "fault", "stress",
    "promoted",
)  # fmt: skip
"""Names of the rules that certtrace itself has; the index is the number in a skeleton on disk, so names are only ever
added. A policy's own rules have the numbers behind them, in the order that the spool's manifest names them."""


@dataclass(slots=True, frozen=True)
class Decision:
    """What sampling decided for one unit."""

    keep: bool
    rule: str
    """Name of the rule that decided, such as `error` or `baseline`."""
    threshold: int = 0
    """Rejection threshold T, 0 to 2**56: the unit was kept because R >= T; 0 is certain."""
    counts: bool = True
    """Whether the unit stands for 1 / p units. One kept for context only carries no `th` and counts nothing."""
    would: "Decision | None" = None
    """In a dry run, which keeps everything: what would have been decided."""


def _no_values(_key: str) -> Iterable[object]:
    return ()


def _no_names() -> Iterable[str]:
    return ()


@dataclass(slots=True)
class UnitFacts:
    """What sampling may look at: the summary of one unit (the part of a trace below one local root)."""

    service: str
    route: str
    """Name of the local root."""
    randomness: int
    """R, 0 to 2**56 - 1: from `rv` or the low 56 bits of the trace id."""
    duration_ns: int
    span_count: int
    has_error: bool = False
    cancelled: bool = False
    abandoned: bool = False
    confidence: float | None = None
    """The lowest confidence recorded in the unit."""
    forced: str = ""
    """`keep` or `drop` where code said so, here or in another process of the trace; empty otherwise."""
    parent_sampled: bool | None = None
    """What a remote parent decided; None where there is none."""
    parent_threshold: int | None = None
    """T of the remote parent, if it said so."""
    values: Callable[[str], Iterable[object]] = _no_values
    """Returns the values of an attribute in the unit's spans, the local root's first; raw, as they were set."""
    span_names: Callable[[], Iterable[str]] = _no_names
    """Returns the names of the unit's spans."""
    ended: bool = True
    """Whether the unit is whole; False for a partial decision about one that goes on."""


@dataclass(slots=True)
class Receipt:
    """What redaction did to one span, a score or any other value."""

    policy: str = ""
    """Version hash of the policy."""
    counts: dict[str, int] = field(default_factory=dict)
    """How often, by `TYPE` of what was found (`PERSON`, `EMAIL`, `CREDIT_CARD`, `EXAM_SECRET` …)."""
    withheld: int = 0
    """How many values were refused because redaction failed or a bound was exceeded."""
    microseconds: int = 0
    operators: dict[str, int] = field(default_factory=dict)
    """How often, by what was done: `pseudonymise`, `drop` …"""


class GivenUpError(Exception):
    """Work was broken off because the process ends."""


class UnitRedactor(Protocol):
    """Redacts what leaves the process. Pure: no I/O. Never raises of itself: what it cannot redact it withholds."""

    def redact_unit(
        self, spans: Sequence[SpanRecord], identities: Sequence[object], go_on: Callable[[], bool] | None = None
    ) -> list[SpanRecord]:
        """Return the spans with every field redacted and a receipt on each.

        Args:
            spans: Spans of one trace; they are not changed.
            identities: What is known about people in this trace: `Identity` mappings from `identify(...)` and captured
                `ModelValue`s, whose marked fields count as known.
            go_on: Asked from time to time during the work on many spans; False breaks it off.

        Raises:
            GivenUpError: `go_on` said so.
        """
        ...

    def redact_value(self, value: object, identities: Sequence[object] = ()) -> tuple[Any, Receipt]:
        """Return one JSON-like value redacted, with its receipt: scores, comments, dataset items, prompts."""
        ...

    def redact_text(self, text: str) -> str:
        """Return one text redacted: log lines, error messages, resource attributes."""
        ...

    def pseudonym(self, value: str, kind: str = "person") -> str:
        """Return the readable keyed pseudonym of `value`, such as `<person:7f3a91>`."""
        ...


@dataclass(slots=True, frozen=True)
class Recognized:
    """One place in a text that a recognizer takes for personal."""

    start: int
    """First character, from 0."""
    end: int
    """Behind the last character."""
    type: str = "PERSON"
    """Type of redaction, such as `PERSON` or `ADDRESS`."""


class Recognizer(Protocol):
    """Finds what has no form, above all names in free text. Called from the worker; it may be slow or fail."""

    name: str
    """Short and stable: it stands in the policy's version and in explanations."""

    def recognize(self, texts: Sequence[str]) -> Sequence[Sequence[Recognized]]:
        """Return what was recognized, text by text and in order; the same for texts together and one by one."""
        ...


class DeliveryError(Exception):
    """A destination did not take a batch. `retry_after_seconds` is what the other side asked for, if it did."""

    def __init__(self, reason: str, *, retry_after_seconds: float | None = None) -> None:
        """Take a reason without payload: it is logged."""
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class DestinationPausedError(DeliveryError):
    """The destination refuses for a reason that only an operator can mend: credentials, address, redirect."""


class BatchRejectedError(DeliveryError):
    """The destination refuses this very batch for good; others may pass."""


@dataclass(slots=True, frozen=True)
class Payload:
    """One unit's content as the spool holds it and a destination takes it."""

    kind: str
    """`spans`: serialized OTLP `ResourceSpans`; `scores`: JSON list of Langfuse scores."""
    data: bytes
    trace_id: str
    """32 lowercase hex digits; empty where a score belongs to no trace."""
    destinations: tuple[str, ...] = ()
    """Names of the destinations it is for; empty: for all."""


@runtime_checkable
class Destination(Protocol):
    """Where redacted, sampled data goes. Called from the delivery thread only."""

    name: str

    def deliver(self, batch: Sequence[Payload], deadline: float) -> None:
        """Take the batch whole, or raise.

        Args:
            batch: At least one payload.
            deadline: `time.monotonic()` value by which the call must have returned.

        Raises:
            DestinationPausedError: An operator has to mend something first.
            BatchRejectedError: This batch will never be taken.
            DeliveryError: Try again later.
        """
        ...

    def close(self) -> None:
        """Release connections and files."""
        ...
