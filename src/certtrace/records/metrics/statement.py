"""From a query to one SQL statement: rows of the view inside, groups outside."""

from dataclasses import dataclass, field
from typing import Any, Final

from certtrace.records.metrics.functions import QUANTILES
from certtrace.records.metrics.model import Dimension, Measure, Query
from certtrace.records.queries.conditions import Column, Condition, narrow
from certtrace.records.queries.where import NS_PER_MS, Where, in_range

_BUCKETS: Final = {
    "minute": "{0} / 60000000000",
    "hour": "{0} / 3600000000000",
    "day": "{0} / 86400000000000",
    "week": "({0} / 86400000000000 + 3) / 7",
    "month": "strftime('%Y-%m-01', {0} / 1000000000, 'unixepoch')",
}
"""Weeks begin on Monday; the first day there is was a Thursday."""
TIME: Final = "time_dimension"
_ROWS: Final = "count"
_GUARDED: Final = ("none of", "does not contain")


@dataclass(slots=True)
class _Parts:
    """A statement in the making."""

    relations: dict[str, None] = field(default_factory=dict)
    pairs: dict[str, None] = field(default_factory=dict)
    where: Where = field(default_factory=Where)


def compiled(project: str, query: Query) -> tuple[str, list[Any]]:
    """Return the statement that answers a checked query, and the values it binds."""
    dimensions = _dimensions(query)
    measures = [query.view.measures[name] for name, _ in query.metrics]
    parts = _Parts()
    _gather(parts, dimensions, measures)
    _filter(parts, project, query)
    inner = _inner(query, parts, dimensions, measures)
    selected = _selected(query, dimensions)
    groups = [*_names(dimensions), *([TIME] if query.granularity else [])]
    statement = f"SELECT {', '.join(selected)} FROM ({inner})"  # noqa: S608 - constants; values are bound
    if groups:
        statement += f" GROUP BY {', '.join(groups)}"
    statement += _ordered(query, groups)
    bound = parts.where.bound
    if query.row_limit is not None:
        statement += " LIMIT ?"
        bound = [*bound, query.row_limit]
    return statement, bound


def columns(query: Query) -> list[str]:
    """Return the names of the result's columns, in their order."""
    shown = [name for name, _ in _dimensions(query)]
    metrics = [f"{aggregation}_{name}" for name, aggregation in query.metrics]
    return [*shown, *([TIME] if query.granularity else []), *(metrics or [_ROWS])]


def _dimensions(query: Query) -> list[tuple[str, Dimension]]:
    """Return what is grouped by, with what measures need besides."""
    needed = [query.view.measures[name].dimension for name, _ in query.metrics]
    names = dict.fromkeys([*query.dimensions, *(name for name in needed if name is not None)])
    return [(name, query.view.dimensions[name]) for name in names]


def _gather(parts: _Parts, dimensions: list[tuple[str, Dimension]], measures: list[Measure]) -> None:
    relations = [*(dimension.relation for _, dimension in dimensions), *(measure.relation for measure in measures)]
    parts.relations.update((relation, None) for relation in relations if relation is not None)
    for _, dimension in dimensions:
        if dimension.pair is not None:
            parts.pairs[dimension.pair] = None


def _filter(parts: _Parts, project: str, query: Query) -> None:
    view, where = query.view, parts.where
    where.add(f"{view.letter}.project = ?", project)
    where.between(view.time, query.from_ns, query.to_ns + NS_PER_MS)
    where.add(view.segment)
    for condition in query.conditions:
        _narrow(parts, query, condition)
    for name in parts.relations:
        where.between(view.relations[name].time, query.from_ns, in_range(query.to_ns + NS_PER_MS))


def _narrow(parts: _Parts, query: Query, condition: Condition) -> None:
    view = query.view
    dimension = view.dimensions.get(condition.column)
    if dimension is None and condition.column.endswith("Name"):
        dimension = view.dimensions.get("name")
    if dimension is None:
        of_time = condition.column != "metadata"
        kind, expression = ("datetime", view.time) if of_time else ("stringObject", view.metadata)
    else:
        kind, expression = _KINDS[dimension.kind], dimension.sql
        if dimension.relation is not None:
            parts.relations[dimension.relation] = None
        if dimension.pair is not None:
            parts.pairs[dimension.pair] = None
        if dimension.kind == "string" and condition.operator in _GUARDED:
            # What is missing is not something else.
            parts.where.add(f"{expression} <> ''")
    narrow(parts.where, [condition], {condition.column: Column(kind, expression)})


_KINDS: Final = {"string": "string", "number": "number", "boolean": "boolean", "string[]": "arrayOptions"}


def _inner(query: Query, parts: _Parts, dimensions: list[tuple[str, Dimension]], measures: list[Measure]) -> str:
    """Return one row for each record of the view; a join makes several of one, which are one again by the group."""
    view = query.view
    joined = bool(parts.relations)
    shown = [f"{_value(dimension, joined=joined)} AS d{index}" for index, (_, dimension) in enumerate(dimensions)]
    if query.granularity is not None:
        bucket = _BUCKETS[query.granularity].format(view.time)
        shown.append(f"{f'max({bucket})' if joined else bucket} AS {TIME}")
    shown += [f"{measure.grouped if joined else measure.sql} AS m{index}" for index, measure in enumerate(measures)]
    tables = " ".join(
        (
            view.table,
            *(view.relations[name].sql for name in parts.relations),
            *(f"JOIN json_each({pair}) AS pair" for pair in parts.pairs),
        )
    )
    inner = f"SELECT {', '.join(shown) or '1'} FROM {tables} WHERE {parts.where}"  # noqa: S608 - constants; values are bound
    return f"{inner} GROUP BY {', '.join([view.key, *(['pair.key'] if parts.pairs else [])])}" if joined else inner


def _value(dimension: Dimension, *, joined: bool) -> str:
    sql = f"nullif({dimension.sql}, '')" if dimension.is_nullable and dimension.kind == "string" else dimension.sql
    return f"max({sql})" if joined else sql


def _names(dimensions: list[tuple[str, Dimension]]) -> list[str]:
    return [f"d{index}" for index in range(len(dimensions))]


def _selected(query: Query, dimensions: list[tuple[str, Dimension]]) -> list[str]:
    metrics = [
        _aggregated(query, index, query.view.measures[name], aggregation)
        for index, (name, aggregation) in enumerate(query.metrics)
    ]
    names = [*_names(dimensions), *([TIME] if query.granularity else [])]
    return [*names, *(metrics or ["count(*)"])]


def _aggregated(query: Query, index: int, measure: Measure, aggregation: str) -> str:
    value = f"m{index}"
    if aggregation in QUANTILES:
        return f"quantile({value}, {QUANTILES[aggregation]})"
    match aggregation:
        case "histogram":
            return f"coalesce(histogram({value}, {query.bins}), '[]')"
        case "uniq":
            return f"count(DISTINCT {value})"
        case "count":
            return f"count({value})"
        case "avg":
            return f"avg({value})"
        case "sum":
            # As decimals: whole numbers could overflow.
            found = f"sum({value} * 1.0)"
        case _:
            found = f"{aggregation}({value})"
    return found if measure.is_nullable else f"coalesce({found}, 0)"


def _ordered(query: Query, groups: list[str]) -> str:
    shown = columns(query)
    wanted = query.order or _usual_order(query, shown)
    keys = [f"{shown.index(name) + 1} {'DESC' if descends else 'ASC'} NULLS LAST" for name, descends in wanted]
    # Ties are broken by the groups, so that the same question has the same answer.
    keys += [f"{group} NULLS LAST" for group in groups]
    return f" ORDER BY {', '.join(keys)}" if groups else ""


def _usual_order(query: Query, shown: list[str]) -> tuple[tuple[str, bool], ...]:
    if query.granularity is not None:
        return ((TIME, False),)
    if query.metrics:
        name, aggregation = query.metrics[0]
        return ((f"{aggregation}_{name}", True),)
    return ((shown[0], False),) if query.dimensions else ()
