"""Runs over datasets, as older clients make and read them."""

import sqlite3
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self
from urllib.parse import unquote

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

from certtrace.records.catalog import dataset_items, dataset_runs, datasets
from certtrace.records.catalog.dataset_runs import DatasetRun, NewRun, NewRunItem
from certtrace.records.langfuse_json import iso
from certtrace.server.access.callers import Caller, Deleting, Editing, Reading
from certtrace.server.answers import answer
from certtrace.server.api.dataset_shapes import run_item_json, run_json
from certtrace.server.api.datasets import dataset_named, whole_dataset
from certtrace.server.api.fields import Moment, wrong
from certtrace.server.api.refusals import reading, writing
from certtrace.server.box import Box, InBox
from certtrace.server.errors import not_found
from certtrace.server.intake.redacting import redacted_body, sought_name
from certtrace.server.paging import Page, Paged

router: Final = APIRouter(prefix="/api/public", tags=["dataset-runs"])

_PAGE: Final = 50


class RunItemBody(BaseModel):
    """An item's part in a run: the trace that handled it."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="forbid")

    run_name: str
    run_description: str | None = None
    metadata: Any = None
    dataset_item_id: str
    observation_id: str | None = None
    trace_id: str | None = None
    dataset_version: Moment | None = None
    """The moment as of which the item was read."""
    created_at: Moment | None = None

    @model_validator(mode="after")
    def _names_a_trace(self) -> Self:
        if not self.trace_id and not self.observation_id:
            msg = "observationId or traceId must be provided"
            raise wrong(msg)
        return self


@router.post("/dataset-run-items")
def create_run_item(body: RunItemBody, box: InBox, caller: Editing) -> Response:
    """Add an item's part to the run of a name; the run is made where there is none."""
    project = caller.project_id
    notes = {"runName": body.run_name, "runDescription": body.run_description, "metadata": _metadata(body)}
    clean = redacted_body(box, {key: value for key, value in notes.items() if value is not None})
    with writing(box) as connection:
        item = dataset_items.find(connection, project, body.dataset_item_id, as_of_ns=body.dataset_version)
        dataset = datasets.find_by_id(connection, project, item.dataset_id) if item else None
        if item is None or dataset is None or item.status != dataset_items.ACTIVE:
            msg = "Dataset item not found"
            raise not_found(msg)
        trace_id = body.trace_id or dataset_runs.trace_of(connection, project, body.observation_id or "")
        if not trace_id:
            msg = "Observation not found"
            raise not_found(msg)
        run = NewRun(
            id=dataset_runs.experiment_id(project, dataset.id, body.run_name),
            name=sought_name(box, body.run_name),
            description=clean.get("runDescription"),
            metadata=clean.get("metadata"),
            created_at_ns=body.created_at,
        )
        part = NewRunItem(
            dataset_item_id=item.id,
            dataset_item_version_ns=item.valid_from_ns,
            trace_id=trace_id,
            observation_id=body.observation_id or None,
        )
        made = dataset_runs.add_item(connection, project, dataset, run, part)
    return answer(run_item_json(made))


@router.get("/dataset-run-items")
def list_run_items(
    box: InBox,
    caller: Reading,
    page: Paged,
    dataset_id: Annotated[str, Query(alias="datasetId")],
    run_name: Annotated[str, Query(alias="runName")],
) -> Response:
    """List what belongs to a run, the newest first."""
    with reading(box) as connection:
        run = dataset_runs.find(connection, caller.project_id, dataset_id, sought_name(box, run_name))
        if run is None:
            msg = "Dataset run not found for the given project and dataset id"
            raise not_found(msg)
        found, total = dataset_runs.items(connection, caller.project_id, run, limit=page.limit, offset=page.offset)
    return answer(page.body([run_item_json(each) for each in found], total))


@router.get("/datasets/{name:path}/runs/{run_name:path}")
def get_run(name: str, run_name: str, request: Request, box: InBox, caller: Reading) -> Response:
    """Return a run with all that belongs to it."""
    return _shown(_Target.of(request, name, run_name), Page(1, _PAGE), box, caller)


@router.get("/datasets/{name:path}/runs")
def list_runs(name: str, request: Request, box: InBox, caller: Reading, page: Paged) -> Response:
    """List a dataset's runs, the newest first."""
    return _shown(_Target.of(request, name, ""), page, box, caller)


@router.get("/datasets/{name:path}", deprecated=True)
def get_dataset_v1(name: str, request: Request, box: InBox, caller: Reading) -> Response:
    """Return a dataset with its items and the names of its runs."""
    return _shown(_Target.of(request, name), Page(1, _PAGE), box, caller)


@router.delete("/datasets/{name:path}/runs/{run_name:path}")
def delete_run(name: str, run_name: str, request: Request, box: InBox, caller: Deleting) -> Response:
    """Delete a run; its traces stay."""
    target = _Target.of(request, name, run_name)
    with writing(box) as connection:
        run = _run(box, connection, caller.project_id, target)
        dataset_runs.delete(connection, caller.project_id, run)
    return answer({"message": "Dataset run successfully deleted"})


@dataclass(frozen=True, slots=True)
class _Target:
    """What a path below `datasets` means: a dataset; with an empty run its runs; else a run."""

    dataset: str
    run: str | None = None

    @classmethod
    def of(cls, request: Request, dataset: str, run: str | None = None) -> "_Target":
        """Read the path as it came: a name may have slashes of its own, encoded.

        Args:
            request: The request.
            dataset: The dataset's name as the route understood it, for clients that do not encode slashes.
            run: The run's name likewise.
        """
        raw = request.scope.get("raw_path") or b""
        parts = [unquote(part) for part in raw.decode("latin-1").partition("/datasets/")[2].split("/")]
        match parts:
            case [name]:
                return cls(name)
            case [name, "runs"]:
                return cls(name, "")
            case [name, "runs", run_name]:
                return cls(name, run_name)
        return cls(dataset, run)


def _shown(target: _Target, page: Page, box: Box, caller: Caller) -> Response:
    project = caller.project_id
    if target.run is None:
        return whole_dataset(box, project, target.dataset)
    with reading(box) as connection:
        if target.run:
            run = _run(box, connection, project, target)
            parts, _total = dataset_runs.items(connection, project, run)
            return answer(run_json(run) | {"datasetRunItems": [run_item_json(each) for each in parts]})
        dataset = dataset_named(box, connection, project, target.dataset)
        found, total = dataset_runs.page(connection, project, dataset, limit=page.limit, offset=page.offset)
    return answer(page.body([run_json(each) for each in found], total))


def _run(box: Box, connection: sqlite3.Connection, project: str, target: _Target) -> DatasetRun:
    """Return a run by its name; some clients encode names once more than needed."""
    names = dict.fromkeys((target.run or "", unquote(target.run or "")))
    for dataset in dict.fromkeys((target.dataset, unquote(target.dataset))):
        for name in names:
            found = dataset_runs.find_named(connection, project, sought_name(box, dataset), sought_name(box, name))
            if found is not None:
                return found
    msg = "Dataset run not found"
    raise not_found(msg)


def _metadata(body: RunItemBody) -> dict[str, Any]:
    """Return a run's metadata: an object, with the version of the dataset in it."""
    given = (
        {}
        if body.metadata is None
        else body.metadata
        if isinstance(body.metadata, dict)
        else {"metadata": body.metadata}
    )
    version = {} if body.dataset_version is None else {"dataset_version": iso(body.dataset_version)}
    return given | version
