"""The single-valued fields of an observation: ordered keys, the first given value wins."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from certtrace import semconv
from certtrace.records.mapping.values import Attributes, clamped_ns, first, is_set, number, parsed, parsed_object, text

_NAME_KEYS: Final = ("gen_ai.tool.name", "genkit:name", "logfire.msg", "ai.toolCall.name")
_MODEL_KEYS: Final = (
    semconv.OBSERVATION_MODEL,
    semconv.GEN_AI_RESPONSE_MODEL,
    "ai.model.id",
    semconv.GEN_AI_REQUEST_MODEL,
    "llm.response.model",
    "llm.model_name",
    "model",
)
_USER_KEYS: Final = (
    "langfuse.user.id",
    semconv.USER_ID,
    f"{semconv.OBSERVATION_METADATA}.langfuse_user_id",
    f"{semconv.TRACE_METADATA}.langfuse_user_id",
    "ai.telemetry.metadata.userId",
)
_SESSION_KEYS: Final = (
    "langfuse.session.id",
    semconv.SESSION_ID,
    "gen_ai.conversation.id",
    f"{semconv.OBSERVATION_METADATA}.langfuse_session_id",
    f"{semconv.TRACE_METADATA}.langfuse_session_id",
    "ai.telemetry.metadata.sessionId",
)
_TAG_KEYS: Final = (
    semconv.TRACE_TAGS,
    "langfuse.tags",
    f"{semconv.OBSERVATION_METADATA}.langfuse_tags",
    f"{semconv.TRACE_METADATA}.langfuse_tags",
    "ai.telemetry.metadata.tags",
    "tag.tags",
)
_ENVIRONMENT_KEYS: Final = (semconv.ENVIRONMENT, semconv.DEPLOYMENT_ENVIRONMENT, "deployment.environment")
_LEVELS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("DEBUG", "TRACE", "VERBOSE"), "DEBUG"),
    **dict.fromkeys(("DEFAULT", "INFO", "INFORMATION", "LOG", "NOTICE", "OK", "SUCCESS"), "DEFAULT"),
    **dict.fromkeys(("WARN", "WARNING"), "WARNING"),
    **dict.fromkeys(("ERROR", "ERR", "FATAL", "CRITICAL"), "ERROR"),
}
_STATUS_ERROR: Final = 2
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENVIRONMENT: Final = re.compile(r"[a-z0-9_-]+")
_MAX_ENVIRONMENT: Final = 40
_MAX_PROMPT_VERSION: Final = 65535


def observation_name(span_name: str, attributes: Attributes) -> str:
    """Return the name a framework gave the step, else the span's own."""
    given = first(attributes, _NAME_KEYS)
    if given is None and is_set(attributes.get("ai.operationId")):
        function = attributes.get("ai.telemetry.functionId")
        prefix = f"{function}:" if is_set(function) else ""
        given = f"{prefix}{attributes['ai.operationId']}"
    return text(given) or span_name


def model_name(attributes: Attributes) -> str | None:
    """Return the model that answered, else the one that was asked for."""
    return text(first(attributes, _MODEL_KEYS))


def user_id(attributes: Attributes) -> str | None:
    """Return the user the trace belongs to."""
    return _id_text(first(attributes, _USER_KEYS))


def session_id(attributes: Attributes) -> str | None:
    """Return the session the trace belongs to."""
    return _id_text(first(attributes, _SESSION_KEYS))


def _id_text(value: object) -> str | None:
    """Return an id as text; one sent as JSON metadata loses its quotes."""
    inner = parsed(value) if isinstance(value, str) and value.startswith('"') else None
    return inner if isinstance(inner, str) else text(value)


def tags(attributes: Attributes) -> tuple[str, ...]:
    """Return tags given as a list, a JSON list or text with commas."""
    value = first(attributes, _TAG_KEYS)
    if isinstance(value, str) and value.lstrip().startswith("["):
        given = parsed(value)
        value = given if isinstance(given, list) else value
    if isinstance(value, list):
        return tuple(text(tag) or "" for tag in value)
    return tuple(tag.strip() for tag in value.split(",")) if isinstance(value, str) else ()


def level(attributes: Attributes, status_code: int) -> str:
    """Return the level the span names, else the one its status implies."""
    given = attributes.get(semconv.OBSERVATION_LEVEL)
    named = _LEVELS.get(given.strip().upper()) if isinstance(given, str) else None
    return named or ("ERROR" if status_code == _STATUS_ERROR else "DEFAULT")


def status_message(attributes: Attributes, description: str) -> str | None:
    """Return the status message; the OpenTelemetry description stands in for a missing one."""
    given = attributes.get(semconv.OBSERVATION_STATUS_MESSAGE)
    return text(given) if given is not None else description or None


def environment(attributes: Attributes, resource: Attributes) -> str:
    """Return the environment, normalised. An unusable value is `default`; it does not fall through to the next key."""
    for key in _ENVIRONMENT_KEYS:
        for source in (attributes, resource):
            if is_set(source.get(key)):
                return _normal_environment(text(source[key]) or "")
    return "default"


def _normal_environment(given: str) -> str:
    name = re.sub(r"^langfuse[-_]?", "", given.strip().lower())[:_MAX_ENVIRONMENT]
    return name if _ENVIRONMENT.fullmatch(name) else "default"


def release(attributes: Attributes, resource: Attributes) -> str | None:
    """Return the release of the span, else of the resource."""
    return _span_or_resource(attributes, semconv.RELEASE, resource, semconv.RELEASE)


def version(attributes: Attributes, resource: Attributes) -> str | None:
    """Return the version of the span, else of the service."""
    return _span_or_resource(attributes, semconv.VERSION, resource, semconv.SERVICE_VERSION)


def _span_or_resource(attributes: Attributes, key: str, resource: Attributes, resource_key: str) -> str | None:
    value = attributes.get(key)
    return text(value if value is not None else resource.get(resource_key))


def prompt(attributes: Attributes, kind: str) -> tuple[str | None, int | None]:
    """Return the name and version of the managed prompt; only generations have one."""
    if kind != "GENERATION":
        return None, None
    vercel = parsed_object(attributes.get("ai.telemetry.metadata.langfusePrompt")) or {}
    name = _first_given(attributes, (semconv.OBSERVATION_PROMPT_NAME, "langfuse.prompt.name"), vercel.get("name"))
    given = _first_given(
        attributes, (semconv.OBSERVATION_PROMPT_VERSION, "langfuse.prompt.version"), vercel.get("version")
    )
    value = number(given)
    usable = value is not None and 0 <= value <= _MAX_PROMPT_VERSION
    return text(name), int(value) if usable and value is not None else None


def _first_given(attributes: Attributes, keys: tuple[str, ...], otherwise: object) -> object:
    return next((attributes[key] for key in keys if attributes.get(key) is not None), otherwise)


def completion_start_time_ns(attributes: Attributes, start_time_ns: int) -> int | None:
    """Return when the first token came: an ISO time, at times doubly quoted, or Vercel's distance from the start."""
    given = attributes.get(semconv.OBSERVATION_COMPLETION_START_TIME)
    found = iso_to_ns(given) or iso_to_ns(parsed(given))
    if found is not None:
        return found
    milliseconds = number(first(attributes, ("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk")))
    return None if milliseconds is None else clamped_ns(start_time_ns + milliseconds * 1e6)


def iso_to_ns(given: object) -> int | None:
    """Return an ISO 8601 time in nanoseconds since the epoch; without a zone it is UTC. None when it is no time."""
    if not isinstance(given, str):
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return clamped_ns((moment - _EPOCH) // timedelta(microseconds=1) * 1000)


def is_public(attributes: Attributes) -> bool:
    """Tell whether the trace is shared by link."""
    given = first(attributes, (semconv.TRACE_PUBLIC, "langfuse.public"))
    return given is True or given == "true"


def is_app_root(attributes: Attributes) -> bool:
    """Tell whether the span is the root of its service's part of the trace."""
    given = attributes.get(semconv.IS_APP_ROOT)
    return given is True or given == "true"
