"""What metrics are made of: views with dimensions and measures, and queries over them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from certtrace.errors import InputError
from certtrace.records.queries.conditions import Condition

AGGREGATIONS: Final = (
    "sum", "avg", "count", "max", "min", "p50", "p75", "p90", "p95", "p99", "histogram", "uniq",
)  # fmt: skip
GRANULARITIES: Final = ("auto", "minute", "hour", "day", "week", "month")
NUMBERS: Final = ("integer", "decimal", "number")


class QueryError(InputError):
    """A query asks for what cannot be asked; the message is worded as the API words it."""


class AbsentError(InputError):
    """A query asks for what this store does not keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """Something to group and filter by."""

    sql: str
    kind: str = "string"
    """`string`, `number`, `boolean` or `string[]`."""
    relation: str | None = None
    """What has to be joined for it."""
    is_nullable: bool = False
    """Whether it may be missing: an empty text is as good as none."""
    is_high_cardinality: bool = False
    pair: str | None = None
    """The JSON object whose keys it is; its measure is the values."""
    is_kept: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Something to aggregate."""

    sql: str
    """Of one row, where nothing is joined."""
    grouped: str
    """Of all rows that a join makes of one."""
    kind: str = "integer"
    relation: str | None = None
    is_nullable: bool = False
    dimension: str | None = None
    """The dimension that it needs."""
    is_kept: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table that can be joined."""

    sql: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One kind of record to ask about."""

    table: str
    """With its one-letter name; `project` is a column of it."""
    key: str
    """What tells its rows apart."""
    time: str
    time_name: str
    """The name by which filters mean the time."""
    metadata: str
    dimensions: Mapping[str, Dimension]
    measures: Mapping[str, Measure]
    relations: Mapping[str, Relation]
    segment: str = "TRUE"
    """Which rows belong to the view."""

    @property
    def letter(self) -> str:
        """Return the name that its table has in statements."""
        return self.table.rsplit(" ", 1)[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to compute."""

    view: View
    from_ns: int
    """First moment, in nanoseconds since the epoch."""
    to_ns: int
    """Last moment: its whole millisecond counts."""
    dimensions: tuple[str, ...] = ()
    metrics: tuple[tuple[str, str], ...] = ()
    """Measures and their aggregations."""
    conditions: tuple[Condition, ...] = ()
    granularity: str | None = None
    """`minute`, `hour`, `day`, `week` or `month`; None for no time series."""
    order: tuple[tuple[str, bool], ...] = ()
    """Columns of the result, and whether each descends."""
    bins: int = 10
    row_limit: int | None = None
