"""What certtrace's own attributes say about an observation, read from its metadata."""

from collections.abc import Mapping
from dataclasses import dataclass

from certtrace import semconv
from certtrace.records.mapping.values import decoded, number
from certtrace.records.model import Observation


@dataclass(frozen=True, slots=True)
class Facts:
    """What a trace's summary is made of, for one observation; the store keeps each as a column."""

    id: str
    parent_observation_id: str | None
    name: str
    start_time_ns: int
    end_time_ns: int
    level: str
    environment: str
    release: str | None
    version: str | None
    user_id: str | None
    session_id: str | None
    trace_name: str | None
    tags: tuple[str, ...]
    service: str | None
    outcome: str | None
    error_type: str | None
    failure_class: str | None
    submission_id: str | None
    candidate: str | None
    grade: float | None
    grade_max: float | None
    confidence: float | None
    is_pass: bool
    public: bool
    bookmarked: bool


def facts_of(observation: Observation) -> Facts:
    """Return the facts of one observation."""
    own = _attributes(observation).get
    return Facts(
        id=observation.id,
        parent_observation_id=observation.parent_observation_id,
        name=observation.name,
        start_time_ns=observation.start_time_ns,
        end_time_ns=observation.end_time_ns,
        level=observation.level,
        environment=observation.environment,
        release=observation.release,
        version=observation.version,
        user_id=observation.user_id,
        session_id=observation.session_id,
        trace_name=observation.trace_name,
        tags=observation.tags,
        service=service_of(observation),
        outcome=_text(own(semconv.OUTCOME)),
        error_type=_text(own(semconv.ERROR_TYPE)),
        failure_class=_text(own(semconv.FAILURE_CLASS)),
        submission_id=_text(own(semconv.SUBMISSION_ID)),
        candidate=_candidate(own(semconv.CANDIDATE)),
        grade=_number(own(semconv.GRADE)),
        grade_max=_number(own(semconv.GRADE_MAX)),
        confidence=_number(own(semconv.CONFIDENCE)),
        is_pass=own(semconv.PASS_INDEX) is not None,
        public=observation.public,
        bookmarked=observation.bookmarked,
    )


def _attributes(observation: Observation) -> Mapping[str, object]:
    """Return all attributes: our own spans carry them as metadata, foreign ones as leftover attributes."""
    metadata = observation.metadata
    leftovers = metadata.get("attributes")
    return {**leftovers, **metadata} if leftovers and isinstance(leftovers, Mapping) else metadata


def _candidate(value: object) -> str | None:
    """Return the candidate's pseudonym, recorded as text or as an identity by kind, such as `{"person": …}`."""
    known = _object(value)
    if not known:
        return _text(value)
    preferred = known.get("person")
    return next((each for each in (preferred, *known.values()) if isinstance(each, str) and each), None)


def fact(observation: Observation, key: str) -> object:
    """Return the value of one attribute: our own spans carry it as metadata, foreign ones as a leftover attribute."""
    if key in observation.metadata:
        return observation.metadata[key]
    leftovers = observation.metadata.get("attributes")
    return leftovers.get(key) if leftovers and isinstance(leftovers, Mapping) else None


def text_fact(observation: Observation, key: str) -> str | None:
    """Return one attribute as text; None when it is absent or empty."""
    return _text(fact(observation, key))


def number_fact(observation: Observation, key: str) -> float | None:
    """Return one attribute as a finite number, or None."""
    return number(fact(observation, key))


def object_fact(observation: Observation, key: str) -> Mapping[str, object]:
    """Return one attribute that is an object, such as the redaction receipt; empty when it is not."""
    return _object(fact(observation, key))


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, (str, int, float)) and value != "" else None


def _number(value: object) -> float | None:
    return None if value is None else number(value)


def _object(value: object) -> Mapping[str, object]:
    if isinstance(value, str):
        # Spans of other libraries keep metadata as the text that was sent.
        value = decoded(value) if value.startswith("{") else None
    return value if isinstance(value, Mapping) else {}


def service_of(observation: Observation) -> str | None:
    """Return the name of the service that made the observation."""
    resource = observation.metadata.get("resourceAttributes")
    name = resource.get(semconv.SERVICE_NAME) if isinstance(resource, Mapping) else None
    return str(name) if name else None


def is_content_lost(observation: Observation) -> bool:
    """Tell whether only the skeleton of the span survived."""
    return fact(observation, semconv.CONTENT_LOST) is not None
