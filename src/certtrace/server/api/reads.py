"""Who read which trace: the view of auditors. Langfuse has no such route."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from certtrace.records.langfuse_json import iso
from certtrace.server.access.callers import Auditing
from certtrace.server.access.reads import Read
from certtrace.server.answers import answer
from certtrace.server.box import InBox
from certtrace.server.paging import Paged

router: Final = APIRouter(prefix="/api/certtrace", tags=["reads"])

_LATEST_NS: Final = 2**63 - 1


@router.get("/reads")
def reads(
    box: InBox,
    caller: Auditing,
    page: Paged,
    trace_id: Annotated[str | None, Query(alias="traceId")] = None,
    from_time: Annotated[datetime | None, Query(alias="from")] = None,
    to_time: Annotated[datetime | None, Query(alias="to")] = None,
) -> Response:
    """Return reads of this project's traces, the latest first.

    `how` is `whole` where a trace itself was asked for, and `listed` where it was one of several. Reads of one trace by
    one key through one route within a minute (`whole`) or an hour (`listed`) are one entry with a count.
    """
    found, total = box.access.reads.page(
        caller.project_id,
        trace_id=trace_id,
        from_ns=_nanoseconds(from_time),
        to_ns=_nanoseconds(to_time),
        offset=page.offset,
        limit=page.limit,
    )
    return answer(page.body([_json(each) for each in found], total))


def _json(read: Read) -> dict[str, Any]:
    return {
        "traceId": read.trace_id,
        "how": read.how,
        "route": read.route,
        "keyId": read.key_id,
        "publicKey": read.public_key,
        "note": read.note,
        "firstTime": iso(read.first_at_ns),
        "lastTime": iso(read.last_at_ns),
        "times": read.times,
    }


def _nanoseconds(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = zoned - datetime.fromtimestamp(0, UTC)
    return min(max((since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 10**3, 0), _LATEST_NS)
