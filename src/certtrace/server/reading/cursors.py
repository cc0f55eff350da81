"""Cursors: base64 of JSON that says where a page ended."""

import base64
import binascii
from typing import Any

import orjson
from pydantic_core import PydanticCustomError

from certtrace.records.langfuse_json import iso
from certtrace.records.queries import observations, scores
from certtrace.records.queries.where import NS_PER_MS
from certtrace.server.errors import ApiError, invalid
from certtrace.server.reading.filter_parameter import refused
from certtrace.server.reading.parameters import lenient_time


def observation_cursor(row: observations.Row) -> str:
    """Return the cursor behind an observation."""
    start = row["start_time_ns"]
    content = {"lastStartTimeTo": iso(start), "lastTraceId": row["trace_id"], "lastId": row["id"]}
    return base64.b64encode(_with_rest(content, start)).decode()


def observation_position(cursor: str | None) -> observations.Position | None:
    """Return where a cursor points to.

    Raises:
        ApiError: 400, no list of observations gave it.
    """
    if cursor is None:
        return None
    content = _content(cursor)
    return observations.Position(
        _time(content, "lastStartTimeTo"), _text(content, "lastTraceId"), _text(content, "lastId")
    )


def score_cursor(row: scores.Row) -> str:
    """Return the cursor behind a score."""
    time_ns = row["timestamp_ns"]
    content = {"v": 1, "lastTimestamp": iso(time_ns), "lastId": row["id"]}
    return base64.urlsafe_b64encode(_with_rest(content, time_ns)).decode().rstrip("=")


def score_position(cursor: str | None) -> scores.Position | None:
    """Return where a cursor points to.

    Raises:
        ApiError: 400, no list of scores gave it.
    """
    if cursor is None:
        return None
    content = _content(cursor)
    if content.get("v") != 1:
        raise _unfit(["cursor", "v"], message="Invalid input")
    return scores.Position(_time(content, "lastTimestamp"), _text(content, "lastId"))


def _with_rest(content: dict[str, Any], time_ns: int) -> bytes:
    """Add what milliseconds leave out of a time: rows of one millisecond must neither repeat nor get lost."""
    return orjson.dumps({**content, "rest": time_ns % NS_PER_MS})


def _content(cursor: str) -> dict[str, Any]:
    try:
        plain = cursor.replace("-", "+").replace("_", "/").rstrip("=")
        content = orjson.loads(base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True))
    except (binascii.Error, ValueError):
        msg = "Invalid cursor format"
        raise invalid(msg) from None
    if not isinstance(content, dict):
        raise _unfit(["cursor"], message="Invalid input: expected object")
    return content


def _time(content: dict[str, Any], name: str) -> int:
    rest = content.get("rest", 0)
    try:
        time_ns = lenient_time(content.get(name))
    except PydanticCustomError as error:
        raise _unfit(["cursor", name], message=error.message()) from None
    return time_ns + rest if type(rest) is int and 0 <= rest < NS_PER_MS else time_ns


def _text(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str):
        raise _unfit(["cursor", name], message="Invalid input: expected string")
    return value


def _unfit(path: list[str], *, message: str) -> ApiError:
    return refused([{"code": "invalid_type", "path": path, "message": message}])
