"""How stored observations came through sampling: what estimates over stored traces are made of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from certtrace import semconv

_THRESHOLD: Final = re.compile(r"[0-9a-f]{1,14}")

COLUMNS: Final = (
    "trace_id, id, service, cost_details, content_lost, "
    f"""coalesce(json_extract(metadata, '$."{semconv.SAMPLING}"'), """
    f"""json_extract(metadata, '$.attributes."{semconv.SAMPLING}"')) AS stamp"""
)


@dataclass(frozen=True, slots=True)
class SampledPart:
    """One stored observation, as far as sampling goes."""

    trace_id: str
    observation_id: str
    service: str | None
    cost: float
    """Total cost, 0 where none is recorded."""
    rule: str | None
    """What kept its unit; None where the observation does not say."""
    threshold: int | None
    """T of its unit; None where the unit was kept for context only, or the observation does not say."""
    is_stand_in: bool
    """Whether it stands for a unit whose content was lost."""


def part_from(row: Mapping[str, Any]) -> SampledPart:
    """Return the part that a row of `COLUMNS` holds."""
    stamp = _stamp(row["stamp"])
    cost = orjson.loads(row["cost_details"]).get("total", 0.0)
    rule = stamp.get("rule")
    return SampledPart(
        trace_id=row["trace_id"],
        observation_id=row["id"],
        service=row["service"],
        cost=float(cost) if isinstance(cost, (int, float)) else 0.0,
        rule=rule if isinstance(rule, str) else None,
        threshold=_threshold(stamp),
        is_stand_in=bool(row["content_lost"]),
    )


def _stamp(text: object) -> Mapping[str, object]:
    try:
        stamp = orjson.loads(text) if isinstance(text, str) else None
    except ValueError:
        stamp = None
    return stamp if isinstance(stamp, dict) else {}


def _threshold(stamp: Mapping[str, object]) -> int | None:
    """Return T, which `th` writes as hexadecimal digits without the trailing zeros."""
    digits = stamp.get("th")
    return int(digits.ljust(14, "0"), 16) if isinstance(digits, str) and _THRESHOLD.fullmatch(digits) else None
