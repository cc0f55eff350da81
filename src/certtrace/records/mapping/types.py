"""Which observation type a span has: an ordered table of rules, the first that answers decides."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from certtrace import semconv
from certtrace.records.mapping.values import Attributes, is_meaningful


class SpanView(NamedTuple):
    """What the rules may look at."""

    attributes: Attributes
    resource: Attributes
    scope_name: str
    scope_version: str
    name: str


Rule = Callable[[SpanView], str | None]

DIRECT: Final[Mapping[str, str]] = {
    name: name.upper()
    for name in (
        "span",
        "generation",
        "event",
        "embedding",
        "agent",
        "tool",
        "chain",
        "retriever",
        "guardrail",
        "evaluator",
    )
}
OPENINFERENCE: Final[Mapping[str, str]] = {
    "CHAIN": "CHAIN",
    "RETRIEVER": "RETRIEVER",
    "LLM": "GENERATION",
    "EMBEDDING": "EMBEDDING",
    "AGENT": "AGENT",
    "TOOL": "TOOL",
    "GUARDRAIL": "GUARDRAIL",
    "EVALUATOR": "EVALUATOR",
}
GEN_AI_OPERATION: Final[Mapping[str, str]] = {
    "chat": "GENERATION",
    "completion": "GENERATION",
    "text_completion": "GENERATION",
    "generate_content": "GENERATION",
    "generate": "GENERATION",
    "embeddings": "EMBEDDING",
    "invoke_agent": "AGENT",
    "create_agent": "AGENT",
    "execute_tool": "TOOL",
}
GENKIT: Final[Mapping[str, str]] = {
    "background-model": "GENERATION",
    "model": "GENERATION",
    "embedder": "EMBEDDING",
    "tool": "TOOL",
    "tool.v2": "TOOL",
    "retriever": "RETRIEVER",
    "evaluator": "EVALUATOR",
}
VERCEL_GENERATION: Final = (
    "ai.generateText.doGenerate",
    "ai.streamText.doStream",
    "ai.generateObject.doGenerate",
    "ai.streamObject.doStream",
)
VERCEL_EMBEDDING: Final = ("ai.embedMany.doEmbed", "ai.embed.doEmbed")
LIVEKIT: Final[Mapping[str, str]] = {"agent_turn": "AGENT", "start_agent_activity": "AGENT", "function_tool": "TOOL"}
MODEL_KEYS: Final = (
    semconv.OBSERVATION_MODEL,
    semconv.GEN_AI_REQUEST_MODEL,
    semconv.GEN_AI_RESPONSE_MODEL,
    "llm.model_name",
    "model",
)
TYPE_KEYS: Final = (
    "openinference.span.kind",
    semconv.GEN_AI_OPERATION_NAME,
    "genkit:metadata:subtype",
    "operation.name",
    "ai.operationId",
    "gen_ai.tool.name",
    "gen_ai.tool.call.id",
    "flue.tool.name",
    "flue.tool.call_id",
    "flue.task.id",
    "flue.task.agent",
)
"""Keys that say what a span is, beside Langfuse's own and those that name a model."""
_VERCEL_MODEL_KEYS: Final = (
    semconv.OBSERVATION_MODEL,
    "ai.model.id",
    semconv.GEN_AI_REQUEST_MODEL,
    semconv.GEN_AI_RESPONSE_MODEL,
)
_GENERATION_KEYS: Final = (
    semconv.OBSERVATION_MODEL,
    semconv.OBSERVATION_COST_DETAILS,
    semconv.OBSERVATION_USAGE_DETAILS,
    semconv.OBSERVATION_COMPLETION_START_TIME,
    semconv.OBSERVATION_MODEL_PARAMETERS,
    semconv.OBSERVATION_PROMPT_NAME,
    semconv.OBSERVATION_PROMPT_VERSION,
)
_LANGFUSE_SCOPE: Final = "langfuse-sdk"


def _any_meaningful(attributes: Attributes, keys: Sequence[str]) -> bool:
    return any(is_meaningful(attributes.get(key)) for key in keys)


def _old_python_sdk(span: SpanView) -> str | None:
    """Correct Python SDKs up to 3.3, which sent `span` for generations."""
    if (
        span.attributes.get(semconv.OBSERVATION_TYPE) != "span"
        or span.scope_name != _LANGFUSE_SCOPE
        or span.resource.get("telemetry.sdk.language") != "python"
    ):
        return None
    numbers = [int(part) if part.isdecimal() else 0 for part in [*span.scope_version.split("."), "0"][:2]]
    if span.scope_version and numbers > [3, 3]:
        return None
    return "GENERATION" if any(key in span.attributes for key in _GENERATION_KEYS) else None


def _by_value(key: str, table: Mapping[str, str]) -> Rule:
    """Make the rule that looks one attribute's exact value up."""

    def rule(span: SpanView) -> str | None:
        value = span.attributes.get(key)
        return table.get(value) if isinstance(value, str) else None

    return rule


def _vercel_matches(span: SpanView, names: Sequence[str]) -> bool:
    operation = span.attributes.get("operation.name")
    if isinstance(operation, str) and operation.startswith(tuple(names)):
        return True
    return span.attributes.get("ai.operationId") in names


def _vercel_model_call(span: SpanView) -> str | None:
    if not _any_meaningful(span.attributes, _VERCEL_MODEL_KEYS):
        return None
    if _vercel_matches(span, VERCEL_GENERATION):
        return "GENERATION"
    return "EMBEDDING" if _vercel_matches(span, VERCEL_EMBEDDING) else None


def _vercel_tool(span: SpanView) -> str | None:
    if not _vercel_matches(span, ("ai.toolCall",)):
        return None
    return None if _vercel_matches(span, (*VERCEL_GENERATION, *VERCEL_EMBEDDING)) else "TOOL"


def _gen_ai_tool(span: SpanView) -> str | None:
    return "TOOL" if _any_meaningful(span.attributes, ("gen_ai.tool.name", "gen_ai.tool.call.id")) else None


def _flue(span: SpanView) -> str | None:
    if _any_meaningful(span.attributes, ("flue.tool.name", "flue.tool.call_id")):
        return "TOOL"
    return "AGENT" if _any_meaningful(span.attributes, ("flue.task.id", "flue.task.agent")) else None


def _livekit(span: SpanView) -> str | None:
    return LIVEKIT.get(span.name) if span.scope_name == "livekit-agents" else None


def _has_model(span: SpanView) -> str | None:
    return "GENERATION" if _any_meaningful(span.attributes, MODEL_KEYS) else None


RULES: Final[tuple[Rule, ...]] = (
    _old_python_sdk,
    _by_value(semconv.OBSERVATION_TYPE, DIRECT),
    _by_value("openinference.span.kind", OPENINFERENCE),
    _by_value(semconv.GEN_AI_OPERATION_NAME, GEN_AI_OPERATION),
    _by_value("genkit:metadata:subtype", GENKIT),
    _vercel_model_call,
    _vercel_tool,
    _gen_ai_tool,
    _flue,
    _livekit,
    _has_model,
)


def observation_type(span: SpanView, *, is_foreign: bool = True) -> str:
    """Return the observation type in API form; `SPAN` when no rule answers.

    Args:
        span: What the rules may look at.
        is_foreign: Whether anything beside Langfuse's own attribute may tell.
    """
    own = span.attributes.get(semconv.OBSERVATION_TYPE)
    if isinstance(own, str) and (own != "span" or span.scope_name != _LANGFUSE_SCOPE):
        found = DIRECT.get(own)
        if found is not None:
            return found
    elif own is None and not is_foreign:
        return "SPAN"
    return next((found for rule in RULES if (found := rule(span)) is not None), "SPAN")
