"""Which versions of prompts a list is about: Langfuse's filters as SQL over `prompts AS p`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from certtrace.records.catalog.json_values import json_text
from certtrace.records.catalog.refusals import RefusedError


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: SQL, and the values of its marks."""

    sql: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFilter:
    """The simple filters; what is None does not filter."""

    name: str | None = None
    version: int | None = None
    label: str | None = None
    tag: str | None = None
    from_updated_ns: int | None = None
    """Inclusive."""
    to_updated_ns: int | None = None
    """Exclusive."""

    def conditions(self) -> tuple[Condition, ...]:
        """Return them as conditions."""
        given = (
            ("p.name = ?", self.name),
            ("p.version = ?", self.version),
            (_LABELS, None if self.label is None else json_text([self.label])),
            (_TAGS, None if self.tag is None else json_text([self.tag])),
            ("p.updated_at_ns >= ?", self.from_updated_ns),
            ("p.updated_at_ns < ?", self.to_updated_ns),
        )
        return tuple(Condition(sql, (value,)) for sql, value in given if value is not None)


_LABELS: Final = (
    "EXISTS (SELECT 1 FROM prompt_labels AS l WHERE l.project = p.project AND l.name = p.name"
    " AND l.version = p.version AND l.label IN (SELECT value FROM json_each(?)))"
)
_TAGS: Final = "EXISTS (SELECT 1 FROM json_each(p.tags) AS t WHERE t.value IN (SELECT value FROM json_each(?)))"
_MEMBERS: Final = {"labels": _LABELS, "tags": _TAGS}
_TEXTS: Final = {"id": "p.id", "name": "p.name", "type": "p.type"}
_NUMBERS: Final = {"version": "p.version"}
_TIMES: Final = {"createdAt": "p.created_at_ns", "updatedAt": "p.updated_at_ns"}
_CONFIG: Final = (
    "(SELECT CASE c.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(c.value AS TEXT) END"
    " FROM json_each(p.config) AS c WHERE CAST(c.key AS TEXT) = ?)"
)
_COMPARING: Final = frozenset({"=", ">", "<", ">=", "<="})
_SEARCHING: Final = {
    "contains": ("LIKE", "%{}%"),
    "does not contain": ("NOT LIKE", "%{}%"),
    "starts with": ("LIKE", "{}%"),
    "ends with": ("LIKE", "%{}"),
}
_LARGEST: Final = 2**53
_MOST: Final = 20
"""Conditions in one filter, and texts in one condition: SQLite bounds how deep an expression is."""
_LONGEST: Final = 1_000


def conditions(filters: Sequence[Any], time_ns: Callable[[str], int]) -> tuple[Condition, ...]:
    """Return the conditions that a JSON filter means; all of them must hold.

    Args:
        filters: Objects with `type`, `column`, `operator`, `value`, and `key` for `config`.
        time_ns: Reads a time; raises ValueError where it is none.

    Raises:
        RefusedError: One of them cannot be understood.
    """
    if len(filters) > _MOST:
        msg = f"Invalid filter: at most {_MOST} conditions"
        raise RefusedError(msg)
    return tuple(_condition(each, time_ns) for each in filters)


def _condition(given: Any, time_ns: Callable[[str], int]) -> Condition:
    kind = given.get("type") if isinstance(given, Mapping) else None
    column, operator, value = (given.get(key) for key in ("column", "operator", "value")) if kind else (None,) * 3
    if not isinstance(kind, str) or not isinstance(column, str) or not isinstance(operator, str):
        found = None
    elif kind == "datetime":
        found = _time(column, operator, value, time_ns)
    elif kind == "stringObject":
        found = _config(column, operator, value, given.get("key"))
    else:
        found = _KINDS[kind](column, operator, value) if kind in _KINDS else None
    if found is None:
        msg = (
            "Invalid filter: every condition needs a type, a column of that type, an operator of that type, and a value"
        )
        raise RefusedError(msg)
    return found


def _string(column: str, operator: str, value: Any) -> Condition | None:
    expression = _TEXTS.get(column)
    if expression is None or not isinstance(value, str):
        return None
    if operator == "is not empty":
        return Condition(f"{expression} != ''")
    return _text(expression, (), operator, value)


def _text(expression: str, before: tuple[Any, ...], operator: str, value: str) -> Condition | None:
    if operator == "=":
        return Condition(f"{expression} = ?", (*before, value))
    if operator not in _SEARCHING or len(value) > _LONGEST:
        return None
    comparison, pattern = _SEARCHING[operator]
    return Condition(f"{expression} {comparison} ? ESCAPE '\\'", (*before, pattern.replace("{}", value)))


def _options(column: str, operator: str, value: Any) -> Condition | None:
    expression = _TEXTS.get(column)
    negation = {"any of": "", "none of": "NOT "}.get(operator)
    if expression is None or negation is None or not _are_texts(value):
        return None
    return Condition(f"{expression} {negation}IN (SELECT value FROM json_each(?))", (json_text(value),))  # noqa: S608 - constants


def _number(column: str, operator: str, value: Any) -> Condition | None:
    expression = _NUMBERS.get(column)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LARGEST
    if expression is None or operator not in _COMPARING or not is_number:
        return None
    return Condition(f"{expression} {operator} ?", (value,))


def _time(column: str, operator: str, value: Any, time_ns: Callable[[str], int]) -> Condition | None:
    expression = _TIMES.get(column)
    if expression is None or operator not in _COMPARING - {"="} or not isinstance(value, str):
        return None
    try:
        return Condition(f"{expression} {operator} ?", (time_ns(value),))
    except ValueError:
        return None


def _members(column: str, operator: str, value: Any) -> Condition | None:
    expression = _MEMBERS.get(column)
    if expression is None or not _are_texts(value):
        return None
    if operator == "all of":
        each = tuple(json_text([text]) for text in dict.fromkeys(value))
        return Condition(" AND ".join([expression] * len(each)), each)
    negation = {"any of": "", "none of": "NOT "}.get(operator)
    return None if negation is None else Condition(f"{negation}{expression}", (json_text(value),))


def _config(column: str, operator: str, value: Any, key: Any) -> Condition | None:
    if column != "config" or not isinstance(key, str) or not isinstance(value, str):
        return None
    if operator in ("is set", "is not set"):
        return Condition(f"{_CONFIG} IS {'NOT ' if operator == 'is set' else ''}NULL", (key,))
    if operator in _SEARCHING and value == "":
        return Condition(f"{_CONFIG} IS NOT NULL", (key,))
    return _text(_CONFIG, (key,), operator, value)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= _MOST and all(isinstance(each, str) for each in value)


_KINDS: Final[Mapping[Any, Callable[[str, str, Any], Condition | None]]] = {
    "string": _string,
    "stringOptions": _options,
    "number": _number,
    "arrayOptions": _members,
}
