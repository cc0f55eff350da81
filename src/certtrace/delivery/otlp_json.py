"""A spooled unit as OTLP JSON: ids in hex, 64-bit numbers as text, enumerations as numbers."""

import base64
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

_IDS: Final = ("traceId", "spanId", "parentSpanId")


def unit_json(data: bytes) -> dict[str, Any]:
    """Return serialized `ResourceSpans` as one `TracesData` object of OTLP's JSON form.

    Raises:
        ValueError: They cannot be decoded.
    """
    try:
        message = ResourceSpans.FromString(data)
    except Exception as error:  # noqa: BLE001 - the protobuf runtimes raise different classes
        msg = f"A unit cannot be decoded ({type(error).__name__})."
        raise ValueError(msg) from None
    unit: dict[str, Any] = MessageToDict(message, use_integers_for_enums=True)
    for scope in unit.get("scopeSpans", ()):
        for span in scope.get("spans", ()):
            _with_hex_ids(span)
            for link in span.get("links", ()):
                _with_hex_ids(link)
    return {"resourceSpans": [unit]}


def _with_hex_ids(holder: dict[str, Any]) -> None:
    for key in _IDS:
        if key in holder:
            holder[key] = base64.b64decode(holder[key]).hex()
