"""What a destination is handed, decoded: OTLP bytes to observations, Langfuse's create-score JSON to scores.

Messages name sizes and fields, never content: they are logged.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from certtrace.ports import BatchRejectedError, Payload
from certtrace.records.mapping import observations_of
from certtrace.records.mapping.fields import iso_to_ns
from certtrace.records.mapping.values import text
from certtrace.records.model import Observation, Score

_DATA_TYPES: Final = ("NUMERIC", "CATEGORICAL", "BOOLEAN", "TEXT")


def decode(batch: Iterable[Payload]) -> tuple[list[Observation], list[Score]]:
    """Return everything a batch holds.

    Raises:
        BatchRejectedError: A payload is of unknown kind, malformed or incomplete.
    """
    observations: list[Observation] = []
    scores: list[Score] = []
    for payload in batch:
        if payload.kind == "spans":
            observations.extend(_observations(payload.data))
        elif payload.kind == "scores":
            scores.extend(_scores(payload.data))
        else:
            msg = "a payload is of a kind this store does not know"
            raise BatchRejectedError(msg)
    return observations, scores


def _observations(data: bytes) -> list[Observation]:
    try:
        found = list(observations_of(ResourceSpans.FromString(data)))
    except (DecodeError, ValueError) as error:
        # No cause in the chain: a decoder's message may quote what it could not decode.
        msg = f"a spans payload of {len(data)} bytes is no valid OTLP ResourceSpans ({type(error).__name__})"
        raise BatchRejectedError(msg) from None
    if not found:
        msg = f"a spans payload of {len(data)} bytes holds no span"
        raise BatchRejectedError(msg)
    return found


def _scores(data: bytes) -> Iterator[Score]:
    try:
        given = orjson.loads(data)
        orjson.dumps(given)  # what is nested too deeply to be written again would be stored never
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        given = None
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        msg = f"a scores payload of {len(data)} bytes is no JSON list of objects"
        raise BatchRejectedError(msg)
    return map(_score, given)


def _score(given: Mapping[str, object]) -> Score:
    value = given.get("value")
    if isinstance(value, int):
        value = float(value)
    kind = given.get("dataType") or ("CATEGORICAL" if isinstance(value, str) else "NUMERIC")
    numeric = kind in ("NUMERIC", "BOOLEAN")
    if kind not in _DATA_TYPES or not isinstance(value, (int, float) if numeric else str):
        msg = "a score has no dataType and value that fit each other"
        raise BatchRejectedError(msg)
    return Score(
        id=_required(given, "id"),
        name=_required(given, "name"),
        value=value,
        data_type=str(kind),
        timestamp_ns=iso_to_ns(given.get("timestamp")) or time.time_ns(),
        trace_id=_optional(given, "traceId"),
        observation_id=_optional(given, "observationId"),
        session_id=_optional(given, "sessionId"),
        environment=_optional(given, "environment") or "default",
        comment=text(given.get("comment")),
        metadata=given.get("metadata"),
    )


def _required(given: Mapping[str, object], field: str) -> str:
    value = given.get(field)
    if not isinstance(value, str) or not value:
        msg = f"a score has no {field}"
        raise BatchRejectedError(msg)
    return value


def _optional(given: Mapping[str, object], field: str) -> str | None:
    value = given.get(field)
    return value if isinstance(value, str) and value else None
