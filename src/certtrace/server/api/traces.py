"""Traces as the 4.x API lists and shows them, and their deletion."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, field_validator

from certtrace.records.catalog.media import forget_traces
from certtrace.records.queries import observations, scores, traces
from certtrace.records.queries.columns import TRACE_ORDER
from certtrace.records.queries.traces import FIELD_GROUPS, TraceQuery
from certtrace.records.removal import delete_traces as delete_records
from certtrace.server.access.callers import Deleting, Reading, seen
from certtrace.server.answers import answer
from certtrace.server.box import Box, InBox
from certtrace.server.errors import not_found
from certtrace.server.media import files
from certtrace.server.paging import Page
from certtrace.server.reading.asking import asking
from certtrace.server.reading.filter_parameter import conditions_of
from certtrace.server.reading.observation_shapes import Lookups, whole_observation
from certtrace.server.reading.parameters import (
    Commas,
    PageLimit,
    PageNumber,
    Parameters,
    Time,
    alternatives,
    stored_forms,
    unfit,
)
from certtrace.server.reading.score_shapes import whole_score
from certtrace.server.reading.trace_shapes import listed_trace

router: Final = APIRouter(prefix="/api/public", tags=["traces"])

_ORDERS: Final = (
    "Invalid orderBy: use timestamp, id, name, userId, sessionId, environment, version, release, public or bookmarked,"
    " a dot, and asc or desc"
)


class _WithGroups(Parameters):
    fields: Commas = None
    """Of `core`, `io`, `scores`, `observations`, `metrics`; others are left aside."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the groups of fields to answer with: all, unless some of them were named."""
        named = tuple(group for group in FIELD_GROUPS if group in (self.fields or ()))
        return named or FIELD_GROUPS


class TracesParameters(_WithGroups):
    """Which traces, which of their fields, in which order, and which page of them."""

    page: PageNumber = 1
    limit: PageLimit = 50
    user_id: str | None = None
    name: str | None = None
    session_id: str | None = None
    from_timestamp: Time = None
    to_timestamp: Time = None
    order_by: str | None = None
    """A column, a dot, and `asc` or `desc`."""
    tags: list[str] | None = None
    version: str | None = None
    release: str | None = None
    environment: list[str] | None = None
    filter: str | None = None

    @field_validator("order_by")
    @classmethod
    def _known_order(cls, given: str | None) -> str | None:
        if given:
            column, _, direction = given.partition(".")
            if column not in TRACE_ORDER or direction.upper() not in ("ASC", "DESC"):
                raise unfit(message=_ORDERS)
        return given or None


class TraceParameters(_WithGroups):
    """Which fields of the trace."""


class TraceIds(BaseModel):
    """Which traces to delete."""

    trace_ids: list[str] = Field(alias="traceIds", min_length=1)


class Deleted(BaseModel):
    """What was done."""

    message: str


@router.get("/traces")
def list_traces(request: Request, box: InBox, caller: Reading, asked: Annotated[TracesParameters, Query()]) -> Response:
    """List traces, the newest first unless another order is asked for."""
    page = Page(asked.page, asked.limit)
    query = _query(box, asked)
    groups = asked.groups
    with asking(box) as connection:
        records, total = traces.list_page(
            connection, caller.project_id, query, groups=groups, limit=page.limit, offset=page.offset
        )
    seen(request, caller, (record.trace_id for record in records))
    return answer(page.body([listed_trace(record, caller.project_id, groups) for record in records], total))


@router.get("/traces/{trace_id:path}")
def get_trace(
    request: Request, box: InBox, caller: Reading, trace_id: str, asked: Annotated[TraceParameters, Query()]
) -> Response:
    """Show one trace with its observations and scores."""
    groups = asked.groups
    project = caller.project_id
    with asking(box) as connection:
        rows = (
            observations.of_trace(connection, project, trace_id, observations.WHOLE) if "observations" in groups else []
        )
        record = traces.one(connection, project, trace_id, groups, rows)
        if record is None:
            msg = f"Trace {trace_id} not found within authorized project"
            raise not_found(msg)
        shape = listed_trace(record, project, groups)
        if "observations" in groups:
            lookups = Lookups(connection, project)
            shape["observations"] = [whole_observation(row, project, lookups) for row in rows]
        if "scores" in groups:
            shape["scores"] = [whole_score(row, project) for row in scores.of_trace(connection, project, trace_id)]
    seen(request, caller, (trace_id,))
    return answer(shape)


@router.delete("/traces/{trace_id:path}", response_model=Deleted)
def delete_trace(box: InBox, caller: Deleting, trace_id: str) -> Response:
    """Delete a trace with everything recorded of it, if it is there."""
    _delete(box, caller.project_id, [trace_id])
    return answer({"message": "Trace deleted successfully"})


@router.delete("/traces", response_model=Deleted)
def delete_traces(box: InBox, caller: Deleting, body: TraceIds) -> Response:
    """Delete traces with everything recorded of them, as far as they are there."""
    _delete(box, caller.project_id, body.trace_ids)
    return answer({"message": "Traces deleted successfully"})


def _delete(box: Box, project: str, trace_ids: list[str]) -> None:
    """Delete traces, and the files that nothing else refers to."""
    with box.store.writing() as connection:
        orphans = forget_traces(connection, project, trace_ids)
        delete_records(connection, project, trace_ids)
    box.store.empty_log()
    for medium in orphans:
        files.remove(box.media_folder, project, medium)


def _query(box: Box, asked: TracesParameters) -> TraceQuery:
    column, _, direction = (asked.order_by or "timestamp.desc").partition(".")
    return TraceQuery(
        user_ids=stored_forms(box, asked.user_id),
        names=stored_forms(box, asked.name),
        session_ids=stored_forms(box, asked.session_id),
        tags=[forms for tag in alternatives(asked.tags) or () if (forms := stored_forms(box, tag))],
        environments=alternatives(asked.environment),
        version=asked.version,
        release=asked.release,
        since_ns=asked.from_timestamp,
        before_ns=asked.to_timestamp,
        conditions=conditions_of(box, asked.filter),
        order_by=column,
        descending=direction.upper() == "DESC",
    )
