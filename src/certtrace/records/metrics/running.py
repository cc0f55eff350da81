"""Runs a query and shapes its rows."""

import sqlite3
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

import orjson

from certtrace.records.metrics import buckets, functions
from certtrace.records.metrics.model import Dimension, Query, QueryError
from certtrace.records.metrics.statement import TIME, columns, compiled
from certtrace.records.queries import conditions

_MOST_BUCKETS: Final = 50_000
_MOST_ROWS: Final = 100_000
_EXACT: Final = 2**53


def run(connection: sqlite3.Connection, project: str, query: Query) -> list[dict[str, Any]]:
    """Return the rows that answer a checked query.

    Raises:
        QueryError: There would be too many rows.
    """
    fills = query.granularity is not None and not query.order
    if fills and query.granularity is not None and query.row_limit is None:
        _check_length(query.granularity, query)
    functions.install(connection)
    conditions.install(connection)
    statement, bound = compiled(project, query)
    names = columns(query)
    kinds = _kinds(query)
    rows = [
        {name: _shown(kinds[name], value) for name, value in zip(names, row, strict=True)}
        for row in connection.execute(statement, bound).fetchmany(_MOST_ROWS + 1)
    ]
    if len(rows) > _MOST_ROWS:
        msg = f"The answer has more than {_MOST_ROWS} rows. Group by less, or set config.row_limit."
        raise QueryError(msg)
    if query.granularity is not None:
        for row in rows:
            row[TIME] = buckets.label(query.granularity, row[TIME])
    return _filled(query, rows, names) if fills else rows


def _check_length(granularity: str, query: Query) -> None:
    if buckets.count(granularity, query.from_ns, query.to_ns) > _MOST_BUCKETS:
        msg = (
            f"A time series by {granularity} over this time has more than {_MOST_BUCKETS} rows. "
            "Use a coarser granularity, or set config.row_limit."
        )
        raise QueryError(msg)


def _kinds(query: Query) -> Mapping[str, str]:
    """Return how each column of the result is shown."""
    kinds = {name: dimension.kind for name, dimension in query.view.dimensions.items()}
    histograms = {f"histogram_{name}": "json" for name, aggregation in query.metrics if aggregation == "histogram"}
    return {name: histograms.get(name) or kinds.get(name, "number") for name in columns(query)}


def _shown(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind in ("json", "string[]"):
        return orjson.loads(value)
    if kind == "boolean":
        return bool(value)
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    return value


def _filled(query: Query, rows: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    """Return a time series without gaps: where there is nothing, a row says so."""
    if query.granularity is None:
        return rows
    labels = buckets.all_labels(query.granularity, query.from_ns, query.to_ns)
    empty = _empty(query, names)
    return list(islice(_merged(rows, labels, empty), query.row_limit))


def _merged(rows: list[dict[str, Any]], labels: Iterator[str], empty: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting = next(labels, None)
    for row in rows:
        while waiting is not None and waiting < row[TIME]:
            yield empty | {TIME: waiting}
            waiting = next(labels, None)
        if waiting == row[TIME]:
            waiting = next(labels, None)
        yield row
    while waiting is not None:
        yield empty | {TIME: waiting}
        waiting = next(labels, None)


def _empty(query: Query, names: list[str]) -> dict[str, Any]:
    """Return the row of a time without records."""
    known = query.view.dimensions
    row: dict[str, Any] = {name: _empty_dimension(known[name]) for name in names if name in known}
    for name, aggregation in query.metrics:
        measure = query.view.measures[name]
        counts = aggregation in ("count", "uniq") or not measure.is_nullable
        row[f"{aggregation}_{name}"] = [] if aggregation == "histogram" else 0 if counts else None
    return {name: row.get(name, 0) for name in names}


def _empty_dimension(dimension: Dimension) -> Any:
    if dimension.is_nullable:
        return None
    return {"string": "", "string[]": [], "boolean": False}.get(dimension.kind, 0)
