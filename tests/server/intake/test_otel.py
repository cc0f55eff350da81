"""Traces as exporters send them."""

import gzip
import json
from typing import Any

import httpx
import pytest
from langfuse import Langfuse
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from tests.server.intake.exports import (
    JSON,
    PATH,
    PROTOBUF,
    authorization,
    contents,
    export,
    json_export,
    observation,
    send,
    send_json,
    span,
    stored,
)  # fmt: skip
from tests.server.serving import Serving

from certtrace.server.access import Role


@pytest.fixture
def writer(box: Serving) -> httpx.Client:
    return box.client(Role.WRITER)


def test_protobuf_is_stored_before_the_answer_comes(box: Serving, writer: httpx.Client) -> None:
    answer = send(writer, export(span(10, 10, "first", langfuse__observation__input="hello")))
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["content-type"].startswith("application/json")
    found = observation(box, "000000000000000a")
    assert (found["project"], found["name"], found["input"]) == ("default", "first", "hello")
    assert found["metadata"]["resourceAttributes"] == {"service.name": "svc"}


def test_json_and_protobuf_are_stored_alike(box: Serving, writer: httpx.Client) -> None:
    assert send(writer, export(span(11, 11, langfuse__observation__input="hello"))).status_code == 200
    given: dict[str, Any] = {
        "traceId": f"{11:032x}",
        "spanId": f"{12:016x}",
        "events": [
            {"name": "happened", "timeUnixNano": 1, "attributes": [{"key": "detail", "value": {"stringValue": "a"}}]}
        ],
    }
    assert send_json(writer, json_export(**given)).status_code == 200
    one, other = (observation(box, f"{number:016x}") for number in (11, 12))
    different = {"id", "number", "metadata", "created_at_ns", "updated_at_ns"}
    assert {key: one[key] for key in one if key not in different} == {
        key: other[key] for key in other if key not in different
    }
    for each in (one, other):
        each["metadata"].pop("cert.redaction")
    assert one["metadata"] == other["metadata"]


def test_gzip_is_unpacked(box: Serving, writer: httpx.Client) -> None:
    packed = gzip.compress(export(span(13, 13)).SerializeToString())
    answer = writer.post(PATH, content=packed, headers={**PROTOBUF, "Content-Encoding": "gzip"})
    assert answer.status_code == 200
    assert observation(box, f"{13:016x}")["name"] == "step"


def test_several_gzip_members_are_one_body(box: Serving, writer: httpx.Client) -> None:
    whole = export(span(14, 14)).SerializeToString()
    packed = gzip.compress(whole[:20]) + gzip.compress(whole[20:])
    assert writer.post(PATH, content=packed, headers={**PROTOBUF, "Content-Encoding": "gzip"}).status_code == 200
    assert observation(box, f"{14:016x}")["name"] == "step"


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "gzip, br"])
def test_other_encodings_are_refused_with_a_remedy(writer: httpx.Client, encoding: str) -> None:
    answer = writer.post(PATH, content=b"x", headers={**PROTOBUF, "Content-Encoding": encoding})
    assert answer.status_code == 415
    assert "gzip" in answer.json()["message"]


@pytest.mark.parametrize("body", [b"{}", b'{"resourceSpans": []}', b'{"resourceSpans": null}', b'{"other": 1}'])
def test_nothing_sent_is_fine(writer: httpx.Client, body: bytes) -> None:
    answer = writer.post(PATH, content=body, headers=JSON)
    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "APPLICATION/JSON"])
def test_content_types_may_have_parameters(writer: httpx.Client, kind: str) -> None:
    assert writer.post(PATH, content=b"{}", headers={"Content-Type": kind}).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", ""])
def test_other_content_types_are_refused(writer: httpx.Client, kind: str) -> None:
    answer = writer.post(PATH, content=b"{}", headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert "content type" in answer.json()["error"]


@pytest.mark.parametrize(
    ("version", "status"), [("4", 200), ("3", 200), ("", 200), ("4.2", 200), ("5", 400), ("NaN", 400)]
)
def test_later_ingestion_versions_are_refused(writer: httpx.Client, version: str, status: int) -> None:
    answer = writer.post(PATH, content=b"{}", headers={**JSON, "x-langfuse-ingestion-version": version})
    assert answer.status_code == status
    assert status == 200 or "x-langfuse-ingestion-version" in answer.json()["error"]


def test_the_same_span_sent_again_replaces_the_first(box: Serving, writer: httpx.Client) -> None:
    for name in ("before", "after"):
        assert send(writer, export(span(15, 15, name))).status_code == 200
    assert observation(box, f"{15:016x}")["name"] == "after"


WRONG: list[dict[str, Any]] = [
    {"traceId": ""},
    {"traceId": None},
    {"traceId": "abcd"},
    {"traceId": "0" * 32},
    {"traceId": 5},
    {"traceId": {"a": 1}},
    {"traceId": [1, 2]},
    {"traceId": [300] * 16},
    {"traceId": "a\nb"},
    {"traceId": "x" * 801},
    {"spanId": "abcd"},
    {"spanId": "0" * 16},
    {"spanId": True},
    {"parentSpanId": "abcd"},
    {"parentSpanId": 7},
    {"attributes": {"a": "b"}},
    {"attributes": ["a"]},
    {"attributes": [{"key": 5}]},
    {"attributes": [{"key": "a", "value": "text"}]},
    {"attributes": [{"key": "a", "value": {"stringValue": 5}}]},
    {"attributes": [{"key": "a", "value": {"intValue": "five"}}]},
    {"attributes": [{"key": "a", "value": {"intValue": str(2**63)}}]},
    {"attributes": [{"key": "a", "value": {"intValue": True}}]},
    {"attributes": [{"key": "a", "value": {"doubleValue": "high"}}]},
    {"attributes": [{"key": "a", "value": {"boolValue": 1}}]},
    {"attributes": [{"key": "a", "value": {"bytesValue": "?"}}]},
    {"attributes": [{"key": "a", "value": {"arrayValue": []}}]},
    {"attributes": [{"key": "a", "value": {"kvlistValue": {"values": {}}}}]},
    {"events": {"name": "x"}},
    {"events": [{"attributes": {"a": 1}}]},
    {"startTimeUnixNano": "soon"},
    {"startTimeUnixNano": -1},
    {"endTimeUnixNano": 2**64},
    {"name": 5},
    {"kind": "SPAN_KIND_WRONG"},
    {"status": []},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: json.dumps(wrong)[:60])
def test_one_wrong_field_refuses_the_whole_export(box: Serving, writer: httpx.Client, wrong: dict[str, Any]) -> None:
    before = contents(box)
    body = json_export(spanId="00000000000000aa")
    body["resourceSpans"] += json_export(**wrong)["resourceSpans"]
    answer = send_json(writer, body)
    assert answer.status_code == 400
    assert set(answer.json()) == {"message", "error"}
    assert contents(box) == before


def test_ids_come_as_hex_as_bytes_and_as_any_other_text(box: Serving, writer: httpx.Client) -> None:
    raw = list(range(1, 17))
    for trace_id, expected in [
        (raw, bytes(raw).hex()),
        ({"type": "Buffer", "data": raw}, bytes(raw).hex()),
        ("ABCDEF0123456789ABCDEF0123456789", "ABCDEF0123456789ABCDEF0123456789"),
        ("my-trace-1", "my-trace-1"),
    ]:
        parent = {"parentSpanId": "my-parent"} if trace_id == "my-trace-1" else {}
        assert send_json(writer, json_export(traceId=trace_id, spanId=f"{77:016x}", **parent)).status_code == 200
        assert expected in [row["trace_id"] for row in stored(box)]
    (found,) = [row for row in stored(box) if row["trace_id"] == "my-trace-1"]
    assert (found["id"], found["parent_observation_id"]) == (f"{77:016x}", "my-parent")


def test_values_of_every_kind_arrive(box: Serving, writer: httpx.Client) -> None:
    values = {
        "i": {"intValue": "9007199254740991"},
        "n": {"intValue": 7},
        "d": {"doubleValue": 0.5},
        "inf": {"doubleValue": "Infinity"},
        "b": {"boolValue": False},
        "a": {"arrayValue": {"values": [{"stringValue": "x"}, {"intValue": 1}]}},
        "k": {"kvlistValue": {"values": [{"key": "in", "value": {"stringValue": "y"}}]}},
        "y": {"bytesValue": "AAEC"},
        "none": {},
    }
    attributes = [{"key": key, "value": value} for key, value in values.items()]
    assert send_json(writer, json_export(spanId=f"{78:016x}", attributes=attributes)).status_code == 200
    found = observation(box, f"{78:016x}")["metadata"]["attributes"]
    assert found["i"] == "9007199254740991"
    assert (found["n"], found["d"], found["b"], found["a"]) == ("7", "0.5", "false", '["x",1]')
    assert json.loads(found["k"]) == {"kvlistValue": {"values": [{"key": "in", "value": {"stringValue": "y"}}]}}
    assert found["none"] in (None, "null")


@pytest.mark.parametrize("compression", [Compression.Gzip, Compression.NoCompression])
def test_the_stock_exporter_takes_the_answer(box: Serving, compression: Compression) -> None:
    exporter = OTLPSpanExporter(
        endpoint=box.url + PATH,
        headers={"Authorization": authorization(box.keys[Role.WRITER])},
        compression=compression,
    )
    results: list[SpanExportResult] = []
    export_spans = exporter.export

    def kept(spans: Any) -> SpanExportResult:
        results.append(export_spans(spans))
        return results[-1]

    exporter.export = kept  # type: ignore[method-assign]  # to see what it made of the answer
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("stock").start_as_current_span("from the stock exporter") as current:
        own_id = f"{current.get_span_context().span_id:016x}"
    provider.shutdown()
    assert results == [SpanExportResult.SUCCESS]
    assert observation(box, own_id)["name"] == "from the stock exporter"


def test_the_langfuse_sdk_takes_the_answer(box: Serving) -> None:
    key = box.keys[Role.ADMIN]
    client = Langfuse(
        public_key=key.public_key, secret_key=key.secret_key, base_url=box.url, tracer_provider=TracerProvider()
    )
    try:
        with client.start_as_current_observation(name="from the sdk", as_type="generation", input={"a": 1}) as current:
            current.update(output="b", metadata={"k": "v"}, usage_details={"input": 3})
        client.flush()
        found = observation(box, current.id)
        assert (found["type"], found["input"], found["output"]) == ("GENERATION", '{"a": 1}', "b")
        assert found["metadata"]["k"] == "v"
    finally:
        client.shutdown()


def test_a_reader_may_not_send(box: Serving) -> None:
    assert send(box.client(Role.READER), export(span(16, 16))).status_code == 403
    assert send(box.client(Role.AUDITOR), export(span(16, 16))).status_code == 403
    assert httpx.post(box.url + PATH, content=b"{}", headers=JSON).status_code == 401
    assert all(row["id"] != f"{16:016x}" for row in stored(box))
