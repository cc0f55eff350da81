"""How answers are written: JSON as Langfuse writes it."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from fastapi import Response

_DEEPEST: Final = 200
"""What is nested deeper than the encoder can follow is cut off here."""
_TOO_DEEP: Final = "[nested too deeply to be shown]"
_INT64: Final = 2**63


def answer(body: Any, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer.

    Args:
        body: JSON-ready data. Numbers that JSON does not know (NaN) become null.
        status: HTTP status.
        headers: Further headers.
    """
    try:
        content = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError:
        # Text stored as JSON may hold what was never checked: numbers beyond 64 bits, half characters, endless nesting.
        content = orjson.dumps(_plain(body, _DEEPEST), option=orjson.OPT_NON_STR_KEYS)
    return Response(content, status, headers=dict(headers or {}), media_type="application/json; charset=utf-8")


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        if depth == 0:
            return _TOO_DEEP
        return {_text(key) if isinstance(key, str) else key: _plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth - 1) for item in value] if depth else _TOO_DEEP
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return _decimal(value)
    return value


def _text(value: str) -> str:
    return value.encode(errors="replace").decode()


def _decimal(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None
