"""What is particular to spans of the Vercel AI SDK, whose scope is called `ai`: usage and model parameters."""

import re
from typing import Final

from certtrace import semconv
from certtrace.records.mapping.values import Attributes, counted, number, parsed, plain_number, spoken

SCOPE: Final = "ai"
Found = dict[str, object]

_UNUSABLE: Final = "NaN"
_PROVIDER: Final = "ai.response.providerMetadata"
_LEADING_INT: Final = re.compile(r"\s*([+-]?\d{1,18})", re.ASCII)
_INPUT_PARTS: Final = (
    "input_cached_tokens",
    "input_cache_creation",
    "input_cache_creation_5m",
    "input_cache_creation_1h",
    "input_cache_read",
)


def vercel_usage(attributes: Attributes) -> Found | None:
    """Return token counts by kind; None where an attribute is not what the SDK sends, so that others are tried."""
    usage: Found = {
        "input": _leading_int(attributes, ("gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens")),
        "output": _leading_int(attributes, ("gen_ai.usage.completion_tokens", "gen_ai.usage.output_tokens")),
        "total": _leading_int(attributes, ("ai.usage.tokens",)),
    }
    for name, key in (
        ("input_cached_tokens", "ai.usage.cachedInputTokens"),
        ("output_reasoning_tokens", "ai.usage.reasoningTokens"),
    ):
        if key in attributes:
            found = parsed(attributes[key])
            if found is None or isinstance(found, list):
                return None
            usage[name] = _count_or_message(found)
    for name, key in (
        ("input_cached_tokens", "gen_ai.usage.cache_read.input_tokens"),
        ("input_cache_creation", "gen_ai.usage.cache_creation.input_tokens"),
    ):
        if key in attributes:
            _add(usage, name, counted(attributes[key]))
    if attributes.get(_PROVIDER):
        provider = parsed(attributes[_PROVIDER])
        if not isinstance(provider, dict):
            return None
        _add_openai(usage, provider.get("openai"))
        _add_anthropic(usage, provider.get("anthropic"))
        _add_bedrock(usage, provider.get("bedrock"))
    if _UNUSABLE in (usage["input"], usage["output"], usage["total"]):
        return usage
    usage["input"] = max(_of(usage, "input") - sum(_of(usage, name) for name in _INPUT_PARTS), 0)
    usage["output"] = max(_of(usage, "output") - _of(usage, "output_reasoning_tokens"), 0)
    return usage


def _leading_int(attributes: Attributes, keys: tuple[str, ...]) -> object:
    """Return the whole number that the first present attribute begins with, as JavaScript's `parseInt` reads it."""
    key = next((key for key in keys if key in attributes), None)
    if key is None:
        return None
    given = attributes[key]
    found = _LEADING_INT.match("0" if given is None else spoken(given))
    # What does not begin with a number makes the usage unusable, as on the server.
    return int(found[1]) if found else _UNUSABLE


def _count_or_message(given: object) -> object:
    """Return a count that some exporters wrap in an OTLP integer."""
    if isinstance(given, dict):
        return given.get("intValue")
    return given if isinstance(given, (int, float)) and not isinstance(given, bool) else None


def _of(usage: Found, name: str) -> float:
    return number(usage.get(name)) or 0


def _add(usage: Found, name: str, value: object) -> None:
    if usage.get(name) is None and value is not None:
        usage[name] = value


def _add_openai(usage: Found, given: object) -> None:
    if not isinstance(given, dict):
        return
    for name, key in (
        ("input_cached_tokens", "cachedPromptTokens"),
        ("accepted_prediction_tokens", "acceptedPredictionTokens"),
        ("rejected_prediction_tokens", "rejectedPredictionTokens"),
        ("output_reasoning_tokens", "reasoningTokens"),
    ):
        _add(usage, name, given.get(key))


def _add_anthropic(usage: Found, given: object) -> None:
    counts = given.get("usage") if isinstance(given, dict) else None
    if not isinstance(counts, dict):
        return
    _add(usage, "input_cache_creation", counts.get("cache_creation_input_tokens"))
    _add(usage, "input_cached_tokens", counts.get("cache_read_input_tokens"))
    creation = counts.get("cache_creation")
    if not isinstance(creation, (dict, list)):
        return
    lives = creation if isinstance(creation, dict) else {}
    for name, key in (
        ("input_cache_creation_5m", "ephemeral_5m_input_tokens"),
        ("input_cache_creation_1h", "ephemeral_1h_input_tokens"),
    ):
        if isinstance(lives.get(key), (int, float)):
            _add(usage, name, lives[key])
    split = _of(usage, "input_cache_creation_5m") + _of(usage, "input_cache_creation_1h")
    usage["input_cache_creation"] = max(_of(usage, "input_cache_creation") - split, 0)


def _add_bedrock(usage: Found, given: object) -> None:
    counts = given.get("usage") if isinstance(given, dict) else None
    if not isinstance(counts, dict):
        return
    for name, key in (
        ("input_cache_read", "cacheReadInputTokens"),
        ("input_cache_write", "cacheWriteInputTokens"),
        ("input_cache_creation", "cacheCreationInputTokens"),
    ):
        _add(usage, name, counts.get(key))


_PARAMETERS: Final = {
    "maxSteps": ("ai.settings.maxSteps",),
    "toolChoice": ("ai.prompt.toolChoice",),
    "maxTokens": ("gen_ai.request.max_tokens",),
    "finishReason": (semconv.GEN_AI_RESPONSE_FINISH_REASONS, "gen_ai.finishReason"),
    "system": ("gen_ai.system", "ai.model.provider"),
    "maxRetries": ("ai.settings.maxRetries",),
    "mode": ("ai.settings.mode",),
    "temperature": (semconv.GEN_AI_REQUEST_TEMPERATURE,),
    "service_tier": ("gen_ai.request.service_tier",),
}


def vercel_parameters(attributes: Attributes) -> Found:
    """Return the model's parameters, each as text, null where the span does not name it."""
    found: Found = {}
    for name, keys in _PARAMETERS.items():
        key = next((key for key in keys if key in attributes), "")
        value = attributes.get(key)
        found[name] = None if value is None else spoken(plain_number(value) if isinstance(value, float) else value)
    provider = parsed(attributes.get(_PROVIDER))
    openai = provider.get("openai") if isinstance(provider, dict) else None
    tier = openai.get("serviceTier") if isinstance(openai, dict) else None
    if isinstance(tier, str):
        found["service_tier"] = tier
    return found
