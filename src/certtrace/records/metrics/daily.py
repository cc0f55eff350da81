"""Usage and cost of each day, by model: the metrics of older clients."""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from certtrace.records.queries.where import Where, as_list


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyFilter:
    """Which traces count; every given condition must hold."""

    trace_name: tuple[str, ...] = ()
    """Names, one of which a trace has."""
    user_id: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """Tags, one of which a trace has."""
    environments: tuple[str, ...] = ()
    from_ns: int | None = None
    to_ns: int | None = None
    """Exclusive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsage:
    """What one model was used for on one day."""

    model: str | None
    input_usage: float
    output_usage: float
    total_usage: float
    observations: int
    traces: int
    total_cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """One day, in UTC."""

    date: str
    traces: int
    usage: tuple[ModelUsage, ...]

    @property
    def observations(self) -> int:
        """Return how many observations began on that day."""
        return sum(usage.observations for usage in self.usage)

    @property
    def total_cost(self) -> float:
        """Return what they cost."""
        return sum(usage.total_cost for usage in self.usage)


def list_days(
    connection: sqlite3.Connection, project: str, matching: DailyFilter, *, limit: int, offset: int
) -> tuple[list[Daily], int]:
    """Return one page of days, the last first, and on how many days traces began."""
    where = _where(project, matching)
    traces = dict(connection.execute(_TRACES.format(where), where.bound).fetchall())
    usage: dict[str, list[ModelUsage]] = defaultdict(list)
    for row in connection.execute(_USAGE.format(where), where.bound):
        usage[row[0]].append(
            ModelUsage(
                model=row[1],
                observations=row[2],
                traces=row[3],
                input_usage=row[4],
                output_usage=row[5],
                total_usage=row[6],
                total_cost=row[7],
            )
        )
    dates = sorted({*traces, *usage}, reverse=True)[offset : offset + limit]
    days = [Daily(date=date, traces=traces.get(date, 0), usage=tuple(usage.get(date, ()))) for date in dates]
    return days, len(traces)


def _where(project: str, matching: DailyFilter) -> Where:
    where = Where()
    where.add("t.project = ?", project)
    where.between("t.start_time_ns", matching.from_ns, matching.to_ns)
    where.one_of("t.name", matching.trace_name or None)
    where.one_of("t.user_id", matching.user_id or None)
    where.one_of("t.environment", matching.environments or None)
    if matching.tags:
        where.add(
            "EXISTS (SELECT 1 FROM json_each(t.tags) WHERE value IN (SELECT value FROM json_each(?)))",
            as_list(matching.tags),
        )
    return where


_DAY: Final = "strftime('%Y-%m-%d', {} / 1000000000, 'unixepoch')"
_TRACES: Final = f"SELECT {_DAY.format('t.start_time_ns')}, count(*) FROM traces AS t WHERE {{}} GROUP BY 1"  # noqa: S608 - constants; values are bound
_USAGE: Final = (
    f"SELECT {_DAY.format('o.start_time_ns')}, o.model, count(*), count(DISTINCT o.trace_id),"  # noqa: S608 - constants; values are bound
    " total(json_extract(o.usage_details, '$.input')), total(json_extract(o.usage_details, '$.output')),"
    " total(json_extract(o.usage_details, '$.total')), total(json_extract(o.cost_details, '$.total'))"
    " FROM traces AS t JOIN observations AS o ON o.project = t.project AND o.trace_id = t.trace_id"
    " WHERE {} GROUP BY 1, 2 ORDER BY 1, 2 NULLS LAST"
)
