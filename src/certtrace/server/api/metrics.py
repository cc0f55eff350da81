"""Metrics: version 2 over observations and scores, version 1 over traces too, and the daily ones."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from certtrace.records.metrics.checks import check, check_cardinality
from certtrace.records.metrics.daily import Daily, DailyFilter, list_days
from certtrace.records.metrics.model import AbsentError, QueryError, View
from certtrace.records.metrics.running import run
from certtrace.records.metrics.views import VIEWS_1, VIEWS_2
from certtrace.server.access.callers import Caller, Reading, seen
from certtrace.server.answers import answer
from certtrace.server.api.metrics_query import MetricsQuery, parsed, query_of, unknown_view
from certtrace.server.api.shapes import InSpan, plain_number
from certtrace.server.box import Box, InBox
from certtrace.server.errors import ApiError, invalid
from certtrace.server.intake.redacting import sought
from certtrace.server.paging import Paged

router: Final = APIRouter(prefix="/api/public", tags=["metrics"])

_USUAL_ROWS: Final = 100

QueryText = Annotated[str, Query(alias="query")]
"""A JSON object: view, dimensions, metrics, filters, timeDimension, fromTimestamp, toTimestamp, orderBy, config."""


@router.get("/v2/metrics")
def metrics(request: Request, box: InBox, caller: Reading, query: QueryText) -> Response:
    """Compute numbers over observations or scores."""
    asked = parsed(query)
    rows = _computed(box, caller.project_id, VIEWS_2, asked, row_limit=_USUAL_ROWS)
    return _answered(request, caller, asked, rows)


@router.get("/metrics")
def metrics_v1(request: Request, box: InBox, caller: Reading, query: QueryText) -> Response:
    """Compute numbers over traces, observations or scores, as older clients ask for them."""
    asked = parsed(query)
    return _answered(request, caller, asked, _computed(box, caller.project_id, VIEWS_1, asked, row_limit=None))


@router.get("/metrics/daily")
def daily(
    box: InBox,
    caller: Reading,
    page: Paged,
    span: InSpan,
    trace_name: Annotated[str | None, Query(alias="traceName")] = None,
    user_id: Annotated[str | None, Query(alias="userId")] = None,
    tags: Annotated[list[str] | None, Query()] = None,
    environment: Annotated[list[str] | None, Query()] = None,
) -> Response:
    """Compute usage and cost of each day by model, the last day first."""
    matching = DailyFilter(
        trace_name=_forms(box, trace_name),
        user_id=_forms(box, user_id),
        tags=tuple(sought(box, tag) for tag in tags or ()),
        environments=tuple(environment or ()),
        from_ns=span.from_ns,
        to_ns=span.to_ns,
    )
    with box.store.reading() as connection:
        days, total = list_days(connection, caller.project_id, matching, limit=page.limit, offset=page.offset)
    return answer(page.body([_day_json(day) for day in days], total))


def _answered(request: Request, caller: Caller, asked: MetricsQuery, rows: list[dict[str, Any]]) -> Response:
    """Answer with numbers. Those of single traces, named by their ids, are a list of traces."""
    name = "id" if asked.view == "traces" else "traceId"
    if name in [each.field for each in asked.dimensions]:
        seen(request, caller, (row[name] for row in rows if row[name]))
    return answer({"data": rows})


def _computed(
    box: Box, project: str, views: Mapping[str, View], asked: MetricsQuery, *, row_limit: int | None
) -> list[dict[str, Any]]:
    view = views.get(asked.view)
    if view is None:
        raise unknown_view(list(views))
    query = query_of(box, view, asked, row_limit=row_limit)
    try:
        if views is VIEWS_2:
            check_cardinality(query, is_limited=asked.config.row_limit is not None, order=asked.order)
        check(query)
        with box.store.reading() as connection:
            return run(connection, project, query)
    except QueryError as error:
        raise invalid(str(error)) from None
    except AbsentError as error:
        raise ApiError(501, str(error), "NotImplementedError") from None


def _forms(box: Box, value: str | None) -> tuple[str, ...]:
    return () if value is None else (value, sought(box, value))


def _day_json(day: Daily) -> dict[str, Any]:
    return {
        "date": day.date,
        "countTraces": day.traces,
        "countObservations": day.observations,
        "totalCost": plain_number(day.total_cost),
        "usage": [
            {
                "model": usage.model,
                "inputUsage": plain_number(usage.input_usage),
                "outputUsage": plain_number(usage.output_usage),
                "totalUsage": plain_number(usage.total_usage),
                "countObservations": usage.observations,
                "countTraces": usage.traces,
                "totalCost": plain_number(usage.total_cost),
            }
            for usage in day.usage
        ],
    }
