"""Which observation type a span has: an ordered table of rules, the first that answers decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from certtrace import semconv
from certtrace.records.mapping.values import Attributes, is_set


@dataclass(frozen=True, slots=True)
class SpanView:
    """What the rules may look at."""

    attributes: Attributes
    resource: Attributes
    scope_name: str
    scope_version: str
    name: str


Rule = Callable[[SpanView], str | None]

_DIRECT: Final = {
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
_OPENINFERENCE: Final = {
    "CHAIN": "CHAIN",
    "RETRIEVER": "RETRIEVER",
    "LLM": "GENERATION",
    "EMBEDDING": "EMBEDDING",
    "AGENT": "AGENT",
    "TOOL": "TOOL",
    "GUARDRAIL": "GUARDRAIL",
    "EVALUATOR": "EVALUATOR",
}
_GEN_AI_OPERATION: Final = {
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
_GENKIT: Final = {
    "model": "GENERATION",
    "embedder": "EMBEDDING",
    "retriever": "RETRIEVER",
    "tool": "TOOL",
    "evaluator": "EVALUATOR",
    "flow": "CHAIN",
}
_VERCEL_GENERATION: Final = (
    "ai.generateText.doGenerate",
    "ai.streamText.doStream",
    "ai.generateObject.doGenerate",
    "ai.streamObject.doStream",
)
_VERCEL_EMBEDDING: Final = ("ai.embedMany.doEmbed", "ai.embed.doEmbed")
_LIVEKIT: Final = {"agent_turn": "AGENT", "start_agent_activity": "AGENT", "function_tool": "TOOL"}
_MODEL_KEYS: Final = (
    semconv.OBSERVATION_MODEL,
    semconv.GEN_AI_REQUEST_MODEL,
    semconv.GEN_AI_RESPONSE_MODEL,
    "llm.model_name",
    "model",
)
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


def _meaningful(value: object) -> bool:
    """Tell whether a value says something: zero and false do, empty text, lists and objects do not."""
    return value not in (None, "", [], {})


def _any_meaningful(attributes: Attributes, keys: Sequence[str]) -> bool:
    return any(_meaningful(attributes.get(key)) for key in keys)


def _old_python_sdk(span: SpanView) -> str | None:
    """Correct Python SDKs up to 3.3, which sent `span` for generations."""
    if (
        span.attributes.get(semconv.OBSERVATION_TYPE) != "span"
        or span.scope_name != "langfuse-sdk"
        or span.resource.get("telemetry.sdk.language") != "python"
    ):
        return None
    numbers = [int(part) if part.isdecimal() else 0 for part in [*span.scope_version.split("."), "0"][:2]]
    if span.scope_version and numbers > [3, 3]:
        return None
    return "GENERATION" if any(key in span.attributes for key in _GENERATION_KEYS) else None


def _by_value(key: str, table: dict[str, str]) -> Rule:
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
    if _vercel_matches(span, _VERCEL_GENERATION):
        return "GENERATION"
    return "EMBEDDING" if _vercel_matches(span, _VERCEL_EMBEDDING) else None


def _vercel_tool(span: SpanView) -> str | None:
    return "TOOL" if _vercel_matches(span, ("ai.toolCall",)) else None


def _gen_ai_tool(span: SpanView) -> str | None:
    return "TOOL" if _any_meaningful(span.attributes, ("gen_ai.tool.name", "gen_ai.tool.call.id")) else None


def _livekit(span: SpanView) -> str | None:
    return _LIVEKIT.get(span.name) if span.scope_name == "livekit-agents" else None


def _has_model(span: SpanView) -> str | None:
    return "GENERATION" if _any_meaningful(span.attributes, _MODEL_KEYS) else None


RULES: Final[tuple[Rule, ...]] = (
    _old_python_sdk,
    _by_value(semconv.OBSERVATION_TYPE, _DIRECT),
    _by_value("openinference.span.kind", _OPENINFERENCE),
    _by_value(semconv.GEN_AI_OPERATION_NAME, _GEN_AI_OPERATION),
    _by_value("genkit:metadata:subtype", _GENKIT),
    _vercel_model_call,
    _vercel_tool,
    _gen_ai_tool,
    _livekit,
    _has_model,
)


def observation_type(span: SpanView) -> str:
    """Return the observation type in API form; `SPAN` when no rule answers."""
    return next((found for rule in RULES if is_set(found := rule(span)) and found), "SPAN")
