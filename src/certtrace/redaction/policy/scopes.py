"""What a policy says about one attribute of one kind of span, worked out once."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from certtrace.redaction.policy.kinds import OPERATOR_OF_TYPE, attribute_class
from certtrace.redaction.policy.model import RedactionPolicy
from certtrace.redaction.policy.rules import Rule

_CACHED: Final = 4_096


class Scope(NamedTuple):
    """How one attribute is treated."""

    operators: Mapping[str, str]
    """Type of finding to operator."""
    value: str = ""
    """Operator for the whole value; empty: what is found in it decides."""


class Scopes:
    """Answers by attribute key and kind of span. Safe to share between threads."""

    __slots__ = ("_base", "_cache", "_rules", "default")

    def __init__(self, policy: RedactionPolicy) -> None:
        self._base = {**OPERATOR_OF_TYPE, **policy.operators}
        rules = [rule for rule in policy.rules if rule.key_path is None]
        self.default = Scope(_operators(self._base, [rule for rule in rules if _is_general(rule)]))
        """What holds where no rule asks for the attribute or the span."""
        self._rules = rules if not all(map(_is_general, rules)) else []
        self._cache: dict[tuple[str, str, str], Scope] = {}

    @property
    def are_one(self) -> bool:
        """Whether all attributes are treated alike."""
        return not self._rules

    def of(self, attribute: str, observation_type: str, kind: str) -> Scope:
        """Return how an attribute of a span is treated.

        Args:
            attribute: Key of the attribute.
            observation_type: Langfuse's type, such as `generation`.
            kind: OpenTelemetry's kind, such as `client`.
        """
        if not self._rules:
            return self.default
        key = (attribute, observation_type, kind)
        scope = self._cache.get(key)
        if scope is None:
            scope = self._worked_out(attribute, {observation_type, kind})
            if len(self._cache) < _CACHED:
                self._cache[key] = scope
        return scope

    def _worked_out(self, attribute: str, kinds: set[str]) -> Scope:
        fitting = [rule for rule in self._rules if _fits(rule, attribute, kinds)]
        values = (rule.operator for rule in fitting if rule.selects_values)
        value = next(values, "")
        operators = _operators(self._base, fitting)
        return self.default if not value and operators == self.default.operators else Scope(operators, value)


def _is_general(rule: Rule) -> bool:
    return not rule.selects_values and rule.attribute is None and rule.span is None


def _fits(rule: Rule, attribute: str, kinds: set[str]) -> bool:
    if rule.attribute is not None and not fnmatchcase(attribute, rule.attribute):
        return False
    if rule.span is not None and rule.span not in kinds:
        return False
    return not rule.selects_values or rule.sensitivity is None or attribute_class(attribute) == rule.sensitivity


def _operators(base: Mapping[str, str], rules: Iterable[Rule]) -> dict[str, str]:
    found = dict(base)
    decided: set[str] = set()
    for rule in rules:
        for kind in rule.types() - decided:
            found[kind] = rule.operator
            decided.add(kind)
    return found
