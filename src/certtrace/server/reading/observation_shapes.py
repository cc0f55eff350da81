"""Observations as the API writes them: by groups of fields, and whole as the 4.x clients expect them."""

import sqlite3
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, Final

import orjson

from certtrace.records.catalog.model_prices import ModelPrices
from certtrace.records.langfuse_json import iso
from certtrace.records.mapping.metadata import flat_metadata, shown_metadata
from certtrace.records.queries.flat import shortened
from certtrace.records.queries.observations import Row
from certtrace.records.queries.prompt_ids import PromptIds
from certtrace.records.queries.where import NS_PER_MS

Shape = dict[str, Any]

_JSON_STARTS: Final = frozenset('{["-0123456789tfn \t\r\n')
_UNPRICED: Final[Shape] = {"modelId": None, "inputPrice": None, "outputPrice": None, "totalPrice": None}


class Lookups:
    """What an observation refers to by name: models and prompts of one project, each read once."""

    def __init__(self, connection: sqlite3.Connection, project: str) -> None:
        """Take the connection of one request."""
        self._connection = connection
        self._project = project
        self._models: ModelPrices | None = None
        self._prompts = PromptIds(connection, project)

    def prompt_id(self, row: Row) -> str | None:
        """Return the id of the prompt that an observation used, if it is known here."""
        return self._prompts.find(row["prompt_name"], row["prompt_version"])

    def prices(self, row: Row) -> Shape:
        """Return the model that an observation's name of a model means, with its prices per unit."""
        if not row["model"]:
            return dict(_UNPRICED)
        if self._models is None:
            self._models = ModelPrices.of(self._connection, self._project)
        model = self._models.matching(row["model"], row["start_time_ns"])
        if model is None:
            return dict(_UNPRICED)
        prices = {f"{kind}Price": model.default_prices.get(kind) for kind in ("input", "output", "total")}
        return {"modelId": model.id, **prices}


def observation_by_groups(
    row: Row, project: str, groups: Collection[str], lookups: Lookups, *, whole_metadata: bool
) -> Shape:
    """Return an observation with the groups of fields that were asked for.

    Args:
        row: Has the columns of the groups.
        project: Its project's id.
        groups: Of `queries.observations.FIELD_GROUPS`.
        lookups: Models and prompts.
        whole_metadata: Whether long metadata values are shown uncut.
    """
    shape: Shape = {
        "id": row["id"],
        "traceId": row["trace_id"],
        "startTime": iso(row["start_time_ns"]),
        "endTime": iso(row["end_time_ns"]),
        "projectId": project,
        "parentObservationId": row["parent_observation_id"] or None,
        "type": row["type"],
    }
    for group, fields in _GROUPS.items():
        if group in groups:
            shape.update(fields(row))
    if "metadata" in groups:
        flat = flat_metadata(orjson.loads(row["metadata"]))
        shape["metadata"] = flat if whole_metadata else {key: shortened(value) for key, value in flat.items()}
    if "prompt" in groups:
        shape["promptId"] = lookups.prompt_id(row) or ""
    prices = dict(_UNPRICED)
    if "model" in groups:
        prices = lookups.prices(row)
        shape["internalModelId"] = prices["modelId"] or ""
    return shape | {key: value if key == "modelId" else _decimal(value) for key, value in prices.items()}


def _basic(row: Row) -> Shape:
    return {
        "name": row["name"],
        "level": row["level"],
        "statusMessage": row["status_message"] or "",
        "version": row["version"] or "",
        "environment": row["environment"],
        "bookmarked": bool(row["bookmarked"]),
        "public": bool(row["public"]),
        "userId": row["user_id"] or "",
        "sessionId": row["session_id"] or "",
        "isRootObservation": _is_root(row),
    }


def _time(row: Row) -> Shape:
    return {
        "completionStartTime": _moment(row["completion_start_time_ns"]),
        "createdAt": _moment(_created(row)),
        "updatedAt": _moment(_updated(row)),
    }


def _content(row: Row) -> Shape:
    return {"input": row["input"] or None, "output": row["output"] or None}


def _model(row: Row) -> Shape:
    return {"model": row["model"] or "", "modelParameters": orjson.Fragment(row["model_parameters"])}


def _usage(row: Row) -> Shape:
    usage, cost = _details(row["usage_details"]), _details(row["cost_details"])
    return {
        "usageDetails": usage,
        "costDetails": cost,
        "inputUsage": _reduced(usage, "input") or 0,
        "outputUsage": _reduced(usage, "output") or 0,
        "totalUsage": usage.get("total", 0),
        "inputCost": _reduced(cost, "input"),
        "outputCost": _reduced(cost, "output"),
        "totalCost": cost.get("total", 0),
        "usagePricingTierId": None,
        "usagePricingTierName": None,
    }


def _prompt(row: Row) -> Shape:
    return {"promptName": row["prompt_name"] or "", "promptVersion": row["prompt_version"] or None}


def _metrics(row: Row) -> Shape:
    return {
        "latency": _seconds(row["start_time_ns"], row["end_time_ns"]),
        "timeToFirstToken": _seconds(row["start_time_ns"], row["completion_start_time_ns"]),
    }


def _trace_context(row: Row) -> Shape:
    return {
        "tags": orjson.Fragment(row["tags"]),
        "release": row["release"] or "",
        "traceName": row["trace_name"] or (row["name"] if _is_root(row) else "") or "",
    }


def _is_root(row: Row) -> bool:
    return not row["parent_observation_id"] or bool(row["is_app_root"])


_GROUPS: Final[Mapping[str, Callable[[Row], Shape]]] = {
    "basic": _basic,
    "time": _time,
    "io": _content,
    "model": _model,
    "usage": _usage,
    "prompt": _prompt,
    "metrics": _metrics,
    "trace_context": _trace_context,
}


def whole_observation(row: Row, project: str, lookups: Lookups) -> Shape:
    """Return a whole observation as the 4.x API wrote it: contents parsed, usage and cost in their older forms too."""
    usage, cost = _details(row["usage_details"]), _details(row["cost_details"])
    given, made, total = _reduced(usage, "input") or 0, _reduced(usage, "output") or 0, usage.get("total", 0)
    created_ns, updated_ns = _created(row), _updated(row)
    created = _moment(created_ns)
    return {
        "id": row["id"],
        "traceId": row["trace_id"],
        "projectId": project,
        "environment": row["environment"],
        "parentObservationId": row["parent_observation_id"] or None,
        "type": row["type"],
        "name": row["name"] or None,
        "startTime": iso(row["start_time_ns"]),
        "endTime": iso(row["end_time_ns"]),
        "completionStartTime": _moment(row["completion_start_time_ns"]),
        "createdAt": created,
        "updatedAt": created if updated_ns == created_ns else _moment(updated_ns),
        "level": row["level"],
        "statusMessage": row["status_message"] or None,
        "version": row["version"] or None,
        "input": parsed_content(row["input"]),
        "output": parsed_content(row["output"]),
        "metadata": shown_metadata(orjson.loads(row["metadata"])),
        "model": row["model"] or None,
        "modelParameters": orjson.Fragment(row["model_parameters"]),
        "promptId": lookups.prompt_id(row),
        "promptName": row["prompt_name"] or None,
        "promptVersion": row["prompt_version"] or None,
        "usageDetails": usage,
        "costDetails": cost,
        "usagePricingTierId": None,
        "usagePricingTierName": None,
        "usage": {"unit": "TOKENS", "input": given, "output": made, "total": total},
        "unit": "TOKENS",
        "promptTokens": given,
        "completionTokens": made,
        "totalTokens": total,
        **lookups.prices(row),
        "calculatedInputCost": _reduced(cost, "input"),
        "calculatedOutputCost": _reduced(cost, "output"),
        "calculatedTotalCost": cost.get("total", 0),
        "latency": _seconds(row["start_time_ns"], row["end_time_ns"]),
        "timeToFirstToken": _seconds(row["start_time_ns"], row["completion_start_time_ns"]),
    }


def parsed_content(content: str | None) -> Any:
    """Return input or output parsed where it is JSON; any other text as it is, nothing where it is empty."""
    if not content:
        return None
    if content[0] not in _JSON_STARTS:
        return content
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content


def _details(stored: str) -> dict[str, float]:
    """Return stored usage or cost."""
    details: dict[str, float] = {} if stored == "{}" else orjson.loads(stored)
    return details


def _moment(time_ns: int | None) -> str | None:
    return None if time_ns is None else iso(time_ns)


def _created(row: Row) -> int | None:
    """Return when the store took it; what older versions stored came about when it ended."""
    created: int | None = row["created_at_ns"] or row["end_time_ns"]
    return created


def _updated(row: Row) -> int | None:
    return row["updated_at_ns"] or _created(row)


def _seconds(start_ns: int, end_ns: int | None) -> float | None:
    """Return a duration between two times as they are shown, in seconds; like Langfuse nothing for none at all."""
    if end_ns is None:
        return None
    milliseconds = end_ns // NS_PER_MS - start_ns // NS_PER_MS
    return milliseconds / 1000 if milliseconds else None


def _reduced(details: Mapping[str, float], kind: str) -> float | None:
    """Return everything of a kind together: `input` and what begins with it."""
    if not details:
        return None
    found = [value for key, value in details.items() if key.startswith(kind)]
    return sum(found) if found else None


def _decimal(price: float | None) -> str | None:
    """Return a price as decimal text, with an exponent below 1e-6 as JavaScript writes it."""
    if price is None:
        return None
    number = Decimal(repr(price)).normalize()
    if number.is_zero():
        return "0"
    if number.adjusted() <= -7 or number.adjusted() >= 21:
        mantissa, _, exponent = f"{number:e}".partition("e")
        return f"{mantissa}e{int(exponent):+d}"
    return f"{number:f}"
