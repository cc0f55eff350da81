"""How answers are written: JSON as Langfuse writes it."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Response


def answer(body: Any, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer.

    Args:
        body: JSON-ready data. Numbers that JSON does not know (NaN) become null.
        status: HTTP status.
        headers: Further headers.
    """
    content = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    return Response(content, status, headers=dict(headers or {}), media_type="application/json")
