"""Observations as the 4.x API lists and shows them."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from certtrace.records.queries import observations
from certtrace.records.queries.observations import ObservationFilter
from certtrace.server.access.callers import Reading, seen
from certtrace.server.answers import answer
from certtrace.server.box import Box, InBox
from certtrace.server.errors import not_found
from certtrace.server.paging import Page
from certtrace.server.reading.asking import asking
from certtrace.server.reading.filter_parameter import conditions_of
from certtrace.server.reading.observation_shapes import Lookups, whole_observation
from certtrace.server.reading.parameters import (
    Level,
    ObservationType,
    PageLimit,
    PageNumber,
    Parameters,
    Time,
    alternatives,
    stored_forms,
)

router: Final = APIRouter(prefix="/api/public", tags=["observations"])


class ObservationsParameters(Parameters):
    """Which observations, and which page of them."""

    page: PageNumber = 1
    limit: PageLimit = 50
    name: str | None = None
    user_id: str | None = None
    type: ObservationType | None = None
    trace_id: str | None = None
    level: Level | None = None
    parent_observation_id: str | None = None
    environment: list[str] | None = None
    from_start_time: Time = None
    to_start_time: Time = None
    version: str | None = None
    filter: str | None = None


@router.get("/observations")
def list_observations(
    request: Request, box: InBox, caller: Reading, asked: Annotated[ObservationsParameters, Query()]
) -> Response:
    """List whole observations, the newest first."""
    page = Page(asked.page, asked.limit)
    matching = _matching(box, asked)
    with asking(box) as connection:
        rows, total = observations.list_page(
            connection, caller.project_id, matching, limit=page.limit, offset=page.offset
        )
        lookups = Lookups(connection, caller.project_id)
        data = [whole_observation(row, caller.project_id, lookups) for row in rows]
    seen(request, caller, (row["trace_id"] for row in rows))
    return answer(page.body(data, total))


@router.get("/observations/{observation_id:path}")
def get_observation(request: Request, box: InBox, caller: Reading, observation_id: str) -> Response:
    """Show one observation."""
    with asking(box) as connection:
        row = observations.one(connection, caller.project_id, observation_id)
        if row is None:
            msg = "Observation not found within authorized project"
            raise not_found(msg)
        shape = whole_observation(row, caller.project_id, Lookups(connection, caller.project_id))
    seen(request, caller, (row["trace_id"],))
    return answer(shape)


def _matching(box: Box, asked: ObservationsParameters) -> ObservationFilter:
    return ObservationFilter(
        trace_id=asked.trace_id,
        user_ids=stored_forms(box, asked.user_id),
        names=stored_forms(box, asked.name),
        type=asked.type,
        level=asked.level,
        version=asked.version,
        parent_observation_id=asked.parent_observation_id,
        environments=alternatives(asked.environment),
        since_ns=asked.from_start_time,
        before_ns=asked.to_start_time,
        conditions=conditions_of(box, asked.filter),
    )
