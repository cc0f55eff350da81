"""What a query may ask for, worded as the API words its refusals."""

from collections.abc import Iterable
from typing import Final

from certtrace.records.metrics.model import AGGREGATIONS, NUMBERS, AbsentError, Dimension, Query, QueryError
from certtrace.records.queries.conditions import Condition

_ORDERING: Final = tuple(each for each in AGGREGATIONS if each != "histogram")
_ARRAY_ADVICE: Final = "Use operators like 'any of', 'all of', or 'none of' with an array of values."
_METADATA_EXAMPLE: Final = (
    'Example: {"column": "metadata", "type": "stringObject", "key": "environment", "operator": "=", '
    '"value": "production"}'
)
_TYPES: Final = {
    "string": ("string", "stringOptions", "null"),
    "number": ("number", "null"),
    "boolean": ("boolean", "null"),
    "string[]": ("arrayOptions", "stringOptions", "null"),
}


def check(query: Query) -> None:
    """Refuse what cannot be asked.

    Raises:
        QueryError: A name, an aggregation or a filter is wrong.
        AbsentError: The store does not keep what is asked for.
    """
    _check_dimensions(query)
    _check_metrics(query)
    for condition in query.conditions:
        _check_condition(query, condition)
    for field, _ in query.order:
        _check_order(query, field)


def check_cardinality(query: Query, *, is_limited: bool, order: Iterable[tuple[str, bool]]) -> None:
    """Refuse to group by what nearly every row has another value of, unless only the first few groups are wanted.

    Raises:
        QueryError: They are not bounded.
    """
    known = query.view.dimensions
    high = [name for name in query.dimensions if name in known and known[name].is_high_cardinality]
    if not high:
        return
    named = f"High cardinality dimension(s) '{', '.join(high)}'"
    if query.granularity is not None:
        msg = (
            f"{named} cannot be used with timeDimension. Time series queries with high cardinality dimensions produce "
            "unbounded result sets."
        )
        raise QueryError(msg)
    descending = [field for field, descends in order if descends]
    if not is_limited or not descending:
        msg = f"{named} require both 'config.row_limit' and 'orderBy' with direction 'desc' on a measure field."
        raise QueryError(msg)
    measures = [measure for measure, _ in query.metrics]
    wrong = [
        field
        for field in descending
        if not any(field == measure or field.endswith(f"_{measure}") for measure in measures)
    ]
    if wrong:
        msg = (
            f"{named} require 'orderBy' with direction 'desc' on a measure field. "
            f"'{', '.join(wrong)}' {'is' if len(wrong) == 1 else 'are'} not a measure in this query."
        )
        raise QueryError(msg)


def _check_dimensions(query: Query) -> None:
    known = query.view.dimensions
    for name in query.dimensions:
        if name not in known:
            msg = f"Invalid dimension {name}. Must be one of {','.join(known)}"
            raise QueryError(msg)
        if not known[name].is_kept:
            raise _absent(name)
    pairs = [name for name in query.dimensions if known[name].pair]
    pairs += [
        measure.dimension
        for name, _ in query.metrics
        if (measure := query.view.measures.get(name)) and measure.dimension
    ]
    if len(set(pairs)) > 1:
        msg = f"Only one pairExpand dimension is supported per query. Found: {', '.join(dict.fromkeys(pairs))}"
        raise QueryError(msg)


def _check_metrics(query: Query) -> None:
    known = query.view.measures
    for name, aggregation in query.metrics:
        if name not in known:
            msg = f"Invalid metric {name}. Must be one of {','.join(known)}"
            raise QueryError(msg)
        measure = known[name]
        if not measure.is_kept:
            raise _absent(name)
        valid = AGGREGATIONS if measure.kind in NUMBERS else ("count", "uniq")
        if aggregation not in valid:
            msg = (
                f'Aggregation "{aggregation}" is not valid for measure "{name}" (type: {measure.kind}). '
                f"Valid aggregations: {', '.join(valid)}"
            )
            raise QueryError(msg)


def _check_condition(query: Query, condition: Condition) -> None:
    view, column = query.view, condition.column
    dimension = view.dimensions.get(column)
    if dimension is None and column.endswith("Name") and "name" in view.dimensions:
        dimension = view.dimensions["name"]
    if dimension is not None:
        if not dimension.is_kept:
            raise _absent(column)
        _check_pair(query, column, dimension)
        if dimension.kind == "string[]" and condition.type == "string":
            msg = (
                f"Invalid filter for field '{column}': Filter type 'string' is not supported for dimension type"
                f" 'string[]'. Expected 'arrayOptions'. {_ARRAY_ADVICE}"
            )
            raise QueryError(msg)
        _check_type(condition, _TYPES[dimension.kind])
    elif column == "metadata":
        if condition.type != "stringObject":
            msg = (
                "Invalid filter for field 'metadata': Metadata filters require type 'stringObject' with a 'key' "
                f"property, not '{condition.type}'. {_METADATA_EXAMPLE}"
            )
            raise QueryError(msg)
    elif column == view.time_name:
        _check_type(condition, ("datetime", "null"))
    else:
        msg = f"Invalid filter column {column}. Must be one of {','.join(view.dimensions)} or {view.time_name}"
        raise QueryError(msg)


def _check_pair(query: Query, column: str, dimension: Dimension) -> None:
    needed = [query.view.measures[name].dimension for name, _ in query.metrics]
    if dimension.pair is not None and column not in (*query.dimensions, *needed):
        msg = f"Invalid filter column {column}: it can be filtered where it is a dimension of the query, too."
        raise QueryError(msg)


def _check_type(condition: Condition, valid: tuple[str, ...]) -> None:
    if condition.type not in valid:
        msg = (
            f"Invalid filter type '{condition.type}' for column '{condition.column}'. "
            f"Expected filter type '{valid[0]}'."
        )
        raise QueryError(msg)


def _check_order(query: Query, field: str) -> None:
    if field == "time_dimension" and query.granularity is not None:
        return
    aggregation, _, measure = field.partition("_")
    ordered = aggregation in _ORDERING and (measure, aggregation) in query.metrics
    if field not in query.dimensions and not ordered:
        msg = f"Invalid orderBy field: {field}. Must be one of the dimension or metric fields."
        raise QueryError(msg)


def _absent(name: str) -> AbsentError:
    return AbsentError(f"The field {name} is not available in certtrace serve. Use a self-hosted Langfuse for it.")
