"""What an observation cost: the model that its name matches, the tier that holds, usage times price."""

import operator
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import re2

from certtrace.records.catalog.models import Model, PricingTier, all_models
from certtrace.records.model import Observation

_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "neq": operator.ne,
}


def is_pattern(pattern: str) -> bool:
    """Tell whether a text is a regular expression (RE2)."""
    return _compiled(pattern) is not None


_LONGEST_NAME: Final = 1_000
"""A longer text is no model's name: patterns that count would take seconds to look through it."""


class ModelPrices:
    """The models of one project, to look up by the name that an observation gives."""

    def __init__(self, models: Sequence[Model]) -> None:
        """Take the models in the order in which they are tried."""
        self._models = models

    @classmethod
    def of(cls, connection: sqlite3.Connection, project: str) -> "ModelPrices":
        """Read the models of a project."""
        return cls(all_models(connection, project))

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._models)

    def matching(self, name: str | None, start_time_ns: int) -> Model | None:
        """Return the model for the name that an observation gives: the newest that had started by then."""
        if not name or len(name) > _LONGEST_NAME:
            return None
        return next(
            (
                model
                for model in self._models
                if (model.start_date_ns is None or model.start_date_ns <= start_time_ns)
                and (pattern := _compiled(model.match_pattern)) is not None
                and pattern.search(name) is not None
            ),
            None,
        )

    def cost_details(self, observation: Observation) -> dict[str, float]:
        """Return what an observation cost by kind of usage, with a `total`; empty where nothing says so."""
        model = self.matching(observation.model, observation.start_time_ns)
        tier = None if model is None else tier_of(model, observation)
        if tier is None:
            return {}
        costs = {
            kind: float(Decimal(repr(tier.prices[kind])) * Decimal(repr(used)))
            for kind, used in observation.usage_details.items()
            if kind in tier.prices
        }
        return costs if not costs or "total" in costs else {**costs, "total": sum(costs.values())}


def priced(connection: sqlite3.Connection, project: str, observations: Sequence[Observation]) -> list[Observation]:
    """Return observations with their cost where none was sent, usage is known, and a model matches."""
    prices = ModelPrices.of(connection, project)
    if not prices:
        return list(observations)
    return [
        observation
        if observation.cost_details or not observation.usage_details
        else replace(observation, cost_details=prices.cost_details(observation))
        for observation in observations
    ]


def tier_of(model: Model, observation: Observation) -> PricingTier | None:
    """Return the tier that holds: the first by priority whose conditions are all met, else the default."""
    special = sorted((tier for tier in model.pricing_tiers if not tier.is_default), key=lambda tier: tier.priority)
    for tier in special:
        if tier.conditions and all(_is_met(condition, observation) for condition in tier.conditions):
            return tier
    return next((tier for tier in model.pricing_tiers if tier.is_default), None)


def _is_met(condition: Mapping[str, Any], observation: Observation) -> bool:
    if "usageDetailPattern" not in condition:
        attributes = observation.metadata if condition["source"] == "metadata" else observation.model_parameters
        return attributes.get(condition["key"]) in condition["values"]
    flags = "" if condition.get("caseSensitive") else "(?i)"
    pattern = _compiled(flags + condition["usageDetailPattern"])
    if pattern is None:
        return False
    used = _sum(value for kind, value in observation.usage_details.items() if pattern.search(kind))
    return _COMPARISONS[condition["operator"]](used, condition["value"])


def _sum(values: Iterable[float]) -> float:
    return sum(values, 0.0)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any | None:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error:
        return None
