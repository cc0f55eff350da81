"""One rule of a policy: its conditions, and what happens to a unit that meets all of them."""

import math
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from certtrace.sampling.bounds import Limit
from certtrace.sampling.expressions import expression
from certtrace.sampling.tracestate import threshold_for
from certtrace.sampling.verdict import NEVER

Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "contains", "matches", "exists"]
Outcome = Literal["error", "cancelled", "abandoned"]
Scalar = StrictBool | StrictInt | StrictFloat | StrictStr

_ORDERED: Final = frozenset({"<", "<=", ">", ">="})


def _one_or_many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _sorted(value: Any) -> Any:
    return tuple(sorted(set(value))) if isinstance(value, (list, tuple)) and all(map(_is_text, value)) else value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


Globs = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_one_or_many)]


class Comparison(BaseModel):
    """A condition on the values that one attribute has in the spans of a unit."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    key: str = Field(min_length=1)
    """The attribute's key."""
    op: Operator = "=="
    value: Scalar | tuple[Scalar, ...] | None = None
    """What is compared with: a list for `in`, an expression for `matches`, nothing for `exists`."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        problem = self._problem()
        if problem:
            msg = f"{self.key} {self.op}: {problem}"
            raise ValueError(msg)
        return self

    def _problem(self) -> str:
        listed = isinstance(self.value, tuple)
        if self.op == "exists":
            return "exists takes no value. Leave it out." if self.value is not None else ""
        if self.value is None or self.value == ():
            return "the value is missing. Only exists goes without."
        if listed != (self.op == "in"):
            return "in takes a list of values." if not listed else "a list of values goes with in only."
        return self._wrong_scalar()

    def _wrong_scalar(self) -> str:
        scalars = self.value if isinstance(self.value, tuple) else (self.value,)
        if any(isinstance(each, float) and not math.isfinite(each) for each in scalars):
            return "the value is no finite number."
        if self.op in _ORDERED and isinstance(self.value, bool):
            return "true and false have no order. Compare with == instead."
        if self.op == "matches":
            return self._wrong_expression()
        return ""

    def _wrong_expression(self) -> str:
        if not isinstance(self.value, str):
            return "matches takes a regular expression as text."
        try:
            expression(self.value)
        except ValueError as error:
            return f"the expression is refused ({error}). Look-around and back-references are not possible."
        return ""


class Rule(BaseModel):
    """A unit that meets all conditions is dropped, or kept with a probability and within a limit."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z0-9_-]{1,64}$")
    """What spans and counts call it."""
    drop: bool = False
    """Drop the unit, whatever the other rules say."""
    keep: float = Field(default=1.0, ge=0.0, le=1.0)
    """Probability that the unit is kept."""
    limit: Limit | None = None
    """How many units the rule may keep."""

    service: Globs | None = None
    """Glob or globs of the service's name."""
    route: Globs | None = None
    """Glob or globs of the local root's name."""
    span: Globs | None = None
    """Glob or globs of the name of any span in the unit."""
    outcome: Annotated[tuple[Outcome, ...], BeforeValidator(_one_or_many), BeforeValidator(_sorted)] | None = Field(
        default=None, min_length=1
    )
    """Any of `error`, `cancelled` and `abandoned` happened in the unit."""
    slower_than_seconds: float | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    """The local root took longer."""
    confidence_below: float | None = Field(default=None, gt=0.0, le=1.0)
    """The lowest confidence recorded in the unit is below."""
    passes_disagree: float | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    """The spread of the grades of a grading's passes is above."""
    pass_mark_within: float | None = Field(default=None, ge=0.0, le=100.0)
    """The grade is so many points of a hundred, or fewer, from the pass mark."""
    expert_override: Literal[True] | None = None
    """An expert gave another grade than the AI."""
    cost_above_usd: float | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    """The unit's model calls cost more."""
    forced: Literal[True] | None = None
    """Code asked to keep the unit, here or in another process of the trace."""
    where: tuple[Comparison, ...] = ()
    """Conditions on attributes."""

    @model_validator(mode="after")
    def _acts(self) -> Self:
        if self.drop and ("keep" in self.model_fields_set or self.limit is not None):
            msg = "A rule either drops or keeps. Leave out drop, or keep and limit."
            raise ValueError(msg)
        if not self.drop and self.threshold >= NEVER:
            msg = "keep = 0.0 never keeps, so the rule says nothing. Use drop = true, or a probability above 0."
            raise ValueError(msg)
        if not self.conditions and self.limit is None:
            msg = "A rule without a condition takes every unit. Give it one, or set baseline instead."
            raise ValueError(msg)
        return self

    @property
    def threshold(self) -> int:
        """T of the rule's own probability; that of a drop rule never keeps."""
        return NEVER if self.drop else threshold_for(self.keep)

    @property
    def conditions(self) -> frozenset[str]:
        """Names of the conditions that the rule has."""
        return frozenset(name for name in CONDITIONS if getattr(self, name) not in (None, ()))

    def canonical(self) -> dict[str, Any]:
        """Return the rule as JSON-like data without what it leaves at its default."""
        content = self.model_dump(mode="json", exclude_defaults=True)
        if self.limit is not None:
            content["limit"] = self.limit.model_dump(mode="json", exclude_defaults=True)
        return {**content, **({"keep": self.keep} if not self.drop else {})}


CONDITIONS: Final = frozenset(Rule.model_fields) - {"name", "drop", "keep", "limit"}
"""Every condition that a rule can have."""
