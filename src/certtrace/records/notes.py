"""What a reader wants to know of one observation at a glance: a table from recorded facts to short words."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from certtrace import semconv
from certtrace.records.facts import fact, number_fact, object_fact, text_fact
from certtrace.records.model import Observation, Trace, TraceSummary

_OLD_HTTP_STATUS: Final = "http.status_code"
"""What instrumentations wrote before OpenTelemetry's HTTP conventions became stable; httpx's still does by default."""

Note = Callable[[Observation], str | None]


def notes(observation: Observation) -> list[str]:
    """Return short words on one observation, in reading order. They may hold recorded text: not yet safe to print."""
    return [found for note in _NOTES if (found := note(observation))]


def grade_text(grade: float | None, grade_max: float | None) -> str | None:
    """Return points of maximum points, such as `7/10`."""
    if grade is None:
        return None
    return short_number(grade) if grade_max is None else f"{short_number(grade)}/{short_number(grade_max)}"


def short_number(value: float) -> str:
    """Return a number with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else f"{value:.3g}"


def duration_text(nanoseconds: float) -> str:
    """Return a duration in the unit a person would use."""
    seconds = max(nanoseconds, 0) / 1e9
    if seconds < 0.0995:
        return f"{seconds * 1000:.1f} ms" if seconds < 0.00995 else f"{seconds * 1000:.0f} ms"
    if seconds < 99.5:
        return f"{seconds:.2f} s" if seconds < 9.95 else f"{seconds:.1f} s"
    if seconds < 5970:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 100 * 3600 else f"{seconds / 86400:.0f} d"


def redaction_text(trace: Trace) -> str | None:
    """Return the receipts of a trace summed up, such as `redacted: 3 EMAIL, 2 PERSON; withheld 0; policy ab12`."""
    receipts = [receipt for each in trace.observations if (receipt := object_fact(each, semconv.REDACTION_RECEIPT))]
    if not receipts:
        return None
    counts: dict[str, int] = {}
    for receipt in receipts:
        for kind, count in _counts(receipt.get("counts")):
            counts[kind] = counts.get(kind, 0) + count
    withheld = sum(_whole(receipt.get("withheld")) for receipt in receipts)
    policies = dict.fromkeys(str(receipt.get("policy"))[:12] for receipt in receipts if receipt.get("policy"))
    found = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    without = len(trace.observations) - len(receipts)
    missing = f"; {without} without a receipt" if without else ""
    return f"redacted: {found or 'nothing'}; withheld {withheld}; policy {', '.join(policies) or 'unknown'}{missing}"


def sampling_text(trace: Trace) -> str | None:
    """Return the rules that kept the parts of a trace, such as `kept by rule error, certain`."""
    rules = dict.fromkeys(
        _rule_text(sampling) for each in trace.observations if (sampling := object_fact(each, semconv.SAMPLING))
    )
    return f"kept by {'; '.join(rules)}" if rules else None


def verdict_text(summary: TraceSummary) -> str:
    """Return how the trace ended in a few words."""
    reason = summary.failure_class or summary.error_type
    if summary.status == "error":
        return f"failed: {reason}" if reason else "failed"
    return f"{summary.status}, {reason}" if reason else summary.status


def _rule_text(sampling: Mapping[str, object]) -> str:
    return f"rule {sampling.get('rule')}, {_chance(sampling)}{_would_text(sampling.get('would'))}"


def _chance(sampling: Mapping[str, object]) -> str:
    if "th" not in sampling and "threshold" not in sampling:
        return "weighs nothing"  # kept for another's sake: see "Limits and estimates"
    threshold = _threshold(sampling)
    share = 1 - threshold / 2**56
    return "certain" if not threshold else f"1 of {1 / share:.3g}" if share > 0 else "unknown chance"


def _would_text(would: object) -> str:
    """Return what a dry run says of the policy."""
    if not isinstance(would, Mapping):
        return ""
    return f" (the policy would {'keep' if would.get('keep') else 'drop'}: {would.get('rule')})"


def _threshold(sampling: Mapping[str, object]) -> int:
    """Return T, given as a number or as OpenTelemetry's `th`: hexadecimal digits without the trailing zeros."""
    digits = sampling.get("th")
    if isinstance(digits, str) and re.fullmatch(r"[0-9a-f]{1,14}", digits):
        return int(digits.ljust(14, "0"), 16)
    return _whole(sampling.get("threshold"))


def _counts(counts: object) -> list[tuple[str, int]]:
    """Return counts by type; a count may itself be split, such as by operator."""
    if not isinstance(counts, Mapping):
        return []
    return [
        (str(kind), sum(map(_whole, count.values())) if isinstance(count, Mapping) else _whole(count))
        for kind, count in counts.items()
    ]


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _pass(observation: Observation) -> str | None:
    index, planned = number_fact(observation, semconv.PASS_INDEX), number_fact(observation, semconv.PASS_PLANNED)
    if index is None:
        return None
    return f"pass {short_number(index)}" + (f" of {short_number(planned)}" if planned else "")


def _criterion(observation: Observation) -> str | None:
    name = text_fact(observation, semconv.CRITERION_ID)
    return f"criterion {name}" if name else None


def _grade(observation: Observation) -> str | None:
    points = number_fact(observation, semconv.PASS_GRADE), number_fact(observation, semconv.PASS_MAX_GRADE)
    if points[0] is None:
        points = number_fact(observation, semconv.GRADE), number_fact(observation, semconv.GRADE_MAX)
    text = grade_text(*points)
    return f"grade {text}" if text else None


def _confidence(observation: Observation) -> str | None:
    confidence = number_fact(observation, semconv.CONFIDENCE)
    if confidence is None:
        said = number_fact(observation, semconv.CONFIDENCE_SELF)
        return None if said is None else f"self-reported {said:.2f}"
    threshold = number_fact(observation, semconv.AGGREGATE_THRESHOLD)
    below = f" < {threshold:.2f}" if threshold is not None and confidence < threshold else ""
    return f"confidence {confidence:.2f}{below}"


def _cached(observation: Observation) -> str | None:
    if fact(observation, semconv.PASS_INDEPENDENT) is False:
        return "cached"
    if fact(observation, semconv.CACHE_HIT) is True:
        return f"cache hit, {text_fact(observation, semconv.CACHE_KIND) or 'kind unknown'}"
    return "cache miss" if fact(observation, semconv.CACHE_HIT) is False else None


def _route(observation: Observation) -> str | None:
    route, reason = text_fact(observation, semconv.ROUTE), text_fact(observation, semconv.ROUTE_REASON)
    return f"to {route}" + (f" ({reason})" if reason else "") if route else None


def _model(observation: Observation) -> str | None:
    if not observation.model:
        return None
    asked = text_fact(observation, semconv.GEN_AI_REQUEST_MODEL)
    return observation.model + (f" (asked for {asked})" if asked and asked != observation.model else "")


def _tokens(observation: Observation) -> str | None:
    usage = observation.usage_details
    if "input" not in usage and "output" not in usage:
        return f"{short_number(usage['total'])} tokens" if usage.get("total") else None
    return f"{short_number(usage.get('input', 0))}+{short_number(usage.get('output', 0))} tokens"


def _cost(observation: Observation) -> str | None:
    total = observation.cost_details.get("total")
    return f"${total:.4f}" if total else None


def _verdict(observation: Observation) -> str | None:
    verdict = text_fact(observation, semconv.GUARDRAIL_VERDICT)
    return f"guardrail {verdict}" if verdict else None


def _decision(observation: Observation) -> str | None:
    decision = text_fact(observation, semconv.REVIEW_DECISION)
    return f"expert: {decision}" if decision else None


def _path(observation: Observation) -> str | None:
    path = text_fact(observation, semconv.PARSE_PATH)
    return f"breaks the schema at {path}" if path else None


def _delivery(observation: Observation) -> str | None:
    attempt = number_fact(observation, semconv.MESSAGING_DELIVERY_ATTEMPT)
    return f"delivery attempt {short_number(attempt)}" if attempt and attempt > 1 else None


def _retry_after(observation: Observation) -> str | None:
    seconds = number_fact(observation, semconv.RETRY_AFTER_SECONDS)
    return None if seconds is None else f"retry after {short_number(seconds)} s"


def http_text(observation: Observation) -> str | None:
    """Return an HTTP status that says something went wrong, such as `HTTP 429`."""
    status = number_fact(observation, semconv.HTTP_STATUS_CODE) or number_fact(observation, _OLD_HTTP_STATUS)
    return f"HTTP {short_number(status)}" if status and status >= 400 else None


def _outcome(observation: Observation) -> str | None:
    return text_fact(observation, semconv.OUTCOME)


def _content_lost(observation: Observation) -> str | None:
    reason = text_fact(observation, semconv.CONTENT_LOST)
    return f"content lost: {reason}" if reason else None


_NOTES: Final[tuple[Note, ...]] = (
    _pass,
    _criterion,
    _cached,
    _grade,
    _confidence,
    _route,
    _decision,
    _verdict,
    _path,
    _model,
    _tokens,
    _cost,
    _delivery,
    http_text,
    _retry_after,
    _outcome,
    _content_lost,
)
