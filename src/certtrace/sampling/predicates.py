"""What a rule's conditions ask of a unit, compiled once.

A predicate may raise: who calls it counts a fault, and keeps the unit.
"""

import fnmatch
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from certtrace import semconv
from certtrace.ports import UnitFacts
from certtrace.sampling.expressions import MAX_TEXT, expression
from certtrace.sampling.rule import Comparison, Rule
from certtrace.sampling.values import IncomparableError, atoms, cost_of, first_number, number, unwrapped

Predicate = Callable[[UnitFacts], bool]
Accepts = Callable[[str], Any]

PASS_MARK: Final = 0.8
"""Share of the highest grade that passes, where the unit does not say; the grading vocabulary's own."""
OVERRIDE: Final = "override"
"""An expert's decision to give another grade; the grading vocabulary's own."""

_NEAR: Final = 1e-9
"""Rounding that must not move a grade across the edge."""
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MONOTONE: Final = frozenset({"==", "in", "contains", "matches", "exists"})
"""Operators that stay true whatever else the unit's spans say later."""


def predicate_of(rule: Rule) -> Predicate:
    """Return what tells whether a unit meets all conditions of a rule."""
    parts = [make(value) for name, make in _MAKERS.items() if (value := getattr(rule, name)) is not None]
    parts += [_where(comparison) for comparison in rule.where]
    if not parts:
        return always
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        first, second = parts
        return lambda facts: first(facts) and second(facts)
    every = tuple(parts)
    return lambda facts: all(part(facts) for part in every)


def always(_facts: UnitFacts) -> bool:
    """Match every unit."""
    return True


def globs(patterns: Iterable[str]) -> Accepts:
    """Return what tells whether a name fits any of the patterns; `*`, `?` and `[…]` as in file names, case matters."""
    given = tuple(patterns)
    if not any(sign in pattern for pattern in given for sign in "*?["):
        return frozenset(given).__contains__
    return re.compile("|".join(f"(?:{fnmatch.translate(pattern)})" for pattern in given)).match


def judged_at_start(rule: Rule) -> bool:
    """Tell whether the name and the first attributes of the local root can be enough to know that a rule matches."""
    return rule.conditions <= {"service", "route", "where"} and all(each.op in _MONOTONE for each in rule.where)


class StartRule:
    """A drop rule as it can be judged when a local root starts: a match is certain, no match says nothing."""

    __slots__ = ("_comparisons", "_route", "_serves", "name")

    def __init__(self, rule: Rule, service: str) -> None:
        """Take a rule that `judged_at_start`, and the service it is judged in."""
        self.name = rule.name
        self._serves = rule.service is None or bool(globs(rule.service)(service))
        self._route = globs(rule.route) if rule.route is not None else None
        self._comparisons = tuple((each.key, compares(each)) for each in rule.where)

    def matches(self, name: str, attributes: Mapping[str, object] | None) -> bool:
        """Tell whether the rule matches a local root of this name that starts with these attributes."""
        if not self._serves or (self._route is not None and not self._route(name)):
            return False
        return all(key in (attributes or {}) and meets(((attributes or {})[key],)) for key, meets in self._comparisons)


def compares(comparison: Comparison) -> Callable[[Iterable[object]], bool]:
    """Return what tells whether the values of an attribute meet a comparison."""
    make = _COMPARERS.get(comparison.op, _ordered)
    return make(comparison)


def watched_by(rule: Rule) -> frozenset[str]:
    """Return the attributes that a rule reads."""
    keys = {comparison.key for comparison in rule.where}
    for condition in rule.conditions:
        keys.update(_KEYS.get(condition, ()))
    if rule.limit is not None and rule.limit.key not in (None, "service", "route"):
        keys.add(str(rule.limit.key))
    return frozenset(keys)


_KEYS: Final = {
    "confidence_below": (semconv.CONFIDENCE,),
    "passes_disagree": (semconv.AGGREGATE_SPREAD,),
    "pass_mark_within": (semconv.GRADE, semconv.GRADE_MAX, semconv.PASS_MARK),
    "expert_override": (semconv.REVIEW_DECISION,),
    "cost_above_usd": (semconv.COST_USD, semconv.OBSERVATION_COST_DETAILS),
}


def _service(patterns: tuple[str, ...]) -> Predicate:
    fits = globs(patterns)
    return lambda facts: bool(fits(facts.service))


def _route(patterns: tuple[str, ...]) -> Predicate:
    fits = globs(patterns)
    return lambda facts: bool(fits(facts.route))


def _span(patterns: tuple[str, ...]) -> Predicate:
    fits = globs(patterns)
    return lambda facts: any(map(fits, set(facts.span_names())))


def _outcome(outcomes: tuple[str, ...]) -> Predicate:
    error, cancelled, abandoned = (name in outcomes for name in ("error", "cancelled", "abandoned"))
    return lambda facts: (
        (error and facts.has_error) or (cancelled and facts.cancelled) or (abandoned and facts.abandoned)
    )


def _slower(seconds: float) -> Predicate:
    nanoseconds = seconds * 1e9
    return lambda facts: facts.duration_ns > nanoseconds


def confidence_below(threshold: float) -> Predicate:
    """Return what tells whether the lowest confidence of a unit is below a threshold."""

    def predicate(facts: UnitFacts) -> bool:
        confidence = facts.confidence
        if confidence is None:
            return False
        if confidence < threshold:
            return True
        number(confidence)  # NaN is below nothing, and above nothing
        return False

    return predicate


def _disagree(spread: float) -> Predicate:
    return lambda facts: any(number(value) > spread for value in atoms(facts.values(semconv.AGGREGATE_SPREAD)))


def _near_pass_mark(points: float) -> Predicate:
    def predicate(facts: UnitFacts) -> bool:
        grade = first_number(facts, semconv.GRADE)
        if grade is None:
            return False
        share = grade / (first_number(facts, semconv.GRADE_MAX) or 1.0)
        mark = first_number(facts, semconv.PASS_MARK)
        return abs(share - (PASS_MARK if mark is None else mark)) * 100.0 <= points + _NEAR

    return predicate


def _override(_wanted: bool) -> Predicate:  # noqa: FBT001 - made like every other condition
    return lambda facts: OVERRIDE in atoms(facts.values(semconv.REVIEW_DECISION))


def _cost(usd: float) -> Predicate:
    return lambda facts: cost_of(facts) > usd


def _forced(_wanted: bool) -> Predicate:  # noqa: FBT001 - made like every other condition
    return lambda facts: facts.forced == "keep"


def _where(comparison: Comparison) -> Predicate:
    key, meets = comparison.key, compares(comparison)
    return lambda facts: meets(facts.values(key))


_MAKERS: Final[dict[str, Callable[[Any], Predicate]]] = {
    # What costs least is asked first.
    "outcome": _outcome,
    "forced": _forced,
    "slower_than_seconds": _slower,
    "confidence_below": confidence_below,
    "service": _service,
    "route": _route,
    "expert_override": _override,
    "passes_disagree": _disagree,
    "pass_mark_within": _near_pass_mark,
    "cost_above_usd": _cost,
    "span": _span,
}


def _same(value: object, wanted: object) -> bool:
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted


def _equal(comparison: Comparison) -> Callable[[Iterable[object]], bool]:
    wanted = comparison.value
    return lambda values: any(_same(value, wanted) for value in atoms(values))


def _unequal(comparison: Comparison) -> Callable[[Iterable[object]], bool]:
    wanted = comparison.value

    def meets(values: Iterable[object]) -> bool:
        found = list(atoms(values))
        return bool(found) and not any(_same(value, wanted) for value in found)

    return meets


def _in(comparison: Comparison) -> Callable[[Iterable[object]], bool]:
    wanted = comparison.value if isinstance(comparison.value, tuple) else ()
    return lambda values: any(_same(value, each) for value in atoms(values) for each in wanted)


def _contains(comparison: Comparison) -> Callable[[Iterable[object]], bool]:
    wanted = comparison.value

    def one(value: object) -> bool:
        plain = unwrapped(value)
        if isinstance(plain, (list, tuple)):
            return any(_same(each, wanted) for each in plain)
        return isinstance(plain, str) and isinstance(wanted, str) and wanted in plain[:MAX_TEXT]

    return lambda values: any(map(one, values))


def _matches(comparison: Comparison) -> Callable[[Iterable[object]], bool]:
    search = expression(str(comparison.value)).search

    def meets(values: Iterable[object]) -> bool:
        texts = (value for value in atoms(values) if isinstance(value, str))
        return any(search(_encodable(text[:MAX_TEXT])) is not None for text in texts)

    return meets


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _exists(_comparison: Comparison) -> Callable[[Iterable[object]], bool]:
    return lambda values: any(True for _value in values)


def _ordered(comparison: Comparison) -> Callable[[Iterable[object]], bool]:
    holds, wanted = _ORDER[comparison.op], comparison.value
    if isinstance(wanted, str):
        return lambda values: any(holds(_text(value), wanted) for value in atoms(values))
    return lambda values: any(holds(number(value), wanted) for value in atoms(values))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise IncomparableError
    return value


_COMPARERS: Final[dict[str, Callable[[Comparison], Callable[[Iterable[object]], bool]]]] = {
    "==": _equal,
    "!=": _unequal,
    "in": _in,
    "contains": _contains,
    "matches": _matches,
    "exists": _exists,
}
