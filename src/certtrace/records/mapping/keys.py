"""What an attribute key contributes to: found out once per key, because the same keys come with every span."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from certtrace import semconv
from certtrace.records.mapping import fields, types
from certtrace.records.mapping.values import Attributes, decoded, json_text

# Which rows of the mapping a key may feed, as bits. A span without the bit is spared the row.
NAME: Final = 1
TYPE: Final = 2
MODEL: Final = 4
USER: Final = 8
SESSION: Final = 16
TAGS: Final = 32
PUBLIC: Final = 64
PROMPT: Final = 128
COMPLETION: Final = 256
USAGE: Final = 512
COST: Final = 1024
PARAMETERS: Final = 2048
EXPERIMENT: Final = 4096
CONTENT: Final = 8192
TOOLS: Final = 16384
# The sources of content that are found by their keys alone.
VERTEX: Final = 1 << 15
PROMPT_TEXT: Final = 1 << 16
LIVEKIT: Final = 1 << 17
LOGFIRE: Final = 1 << 18
MLFLOW: Final = 1 << 19
TRACELOOP: Final = 1 << 20
VALUE: Final = 1 << 21
PLAIN_PAIR: Final = 1 << 22
TOOL_PAIR: Final = 1 << 23
INDEXED_GEN_AI: Final = 1 << 24
INDEXED_LLM: Final = 1 << 25
SEMANTIC: Final = 1 << 26
ALL_ROWS: Final = (1 << 27) - 1


@dataclass(frozen=True, slots=True)
class Role:
    """What one key is for. A plain key stays among the leftover attributes and feeds no row."""

    leftover: bool = True
    rows: int = 0
    is_metadata: bool = False
    """Whether the value is metadata of the names below."""
    observation_name: str = ""
    """Name of the observation's metadata that it sets."""
    trace_name: str = ""
    """Name of the trace's metadata that it sets."""
    is_collected: bool = False
    """Whether the value is collected under one of the names below."""
    usage: str = ""
    parameter: str = ""
    late_parameter: str = ""
    """A model parameter that comes behind those of the first kind."""


PLAIN: Final = Role()

COMMON_METADATA: Final = "langfuse.metadata"
VERCEL_METADATA: Final = "ai.telemetry.metadata"
_VERCEL_FIELDS: Final = frozenset(("userId", "sessionId", "tags", "langfusePrompt"))

DROPPED_CONTENT: Final = frozenset(
    {
        semconv.TRACE_INPUT,
        semconv.TRACE_OUTPUT,
        semconv.OBSERVATION_INPUT,
        semconv.OBSERVATION_OUTPUT,
        "ai.prompt.messages",
        "ai.prompt",
        "ai.toolCall.args",
        "ai.response.text",
        "ai.result.text",
        "ai.toolCall.result",
        "ai.response.object",
        "ai.result.object",
        "ai.response.toolCalls",
        "ai.result.toolCalls",
        "gcp.vertex.agent.llm_request",
        "gcp.vertex.agent.llm_response",
        "gcp.vertex.agent.tool_call_args",
        "gcp.vertex.agent.tool_response",
        "prompt",
        "all_messages_events",
        "events",
        "lk.input_text",
        "lk.user_transcript",
        "lk.chat_ctx",
        "lk.user_input",
        "lk.function_tool.output",
        "lk.response.text",
        "lk.pii.input_text",
        "lk.pii.user_transcript",
        "lk.pii.chat_ctx",
        "lk.pii.user_input",
        "lk.pii.instructions",
        "lk.pii.function_tool.arguments",
        "lk.pii.function_tool.output",
        "lk.pii.response.text",
        "lk.pii.response.function_calls",
        "mlflow.spanInputs",
        "mlflow.spanOutputs",
        "traceloop.entity.input",
        "traceloop.entity.output",
        "input.value",
        "output.value",
        "final_result",
        "pydantic_ai.all_messages",
        "gen_ai.system_instructions",
        "input",
        "output",
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result",
        "genkit:input",
        "genkit:output",
        "flue.turn.input",
        "flue.turn.output",
        "flue.tool.arguments",
        "flue.tool.result",
        "flue.task.prompt",
        "flue.task.result",
        "flue.operation.result",
        "flue.workflow.payload",
        "flue.workflow.result",
    }
)
"""Keys that never count as leftovers: they are content, whichever framework's wins."""
_KEPT_CONTENT: Final = frozenset(("tool_arguments", "tool_response"))
_CONTENT_PREFIXES: Final = ("gen_ai.prompt", "gen_ai.completion", "llm.input_messages", "llm.output_messages")
_BLOB_PREFIXES: Final = (semconv.TRACE_METADATA, semconv.OBSERVATION_METADATA, VERCEL_METADATA)
_USAGE_PREFIXES: Final = ("gen_ai.usage.", "llm.token_count.")
USAGE_COST: Final = "gen_ai.usage.cost"
_PARAMETER_PREFIX: Final = "gen_ai.request."
_LATE_PARAMETER_PREFIX: Final = "llm.invocation_parameters."
INDEXED_TOOL: Final = re.compile(r"llm\.tools\.(\d+)\.tool\.json_schema", re.ASCII)

_MOST_KEYS: Final = 20_000
"""Keys remembered; strangers choose them, so there must be an end."""
_LONGEST_KEY: Final = 200
_roles: dict[str, Role] = {}


def role_of(key: str) -> Role:
    """Return what a key contributes to."""
    role = _roles.get(key)
    if role is None:
        role = _classified(key)
        if len(key) <= _LONGEST_KEY:
            if len(_roles) >= _MOST_KEYS:
                _roles.clear()
            _roles[key] = role
    return role


def _classified(key: str) -> Role:
    observation, trace = _metadata_names(key)
    dropped = key in DROPPED_CONTENT or key.startswith(_CONTENT_PREFIXES)
    collected = {
        "usage": _usage_name(key),
        "parameter": key.removeprefix(_PARAMETER_PREFIX) if key.startswith(_PARAMETER_PREFIX) else "",
        "late_parameter": key.removeprefix(_LATE_PARAMETER_PREFIX) if key.startswith(_LATE_PARAMETER_PREFIX) else "",
    }
    role = Role(
        # The receipt is the redaction's own and has a place of its own: what was sent stays what was sent.
        leftover=not dropped and not key.startswith(_BLOB_PREFIXES) and key != semconv.REDACTION_RECEIPT,
        rows=_rows(key, is_content=dropped or key in _KEPT_CONTENT) | (TOOLS if "tools" in (observation, trace) else 0),
        is_metadata=bool(observation or trace),
        observation_name=observation,
        trace_name=trace,
        is_collected=any(collected.values()),
        **collected,
    )
    return PLAIN if role == PLAIN else role


def _rows(key: str, *, is_content: bool) -> int:
    rows = CONTENT if is_content else 0
    for row, keys in _ROW_KEYS.items():
        if key in keys:
            rows |= row
    for row, prefixes in _ROW_PREFIXES.items():
        if key.startswith(prefixes):
            rows |= row
    return rows


def _metadata_names(key: str) -> tuple[str, str]:
    own = _below(key, semconv.OBSERVATION_METADATA), _below(key, semconv.TRACE_METADATA)
    if any(own):
        return own
    common = _below(key, COMMON_METADATA)
    vercel = _below(key, VERCEL_METADATA)
    name = common or ("" if vercel in _VERCEL_FIELDS else vercel)
    return name, name


def _below(key: str, prefix: str) -> str:
    return key[len(prefix) + 1 :] if key.startswith(f"{prefix}.") else ""


def _usage_name(key: str) -> str:
    if key == USAGE_COST or not key.startswith(_USAGE_PREFIXES):
        return ""
    for prefix in _USAGE_PREFIXES:
        key = key.replace(prefix, "", 1)
    return key


_ROW_KEYS: Final[Mapping[int, frozenset[str]]] = {
    NAME: frozenset(("gen_ai.tool.name", "genkit:name", "logfire.msg", "ai.toolCall.name", "ai.operationId")),
    TYPE: frozenset((*types.TYPE_KEYS, *types.MODEL_KEYS)),
    MODEL: frozenset((*fields.MODEL_KEYS, "genkit:name")),
    USER: frozenset(fields.USER_KEYS),
    SESSION: frozenset(fields.SESSION_KEYS),
    TAGS: frozenset(fields.TAG_KEYS),
    PUBLIC: frozenset(fields.PUBLIC_KEYS),
    PROMPT: frozenset((*fields.PROMPT_NAME_KEYS, *fields.PROMPT_VERSION_KEYS, fields.VERCEL_PROMPT)),
    COMPLETION: frozenset(fields.COMPLETION_KEYS),
    USAGE: frozenset((semconv.OBSERVATION_USAGE_DETAILS,)),
    COST: frozenset((semconv.OBSERVATION_COST_DETAILS, USAGE_COST, "llm.cost.total")),
    PARAMETERS: frozenset((semconv.OBSERVATION_MODEL_PARAMETERS, "llm.invocation_parameters", "model_config")),
    TOOLS: frozenset(("ai.prompt.tools", "gen_ai.tool.definitions", "model_request_parameters")),
    PROMPT_TEXT: frozenset(("prompt", "all_messages_events")),
    LOGFIRE: frozenset(("events",)),
    VALUE: frozenset(("input.value", "output.value")),
    PLAIN_PAIR: frozenset(("input", "output")),
    TOOL_PAIR: _KEPT_CONTENT,
    SEMANTIC: frozenset(
        (
            "gen_ai.input.messages",
            "gen_ai.output.messages",
            "gen_ai.tool.call.arguments",
            "gen_ai.tool.call.result",
        )
    ),
}
_ROW_PREFIXES: Final[Mapping[int, str | tuple[str, ...]]] = {
    USAGE: _USAGE_PREFIXES,
    PARAMETERS: (_PARAMETER_PREFIX, _LATE_PARAMETER_PREFIX),
    EXPERIMENT: "langfuse.experiment.",
    TOOLS: "llm.tools.",
    VERTEX: "gcp.vertex.agent.",
    LIVEKIT: "lk.",
    MLFLOW: "mlflow.span",
    TRACELOOP: "traceloop.entity.",
    INDEXED_GEN_AI: ("gen_ai.prompt", "gen_ai.completion"),
    INDEXED_LLM: ("llm.input_messages", "llm.output_messages"),
}


@dataclass(slots=True)
class Sorted:
    """One span's attributes by what their keys are for."""

    rows: int = 0
    """The rows that some attribute may feed."""
    leftovers: dict[str, str] = field(default_factory=dict)
    """Attributes that are neither content nor metadata, as text."""
    observation: dict[str, object] = field(default_factory=dict)
    """The observation's metadata that has keys of its own."""
    trace: dict[str, object] = field(default_factory=dict)
    """The trace's metadata that has keys of its own."""
    usage: list[tuple[str, object]] = field(default_factory=list)
    parameters: list[tuple[str, object]] = field(default_factory=list)
    late_parameters: list[tuple[str, object]] = field(default_factory=list)


def sort_attributes(attributes: Attributes, *, with_leftovers: bool, encoded: bool) -> Sorted:
    """Look at every key once and say what the attributes are for.

    Args:
        attributes: The span's attributes.
        with_leftovers: Whether to collect those that are neither content nor metadata.
        encoded: Whether each metadata value is JSON, texts included.
    """
    found = Sorted()
    rows, known = 0, _roles
    leftovers, observation, trace = found.leftovers, found.observation, found.trace
    for key, value in attributes.items():
        role = known.get(key) or role_of(key)
        rows |= role.rows
        if role.is_metadata:
            given = decoded(value) if encoded else value
            if role.observation_name:
                observation[role.observation_name] = given
            if role.trace_name:
                trace[role.trace_name] = given
        elif role.is_collected:
            _collect(found, role, value)
        if with_leftovers and role.leftover:
            leftovers[key] = value if type(value) is str else json_text(value)
    found.rows = rows
    return found


def _collect(found: Sorted, role: Role, value: object) -> None:
    if role.usage:
        found.usage.append((role.usage, value))
    elif role.parameter:
        found.parameters.append((role.parameter, value))
    else:
        found.late_parameters.append((role.late_parameter, value))
