"""A rule's conditions as conditions on spans, as far as the collector can see what they ask."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from certtrace import semconv
from certtrace.sampling.compile import ottl, wire
from certtrace.sampling.predicates import OVERRIDE
from certtrace.sampling.rule import Comparison, Rule

Alternatives: TypeAlias = list[str]
"""Conditions on one span; one of them is enough."""

ORDERED: Final = frozenset({"<", "<=", ">", ">="})


class UnseenError(Exception):
    """The collector cannot evaluate a condition; the message says why."""


def of(rule: Rule) -> list[Alternatives]:
    """Return what spans of a trace must meet: of each entry one condition, each by any span.

    Raises:
        UnseenError: A condition cannot be said to the collector.
    """
    scope = _service(rule)
    parts = [make(value) for name, make in _MAKERS.items() if (value := getattr(rule, name)) is not None]
    parts += [_where(comparison) for comparison in rule.where]
    for name, reason in _UNSEEN.items():
        if getattr(rule, name) is not None:
            raise UnseenError(reason)
    if not parts:
        return [[scope]] if scope else []
    return [[ottl.both([scope, condition]) for condition in part] for part in parts]


def of_drop(rule: Rule) -> list[Alternatives]:
    """Return what the root of a trace must meet to be dropped with all that is below.

    Raises:
        UnseenError: A condition cannot be said about the root alone.
    """
    if not rule.conditions <= {"service", "route"}:
        reason = "a drop rule looks at the trace's root alone, and this one asks for more than its name and service"
        raise UnseenError(reason)
    route = ottl.fits("span.name", rule.route) if rule.route else ""
    return [[ottl.both([ottl.ROOT, _service(rule), route])]]


def _service(rule: Rule) -> str:
    return ottl.fits(ottl.resource(semconv.SERVICE_NAME), rule.service) if rule.service else ""


def _name(globs: tuple[str, ...]) -> Alternatives:
    return [ottl.fits("span.name", globs)]


def _outcome(outcomes: tuple[str, ...]) -> Alternatives:
    found = [ottl.ERROR] if "error" in outcomes else []
    for outcome in outcomes:
        if outcome != "error":
            found += wire.equals(semconv.OUTCOME, outcome) or []
    return found


def _slower(seconds: float) -> Alternatives:
    return [f"span.end_time_unix_nano - span.start_time_unix_nano > {int(seconds * 1e9)}"]


def _confidence(below: float) -> Alternatives:
    return wire.numbers(semconv.CONFIDENCE, "<", below)


def _disagree(spread: float) -> Alternatives:
    return wire.numbers(semconv.AGGREGATE_SPREAD, ">", spread)


def _override(_wanted: bool) -> Alternatives:  # noqa: FBT001 - made like every other condition
    return wire.equals(semconv.REVIEW_DECISION, OVERRIDE) or []


def _where(comparison: Comparison) -> Alternatives:
    key, value = comparison.key, comparison.value
    if comparison.op == "exists":
        return wire.exists(key)
    if comparison.op == "==" and isinstance(value, str | int | float):
        return _equal(key, (value,))
    if comparison.op == "in" and isinstance(value, tuple):
        return _equal(key, value)
    if comparison.op in ORDERED and isinstance(value, int | float):
        return wire.numbers(key, comparison.op, value)
    kind = " with text" if comparison.op in ORDERED else ""
    reason = f"where {comparison.op}{kind} cannot be told from an attribute's JSON text"
    raise UnseenError(reason)


def _equal(key: str, values: tuple[Any, ...]) -> Alternatives:
    found: Alternatives = []
    for value in values:
        conditions = wire.equals(key, value)
        if conditions is None:
            reason = "a whole number above 2**53 cannot be compared"
            raise UnseenError(reason)
        found += conditions
    return found


_MAKERS: Final[dict[str, Callable[[Any], Alternatives]]] = {
    "outcome": _outcome,
    "slower_than_seconds": _slower,
    "confidence_below": _confidence,
    "route": _name,
    "expert_override": _override,
    "passes_disagree": _disagree,
    "span": _name,
}

_UNSEEN: Final = {
    "forced": "what code asks for is known in the process only",
    "pass_mark_within": "grade, highest grade and pass mark stand on several spans",
    "cost_above_usd": "costs of several spans would have to be added",
}
