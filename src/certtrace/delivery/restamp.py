"""Encoded units looked at again: a new stamp for what is promoted, and who is whose parent."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from certtrace import semconv

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

_STAMP_KEY: Final = semconv.metadata(semconv.SAMPLING)
_REPLACED: Final = ("rule", "th", "would")


class Kinship(NamedTuple):
    """A span and the span it is below."""

    span_id: int
    parent_span_id: int
    """0 for a root."""


def restamp(data: bytes, rule: str, threshold: int | None = None) -> bytes:
    """Return an encoded unit whose spans say another rule.

    Args:
        data: Serialized `ResourceSpans`.
        rule: What kept the unit after all.
        threshold: T that the unit counts with; None for one that counts nothing: then no `th` is left on it.

    Raises:
        ValueError: It is no encoded unit.
    """
    unit = _parsed(data)
    th = None if threshold is None else f"{min(max(threshold, 0), 2**56 - 1):014x}".rstrip("0") or "0"
    for span in _spans(unit):
        span.trace_state = _with_threshold(span.trace_state, th)
        found = [attribute for attribute in span.attributes if attribute.key == _STAMP_KEY]
        for attribute in found or [span.attributes.add(key=_STAMP_KEY)]:
            attribute.value.string_value = _stamp(attribute.value.string_value, rule, th)
    return bytes(unit.SerializeToString())


def _stamp(before: str, rule: str, th: str | None) -> str:
    """Return the stamp with another rule and threshold; what else it says, such as that a unit came late, stays."""
    try:
        told = json.loads(before or "{}")
    except ValueError:
        told = {}
    others = {key: value for key, value in told.items() if key not in _REPLACED} if isinstance(told, dict) else {}
    return json.dumps({"rule": rule, **({"th": th} if th is not None else {}), **others}, separators=(",", ":"))


def trace_state_of(data: bytes) -> str:
    """Return the tracestate of an encoded unit: that of its first span.

    Raises:
        ValueError: It is no encoded unit.
    """
    return next((span.trace_state for span in _spans(_parsed(data))), "")


def kinships(data: bytes) -> list[Kinship]:
    """Return the spans of an encoded unit with their parents.

    Raises:
        ValueError: It is no encoded unit.
    """
    return [
        Kinship(int.from_bytes(span.span_id, "big"), int.from_bytes(span.parent_span_id, "big"))
        for span in _spans(_parsed(data))
    ]


def _parsed(data: bytes) -> "ResourceSpans":
    # Here and not above: promotion is rare, and the generated classes cost 20 ms of start-up.
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - see above
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans  # noqa: PLC0415 - see above

    try:
        return ResourceSpans.FromString(data)
    except DecodeError as error:
        msg = f"The unit of {len(data)} bytes is no valid OTLP ({type(error).__name__})."
        raise ValueError(msg) from None


def _spans(unit: "ResourceSpans") -> "Iterator[Span]":
    for scope in unit.scope_spans:
        yield from scope.spans


def _with_threshold(trace_state: str, th: str | None) -> str:
    """Return the tracestate with another `th`; whatever else is in it stays."""
    members = [member.strip() for member in trace_state.split(",") if member.strip()]
    prefix = f"{semconv.TRACESTATE_KEY}="
    own = next((member.removeprefix(prefix) for member in members if member.startswith(prefix)), "")
    parts = [part for part in own.split(";") if part and not part.startswith("th:")]
    if th is not None:
        parts.insert(0, f"th:{th}")
    others = [member for member in members if not member.startswith(prefix)]
    return ",".join([*([prefix + ";".join(parts)] if parts else []), *others])
