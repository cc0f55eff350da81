"""Filters as the API's `filter` parameter writes them, turned into SQL."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from certtrace.errors import InputError
from certtrace.records.queries import flat
from certtrace.records.queries.where import LISTED, NS_PER_MS, Where, as_list, in_range


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of a filter. The operator is one of its type's, the value of the type's kind."""

    type: str
    column: str
    operator: str
    value: Any = None
    """A text, a finite number, a truth value, nanoseconds, or a list of texts."""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """What a condition may ask of one column."""

    kind: str
    """The type of filter that the column is declared with."""
    expression: str
    indexed_text: bool = False
    """Whether the column is a content: only searched together with `=` or `matches`."""


class FilterError(InputError):
    """A filter asks for what cannot be asked; the message is worded as the API words it."""


_ACCEPTED: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("string", "stringOptions"),
    "stringOptions": ("string", "stringOptions"),
    "arrayOptions": ("arrayOptions", "stringOptions"),
    "datetime": ("datetime",),
    "number": ("number",),
    "boolean": ("boolean",),
    "stringObject": ("stringObject", "numberObject", "categoryOptions"),
    "numberObject": ("numberObject",),
    "categoryOptions": ("categoryOptions", "stringOptions"),
}
_SEARCHES: Final = ("=", "matches")


def install(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that filters use."""
    for name, function in flat.FUNCTIONS.items():
        connection.create_function(name, 2, function, deterministic=True)


def narrow(where: Where, conditions: Sequence[Condition], columns: Mapping[str, Column]) -> None:
    """Add the conditions of a filter.

    Raises:
        FilterError: There is no such column, or it cannot be compared like that.
    """
    searched = [each for each in conditions if (column := columns.get(each.column)) and column.indexed_text]
    if any(each.type not in ("string", "null") for each in searched):
        msg = "Input/output filters only support filter type `string`."
        raise FilterError(msg)
    if searched and not any(each.operator in _SEARCHES for each in searched):
        msg = "Input/output filters require at least one `matches` or `=` operator."
        raise FilterError(msg)
    for each in conditions:
        _add(where, each, _column(each, columns))


def _column(condition: Condition, columns: Mapping[str, Column]) -> Column:
    column = columns.get(condition.column)
    if column is None:
        msg = f"Column {condition.column} does not match a UI / CH table mapping."
        raise FilterError(msg)
    if condition.type != "null" and condition.type not in _ACCEPTED[column.kind]:
        msg = (
            f"Invalid filter type '{condition.type}' for column '{condition.column}'. "
            f"Expected filter type '{column.kind}'."
        )
        raise FilterError(msg)
    if condition.operator == "matches":
        _check_search(condition, column)
    return column


def _check_search(condition: Condition, column: Column) -> None:
    if not flat.searchable(condition.value):
        msg = "`matches` requires at least one search token."
        raise FilterError(msg)
    if not column.indexed_text and column.kind != "stringObject":
        msg = "`matches` is only supported for input, output, and metadata filters."
        raise FilterError(msg)


def _add(where: Where, condition: Condition, column: Column) -> None:
    if column.kind in _SPECIAL:
        _SPECIAL[column.kind](where, condition, column.expression)
    else:
        _COMPARED[condition.type](where, condition, column.expression)


def _text(where: Where, condition: Condition, column: str) -> None:
    value = condition.value
    given = f"COALESCE({column}, '')"
    match condition.operator:
        case "=":
            where.equal(column, value)
        case "contains":
            where.add(f"instr({given}, ?) > 0", value)
        case "does not contain":
            where.add(f"instr({given}, ?) = 0", value)
        case "starts with":
            where.add(f"substr({given}, 1, length(?)) = ?", value, value)
        case "ends with":
            where.add(f"(length(?) = 0 OR substr({given}, -length(?)) = ?)", value, value, value)
        case "matches":
            where.add(f"has_words_folded({column}, ?)", value)


def _options(where: Where, condition: Condition, column: str) -> None:
    if condition.operator == "any of":
        where.one_of(column, condition.value)
    else:
        where.add(f"COALESCE({column}, '') NOT IN {LISTED}", as_list(condition.value))


def _time(where: Where, condition: Condition, column: str) -> None:
    """Compare as milliseconds: what stands behind them is not shown, so nobody can ask for it."""
    at = in_range(condition.value)
    after = in_range(condition.value + NS_PER_MS)
    match condition.operator:
        case ">=":
            where.add(f"{column} >= ?", at)
        case "<":
            where.add(f"{column} < ?", at)
        case ">":
            where.add(f"{column} >= ?", after)
        case "<=":
            where.add(f"{column} < ?", after)


def _number(where: Where, condition: Condition, column: str) -> None:
    where.add(f"{column} {condition.operator} ?", float(condition.value))


def _flag(where: Where, condition: Condition, column: str) -> None:
    where.add(f"({column}) {condition.operator} ?", bool(condition.value))


def _null(where: Where, condition: Condition, column: str) -> None:
    absent = f"({column} IS NULL OR {column} = '')"
    where.add(absent if condition.operator == "is null" else f"NOT {absent}")


def _tags(where: Where, condition: Condition, column: str) -> None:
    if condition.type == "null":
        where.add(f"{column} {'=' if condition.operator == 'is null' else '<>'} '[]'")
        return
    wanted = as_list(condition.value)
    some = f"EXISTS (SELECT 1 FROM json_each({column}) WHERE value IN {LISTED})"  # noqa: S608 - the column is a constant
    match condition.operator:
        case "any of":
            where.add(some, wanted)
        case "none of":
            where.add(f"NOT {some}", wanted)
        case "all of":
            missing = f"SELECT 1 FROM json_each(?) WHERE value NOT IN (SELECT value FROM json_each({column}))"  # noqa: S608 - the column is a constant
            where.add(f"NOT EXISTS ({missing})", wanted)


def _metadata(where: Where, condition: Condition, column: str) -> None:
    found = f"metadata_text({column}, ?)"
    match condition.type:
        case "numberObject":
            number = f"metadata_number({column}, ?) {condition.operator} ?"
            where.add(number, condition.key, float(condition.value))
        case "categoryOptions":
            within = "IN" if condition.operator == "any of" else "NOT IN"
            wanted = as_list(condition.value)
            where.add(f"COALESCE({found}, '') {within} {LISTED}", condition.key, wanted)
        case "null":
            where.add(f"{column} {'=' if condition.operator == 'is null' else '<>'} '{{}}'")
        case _:
            _metadata_text(where, condition, found)


def _metadata_text(where: Where, condition: Condition, found: str) -> None:
    """Compare one metadata value as text; a key that is not there matches nothing but `is not set`."""
    key, value = condition.key, condition.value
    match condition.operator:
        case "is set":
            where.add(f"{found} IS NOT NULL", key)
        case "is not set":
            where.add(f"{found} IS NULL", key)
        case "=":
            where.add(f"{found} = ?", key, value)
        case "contains":
            where.add(f"instr({found}, ?) > 0", key, value)
        case "does not contain":
            where.add(f"instr({found}, ?) = 0", key, value)
        case "starts with":
            where.add(f"substr({found}, 1, length(?)) = ?", key, value, value)
        case "ends with":
            where.add(f"(length(?) = 0 OR substr({found}, -length(?)) = ?)", value, key, value, value)
        case "matches":
            where.add(f"has_words({found}, ?)", key, value)


def _averages(where: Where, condition: Condition, scores: str) -> None:
    where.add(
        f"(SELECT avg(s.value) {scores} AND s.name = ? AND s.data_type IN ('NUMERIC', 'BOOLEAN')) "
        f"{condition.operator} ?",
        condition.key,
        float(condition.value),
    )


def _categories(where: Where, condition: Condition, scores: str) -> None:
    if condition.type == "stringOptions":
        pairs = f"EXISTS (SELECT 1 {scores} AND s.data_type = 'CATEGORICAL' AND s.name || ':' || s.value IN {LISTED})"
        where.add(pairs if condition.operator == "any of" else f"NOT {pairs}", as_list(condition.value))
        return
    some = f"EXISTS (SELECT 1 {scores} AND s.name = ? AND s.data_type = 'CATEGORICAL' AND s.value IN {LISTED})"
    where.add(some if condition.operator == "any of" else f"NOT {some}", condition.key, as_list(condition.value))


Adding = Callable[[Where, Condition, str], None]

_COMPARED: Final[Mapping[str, Adding]] = {
    "string": _text,
    "stringOptions": _options,
    "datetime": _time,
    "number": _number,
    "boolean": _flag,
    "null": _null,
}
_SPECIAL: Final[Mapping[str, Adding]] = {
    "arrayOptions": _tags,
    "stringObject": _metadata,
    "numberObject": _averages,
    "categoryOptions": _categories,
}
