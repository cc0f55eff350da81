"""Tokens and cost of a span.

A provider's totals contain their parts; Langfuse keeps the parts apart, so they are subtracted from the totals.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from certtrace import semconv
from certtrace.records.mapping.keys import USAGE_COST
from certtrace.records.mapping.values import Attributes, counted, is_set, number, parsed
from certtrace.records.mapping.vercel import vercel_usage

Counts = dict[str, float]

_INPUT: Final = ("prompt_tokens", "input_tokens", "prompt")
_OUTPUT: Final = ("completion_tokens", "output_tokens", "completion")
_TOTAL: Final = ("total_tokens", "total")
_CACHE_READ: Final = (
    "cache_read.input_tokens",
    "cache_read_input_tokens",
    "cache_read_tokens",
    "details.cache_read_tokens",
    "details.cache_read_input_tokens",
    "prompt_details.cache_read",
    "input_cached_tokens",
)
_CACHE_WRITE: Final = (
    "cache_creation.input_tokens",
    "cache_write.input_tokens",
    "cache_creation_input_tokens",
    "cache_write_tokens",
    "details.cache_write_tokens",
    "details.cache_creation_input_tokens",
    "prompt_details.cache_write",
    "input_cache_creation",
)
_REASONING: Final = ("reasoning.output_tokens", "completion_details.reasoning")
_AUDIO: Final = ("completion_details.audio",)
_SPELLINGS: Final = frozenset(
    (*_INPUT, *_OUTPUT, *_TOTAL, *_CACHE_READ, *_CACHE_WRITE, *_REASONING, *_AUDIO),
)
"""Names that stand for a count under another name; every other name is kept."""
_AGGREGATES: Final = ("invoke_agent", "agent_step")
"""Operations whose spans repeat the usage of the model calls below them."""
_COMPLETION_FORM: Final = ("prompt_tokens", "completion_tokens", "total_tokens")
_RESPONSE_FORM: Final = ("input_tokens", "output_tokens", "total_tokens")
_LARGEST: Final = 2**53 - 1


def is_aggregate(attributes: Attributes) -> bool:
    """Tell whether the span repeats what its children carry: model, usage and cost would count twice."""
    return attributes.get(semconv.GEN_AI_OPERATION_NAME) in _AGGREGATES


def usage_details(attributes: Attributes, usage: Sequence[tuple[str, object]], scope_name: str) -> Counts:
    """Return token counts by kind, with a `total` where any are known.

    Args:
        attributes: The span's attributes.
        usage: Those whose keys name usage, by what stands behind the key's prefix.
        scope_name: Name of the instrumentation scope.
    """
    if is_aggregate(attributes):
        return {}
    return _with_total(_valid(_given_usage(attributes, usage, scope_name)))


def _given_usage(attributes: Attributes, usage: Sequence[tuple[str, object]], scope_name: str) -> Mapping[str, object]:
    raw = attributes.get(semconv.OBSERVATION_USAGE_DETAILS)
    if raw is not None:
        given = _json_object(raw)
        if given is not None:
            return given
    if scope_name == "genkit-tracer":
        genkit = _genkit_usage(attributes)
        if genkit is not None:
            return genkit
    if scope_name == "ai":
        vercel = vercel_usage(attributes)
        if vercel is not None:
            return vercel
    counts = _generic_usage(attributes, usage)
    if scope_name == "gcp.vertex.agent":
        _add_vertex_cache(attributes, counts)
    return counts


def _json_object(raw: object) -> Mapping[str, object] | None:
    """Return an object given as JSON text; nothing for a wrong type; None, to look elsewhere, for what is no JSON."""
    if not is_set(raw):
        return None
    if not isinstance(raw, str):
        return {}
    given = parsed(raw)
    if given is None:
        return {} if raw.strip() == "null" else None
    return given if isinstance(given, dict) else {}


def _genkit_usage(attributes: Attributes) -> Mapping[str, object] | None:
    returned = parsed(attributes.get("genkit:output"))
    given = returned.get("usage") if isinstance(returned, dict) else None
    if not isinstance(given, dict):
        return None
    thoughts = number(given.get("thoughtsTokens")) or 0
    output = number(given.get("outputTokens"))
    found = {
        "input": given.get("inputTokens"),
        "output": max(output - thoughts, 0) if output else None,
        "total": given.get("totalTokens"),
        "output_reasoning": thoughts,
    }
    return {name: value for name, value in found.items() if value}


def _counts(usage: Iterable[tuple[str, object]]) -> Counts:
    """Return the attributes that are numbers to JavaScript: empty text is zero, a truth value one or zero."""
    found: Counts = {}
    for name, raw in usage:
        value = counted(raw)
        if value is not None:
            found[name] = value
    return found


def _first_count(counts: Counts, names: Sequence[str]) -> float | None:
    for name in names:
        if name in counts:
            return counts[name]
    return None


def _generic_usage(attributes: Attributes, usage: Sequence[tuple[str, object]]) -> Counts:
    if not usage:
        return {}
    raw = _counts(usage)
    found = {name.removeprefix("details."): value for name, value in raw.items() if name not in _SPELLINGS}
    parts = {
        "input_cached_tokens": _first_count(raw, _CACHE_READ),
        "input_cache_creation": _first_count(raw, _CACHE_WRITE),
        "output_reasoning_tokens": _first_count(raw, _REASONING),
        "output_audio_tokens": _first_count(raw, _AUDIO),
    }
    cached, written, reasoning, audio = (value or 0 for value in parts.values())
    wholes = {
        "input": _less(_first_count(raw, _INPUT), cached + written),
        "output": _less(_first_count(raw, _OUTPUT), reasoning + audio),
        "total": _first_count(raw, _TOTAL),
    }
    found.update({name: value for name, value in (wholes | parts).items() if value is not None})
    _add_anthropic_cache(attributes, found)
    return found


def _less(whole: float | None, part: float) -> float | None:
    return None if whole is None else max(whole - part, 0)


def _add_anthropic_cache(attributes: Attributes, counts: Counts) -> None:
    """Add what only the provider's own usage tells: how long written caches live, and caches nobody else named."""
    provider = parsed(attributes.get("ai.response.providerMetadata"))
    anthropic = provider.get("anthropic") if isinstance(provider, dict) else None
    usage = anthropic.get("usage") if isinstance(anthropic, dict) else None
    if not isinstance(usage, dict):
        return
    extra = 0.0
    for name, key in (
        ("input_cached_tokens", "cache_read_input_tokens"),
        ("input_cache_creation", "cache_creation_input_tokens"),
    ):
        value = _finite(usage.get(key))
        if value is not None and name not in counts:
            counts[name] = value
            extra += value
    extra += _split_cache_writes(usage.get("cache_creation"), counts)
    if "input" in counts and extra > 0:
        counts["input"] = max(counts["input"] - extra, 0)


def _split_cache_writes(given: object, counts: Counts) -> float:
    """Take written caches apart by how long they live; return what nobody has subtracted from the input yet."""
    creation = given if isinstance(given, dict) else {}
    lives = {
        "input_cache_creation_5m": _finite(creation.get("ephemeral_5m_input_tokens")),
        "input_cache_creation_1h": _finite(creation.get("ephemeral_1h_input_tokens")),
    }
    known = {name: value for name, value in lives.items() if value is not None}
    counts.update(known)
    split = sum(known.values())
    if "input_cache_creation" not in counts:
        return split
    if known:
        counts["input_cache_creation"] = max(counts["input_cache_creation"] - split, 0)
    return 0


def _finite(given: object) -> float | None:
    return number(given) if isinstance(given, (int, float)) else None


def _add_vertex_cache(attributes: Attributes, counts: Counts) -> None:
    if "input_cached_tokens" in counts:
        return
    response = parsed(attributes.get("gcp.vertex.agent.llm_response"))
    usage = response.get("usage_metadata") if isinstance(response, dict) else None
    cached = _finite(usage.get("cached_content_token_count")) if isinstance(usage, dict) else None
    if cached is None or cached <= 0:
        return
    counts["input_cached_tokens"] = cached
    if "input" in counts:
        counts["input"] = max(counts["input"] - cached, 0)


# --- What the server takes as usage, whole or not at all. ---


def _valid(given: Mapping[str, object]) -> Counts:
    """Return usage whose every count is a whole number from zero up, in Langfuse's names; nothing if one is not."""
    for form, prefix in ((_COMPLETION_FORM, ("prompt", "completion")), (_RESPONSE_FORM, ("input", "output"))):
        found = _openai_usage(given, form, prefix)
        if found is not None:
            return found
    return _whole_counts(given) or {}


def _whole_counts(given: object) -> Counts | None:
    """Return the counts without those that are null; None if one is no whole number from zero up."""
    if not isinstance(given, dict):
        return None
    found: Counts = {}
    for name, value in given.items():
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        if not 0 <= value <= _LARGEST or value != int(value):
            return None
        found[name] = int(value)
    return found


def _openai_usage(given: Mapping[str, object], form: Sequence[str], sides: Sequence[str]) -> Counts | None:
    """Return OpenAI's usage in Langfuse's names; None if it is not exactly of that form."""
    details = [f"{side}_tokens_details" for side in sides]
    if not set(form) <= set(given) or not set(given) <= {*form, *details}:
        return None
    wholes = _whole_counts({name: given[name] for name in form})
    if wholes is None or len(wholes) < len(form):
        return None
    found = {"input": wholes[form[0]], "output": wholes[form[1]], "total": wholes[form[2]]}
    for whole, key in zip(("input", "output"), details, strict=True):
        parts = _whole_counts(given[key]) if given.get(key) is not None else {}
        if parts is None:
            return None
        found.update({f"{whole}_{name}": value for name, value in parts.items()})
        found[whole] = max(found[whole] - sum(parts.values()), 0)
    return found


def _with_total(details: Counts) -> Counts:
    return details if not details or "total" in details else {**details, "total": sum(details.values())}


def cost_details(attributes: Attributes) -> Counts:
    """Return cost by kind in the unit the span used, with a `total` where it follows from input and output."""
    if is_aggregate(attributes):
        return {}
    raw = attributes.get(semconv.OBSERVATION_COST_DETAILS)
    if raw is not None:
        given = _json_object(raw)
        if given is not None:
            return _with_cost_total(
                {key: value for key, each in given.items() if (value := number(each)) is not None},
            )
    for key in (USAGE_COST, "llm.cost.total"):
        whole = attributes.get(key)
        if whole is not None and whole != "":
            total = number(whole)
            return {} if total is None else {"total": total}
    return {}


def _with_cost_total(details: Counts) -> Counts:
    if not details or "total" in details or not set(details) <= {"input", "output"}:
        return details
    return {**details, "total": sum(details.values())}
