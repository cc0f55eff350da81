"""`/`: the list of traces."""

from dataclasses import replace
from typing import Final

from fastapi import APIRouter, Request, Response

from certtrace.records.search import SearchIndex
from certtrace.records.source import EVERYTHING, StoreSource, TraceFilter
from certtrace.server.box import InBox
from certtrace.server.pages.problems import PageRoute
from certtrace.server.pages.rendering import page
from certtrace.server.pages.sessions import Viewing, record_seen
from certtrace.server.pages.trace_list.query import STATUSES, WITHIN, ListQuery
from certtrace.server.pages.trace_list.rows import groups_of

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_ROWS: Final = 50
_COUNTED: Final = 1000
_INDEXING_SECONDS: Final = 0.3
"""What arrived a moment ago is found, too."""


@router.get("/")
def traces(request: Request, box: InBox, viewer: Viewing) -> Response:
    """Show one page of the list."""
    query = ListQuery.read(request.query_params)
    source = StoreSource(box.store, viewer.project_id)
    matching = query.filter()
    if matching.text:
        SearchIndex(box.store).catch_up(_INDEXING_SECONDS)
    found = source.list_traces(matching, limit=_ROWS, cursor=query.after or None, failed_first=query.is_failed_first)
    record_seen(request, viewer, [each.trace_id for each in found.traces])
    is_empty_store = not found.traces and not source.list_traces(EVERYTHING, limit=1).traces
    return page(
        request,
        "trace_list/list.html",
        {
            "view": "traces",
            "query": query,
            "chips": list(query.chips()),
            "groups": list(groups_of(found.traces, failed_first=query.is_failed_first)),
            "shown": len(found.traces),
            "total": _counted(source, matching),
            "failed_total": "" if query.failed or query.failure else _counted(source, replace(matching, failed=True)),
            "suggestions": {kind: source.known_values(kind) for kind in ("service", "name", "environment", "tag")},
            "older": query.url(after=found.cursor) if found.cursor else None,
            "is_empty_store": is_empty_store,
            "base_url": box.base_url,
            "statuses": STATUSES,
            "within": WITHIN,
        },
    )


def _counted(source: StoreSource, matching: TraceFilter) -> str:
    """Return how many traces match, in words."""
    found = source.count_traces(matching, at_most=_COUNTED)
    return f"{_COUNTED:,}+" if found >= _COUNTED else f"{found:,}" if found else ""
