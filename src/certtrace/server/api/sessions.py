"""Sessions as the 4.x API lists and shows them."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from certtrace.records.queries import sessions, traces
from certtrace.records.queries.sessions import SessionFilter
from certtrace.server.access.callers import Reading, seen
from certtrace.server.answers import answer
from certtrace.server.box import InBox
from certtrace.server.errors import not_found
from certtrace.server.paging import Page
from certtrace.server.reading.asking import asking
from certtrace.server.reading.parameters import (
    PageLimit,
    PageNumber,
    Parameters,
    Time,
    alternatives,
    stored_forms,
)
from certtrace.server.reading.trace_shapes import session_shape, trace_shape

router: Final = APIRouter(prefix="/api/public", tags=["sessions"])


class SessionsParameters(Parameters):
    """Which sessions, and which page of them."""

    page: PageNumber = 1
    limit: PageLimit = 50
    from_timestamp: Time = None
    to_timestamp: Time = None
    environment: list[str] | None = None


@router.get("/sessions")
def list_sessions(box: InBox, caller: Reading, asked: Annotated[SessionsParameters, Query()]) -> Response:
    """List sessions, the newest first."""
    page = Page(asked.page, asked.limit)
    matching = SessionFilter(
        since_ns=asked.from_timestamp,
        before_ns=asked.to_timestamp,
        environments=alternatives(asked.environment),
    )
    with asking(box) as connection:
        rows, total = sessions.list_page(connection, caller.project_id, matching, limit=page.limit, offset=page.offset)
    return answer(page.body([session_shape(row, caller.project_id) for row in rows], total))


@router.get("/sessions/{session_id:path}")
def get_session(request: Request, box: InBox, caller: Reading, session_id: str) -> Response:
    """Show one session with its traces."""
    with asking(box) as connection:
        forms = stored_forms(box, session_id) or []
        row = next((found for form in forms if (found := sessions.one(connection, caller.project_id, form))), None)
        if row is None:
            msg = "Session not found within authorized project"
            raise not_found(msg)
        records = traces.of_session(connection, caller.project_id, row["id"])
    seen(request, caller, (record.trace_id for record in records))
    shapes = [trace_shape(record, caller.project_id) for record in records]
    return answer(session_shape(row, caller.project_id) | {"traces": shapes})
