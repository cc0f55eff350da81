"""Experiments and their items, as the spans of their runs tell them."""

import base64
import binascii
import re
import sqlite3
from collections.abc import Sequence
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BeforeValidator, Field

from certtrace.records.catalog import experiments
from certtrace.records.catalog.experiments import ExperimentFilter, ExperimentSummary, Position, Row
from certtrace.records.langfuse_json import iso
from certtrace.records.mapping.metadata import flat_metadata
from certtrace.records.queries import scores
from certtrace.server.access.callers import Reading, seen
from certtrace.server.answers import answer
from certtrace.server.api.fields import Moment
from certtrace.server.box import Box, InBox
from certtrace.server.errors import ApiError, invalid
from certtrace.server.reading.asking import asking
from certtrace.server.reading.filter_parameter import conditions_of, custom_issue, refused
from certtrace.server.reading.parameters import Commas, PageLimit, Parameters, Time, stored_forms
from certtrace.server.reading.score_shapes import score_by_groups

router: Final = APIRouter(prefix="/api/public", tags=["experiments"])

_GROUPS: Final = ("core", "metadata", "scores")
_ITEM_GROUPS: Final = ("core", "dataset", "io", "metadata", "itemMetadata", "experimentMetadata", "scores")
_SCORE_GROUPS: Final = ("core", "subject")
_MOST_SCORES: Final = 50
_CURSOR: Final = ("lastTime", "lastTraceId", "lastId", "lastExperimentId")
_TIME: Final = re.compile("[0-9]{1,20}")


def _most_if_empty(given: Any) -> Any:
    return _MOST_SCORES if given == "" else given


class _Parameters(Parameters):
    fields: Commas = None
    limit: PageLimit = 50
    score_limit: Annotated[int, BeforeValidator(_most_if_empty), Field(ge=1, le=_MOST_SCORES)] = _MOST_SCORES
    cursor: str | None = None
    from_start_time: Moment
    to_start_time: Time = None
    dataset_id: Commas = None
    filter: str | None = None


class ExperimentsParameters(_Parameters):
    """Which experiments, which of their fields, and where to go on."""

    id: Commas = None
    name: Commas = None


class ExperimentItemsParameters(_Parameters):
    """Which items, which of their fields, and where to go on."""

    experiment_id: Commas = None
    experiment_name: Commas = None
    experiment_item_id: Commas = None


@router.get("/experiments")
def list_experiments(box: InBox, caller: Reading, asked: Annotated[ExperimentsParameters, Query()]) -> Response:
    """List experiments, the last active first."""
    groups = _groups(asked.fields, _GROUPS, ("core",))
    after = _position(asked.cursor)
    wanted = _wanted(box, asked, asked.id, asked.name, None)
    with asking(box) as connection:
        found, more = experiments.page(connection, caller.project_id, wanted, limit=asked.limit, after=after)
        data = [_experiment_json(connection, caller.project_id, each, groups, asked.score_limit) for each in found]
    return answer({"data": data, "meta": {"cursor": _cursor(found[-1].last)} if more else {}})


@router.get("/experiment-items")
def list_experiment_items(
    request: Request, box: InBox, caller: Reading, asked: Annotated[ExperimentItemsParameters, Query()]
) -> Response:
    """List items of experiments, the newest first."""
    groups = _groups(asked.fields, _ITEM_GROUPS, ("core", "dataset"))
    after = _position(asked.cursor)
    wanted = _wanted(box, asked, asked.experiment_id, asked.experiment_name, asked.experiment_item_id)
    wide = (("input", "output") if "io" in groups else ()) + (("metadata",) if "metadata" in groups else ())
    with asking(box) as connection:
        found, more = experiments.items(
            connection, caller.project_id, wanted, wide=wide, limit=asked.limit, after=after
        )
        data = [_item_json(connection, caller.project_id, each, groups, asked.score_limit) for each in found]
    seen(request, caller, (row["trace_id"] for row in found))
    return answer({"data": data, "meta": {"cursor": _cursor(_position_of(found[-1]))} if more else {}})


def _wanted(
    box: Box,
    asked: _Parameters,
    ids: Sequence[str] | None,
    names: Sequence[str] | None,
    item_ids: Sequence[str] | None,
) -> ExperimentFilter:
    return ExperimentFilter(
        since_ns=asked.from_start_time,
        before_ns=asked.to_start_time,
        ids=ids,
        names=None if names is None else [form for name in names for form in stored_forms(box, name) or ()],
        item_ids=item_ids,
        dataset_ids=asked.dataset_id,
        conditions=conditions_of(box, asked.filter),
    )


def _experiment_json(
    connection: sqlite3.Connection, project: str, experiment: ExperimentSummary, groups: Sequence[str], most: int
) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "id": experiment.id,
        "name": experiment.name,
        "description": experiment.description,
        "startTime": iso(experiment.start_time_ns),
        "endTime": iso(experiment.end_time_ns),
        "itemCount": experiment.item_count,
        "datasetId": experiment.dataset_id,
    }
    if "metadata" in groups:
        shape["metadata"] = dict(experiment.metadata)
    if "scores" in groups:
        wanted = scores.ScoreFilter(dataset_run_ids=[experiment.id])
        found, _more = scores.list_after(connection, project, wanted, limit=most, after=None)
        shape["scores"] = [score_by_groups(row, project, _SCORE_GROUPS) for row in found]
    return shape


def _item_json(
    connection: sqlite3.Connection, project: str, row: Row, groups: Sequence[str], most: int
) -> dict[str, Any]:
    told = row["experiment"]
    version = told.get("item_version_ns")
    parts: dict[str, dict[str, Any]] = {
        "dataset": {
            "experimentDatasetId": row["experiment_dataset_id"] or None,
            "experimentItemVersion": None if version is None else iso(version),
        },
        "io": {
            "input": row.get("input") or None,
            "output": row.get("output") or None,
            "expectedOutput": told.get("item_expected_output"),
        },
        "metadata": {"metadata": flat_metadata(orjson.loads(row.get("metadata") or "{}"))},
        "itemMetadata": {"experimentItemMetadata": told.get("item_metadata") or {}},
        "experimentMetadata": {
            "experimentMetadata": told.get("metadata") or {},
            "experimentDescription": told.get("description"),
        },
    }
    shape: dict[str, Any] = {
        "id": row["id"],
        "traceId": row["trace_id"],
        "startTime": iso(row["start_time_ns"]),
        "endTime": iso(row["end_time_ns"]),
        "level": row["level"],
        "environment": row["environment"],
        "experimentId": row["experiment_id"],
        "experimentName": told.get("name") or "",
        "experimentItemId": row["experiment_item_id"],
    }
    for group, fields in parts.items():
        if group in groups:
            shape |= fields
    if "scores" in groups:
        shape["scores"] = _item_scores(connection, project, row, most)
    return shape


def _item_scores(connection: sqlite3.Connection, project: str, row: Row, most: int) -> list[dict[str, Any]]:
    """Return the scores of an item and of its whole trace, the newest first."""
    found = scores.of_trace(connection, project, row["trace_id"])
    own = [each for each in reversed(found) if each["observation_id"] in (None, "", row["id"])]
    return [score_by_groups(each, project, _SCORE_GROUPS) for each in own[:most]]


def _groups(given: Sequence[str] | None, known: Sequence[str], default: Sequence[str]) -> Sequence[str]:
    if not given:
        return default
    if any(group not in known for group in given):
        options = "|".join(f'"{each}"' for each in known)
        raise refused([custom_issue(f"Invalid option: expected one of {options}", "fields")])
    return given


def _position_of(row: Row) -> Position:
    return Position(row["start_time_ns"], row["trace_id"], row["id"], row["experiment_id"])


def _cursor(last: Position) -> str:
    values = (str(last.time_ns), last.trace_id, last.observation_id, last.experiment_id)
    content = {"v": 1} | dict(zip(_CURSOR, values, strict=True))
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")


def _position(cursor: str | None) -> Position | None:
    if cursor is None:
        return None
    try:
        plain = cursor.rstrip("=")
        content = orjson.loads(base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        msg = "Invalid cursor format"
        raise invalid(msg) from None
    values = [content.get(key) for key in _CURSOR] if isinstance(content, dict) and content.get("v") == 1 else []
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < len(_CURSOR) or not _TIME.fullmatch(texts[0]):
        raise _unfit_cursor()
    return Position(int(texts[0]), *texts[1:])


def _unfit_cursor() -> ApiError:
    return refused([custom_issue("Invalid cursor", "cursor")])
