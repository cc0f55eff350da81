"""Where what a policy asks about stands on spans that have left the process.

A span of certtrace's own carries an attribute as Langfuse's metadata, its value as JSON; a span of another library
carries it under its own name, as it was set.
"""

from typing import Final

import orjson

from certtrace import semconv
from certtrace.sampling.compile import ottl

STAMP: Final = semconv.metadata(semconv.SAMPLING)
"""The decision on every span. In a dry run it says what the policy would have done."""

_METADATA: Final = semconv.metadata("")
_ENCODED: Final = (_METADATA, f"{semconv.TRACE_METADATA}.")
_AS_IT_IS: Final = frozenset({semconv.USER_ID, semconv.SESSION_ID})
_JSON_STARTS: Final = ("{", "[", '"')
_EXACT: Final = 2**53
"""Whole numbers from here on are not all told apart by a 64-bit float."""


def numbers(key: str, operator: str, value: float) -> list[str]:
    """Return the conditions, one of which holds where an attribute compares so with a number."""
    right = ottl.decimal(value)
    paths = dict.fromkeys(path for path, _ in _forms(key))
    return [f"{path} != nil and {ottl.as_number(path)} {operator} {right}" for path in paths]


def equals(key: str, value: str | float | bool) -> list[str] | None:  # noqa: FBT001 - what a policy compares with
    """Return the conditions, one of which holds where an attribute is this value; None where none can say it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return numbers(key, "==", value) if abs(value) < _EXACT else None
    plain = ottl.text(value) if isinstance(value, str) else str(value).lower()
    return [f"{path} == {ottl.text(_json(value)) if encoded else plain}" for path, encoded in _forms(key)]


def exists(key: str) -> list[str]:
    """Return the conditions, one of which holds where an attribute is there."""
    return [f"{path} != nil" for path in dict.fromkeys(path for path, _ in _forms(key))]


def would(rule: str) -> str:
    """Return the condition that this rule decides about the span's unit, as certtrace worked it out itself."""
    return ottl.matches(ottl.attribute(STAMP), rf'"would":\{{[^{{}}]*"rule":"{rule}"')


def decided_by(rule: str) -> str:
    """Return the condition that this rule decided, or would have decided, about the span's unit."""
    return ottl.matches(ottl.attribute(STAMP), f'"rule":"{rule}"')


def refused() -> str:
    """Return the condition that the unit would have been dropped."""
    return ottl.matches(ottl.attribute(STAMP), '"keep":false')


def _forms(key: str) -> list[tuple[str, bool]]:
    """Return the paths of an attribute, and whether its value is JSON there."""
    path = ottl.attribute(key)
    if key.startswith(_ENCODED):
        return [(path, True), (path, False)]
    if key.startswith("langfuse.") or key in _AS_IT_IS:
        return [(path, False)]
    return [(ottl.attribute(_METADATA + key), True), (path, False)]


def _json(value: str | bool) -> str:  # noqa: FBT001 - a value of an attribute
    if isinstance(value, str) and value.startswith(_JSON_STARTS) and _is_json(value):
        return value
    return orjson.dumps(value).decode()


def _is_json(value: str) -> bool:
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return False
    return True
