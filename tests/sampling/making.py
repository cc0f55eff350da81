"""Units for the tests of sampling, as plain as the tests want them."""

from collections.abc import Mapping
from typing import Any

from certtrace.ports import UnitFacts
from certtrace.sampling.model import SamplingPolicy

HIGH = 2**56 - 1
LOW = 0


def facts(attributes: Mapping[str, list[object]] | None = None, spans: tuple[str, ...] = (), **given: Any) -> UnitFacts:
    """Return the facts of a unit: in `attributes` the values of each key, the local root's first."""
    values = attributes or {}
    route = given.get("route", "answer.grade")
    defaults: dict[str, Any] = {
        "service": "grading-worker",
        "route": route,
        "randomness": LOW,
        "duration_ns": 1_000_000,
        "span_count": 3,
        "values": lambda key: values.get(key, ()),
        "span_names": lambda: (route, *spans),
    }
    return UnitFacts(**{**defaults, **given})


def policy(*rules: Mapping[str, Any], **given: Any) -> SamplingPolicy:
    """Return a policy that keeps nothing by its baseline, unless told otherwise."""
    return SamplingPolicy.model_validate({"baseline": 0.0, **given, "rules": list(rules)})
