"""Items of datasets."""

import contextlib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from certtrace.records.catalog import dataset_items, datasets
from certtrace.records.catalog.datasets import Dataset
from certtrace.records.catalog.json_values import plain_text
from certtrace.records.catalog.refusals import RefusedError
from certtrace.server.access.callers import Deleting, Editing, Reading
from certtrace.server.answers import answer
from certtrace.server.api.dataset_shapes import item_json
from certtrace.server.api.datasets import dataset_named
from certtrace.server.api.fields import Moment
from certtrace.server.api.refusals import reading, writing
from certtrace.server.api.schemas import findings
from certtrace.server.api.shapes import refused_query
from certtrace.server.box import InBox
from certtrace.server.errors import invalid, not_found
from certtrace.server.intake.redacting import redacted_body, sought_name
from certtrace.server.paging import Paged

router: Final = APIRouter(prefix="/api/public", tags=["dataset-items"])

_VERSION: Final = "version"
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_FIELDS: Final = {
    "input": "input",
    "expectedOutput": "expected_output",
    "metadata": "metadata",
    "sourceTraceId": "source_trace_id",
    "sourceObservationId": "source_observation_id",
    "status": "status",
}


class ItemBody(BaseModel):
    """An item to make, or to change where there is one of that id."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    dataset_name: str
    id: str | None = None
    input: Any = None
    expected_output: Any = None
    metadata: Any = None
    source_trace_id: str | None = None
    source_observation_id: str | None = None
    status: Literal["ACTIVE", "ARCHIVED"] | None = None


class ItemsQuery(BaseModel):
    """Which items to list."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    dataset_name: str | None = None
    source_trace_id: str | None = None
    source_observation_id: str | None = None
    version: Moment | None = None
    """The moment to look at."""


@router.post("/dataset-items")
def put_item(body: ItemBody, box: InBox, caller: Editing) -> Response:
    """Make an item, or a new version of the item of that id; what is not given stays as it was."""
    project = caller.project_id
    given = {key: _normal(getattr(body, _FIELDS[key])) for key in ("input", "expectedOutput", "metadata")}
    if not body.id and given["input"] is None:
        msg = "Dataset item validation failed: Dataset item input cannot be null"
        raise invalid(msg)
    given |= {key: getattr(body, _FIELDS[key]) for key in ("sourceTraceId", "sourceObservationId", "status")}
    clean = redacted_body(box, {key: value for key, value in given.items() if value is not None})
    with writing(box) as connection:
        dataset = datasets.find(connection, project, sought_name(box, body.dataset_name))
        if dataset is None:
            msg = f"Dataset {body.dataset_name} not found for project {project}"
            raise not_found(msg)
        as_sent = {_FIELDS[key]: value for key, value in given.items() if value is not None}
        item = dataset_items.put(
            connection,
            project,
            dataset,
            body.id,
            {_FIELDS[key]: value for key, value in clean.items() if key in _FIELDS},
            lambda whole: _check(dataset, {**whole, **as_sent}),
        )
        shown = item_json(box, connection, project, item)
    if not caller.may_read:
        shown |= {key: None for key, value in given.items() if value is None and key != "status"}
        shown["mediaReferences"] = []
    return answer(shown)


@router.get("/dataset-items")
def list_items(asked: Annotated[ItemsQuery, Query()], page: Paged, box: InBox, caller: Reading) -> Response:
    """List active items, the last changed first; with a version as they were at that time."""
    project = caller.project_id
    if asked.version is not None and not asked.dataset_name:
        msg = "datasetName is required when version is provided"
        raise refused_query(_VERSION, msg)
    with reading(box) as connection:
        dataset = dataset_named(box, connection, project, asked.dataset_name) if asked.dataset_name else None
        wanted = dataset_items.ItemFilter(
            dataset_id=dataset.id if dataset else None,
            source_trace_id=asked.source_trace_id or None,
            source_observation_id=asked.source_observation_id or None,
            as_of_ns=asked.version,
        )
        found, total = dataset_items.page(connection, project, wanted, limit=page.limit, offset=page.offset)
        shown = [item_json(box, connection, project, each) for each in found]
    return answer(page.body(shown, total))


@router.get("/dataset-items/{item_id:path}")
def get_item(item_id: str, box: InBox, caller: Reading) -> Response:
    """Return an item as it is."""
    with reading(box) as connection:
        found = dataset_items.find(connection, caller.project_id, item_id)
        if found is None:
            msg = "Dataset item not found"
            raise not_found(msg)
        return answer(item_json(box, connection, caller.project_id, found))


@router.delete("/dataset-items/{item_id:path}")
def delete_item(item_id: str, box: InBox, caller: Deleting) -> Response:
    """Delete an item; as of earlier times it stays."""
    with writing(box) as connection:
        dataset_items.delete(connection, caller.project_id, item_id)
    return answer({"message": "Dataset item successfully deleted"})


def _check(dataset: Dataset, values: Mapping[str, Any]) -> None:
    """Check a whole item, as it was sent, against its dataset's schemas."""
    sides = (
        ("Input", dataset.input_schema, values["input"]),
        ("Expected output", dataset.expected_output_schema, values["expected_output"]),
    )
    wrongs = [
        f"{side} validation failed: " + ", ".join(each.message for each in found)
        for side, schema, value in sides
        if (found := findings(schema, value))
    ]
    if wrongs:
        msg = "Dataset item validation failed: " + "; ".join(wrongs)
        raise RefusedError(msg)


def _normal(value: Any) -> Any:
    """Return a value as Langfuse keeps it: JSON text decoded, empty text as nothing, no control characters."""
    if isinstance(value, str):
        if value == "":
            return None
        with contextlib.suppress(ValueError, RecursionError):
            value = orjson.loads(value)
    return _printable(value)


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return _CONTROL.sub("", plain_text(value))
    if isinstance(value, dict):
        return {key: _printable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_printable(each) for each in value]
    return value
