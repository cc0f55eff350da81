"""The parameter `query` of the metrics routes: one JSON object."""

from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from certtrace.records.metrics.buckets import chosen
from certtrace.records.metrics.model import Query, View
from certtrace.records.queries.conditions import Condition
from certtrace.server.api.shapes import Moment, refused
from certtrace.server.box import Box
from certtrace.server.errors import ApiError, invalid
from certtrace.server.issues import issues
from certtrace.server.reading.filter_parameter import conditions_of

Aggregation = Literal["sum", "avg", "count", "max", "min", "p50", "p75", "p90", "p95", "p99", "histogram", "uniq"]
_USUAL_BINS: Final = 10


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Dimension(_Part):
    field: str


class _Metric(_Part):
    measure: str
    aggregation: Aggregation


class _Series(_Part):
    granularity: Literal["auto", "minute", "hour", "day", "week", "month"]


class _Order(_Part):
    field: str
    direction: Literal["asc", "desc"]


class _Config(_Part):
    bins: Annotated[int, Field(ge=1, le=100)] = _USUAL_BINS
    row_limit: Annotated[int, Field(ge=1, le=1000)] | None = None


class MetricsQuery(_Part):
    """What a client asks for."""

    view: str
    dimensions: list[_Dimension] = Field(default=[])
    metrics: list[_Metric]
    filters: list[Any] = Field(default=[])
    timeDimension: _Series | None = None  # noqa: N815 - the API's name
    fromTimestamp: Moment  # noqa: N815 - the API's name
    toTimestamp: Moment  # noqa: N815 - the API's name
    orderBy: list[_Order] | None = None  # noqa: N815 - the API's name
    config: _Config = Field(default_factory=_Config)

    @model_validator(mode="after")
    def _goes_forward(self) -> "MetricsQuery":
        if self.fromTimestamp >= self.toTimestamp:
            message = "fromTimestamp must be before toTimestamp"
            raise refused(message)
        return self

    @property
    def order(self) -> tuple[tuple[str, bool], ...]:
        """Return the columns to order by, and whether each descends."""
        return tuple((each.field, each.direction == "desc") for each in self.orderBy or ())


def parsed(given: str) -> MetricsQuery:
    """Return the query that the parameter writes.

    Raises:
        ApiError: 400, it is no JSON, or no query.
    """
    try:
        return MetricsQuery.model_validate(orjson.loads(given))
    except orjson.JSONDecodeError:
        message = "Invalid JSON in query parameter"
        raise invalid(message) from None
    except ValidationError as error:
        raise ApiError(400, "Invalid request data", _found(issues(error.errors()))) from None


def query_of(box: Box, view: View, asked: MetricsQuery, *, row_limit: int | None) -> Query:
    """Return a query over a view.

    Raises:
        ApiError: 400, a filter is none.
    """
    series = asked.timeDimension
    return Query(
        view=view,
        dimensions=tuple(dict.fromkeys(each.field for each in asked.dimensions)),
        metrics=tuple(dict.fromkeys((each.measure, each.aggregation) for each in asked.metrics)),
        conditions=tuple(_conditions(box, asked.filters)),
        granularity=None if series is None else chosen(series.granularity, asked.fromTimestamp, asked.toTimestamp),
        from_ns=asked.fromTimestamp,
        to_ns=asked.toTimestamp,
        order=asked.order,
        bins=asked.config.bins,
        row_limit=asked.config.row_limit or row_limit,
    )


def unknown_view(views: list[str]) -> ApiError:
    """Return the answer to a view that there is not."""
    listed = "|".join(f'"{view}"' for view in views)
    message = f"Invalid option: expected one of {listed}"
    finding = {"code": "invalid_value", "values": views, "path": ["query", "view"], "message": message}
    return ApiError(400, "Invalid request data", [finding])


def _conditions(box: Box, filters: list[Any]) -> list[Condition]:
    try:
        return conditions_of(box, orjson.dumps(filters).decode())
    except ApiError as error:
        if not isinstance(error.error, list):
            raise
        moved = [each | {"path": ["query", "filters", *each["path"][1:]]} for each in error.error]
        raise ApiError(error.status, error.message, moved) from None


def _found(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each | {"path": ["query", *each["path"]]} for each in findings]
