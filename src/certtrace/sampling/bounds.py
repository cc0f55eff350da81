"""How many units one rule, or the baseline, may keep."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from certtrace.sampling.verdict import DEFAULT_MAX_KEYS, LimitSpec


class Limit(BaseModel):
    """Bounds per second and per day, over all and for each key by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    per_second: float | None = Field(default=None, gt=0.0, le=1_000_000.0)
    per_day: int | None = Field(default=None, ge=1)
    key_per_second: float | None = Field(default=None, gt=0.0, le=1_000_000.0)
    """The same for each key by itself."""
    key_per_day: int | None = Field(default=None, ge=1)
    key: str | None = Field(default=None, min_length=1)
    """`service`, `route`, or the key of an attribute, such as a tenant's."""
    max_keys: int = Field(default=DEFAULT_MAX_KEYS, ge=1, le=100_000)
    """Keys counted apart; further ones share one budget."""

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        by_key = self.key_per_second is not None or self.key_per_day is not None
        if not by_key and self.per_second is None and self.per_day is None:
            msg = "A limit without a bound limits nothing. Give per_second, per_day, key_per_second or key_per_day."
            raise ValueError(msg)
        if by_key and self.key is None:
            msg = "key_per_second and key_per_day need a key: service, route, or the key of an attribute."
            raise ValueError(msg)
        if self.key is not None and not by_key:
            msg = "A key alone limits nothing. Give key_per_second or key_per_day as well, or leave the key out."
            raise ValueError(msg)
        return self

    def spec(self, rule: str) -> LimitSpec:
        """Return the limit as the limits' windows take it."""
        return LimitSpec(
            rule=rule,
            per_second=self.per_second,
            per_day=self.per_day,
            key_per_second=self.key_per_second,
            key_per_day=self.key_per_day,
            max_keys=self.max_keys,
        )
