"""The sampling policy: one frozen model, with a version hash that says which policy decided."""

import hashlib
from collections import Counter
from functools import cached_property
from typing import Any, Final, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from certtrace.ports import RULES
from certtrace.sampling.bounds import Limit
from certtrace.sampling.rule import Rule
from certtrace.sampling.tracestate import threshold_for
from certtrace.sampling.verdict import LimitSpec

Parent = Literal["keep", "follow", "ignore"]
Scores = Literal["drop", "keep"]

RESTATED: Final[dict[str, dict[str, Any]]] = {
    "error": {"outcome": ("error",)},
    "cancelled": {"outcome": ("abandoned", "cancelled")},
}
"""What a rule with the name of one of certtrace's own says; `low_confidence` is beside them, with any threshold."""

RESERVED: Final = frozenset({"drop_rule", "backlog_full", "spool_full", "shutdown", "rate_limit"})
"""Reasons of the account that are no rules."""


class SamplingPolicy(BaseModel):
    """Which units are kept. The order of the rules does not matter; a drop rule wins over all."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    baseline: float = Field(default=1.0, ge=0.0, le=1.0)
    """Probability that a unit without any special reason is kept."""
    baseline_limit: Limit | None = None
    """How many units the baseline may keep."""
    keep_errors: bool = True
    """Keep every unit with an error (rule `error`), a cancellation or an early close (rule `cancelled`)."""
    keep_confidence_below: float | None = Field(default=0.7, ge=0.0, le=1.0)
    """Keep every unit with a recorded confidence below this (rule `low_confidence`); 0.0 and None for no such rule."""
    rules: tuple[Rule, ...] = ()
    """Reasons to keep or to drop, in any order."""
    parent: Parent = "keep"
    """What a remote parent's decision means here.

    `keep`: a sampled parent's T lowers ours, so that traces stay whole. `follow`: its decision is ours, but for rules
    that are certain. `ignore`: nothing.
    """
    scores: Scores = "drop"
    """What becomes of a score for a dropped unit: it is dropped too, or makes the unit kept where it can be had."""
    dry_run: bool = False
    """Keep everything, and say on each span what the policy would have done."""

    @field_validator("keep_confidence_below")
    @classmethod
    def _none_is_zero(cls, value: float | None) -> float | None:
        return value or None

    @model_validator(mode="after")
    def _names(self) -> Self:
        twice = [name for name, count in Counter(rule.name for rule in self.rules).items() if count > 1]
        if twice:
            msg = f"Two rules are named {twice[0]!r}. Counts and spans go by the name: give each its own."
            raise ValueError(msg)
        for rule in self.rules:
            if rule.name in RESERVED:
                msg = f"The name {rule.name!r} stands for another reason in the account. Choose another."
                raise ValueError(msg)
            if rule.name in RULES:
                self._restated(rule)
        return self

    def _restated(self, rule: Rule) -> None:
        said = rule.model_dump(exclude_defaults=True, exclude={"name"})
        if rule.name == "low_confidence":
            below = said.pop("confidence_below", None)
            if below is not None and not said and below == self.keep_confidence_below:
                return
            advice = f"Set keep_confidence_below = {below}" if below is not None else "Use keep_confidence_below"
        else:
            if rule.name in RESTATED and said == RESTATED[rule.name]:
                return
            advice = "Use keep_errors" if rule.name in RESTATED else "Use the setting for it"
        msg = f"The name {rule.name!r} is that of a rule certtrace has itself. {advice}, or choose another name."
        raise ValueError(msg)

    @property
    def baseline_threshold(self) -> int:
        """T of the baseline."""
        return threshold_for(self.baseline)

    @property
    def own_rules(self) -> tuple[Rule, ...]:
        """The rules without those that restate what is built in and switched on."""
        return tuple(rule for rule in self.rules if not self._is_built_in(rule.name))

    def _is_built_in(self, name: str) -> bool:
        return name == "low_confidence" or (self.keep_errors and name in RESTATED)

    def limits(self) -> tuple[LimitSpec, ...]:
        """Return the limits of the baseline and of the rules that have one."""
        given = [("baseline", self.baseline_limit), *((rule.name, rule.limit) for rule in self.rules)]
        return tuple(limit.spec(name) for name, limit in given if limit is not None)

    @cached_property
    def version(self) -> str:
        """12 hex digits of the SHA-256 of the policy as canonical JSON."""
        return hashlib.sha256(orjson.dumps(self.canonical(), option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]

    def changed(self, **fields: Any) -> "SamplingPolicy":
        """Return the policy with other values for some fields.

        Raises:
            ValidationError: They do not fit together.
        """
        # Not `model_copy`, which copies a version that was worked out already and does not look at the values.
        return type(self).model_validate({name: getattr(self, name) for name in type(self).model_fields} | fields)

    def canonical(self) -> dict[str, Any]:
        """Return the policy as JSON-like data; the order of the rules, which means nothing, is that of their names."""
        content = self.model_dump(mode="json", exclude={"rules"})
        own = sorted(self.own_rules, key=lambda rule: rule.name)
        return {**content, "rules": [rule.canonical() for rule in own]}
