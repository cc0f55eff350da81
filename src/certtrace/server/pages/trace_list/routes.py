"""`/`: the list of traces."""

import inspect
from dataclasses import replace
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from certtrace.records.source import EVERYTHING, StoreSource, TraceFilter, TracePage
from certtrace.server.box import InBox
from certtrace.server.pages.problems import PageRoute
from certtrace.server.pages.rendering import page
from certtrace.server.pages.sessions import Viewing, record_seen
from certtrace.server.pages.trace_list.query import STATUSES, WITHIN, ListQuery
from certtrace.server.pages.trace_list.rows import groups_of

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_ROWS: Final = 50
_COUNTED: Final = 1000


@router.get("/")
def traces(request: Request, box: InBox, viewer: Viewing) -> Response:
    """Show one page of the list."""
    query = ListQuery.read(request.query_params)
    source = StoreSource(box.store.path, viewer.project_id)
    matching = query.filter()
    found = _listed(source, query, matching)
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
            "failed_total": "" if query.failed else _counted(source, replace(matching, failed=True)),
            "suggestions": {kind: _known(source, kind) for kind in ("service", "name", "environment", "tag")},
            "newer": None,
            "older": query.url(after=found.cursor) if found.cursor else None,
            "is_empty_store": is_empty_store,
            "base_url": box.base_url,
            "statuses": STATUSES,
            "within": WITHIN,
        },
    )


def _listed(source: StoreSource, query: ListQuery, matching: TraceFilter) -> TracePage:
    listing: Any = source.list_traces
    order = {"failed_first": query.is_failed_first} if "failed_first" in inspect.signature(listing).parameters else {}
    page_of_list: TracePage = listing(matching, limit=_ROWS, cursor=query.after or None, **order)
    return page_of_list


def _counted(source: StoreSource, matching: TraceFilter) -> str:
    """Return how many traces match, in words."""
    count: Any = getattr(source, "count_traces", None)
    if count is None:
        return ""
    found = count(matching, at_most=_COUNTED)
    return f"{_COUNTED:,}+" if found >= _COUNTED else f"{found:,}" if found else ""


def _known(source: StoreSource, kind: str) -> tuple[str, ...]:
    known: Any = getattr(source, "known_values", None)
    return known(kind) if known else ()
