"""Exports that were cut, flipped or invented: refused whole, or stored whole."""

import json
from typing import Any

import httpx
import pytest
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.server.intake.exports import JSON, PATH, PROTOBUF, contents, export, json_export, send, span, stored
from tests.server.serving import Serving

from certtrace.server.access import Role

SOUND = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def writer(box: Serving) -> httpx.Client:
    return box.client(Role.WRITER)


def _post(writer: httpx.Client, raw: bytes) -> int:
    return writer.post(PATH, content=raw, headers=PROTOBUF).status_code


def _spans(raw: bytes) -> list[tuple[str, str]] | None:
    """Return the ids that protobuf's own decoder finds, None where it finds no message or an id is none."""
    try:
        message = ExportTraceServiceRequest.FromString(raw)
    except DecodeError:
        return None
    spans = [each for group in message.resource_spans for scoped in group.scope_spans for each in scoped.spans]
    sound = all(len(each.trace_id) == 16 and len(each.span_id) == 8 for each in spans)
    return [(each.trace_id.hex(), each.span_id.hex()) for each in spans] if sound else None


def test_every_truncation_is_refused_or_stored_as_far_as_it_goes(box: Serving, writer: httpx.Client) -> None:
    raw = export(span(21, 21, a="b"), span(21, 22)).SerializeToString()
    accepted = 0
    for length in range(len(raw)):
        before = stored(box)
        expected = _spans(raw[:length])
        status = _post(writer, raw[:length])
        assert status == (400 if expected is None else 200), length
        if status == 400:
            assert stored(box) == before
        else:
            accepted += 1
            assert set(expected or ()) <= {(row["trace_id"], row["id"]) for row in stored(box)}
    assert accepted < len(raw) / 4
    assert _post(writer, raw) == 200


@SOUND
@given(data=st.data())
def test_flipped_bits_never_harm(box: Serving, writer: httpx.Client, data: st.DataObject) -> None:
    raw = bytearray(export(span(23, 23, langfuse__observation__input="text"), span(24, 24)).SerializeToString())
    for place in data.draw(st.lists(st.integers(0, len(raw) * 8 - 1), min_size=1, max_size=8)):
        raw[place // 8] ^= 1 << place % 8
    before = contents(box)
    status = _post(writer, bytes(raw))
    assert status in (200, 400)
    if status == 400:
        assert contents(box) == before


@SOUND
@given(raw=st.binary(max_size=200))
def test_random_bytes_never_harm(box: Serving, writer: httpx.Client, raw: bytes) -> None:
    assert _post(writer, raw) in (200, 400)


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
_ANYTHING = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
_FIELDS = (
    "traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes", "events",
    "status", "traceState",
)  # fmt: skip


@SOUND
@given(field=st.sampled_from(_FIELDS), value=_ANYTHING)
def test_any_value_in_any_field_of_json_never_harms(box: Serving, writer: httpx.Client, field: str, value: Any) -> None:
    before = contents(box)
    body = json.dumps(json_export(**{field: value})).encode("utf-8", "surrogatepass")
    status = writer.post(PATH, content=body, headers=JSON).status_code
    assert status in (200, 400)
    if status == 400:
        assert contents(box) == before


@SOUND
@given(value=_ANYTHING)
def test_any_attribute_value_in_json_never_harms(writer: httpx.Client, value: Any) -> None:
    for kind in ("stringValue", "intValue", "doubleValue", "boolValue", "arrayValue", "kvlistValue", "bytesValue"):
        attributes = [{"key": "k", "value": {kind: value}}]
        body = json.dumps(json_export(attributes=attributes))
        assert writer.post(PATH, content=body, headers=JSON).status_code in (200, 400)


@SOUND
@given(body=_ANYTHING)
def test_anything_in_a_batch_or_a_score_never_harms(writer: httpx.Client, body: Any) -> None:
    for path in ("/api/public/scores", "/api/public/ingestion"):
        for whole in (body, [body], {"batch": body}, {"batch": [body]}):
            content = json.dumps(whole)
            assert writer.post(path, content=content, headers=JSON).status_code < 500


_EVENTS = (
    "trace-create", "score-create", "span-create", "span-update", "generation-create", "generation-update",
    "event-create", "agent-create", "observation-create", "observation-update", "sdk-log",
)  # fmt: skip
_NAMES = (
    "id", "traceId", "name", "value", "metadata", "input", "output", "startTime", "endTime", "usage", "usageDetails",
    "costDetails", "modelParameters", "tags", "level", "public", "promptVersion", "promptName", "environment",
    "dataType", "comment", "sessionId", "userId", "type", "timestamp",
)  # fmt: skip


@SOUND
@given(kind=st.sampled_from(_EVENTS), body=st.dictionaries(st.sampled_from(_NAMES), _ANYTHING, max_size=5))
def test_any_event_is_stored_or_refused_on_its_own(
    box: Serving, writer: httpx.Client, kind: str, body: dict[str, Any]
) -> None:
    moment = "2026-11-23T10:00:00Z"
    sound = {"id": "sound", "type": "trace-create", "timestamp": moment, "body": {"id": "sound", "name": "sound"}}
    odd = {"id": "odd", "type": kind, "timestamp": moment, "body": {"id": "x", "traceId": "t", **body}}
    answer = writer.post("/api/public/ingestion", content=json.dumps({"batch": [odd, sound]}), headers=JSON)
    if answer.status_code == 400:  # JSON that not every parser reads, such as half a surrogate
        return
    assert answer.status_code == 207
    told = answer.json()
    assert {"id": "sound", "status": 201} in told["successes"]
    assert len(told["successes"]) + len(told["errors"]) == (2 if kind != "sdk-log" or told["errors"] else 1)


@pytest.mark.slow
def test_too_many_spans_are_refused(box: Serving, writer: httpx.Client) -> None:
    before = contents(box)
    spans = [span(31, number) for number in range(1, 50_002)]
    assert send(writer, export(*spans)).status_code == 413
    assert contents(box) == before
