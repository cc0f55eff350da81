"""Traces as OpenTelemetry's exporters send them."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import anyio
import anyio.to_thread
import orjson
from fastapi import APIRouter, Request, Response

from certtrace import semconv
from certtrace.server.access.callers import Ingesting
from certtrace.server.answers import answer
from certtrace.server.box import Box, InBox
from certtrace.server.intake.receiving import receive_json, receive_protobuf
from certtrace.server.intake.refusing import bad_export

router: Final = APIRouter(prefix="/api/public/otel/v1", tags=["opentelemetry"])

_PROTOBUF: Final = "application/x-protobuf"
_JSON: Final = "application/json"
_AT_ONCE: Final = 4
"""Exports that are worked on at the same time."""
_LEADING_NUMBER: Final = re.compile(r"\s*([+-]?\d{1,9})", re.ASCII)
_OBJECTS: Final = {"type": "array", "items": {"type": "object"}}
_REQUEST_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            _JSON: {
                "schema": {
                    "type": "object",
                    "properties": {"resourceSpans": {"type": "array", "items": {"type": "object"}}},
                }
            },
            _PROTOBUF: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post("/traces", openapi_extra=_REQUEST_BODY)
async def traces(request: Request, box: InBox, caller: Ingesting) -> Response:
    """Store an export of traces: OTLP as protobuf or JSON, plain or gzip. The answer comes after the commit."""
    kind = request.headers.get("content-type", "").lower()
    if _PROTOBUF not in kind and _JSON not in kind:
        raise bad_export(400, f"Invalid content type. Send {_PROTOBUF} or {_JSON}.")
    _check_version(request)
    body = await request.body()
    if _PROTOBUF in kind:
        await _in_thread(receive_protobuf, box, caller.project_id, body)
    else:
        await _in_thread(_receive_json, box, caller.project_id, body)
    return answer({})


async def _in_thread(receive: Callable[[Box, str, bytes], int], box: Box, project: str, body: bytes) -> None:
    await anyio.to_thread.run_sync(receive, box, project, body, limiter=_limiter())


@lru_cache(maxsize=1)
def _limiter() -> anyio.CapacityLimiter:
    """Return what keeps a crowd of exporters from taking every thread, and their spans from filling the memory."""
    return anyio.CapacityLimiter(_AT_ONCE)


def _receive_json(box: Box, project: str, body: bytes) -> int:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise bad_export(400, "Failed to parse OTel JSON Trace") from None
    return receive_json(box, project, found)


def _check_version(request: Request) -> None:
    name = semconv.INGESTION_VERSION_HEADER
    given = request.headers.get(name) or request.headers.get(name.replace("-", "_"))
    if given is None or given == "":
        return
    number = _LEADING_NUMBER.match(given)
    if number is None or int(number[1]) > int(semconv.INGESTION_VERSION):
        raise bad_export(400, f'Unsupported {name}. Maximum supported: "{semconv.INGESTION_VERSION}".')
