"""The single-valued fields of an observation: ordered keys, the first given value wins.

What "given" means differs from row to row, as on the server: some rows skip empty text and zero, others null only.
"""

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from certtrace import semconv
from certtrace.records.mapping.protobuf import EMPTY_LIST
from certtrace.records.mapping.times import iso_to_ns, moment_ns
from certtrace.records.mapping.values import (
    Attributes,
    clamped_ns,
    counted,
    first,
    first_known,
    is_set,
    parsed,
    spoken,
    text,
)

__all__ = [
    "completion_start_time_ns",
    "environment",
    "is_app_root",
    "is_as_root",
    "is_public",
    "iso_to_ns",
    "level",
    "model_name",
    "observation_name",
    "prompt",
    "release",
    "session_id",
    "status_message",
    "tags",
    "user_id",
    "version",
]

MODEL_KEYS: Final = (
    semconv.OBSERVATION_MODEL,
    semconv.GEN_AI_RESPONSE_MODEL,
    "ai.model.id",
    semconv.GEN_AI_REQUEST_MODEL,
    "llm.response.model",
    "llm.model_name",
    "model",
)
USER_KEYS: Final = (
    "langfuse.user.id",
    semconv.USER_ID,
    f"{semconv.OBSERVATION_METADATA}.langfuse_user_id",
    f"{semconv.TRACE_METADATA}.langfuse_user_id",
    "ai.telemetry.metadata.userId",
)
SESSION_KEYS: Final = (
    "langfuse.session.id",
    semconv.SESSION_ID,
    "gen_ai.conversation.id",
    f"{semconv.OBSERVATION_METADATA}.langfuse_session_id",
    f"{semconv.TRACE_METADATA}.langfuse_session_id",
    "ai.telemetry.metadata.sessionId",
)
TAG_KEYS: Final = (
    semconv.TRACE_TAGS,
    "langfuse.tags",
    f"{semconv.OBSERVATION_METADATA}.langfuse_tags",
    f"{semconv.TRACE_METADATA}.langfuse_tags",
    "ai.telemetry.metadata.tags",
    "tag.tags",
)
ENVIRONMENT_KEYS: Final = (semconv.ENVIRONMENT, semconv.DEPLOYMENT_ENVIRONMENT, "deployment.environment")
PUBLIC_KEYS: Final = (semconv.TRACE_PUBLIC, "langfuse.public")
PROMPT_NAME_KEYS: Final = (semconv.OBSERVATION_PROMPT_NAME, "langfuse.prompt.name")
PROMPT_VERSION_KEYS: Final = (semconv.OBSERVATION_PROMPT_VERSION, "langfuse.prompt.version")
VERCEL_PROMPT: Final = "ai.telemetry.metadata.langfusePrompt"
_WAITING_KEYS: Final = ("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk")
COMPLETION_KEYS: Final = (semconv.OBSERVATION_COMPLETION_START_TIME, *_WAITING_KEYS)
LEVELS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("DEBUG", "TRACE", "VERBOSE"), "DEBUG"),
    **dict.fromkeys(("DEFAULT", "INFO", "LOG", "NOTICE", "OK", "SUCCESS"), "DEFAULT"),
    **dict.fromkeys(("WARNING", "WARN"), "WARNING"),
    **dict.fromkeys(("ERROR", "FATAL", "CRITICAL"), "ERROR"),
}
LIVEKIT_DEBUG_SPANS: Final = frozenset(
    (
        "user_speaking",
        "eou_detection",
        "llm_request_run",
        "tts_node",
        "tts_request",
        "tts_request_run",
        "tts_stream_adapter",
        "agent_speaking",
        "drain_agent_activity",
        "on_exit",
        "on_enter",
        "llm_fallback_adapter",
        "tts_fallback_adapter",
        "start_agent_activity",
    )
)
_STATUS_ERROR: Final = 2
_ENVIRONMENT: Final = re.compile(r"[a-z0-9_-]+", re.ASCII)
_RESERVED: Final = re.compile(r"^(?:langfuse[-_]?)+")
_MAX_ENVIRONMENT: Final = 40
_DEFAULT_ENVIRONMENT: Final = "default"
_MAX_PROMPT_VERSION: Final = 65535
_DIGITS: Final = re.compile(r"\d{1,9}", re.ASCII)
_LONGEST_WAIT_MS: Final = 8.64e15
_JUDGE: Final = "langfuse-llm-as-a-judge"


def observation_name(span_name: str, attributes: Attributes) -> str:
    """Return the name a framework gave the step, else the span's own."""
    tool = attributes.get("gen_ai.tool.name")
    if is_set(tool):
        return text(tool) or ""
    if "genkit:name" in attributes:
        return text(attributes["genkit:name"]) or ""
    message = attributes.get("logfire.msg")
    if is_set(message):
        return text(message) or ""
    if "ai.toolCall.name" in attributes:
        return text(attributes["ai.toolCall.name"]) or ""
    if "ai.operationId" in attributes:
        function = attributes.get("ai.telemetry.functionId")
        prefix = f"{spoken(function)}:" if is_set(function) else ""
        return f"{prefix}{spoken(attributes['ai.operationId'])}"
    return span_name


def model_name(attributes: Attributes) -> str | None:
    """Return the model that answered, else the one that was asked for."""
    found = first(attributes, MODEL_KEYS)
    if found is None and attributes.get("genkit:metadata:subtype") == "model":
        found = first(attributes, ("genkit:name",))
    return text(found)


def user_id(attributes: Attributes, *, encoded: bool = False) -> str | None:
    """Return the user the trace belongs to."""
    return _id_text(first(attributes, USER_KEYS), encoded=encoded)


def session_id(attributes: Attributes, *, encoded: bool = False) -> str | None:
    """Return the session the trace belongs to."""
    return _id_text(first(attributes, SESSION_KEYS), encoded=encoded)


def _id_text(value: object, *, encoded: bool) -> str | None:
    """Return an id as text. One that came as metadata of an SDK that encodes its values is in quotes."""
    if encoded and isinstance(value, str) and value.startswith('"'):
        inner = parsed(value)
        return inner if isinstance(inner, str) else value
    return text(value)


def tags(attributes: Attributes) -> tuple[str, ...]:
    """Return tags given as a list, a JSON list, text with commas or one text."""
    value = first(attributes, TAG_KEYS)
    if value is None:
        value = attributes.get(TAG_KEYS[-1])
    if isinstance(value, str):
        return () if value == EMPTY_LIST else _tags_in(value)
    return tuple(map(spoken, value)) if isinstance(value, list) else ()


def _tags_in(given: str) -> tuple[str, ...]:
    if given.lstrip().startswith("["):
        listed = parsed(given)
        if isinstance(listed, list):
            return tuple(map(spoken, listed))
    return tuple(tag.strip() for tag in given.split(",")) if "," in given else (given,)


def level(attributes: Attributes, status_code: int, scope_name: str = "", span_name: str = "") -> str:
    """Return the level the span names, else the one its status implies."""
    given = attributes.get(semconv.OBSERVATION_LEVEL)
    if isinstance(given, str):
        named = LEVELS.get(given.strip().upper())
        if named is not None:
            return named
    if status_code == _STATUS_ERROR:
        return "ERROR"
    return "DEBUG" if scope_name == "livekit-agents" and span_name in LIVEKIT_DEBUG_SPANS else "DEFAULT"


def status_message(attributes: Attributes, description: str) -> str | None:
    """Return the status message; the OpenTelemetry description stands in for a missing one."""
    given = attributes.get(semconv.OBSERVATION_STATUS_MESSAGE)
    return text(given) if given is not None else description or None


def environment(attributes: Attributes, resource: Attributes) -> str:
    """Return the environment, normalised. An unusable value is `default`; it does not fall through to the next key."""
    for key in ENVIRONMENT_KEYS:
        value = attributes.get(key)
        if value is None or not is_set(value):
            value = resource.get(key)
        if value is not None and is_set(value):
            return normal_environment(value)
    return normal_environment(_JUDGE) if _is_failed_judge(attributes, resource) else _DEFAULT_ENVIRONMENT


def normal_environment(given: object) -> str:
    """Return an environment's name as Langfuse keeps it: lower case, without the reserved prefix, 40 characters."""
    return _normal_name(given) if isinstance(given, str) else _DEFAULT_ENVIRONMENT


@lru_cache(maxsize=256)
def _normal_name(given: str) -> str:
    name = _RESERVED.sub("", given.lower())[:_MAX_ENVIRONMENT]
    return name if _ENVIRONMENT.fullmatch(name) else _DEFAULT_ENVIRONMENT


def _is_failed_judge(attributes: Attributes, resource: Attributes) -> bool:
    """Tell whether OpenRouter reports a failed call of Langfuse's own judge, whose environment only the echo names."""
    if attributes.get("openrouter.source") != "openrouter" or resource.get("service.name") != "openrouter":
        return False
    completion = parsed(attributes.get("gen_ai.completion"))
    if not isinstance(completion, dict) or completion.get("completion", "") is not None:
        return False
    request = completion.get("rawRequest")
    trace = request.get("trace") if isinstance(request, dict) else None
    return isinstance(trace, dict) and trace.get("environment") == _JUDGE


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
    given = attributes.get(VERCEL_PROMPT)
    linked = parsed(given) if isinstance(given, str) and given else None
    vercel = linked if isinstance(linked, dict) else {}
    name = first_known(attributes, PROMPT_NAME_KEYS)
    raw = first_known(attributes, PROMPT_VERSION_KEYS)
    return (
        text(name if name is not None else vercel.get("name")),
        _prompt_version(raw if raw is not None else vercel.get("version")),
    )


def _prompt_version(given: object) -> int | None:
    if isinstance(given, str) and _DIGITS.fullmatch(given.strip()):
        given = int(given)
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int):
        return None
    return given if 0 <= given <= _MAX_PROMPT_VERSION else None


def completion_start_time_ns(attributes: Attributes, start_time_ns: int) -> int | None:
    """Return when the first token came: a time, at times doubly quoted, or Vercel's distance from the start."""
    given = attributes.get(semconv.OBSERVATION_COMPLETION_START_TIME)
    if given is not None:
        found = moment_ns(given)
        if found is None:
            given = parsed(given)
            found = moment_ns(given)
        if found is not None:
            # The number zero is a moment to the server, but one that it then takes for none.
            return None if given == 0 else found
    waited = first_known(attributes, _WAITING_KEYS)
    if waited is None or not is_set(waited):
        return None
    milliseconds = counted(waited)
    if milliseconds is None or abs(milliseconds) > _LONGEST_WAIT_MS:
        return None
    return clamped_ns((start_time_ns // 1_000_000 + math.ceil(milliseconds)) * 1_000_000)


def is_public(attributes: Attributes) -> bool:
    """Tell whether the trace is shared by link."""
    given = first_known(attributes, PUBLIC_KEYS)
    return given is True or given == "true"


def is_app_root(attributes: Attributes) -> bool:
    """Tell whether the span is the root of its service's part of the trace."""
    given = attributes.get(semconv.IS_APP_ROOT)
    return given is True or given == "true"


def is_as_root(attributes: Attributes) -> bool:
    """Tell whether the span speaks for its whole trace although it has a parent."""
    given = attributes.get("langfuse.internal.as_root")
    return given is True or given == "true"
