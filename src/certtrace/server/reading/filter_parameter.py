"""The parameter `filter`: a JSON list of conditions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson

from certtrace.records.queries.conditions import Condition
from certtrace.server.box import Box
from certtrace.server.errors import ApiError, invalid
from certtrace.server.intake.redacting import sought
from certtrace.server.reading.parameters import lenient_time

_MOST_CONDITIONS: Final = 200
"""Conditions that one statement asks for: SQLite bounds how deeply they nest, and each is looked at for each row."""
Issue = dict[str, Any]

_COMPARED: Final = ("=", ">", "<", ">=", "<=")
_TEXTS: Final = ("=", "contains", "does not contain", "starts with", "ends with", "matches")
_OPERATORS: Final[Mapping[str, tuple[str, ...]]] = {
    "datetime": (">", "<", ">=", "<="),
    "string": _TEXTS,
    "stringOptions": ("any of", "none of"),
    "categoryOptions": ("any of", "none of"),
    "arrayOptions": ("any of", "none of", "all of"),
    "number": _COMPARED,
    "stringObject": (*_TEXTS, "is set", "is not set"),
    "numberObject": _COMPARED,
    "boolean": ("=", "<>"),
    "null": ("is null", "is not null"),
}
_WITH_KEY: Final = ("stringObject", "numberObject", "categoryOptions")
_REDACTED: Final = frozenset({"userId", "sessionId", "name", "traceName", "tags", "traceTags"})
"""What this server redacts when it comes from elsewhere: asked for by the value that was sent, it has to be found."""


class _UnfitError(Exception):
    """One condition cannot be; carries the finding."""

    def __init__(self, issue: Issue) -> None:
        super().__init__()
        self.issue = issue


def conditions_of(box: Box, given: str | None) -> list[Condition]:
    """Return the conditions that the parameter writes.

    Raises:
        ApiError: 400, it is no JSON or no list of conditions.
    """
    if not given:
        return []
    try:
        parsed = orjson.loads(given)
    except orjson.JSONDecodeError:
        msg = "Invalid JSON in filter parameter"
        raise invalid(msg) from None
    if not isinstance(parsed, list):
        raise refused([_type_issue("array", parsed, "filter")])
    if len(parsed) > _MOST_CONDITIONS:
        msg = f"Invalid filter: at most {_MOST_CONDITIONS} conditions"
        raise invalid(msg)
    conditions: list[Condition] = []
    issues: list[Issue] = []
    for index, each in enumerate(parsed):
        try:
            conditions.append(_condition(box, each, index))
        except _UnfitError as error:
            issues.append(error.issue)
    if issues:
        raise refused(issues)
    return conditions


def refused(issues: Sequence[Issue]) -> ApiError:
    """Return the answer to parameters that are not what they have to be."""
    return ApiError(400, "Invalid request data", list(issues))


def custom_issue(message: str, *path: str | int) -> Issue:
    """Return a finding that has no kind of its own."""
    return {"code": "custom", "path": list(path), "message": message}


def _condition(box: Box, given: Any, index: int) -> Condition:
    if not isinstance(given, dict):
        raise _UnfitError(_type_issue("object", given, "filter", index))
    kind = given.get("type")
    if not isinstance(kind, str) or kind not in _OPERATORS:
        note = {"errors": [], "note": "No matching discriminator", "discriminator": "type"}
        path = ["filter", index, "type"]
        raise _UnfitError({"code": "invalid_union", **note, "path": path, "message": "Invalid input"})
    column = _text(given, "column", index)
    operator = given.get("operator")
    if operator not in _OPERATORS[kind]:
        raise _UnfitError(_option_issue(_OPERATORS[kind], "filter", index, "operator"))
    key = _text(given, "key", index) if kind in _WITH_KEY else ""
    value = _VALUES[kind](given, operator, index)
    return Condition(
        type=kind, column=column, operator=operator, key=key, value=_as_stored(box, column, operator, value)
    )


def _as_stored(box: Box, column: str, operator: str, value: Any) -> Any:
    """Ask for what is stored where a whole value of a field that gets redacted is compared."""
    if column not in _REDACTED or operator not in ("=", "any of", "none of", "all of"):
        return value
    if isinstance(value, str):
        return sought(box, value)
    if isinstance(value, list):
        forms = [sought(box, each) for each in value]
        return forms if operator == "all of" else list(dict.fromkeys((*value, *forms)))
    return value


def _text(given: Mapping[str, Any], name: str, index: int) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise _UnfitError(_type_issue("string", value, "filter", index, name))
    return value


def _text_value(given: Mapping[str, Any], operator: str, index: int) -> Any:
    return "" if operator in ("is set", "is not set") else _text(given, "value", index)


def _number_value(given: Mapping[str, Any], _operator: str, index: int) -> Any:
    value = given.get("value")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _UnfitError(_type_issue("number", value, "filter", index, "value"))
    return value


def _flag_value(given: Mapping[str, Any], _operator: str, index: int) -> Any:
    value = given.get("value")
    if not isinstance(value, bool):
        raise _UnfitError(_type_issue("boolean", value, "filter", index, "value"))
    return value


def _time_value(given: Mapping[str, Any], _operator: str, index: int) -> Any:
    value = given.get("value")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _LATEST_MS:
        return int(value) * 1_000_000
    try:
        return lenient_time(value)
    except ValueError:
        path = ["filter", index, "value"]
        message = "Invalid input: expected date, received Date"
        issue = {"expected": "date", "code": "invalid_type", "received": "Invalid Date", "path": path}
        raise _UnfitError({**issue, "message": message}) from None


_LATEST_MS: Final = 8.64e15
"""As far as JavaScript's `Date` goes."""


def _list_value(given: Mapping[str, Any], operator: str, index: int) -> Any:
    value = given.get("value")
    if not isinstance(value, list):
        raise _UnfitError(_type_issue("array", value, "filter", index, "value"))
    for position, each in enumerate(value):
        if not isinstance(each, str):
            raise _UnfitError(_type_issue("string", each, "filter", index, "value", position))
    if not value and given["type"] == "stringOptions":
        raise _UnfitError(custom_issue("Invalid input", "filter", index, "value"))
    if not value and given["type"] == "arrayOptions" and operator == "any of":
        message = (
            "Value array must not be empty unless operator is 'all of' or 'none of' "
            "(which represent waiting for selection)"
        )
        raise _UnfitError(custom_issue(message, "filter", index))
    return value


def _no_value(_given: Mapping[str, Any], _operator: str, _index: int) -> Any:
    return ""


_VALUES: Final[Mapping[str, Callable[[Mapping[str, Any], str, int], Any]]] = {
    "datetime": _time_value,
    "string": _text_value,
    "stringOptions": _list_value,
    "categoryOptions": _list_value,
    "arrayOptions": _list_value,
    "number": _number_value,
    "stringObject": _text_value,
    "numberObject": _number_value,
    "boolean": _flag_value,
    "null": _no_value,
}
_TYPES: Final = ((bool, "boolean"), (str, "string"), (list, "array"), (dict, "object"), ((int, float), "number"))


def _type_issue(expected: str, value: Any, *path: str | int) -> Issue:
    received = next((name for kind, name in _TYPES if isinstance(value, kind)), "undefined")
    message = f"Invalid input: expected {expected}, received {received}"
    return {"expected": expected, "code": "invalid_type", "path": list(path), "message": message}


def _option_issue(options: Sequence[str], *path: str | int) -> Issue:
    listed = "|".join(f'"{option}"' for option in options)
    message = f"Invalid option: expected one of {listed}"
    return {"code": "invalid_value", "values": list(options), "path": list(path), "message": message}
