"""From the events of a batch to what is stored: checked one by one, redacted trace by trace."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from certtrace import semconv
from certtrace.ports import SpanRecord, Structured
from certtrace.records.mapping.fields import environment
from certtrace.records.mapping.values import clamped_ns, text
from certtrace.records.model import ObservationChange, TraceChange
from certtrace.records.search import locate
from certtrace.server.box import Box
from certtrace.server.intake.events import ObservationEvent, TraceEvent


@dataclass(slots=True)
class _Part:
    """One event between what was sent and what is stored."""

    trace_id: str
    observation_id: str | None
    """None for what is said of the trace itself."""
    plain: dict[str, Any]
    """Ids, times, numbers: as they came, by the record's field names."""
    free: dict[str, Any]
    """What is redacted, by the attribute that a span would carry it in; a name stands under its own."""
    clean: dict[str, Any] = field(default_factory=dict)
    receipt: Any = None


_TRACE_FIELDS: Final = {
    "name": "name",
    semconv.USER_ID: "user_id",
    semconv.SESSION_ID: "session_id",
    semconv.RELEASE: "release",
    semconv.VERSION: "version",
    semconv.TRACE_TAGS: "tags",
    semconv.TRACE_METADATA: "metadata",
    semconv.TRACE_INPUT: "input",
    semconv.TRACE_OUTPUT: "output",
}
_OBSERVATION_FIELDS: Final = {
    "name": "name",
    semconv.OBSERVATION_STATUS_MESSAGE: "status_message",
    semconv.OBSERVATION_MODEL: "model",
    semconv.OBSERVATION_PROMPT_NAME: "prompt_name",
    semconv.VERSION: "version",
    semconv.OBSERVATION_MODEL_PARAMETERS: "model_parameters",
    semconv.OBSERVATION_USAGE_DETAILS: "usage_details",
    semconv.OBSERVATION_COST_DETAILS: "cost_details",
    semconv.OBSERVATION_METADATA: "metadata",
    semconv.OBSERVATION_INPUT: "input",
    semconv.OBSERVATION_OUTPUT: "output",
}
_STRUCTURES: Final = frozenset({"metadata", "model_parameters", "usage_details", "cost_details", "tags"})


class Merging:
    """The changes that the events of one batch ask for, in their order."""

    def __init__(self, box: Box, project: str) -> None:
        """Take the box and the project."""
        self._box = box
        self._project = project
        self._parts: list[_Part] = []
        self._traces: dict[str, str] = {}

    def say(self, event: TraceEvent, sent_ns: int) -> None:
        """Take what an event says of a trace."""
        given = _given(event, _TRACE_FIELDS)
        plain = {
            "timestamp_ns": _time(event.timestamp) if event.timestamp is not None else _time(sent_ns),
            "environment": _environment(event.environment),
            "public": event.public,
        }
        self._parts.append(_Part(event.id or uuid.uuid4().hex, None, _told(plain), given))

    def change(self, event: ObservationEvent, kind: str | None, sent_ns: int, *, makes: bool) -> None:
        """Take what an event says of an observation.

        Args:
            event: The event's body.
            kind: Type of the observation; None leaves it as it is.
            sent_ns: When the event was made: the start of an observation that names none.
            makes: Whether the event makes the observation; else it changes one.
        """
        own_id = event.id or uuid.uuid4().hex
        trace_id = event.trace_id or self._trace_of(own_id)
        self._traces[own_id] = trace_id
        start = event.start_time if event.start_time is not None or not makes else sent_ns
        usage, cost = event.details()
        plain = {
            "type": kind,
            "start_time_ns": _time(start),
            "end_time_ns": _time(event.end_time),
            "completion_start_time_ns": _time(event.completion_start_time),
            "level": event.level,
            "environment": _environment(event.environment),
            "parent_observation_id": event.parent_observation_id,
            "prompt_version": event.prompt_version,
        }
        free = _given(event, _OBSERVATION_FIELDS)
        free |= _told({semconv.OBSERVATION_USAGE_DETAILS: usage, semconv.OBSERVATION_COST_DETAILS: cost})
        self._parts.append(_Part(trace_id, own_id, _told(plain), free))

    def finish(self) -> tuple[list[ObservationChange], list[TraceChange]]:
        """Redact everything, all of a trace together, and return it."""
        by_trace: dict[str, list[_Part]] = {}
        for part in self._parts:
            by_trace.setdefault(part.trace_id, []).append(part)
        for parts in by_trace.values():
            self._redact(parts)
        changes = [_observation_change(part, part.observation_id) for part in self._parts if part.observation_id]
        return changes, [_trace_change(part) for part in self._parts if not part.observation_id]

    def _redact(self, parts: list[_Part]) -> None:
        records = [_record(part.free) for part in parts]
        for part, record in zip(parts, self._box.redactor.redact_unit(records, ()), strict=True):
            receipt = orjson.loads(str(record.attributes[semconv.REDACTION_RECEIPT]))
            part.receipt = receipt if receipt["counts"] or receipt["withheld"] or receipt["operators"] else None
            fields = _TRACE_FIELDS if part.observation_id is None else _OBSERVATION_FIELDS
            part.clean = {
                name: record.name if key == "name" else _clean(name, record.attributes.get(key))
                for key, name in fields.items()
                if key in part.free
            }

    def _trace_of(self, observation_id: str) -> str:
        """Return the trace of an observation that names none: where it stands already, else one of its own."""
        if observation_id in self._traces:
            return self._traces[observation_id]
        with self._box.store.reading() as connection:
            stored = locate(connection, self._project, observation_id)
        return stored[0] if stored else uuid.uuid4().hex


def _given(event: TraceEvent | ObservationEvent, fields: Mapping[str, str]) -> dict[str, Any]:
    skipped = ("usage_details", "cost_details")
    return _told({key: getattr(event, name) for key, name in fields.items() if name not in skipped})


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _time(given_ns: int | None) -> int | None:
    return None if given_ns is None else clamped_ns(given_ns)


def _environment(given: str | None) -> str | None:
    return None if given is None else environment({semconv.ENVIRONMENT: given}, {})


def _record(free: Mapping[str, Any]) -> SpanRecord:
    attributes: dict[str, object] = {
        key: value if isinstance(value, str) else Structured(value) for key, value in free.items() if key != "name"
    }
    return SpanRecord(0, 0, 0, str(free.get("name", "")), 1, 0, 0, 0, "", attributes)


def _clean(name: str, value: object) -> Any:
    """Return a redacted value as the record holds it."""
    if name not in _STRUCTURES:
        return text(value)
    found = _parsed(value)
    if name == "tags":
        return tuple(map(str, found)) if isinstance(found, list) else (str(value),)
    if name == "metadata":
        return found if isinstance(found, dict) else {"metadata": found}
    numbers = name in ("usage_details", "cost_details")
    given = found if isinstance(found, dict) else {}
    return {key: each for key, each in given.items() if not numbers or isinstance(each, (int, float))}


def _parsed(value: object) -> Any:
    try:
        return orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError:
        return value


def _observation_change(part: _Part, observation_id: str) -> ObservationChange:
    return ObservationChange(id=observation_id, trace_id=part.trace_id, values=part.plain | _with_receipt(part))


def _trace_change(part: _Part) -> TraceChange:
    return TraceChange(trace_id=part.trace_id, **part.plain, **_with_receipt(part))


def _with_receipt(part: _Part) -> dict[str, Any]:
    if part.receipt is None:
        return part.clean
    metadata: Mapping[str, Any] = part.clean.get("metadata", {})
    return part.clean | {"metadata": {**metadata, semconv.REDACTION_RECEIPT: part.receipt}}
