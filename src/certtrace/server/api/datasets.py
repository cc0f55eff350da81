"""Datasets, in the current form and in the older one."""

import sqlite3
from collections.abc import Callable
from typing import Annotated, Any, Final
from urllib.parse import unquote

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError, to_json

from certtrace.records.catalog import dataset_items, dataset_runs, datasets
from certtrace.records.catalog.datasets import Dataset
from certtrace.records.catalog.refusals import RefusedError
from certtrace.records.langfuse_json import iso
from certtrace.server.access.callers import Caller, Editing, Reading
from certtrace.server.answers import answer
from certtrace.server.api.dataset_shapes import item_json
from certtrace.server.api.fields import folder_path, wrong
from certtrace.server.api.refusals import reading, writing
from certtrace.server.api.schemas import findings, is_schema
from certtrace.server.api.templates import redacted_schema
from certtrace.server.box import Box, InBox
from certtrace.server.errors import forbidden, invalid, not_found
from certtrace.server.intake.redacting import redacted_body, sought_name
from certtrace.server.paging import Paged

router: Final = APIRouter(prefix="/api/public", tags=["datasets"])

_MOST_FINDINGS: Final = 10
_NOTES: Final = {
    "description": "description",
    "metadata": "metadata",
    "inputSchema": "input_schema",
    "expectedOutputSchema": "expected_output_schema",
}


def _schema(given: dict[str, Any] | None) -> dict[str, Any] | None:
    if given is not None and not is_schema(given):
        msg = "Must be a valid JSON Schema"
        raise wrong(msg)
    return given


Schema = Annotated[dict[str, Any] | None, AfterValidator(_schema)]


class DatasetBody(BaseModel):
    """A dataset to make, or to change where there is one of that name."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    name: str
    description: str | None = None
    metadata: Any = None
    input_schema: Schema = None
    expected_output_schema: Schema = None


@router.post("/v2/datasets")
def create_dataset(body: DatasetBody, box: InBox, caller: Editing) -> Response:
    """Make a dataset, or change the one of that name: notes that are given, and the schemas."""
    return answer(_upserted(box, caller, body))


@router.get("/v2/datasets")
def list_datasets(box: InBox, caller: Reading, page: Paged) -> Response:
    """List the datasets, the newest first."""
    with reading(box) as connection:
        found, total = datasets.page(connection, caller.project_id, limit=page.limit, offset=page.offset)
    return answer(page.body([dataset_json(caller.project_id, each) for each in found], total))


@router.get("/v2/datasets/{name:path}")
def get_dataset(name: str, box: InBox, caller: Reading) -> Response:
    """Return a dataset."""
    with reading(box) as connection:
        found = dataset_named(box, connection, caller.project_id, name)
    return answer(dataset_json(caller.project_id, found))


@router.post("/datasets", deprecated=True)
def create_dataset_v1(body: DatasetBody, box: InBox, caller: Editing) -> Response:
    """Make or change a dataset, as older clients do."""
    return answer(_upserted(box, caller, body) | {"items": [], "runs": []})


@router.get("/datasets", deprecated=True)
def list_datasets_v1(box: InBox, caller: Reading, page: Paged) -> Response:
    """List the datasets with the ids of their items and the names of their runs."""
    project = caller.project_id
    with reading(box) as connection:
        found, total = datasets.page(connection, project, limit=page.limit, offset=page.offset)
        ids = [each.id for each in found]
        items = dataset_items.active_ids(connection, project, ids)
        runs = dataset_runs.names(connection, project, ids)
    data = [dataset_json(project, each) | {"items": items[each.id], "runs": runs[each.id]} for each in found]
    return answer(page.body(data, total))


def whole_dataset(box: Box, project: str, name: str) -> Response:
    """Return a dataset with its items and the names of its runs, as older clients ask for it."""
    with reading(box) as connection:
        found = dataset_named(box, connection, project, name)
        wanted = dataset_items.ItemFilter(dataset_id=found.id)
        items, _total = dataset_items.page(connection, project, wanted, limit=-1, offset=0)
        runs = dataset_runs.names(connection, project, [found.id])[found.id]
        shown = [item_json(box, connection, project, each) for each in items]
    return answer(dataset_json(project, found) | {"items": shown, "runs": runs})


def dataset_named(box: Box, connection: sqlite3.Connection, project: str, name: str) -> Dataset:
    """Return the dataset of a name; some clients encode it once more than needed.

    Raises:
        ApiError: 404, there is none.
    """
    for each in dict.fromkeys((name, unquote(name))):
        found = datasets.find(connection, project, sought_name(box, each))
        if found is not None:
            return found
    msg = "Dataset not found"
    raise not_found(msg)


def dataset_json(project: str, dataset: Dataset) -> dict[str, Any]:
    """Return a dataset as the API shows it."""
    return {
        "id": dataset.id,
        "name": dataset.name,
        "description": dataset.description,
        "metadata": dataset.metadata,
        "inputSchema": dataset.input_schema,
        "expectedOutputSchema": dataset.expected_output_schema,
        "projectId": project,
        "createdAt": iso(dataset.created_at_ns),
        "updatedAt": iso(dataset.updated_at_ns),
    }


def _upserted(box: Box, caller: Caller, body: DatasetBody) -> dict[str, Any]:
    project, name = caller.project_id, _checked_name(body.name)
    given = body.model_fields_set
    notes = {key: value for key in ("description", "metadata") if (value := getattr(body, key)) is not None}
    schemas = {key: getattr(body, key) for key in ("input_schema", "expected_output_schema") if key in given}
    values = redacted_body(box, notes) | {
        key: None if schema is None else redacted_schema(box, schema) for key, schema in schemas.items()
    }
    stored_name = sought_name(box, name)
    with writing(box) as connection:
        known = datasets.find(connection, project, stored_name)
        made = datasets.upsert(connection, project, stored_name, values)
        if known is not None and any(schema is not None for schema in schemas.values()):
            _check_may_ask(connection, caller, known, made)
            _check_items(connection, project, made)
    shown = dataset_json(project, made)
    return shown if caller.may_read else shown | {shows: None for shows, key in _NOTES.items() if key not in values}


def _check_may_ask(connection: sqlite3.Connection, caller: Caller, known: Dataset, made: Dataset) -> None:
    """Check that whoever gives a dataset other schemas may read it: what fits a schema tells what its items are."""
    is_new = (known.input_schema, known.expected_output_schema) != (made.input_schema, made.expected_output_schema)
    if is_new and not caller.may_read and next(dataset_items.current(connection, caller.project_id, made.id), None):
        msg = "New schemas are checked against the items that are there: this takes a key that may also read."
        raise forbidden(msg)


def _checked_name(name: str) -> str:
    try:
        return folder_path(name)
    except PydanticCustomError as error:
        msg = (
            "Dataset name not valid. " + to_json([{"code": "custom", "path": [], "message": error.message()}]).decode()
        )
        raise invalid(msg) from error


def _check_items(connection: sqlite3.Connection, project: str, dataset: Dataset) -> None:
    """Check all items against the schemas of their dataset; nothing is written if one does not fit."""
    checks: tuple[tuple[str, Any, Callable[[dataset_items.DatasetItem], Any]], ...] = (
        ("input", dataset.input_schema, lambda item: item.input),
        ("expectedOutput", dataset.expected_output_schema, lambda item: item.expected_output),
    )
    wrongs: list[dict[str, Any]] = []
    for item in dataset_items.current(connection, project, dataset.id):
        for field, schema, value_of in checks:
            found = findings(schema, value_of(item))
            if found:
                wrongs.append({"datasetItemId": item.id, "field": field, "errors": [each.json() for each in found]})
        if len(wrongs) >= _MOST_FINDINGS:
            break
    if wrongs:
        shown = wrongs[:_MOST_FINDINGS]
        number = f"more than {_MOST_FINDINGS}" if len(wrongs) >= _MOST_FINDINGS else str(len(wrongs))
        msg = f"Schema validation failed for {number} item(s). Details: {to_json(shown).decode()}"
        raise RefusedError(msg)
