"""Tokens, cost and model parameters of a span."""

from typing import Final

from certtrace import semconv
from certtrace.records.mapping.values import Attributes, is_set, json_text, number, parsed_object

_USAGE_PREFIXES: Final = ("gen_ai.usage.", "llm.token_count.")
_COST: Final = "gen_ai.usage.cost"
_USAGE_NAMES: Final = {
    "prompt_tokens": "input",
    "input_tokens": "input",
    "prompt": "input",
    "completion_tokens": "output",
    "output_tokens": "output",
    "completion": "output",
    "total_tokens": "total",
    "cache_read.input_tokens": "input_cached_tokens",
    "cache_read_input_tokens": "input_cached_tokens",
    "cache_read_tokens": "input_cached_tokens",
    "prompt_details.cache_read": "input_cached_tokens",
    "details.cache_read_input_tokens": "input_cached_tokens",
    "details.cache_read_tokens": "input_cached_tokens",
    "cache_creation.input_tokens": "input_cache_creation",
    "cache_creation_input_tokens": "input_cache_creation",
    "cache_write_tokens": "input_cache_creation",
    "prompt_details.cache_write": "input_cache_creation",
    "details.cache_creation_input_tokens": "input_cache_creation",
    "details.cache_write_tokens": "input_cache_creation",
    "reasoning_tokens": "output_reasoning_tokens",
    "reasoning.output_tokens": "output_reasoning_tokens",
    "thoughts_tokens": "output_reasoning_tokens",
    "completion_details.reasoning": "output_reasoning_tokens",
    "details.reasoning_tokens": "output_reasoning_tokens",
}
_PARTS: Final = {
    "input": ("input_cached_tokens", "input_cache_creation"),
    "output": ("output_reasoning_tokens",),
}
"""Counts that a provider's total contains; Langfuse keeps the parts apart, so they are subtracted."""


def usage_details(attributes: Attributes) -> dict[str, float]:
    """Return token counts by kind, with a `total` where any are known."""
    given = parsed_object(attributes.get(semconv.OBSERVATION_USAGE_DETAILS))
    return _with_total(_numbers(given) if given is not None else _generic_usage(attributes))


def _generic_usage(attributes: Attributes) -> dict[str, float]:
    usage: dict[str, float] = {}
    for key, raw in attributes.items():
        prefix = next((prefix for prefix in _USAGE_PREFIXES if key.startswith(prefix)), None)
        value = number(raw)
        if prefix is None or key == _COST or value is None:
            continue
        name = key.removeprefix(prefix)
        # A second spelling of the same count (input_tokens beside prompt_tokens) is not a second count.
        usage.setdefault(_USAGE_NAMES.get(name, name), value)
    _drop_pydantic_details(usage)
    for whole, parts in _PARTS.items():
        if whole in usage:
            usage[whole] = max(usage[whole] - sum(usage.get(part, 0) for part in parts), 0)
    return usage


def _drop_pydantic_details(usage: dict[str, float]) -> None:
    """Leave out Pydantic AI's second set of counts, which would double the sum."""
    for detail in ("details.input_tokens", "details.output_tokens"):
        usage.pop(detail, None)


def cost_details(attributes: Attributes) -> dict[str, float]:
    """Return cost by kind in the unit the span used, with a `total` where any is known."""
    given = parsed_object(attributes.get(semconv.OBSERVATION_COST_DETAILS))
    if given is not None:
        return _with_total(_numbers(given))
    for key in (_COST, "llm.cost.total"):
        total = number(attributes.get(key))
        if total:
            return {"total": total}
    return {}


def _numbers(given: dict[str, object]) -> dict[str, float]:
    return {key: value for key, raw in given.items() if (value := number(raw)) is not None}


def _with_total(details: dict[str, float]) -> dict[str, float]:
    return details if not details or "total" in details else {**details, "total": sum(details.values())}


def model_parameters(attributes: Attributes, scope_name: str) -> dict[str, object]:
    """Return the model's parameters; what is neither text nor number is kept as JSON text."""
    given = parsed_object(attributes.get(semconv.OBSERVATION_MODEL_PARAMETERS))
    if given is not None:
        return _flat(given)
    if scope_name == "ai":
        return _vercel_parameters(attributes)
    for key in ("llm.invocation_parameters", "model_config"):
        given = parsed_object(attributes.get(key))
        if given is not None:
            return _flat(given)
    prefix = "gen_ai.request."
    return _flat(
        {
            key.removeprefix(prefix): value
            for key, value in attributes.items()
            if key.startswith(prefix) and key != semconv.GEN_AI_REQUEST_MODEL
        }
    )


_VERCEL_PARAMETERS: Final = {
    "maxSteps": ("ai.settings.maxSteps",),
    "toolChoice": ("ai.prompt.toolChoice",),
    "maxTokens": ("gen_ai.request.max_tokens",),
    "finishReason": (semconv.GEN_AI_RESPONSE_FINISH_REASONS, "gen_ai.finishReason"),
    "system": ("gen_ai.system", "ai.model.provider"),
    "maxRetries": ("ai.settings.maxRetries",),
    "mode": ("ai.settings.mode",),
    "temperature": (semconv.GEN_AI_REQUEST_TEMPERATURE,),
}


def _vercel_parameters(attributes: Attributes) -> dict[str, object]:
    found = {
        name: next((attributes[key] for key in keys if is_set(attributes.get(key))), None)
        for name, keys in _VERCEL_PARAMETERS.items()
    }
    return _flat({name: value for name, value in found.items() if value is not None})


def _flat(parameters: dict[str, object]) -> dict[str, object]:
    return {
        key: value if isinstance(value, (str, int, float)) and not isinstance(value, bool) else json_text(value)
        for key, value in parameters.items()
    }
