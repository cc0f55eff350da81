"""What is wrong with a request, in the form that Langfuse's validation gives it: code, path, message."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

Issue = dict[str, Any]

_OWN_CODES: Final = frozenset({"invalid_format", "invalid_value", "invalid_type", "too_small", "too_big"})
_EXPECTED: Final[Mapping[str, str]] = {
    "string": "string",
    "int": "number",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
    "model": "object",
    "model_attributes": "object",
}
_RECEIVED: Final = ((type(None), "null"), (bool, "boolean"), (str, "string"), (list, "array"), (dict, "object"))
_CHOICE: Final = re.compile(r"'([^']*)'")
_BOUNDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "greater_than_equal": ("ge", "small", ">="),
    "greater_than": ("gt", "small", ">"),
    "less_than_equal": ("le", "big", "<="),
    "less_than": ("lt", "big", "<"),
}
_LENGTHS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "string_too_short": ("string", "min_length", "small", "characters"),
    "string_too_long": ("string", "max_length", "big", "characters"),
    "too_short": ("array", "min_length", "small", "items"),
    "too_long": ("array", "max_length", "big", "items"),
}


def issues(errors: Sequence[Any]) -> list[Issue]:
    """Return pydantic's findings in the form of Langfuse's. Values are not repeated."""
    return [_issue(each) for each in errors]


def _issue(error: Mapping[str, Any]) -> Issue:
    kind, given = error["type"], error.get("ctx") or {}
    path = [part for part in error["loc"] if part not in ("body", "query", "path")]
    if kind in _BOUNDS:
        name, size, sign = _BOUNDS[kind]
        return _limited("number", size, given[name], path, f"to be {sign}{_written(given[name])}", sign.endswith("="))
    if kind in _LENGTHS:
        origin, name, size, unit = _LENGTHS[kind]
        sign = ">=" if size == "small" else "<="
        return _limited(origin, size, given[name], path, f"to have {sign}{given[name]} {unit}", inclusive=True)
    if kind == "literal_error":
        values = _CHOICE.findall(given["expected"])
        message = "Invalid option: expected one of " + "|".join(f'"{value}"' for value in values)
        return {"code": "invalid_value", "values": values, "path": path, "message": message}
    return _mistyped(error, path) or {"code": _code(kind), "path": path, "message": _message(error)}


def _code(kind: str) -> str:
    if kind == "missing" or kind.endswith("_type"):
        return "invalid_type"
    return kind if kind in _OWN_CODES else "custom"


def _message(error: Mapping[str, Any]) -> str:
    return "Required" if error["type"] == "missing" else str(error["msg"])


def _limited(origin: str, size: str, bound: float, path: list[Any], expected: str, inclusive: bool) -> Issue:  # noqa: FBT001 - a field
    return {
        "origin": origin,
        "code": f"too_{size}",
        "minimum" if size == "small" else "maximum": bound,
        "inclusive": inclusive,
        "path": path,
        "message": f"Too {size}: expected {origin} {expected}",
    }


def _mistyped(error: Mapping[str, Any], path: list[Any]) -> Issue | None:
    """Return the finding on a value of the wrong type, or None if it is something else."""
    name, _, ending = error["type"].rpartition("_")
    if ending not in ("type", "parsing") or name not in _EXPECTED:
        return None
    expected = _EXPECTED[name]
    issue: Issue = {"expected": expected, "code": "invalid_type"}
    received = _received(error)
    if ending == "parsing" and expected == "number":
        received = "NaN"
        issue["received"] = received
    return issue | {"path": path, "message": f"Invalid input: expected {expected}, received {received}"}


def _received(error: Mapping[str, Any]) -> str:
    if "input" not in error:
        return "another type"
    return next((word for kind, word in _RECEIVED if isinstance(error["input"], kind)), "number")


def _written(bound: float) -> str:
    return str(int(bound)) if float(bound).is_integer() else str(bound)
