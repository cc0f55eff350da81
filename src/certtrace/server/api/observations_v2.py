"""Observations by groups of fields, page by page behind a cursor."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, field_validator

from certtrace.records.queries import observations
from certtrace.records.queries.observations import FIELD_GROUPS, ObservationFilter
from certtrace.server.access.callers import Reading, seen
from certtrace.server.answers import answer
from certtrace.server.box import Box, InBox
from certtrace.server.reading.asking import asking
from certtrace.server.reading.cursors import observation_cursor, observation_position
from certtrace.server.reading.filter_parameter import conditions_of
from certtrace.server.reading.observation_shapes import Lookups, observation_by_groups
from certtrace.server.reading.parameters import (
    Commas,
    Level,
    ObservationType,
    Parameters,
    Time,
    alternatives,
    stored_forms,
    unfit,
)

router: Final = APIRouter(prefix="/api/public", tags=["observations"])

_DEFAULT_GROUPS: Final = ("core", "basic")


class ObservationsV2Parameters(Parameters):
    """Which observations, which of their fields, and where to go on."""

    fields: Commas = None
    """Of `queries.observations.FIELD_GROUPS`; others are left aside."""
    expand_metadata: Commas = None
    limit: int = Field(default=50, ge=0, le=1000)
    cursor: str | None = None
    parse_io_as_json: Literal["true", "false"] | None = None
    name: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    type: ObservationType | None = None
    trace_id: str | None = None
    level: Level | None = None
    parent_observation_id: str | None = None
    is_root_observation: bool | None = None
    environment: list[str] | None = None
    from_start_time: Time = None
    to_start_time: Time = None
    version: str | None = None
    filter: str | None = None

    @field_validator("parse_io_as_json")
    @classmethod
    def _retired(cls, given: str | None) -> str | None:
        if given == "true":
            message: Final = (
                "parseIoAsJson=true is no longer supported on the v2 observations endpoint. Input/output fields are "
                "always returned as raw strings. Remove the parseIoAsJson parameter or set it to false."
            )
            raise unfit(message=message)
        return given

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the groups of fields to answer with."""
        if self.fields is None:
            return _DEFAULT_GROUPS
        return tuple(group for group in FIELD_GROUPS if group == "core" or group in self.fields)


@router.get("/v2/observations")
def list_observations(
    request: Request, box: InBox, caller: Reading, asked: Annotated[ObservationsV2Parameters, Query()]
) -> Response:
    """List observations, the newest first."""
    matching = _matching(box, asked)
    after = observation_position(asked.cursor)
    groups = asked.groups
    whole_metadata = "io" in groups or bool(asked.expand_metadata)
    with asking(box) as connection:
        rows, more = observations.list_after(
            connection, caller.project_id, matching, groups=groups, limit=asked.limit, after=after
        )
        lookups = Lookups(connection, caller.project_id)
        data = [
            observation_by_groups(row, caller.project_id, groups, lookups, whole_metadata=whole_metadata)
            for row in rows
        ]
    seen(request, caller, (row["trace_id"] for row in rows))
    return answer({"data": data, "meta": {"cursor": observation_cursor(rows[-1])} if more and rows else {}})


def _matching(box: Box, asked: ObservationsV2Parameters) -> ObservationFilter:
    return ObservationFilter(
        trace_id=asked.trace_id,
        user_ids=stored_forms(box, asked.user_id),
        session_ids=stored_forms(box, asked.session_id),
        names=stored_forms(box, asked.name),
        type=asked.type,
        level=asked.level,
        version=asked.version,
        parent_observation_id=asked.parent_observation_id,
        is_root=asked.is_root_observation,
        environments=alternatives(asked.environment),
        since_ns=asked.from_start_time,
        before_ns=asked.to_start_time,
        conditions=conditions_of(box, asked.filter),
    )
