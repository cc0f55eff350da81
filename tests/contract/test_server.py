"""Health, projects, keys, errors, methods, slashes, and OTLP as JSON and as protobuf."""

import gzip
import json
import secrets

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from tests.contract.shapes import assert_shape, mapping, text, texts
from tests.contract.target import Json, Target, condition, ids, unique
from tests.contract.test_observations_v2 import span, trace

PROTOBUF = "application/x-protobuf"
TRACES = "/api/public/otel/v1/traces"


def message(trace_id: str, name: str = "protobuf span") -> bytes:
    request = ExportTraceServiceRequest()
    one = request.resource_spans.add().scope_spans.add().spans.add()
    one.trace_id, one.span_id, one.name = bytes.fromhex(trace_id), secrets.token_bytes(8), name
    one.start_time_unix_nano, one.end_time_unix_nano = 1_746_528_574_466_848_096, 1_746_528_574_467_248_096
    return request.SerializeToString()


def names(target: Target, trace_id: str) -> list[str]:
    found = target.eventually(lambda: target.get("v2/observations", traceId=trace_id)["data"], bool)
    return [row["name"] for row in found]


def test_health_needs_no_key(target: Target) -> None:
    with httpx.Client(base_url=target.url) as anyone:
        answer = anyone.get("/api/public/health")
    assert answer.status_code == 200
    assert_shape(answer.json(), {"status": text, "version": text})
    assert answer.json()["status"] == "OK"
    assert target.langfuse.api.health.health().status == "OK"


def test_the_project_of_a_key_has_its_organization_and_metadata(target: Target) -> None:
    answer = target.get("projects")
    assert list(answer) == ["data"]
    [project] = answer["data"]
    assert {"id", "name", "organization", "metadata"} <= project.keys()
    assert_shape(project["organization"], {"id": text, "name": text})
    assert mapping(project["metadata"])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic eDp5"},
        {"Authorization": "Bearer sk-lf-wrong"},
        {"Authorization": "sk-lf-wrong"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["projects", "traces", "v2/observations", "v3/scores", "v2/prompts", "v2/datasets"])
def test_a_wrong_key_is_a_401_that_says_so(target: Target, headers: dict[str, str], path: str) -> None:
    with httpx.Client(base_url=target.url, headers=headers) as anyone:
        answer = anyone.get(f"/api/public/{path}")
    assert answer.status_code == 401
    body = answer.json()
    assert isinstance(body["message"], str)
    assert "Unauthorized" in body.get("error", "Unauthorized")


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "projects"), ("DELETE", "v2/datasets"), ("PATCH", "traces"), ("POST", "sessions"), ("PUT", "health")],
)
def test_a_method_that_is_not_there_is_a_405(target: Target, method: str, path: str) -> None:
    answer = target.send(method, path, 405, json={})
    assert "Method not allowed" in answer["message"]


def test_a_path_that_is_not_there_is_a_404(target: Target) -> None:
    assert target.http.get(f"/api/public/{unique()}").status_code == 404


@pytest.mark.parametrize("path", ["traces", "v2/observations", "health", "projects"])
def test_head_and_a_slash_at_the_end_do_no_harm(target: Target, path: str) -> None:
    head = target.http.head(f"/api/public/{path}")
    assert (head.status_code, head.content) == (200, b"")
    assert target.http.get(f"/api/public/{path}/", follow_redirects=True).status_code == 200


def test_headers_of_the_sdk_and_unknown_fields_are_no_matter(target: Target) -> None:
    headers = {"X-Langfuse-Sdk-Name": "python", "X-Langfuse-Sdk-Version": "5.0.4", "X-Langfuse-Public-Key": "pk-x"}
    assert target.send("GET", "projects", 200, headers=headers)
    assert target.post("v2/datasets", {"name": unique(), "nonsense": {"a": 1}})


@pytest.mark.parametrize("path", ["v2/datasets", "dataset-items", "scores", "ingestion", "v2/prompts", "comments"])
@pytest.mark.parametrize("body", [b"{", b"", b"[1", b"\xff\xfe"])
def test_a_body_that_is_no_json_is_a_400(target: Target, path: str, body: bytes) -> None:
    answer = target.http.post(f"/api/public/{path}", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert isinstance(answer.json()["message"], str)


@pytest.mark.parametrize("compressed", [False, True])
def test_protobuf_is_taken(target: Target, compressed: bool) -> None:
    trace_id = trace()
    headers = {"Content-Type": PROTOBUF} | ({"Content-Encoding": "gzip"} if compressed else {})
    body = message(trace_id)
    answer = target.http.post(TRACES, content=gzip.compress(body) if compressed else body, headers=headers)
    assert answer.status_code == 200
    _is_an_answer(answer)
    assert names(target, trace_id) == ["protobuf span"]


def _is_an_answer(answer: httpx.Response) -> None:
    """Assert that a body is what its header says: servers answer protobuf with protobuf, or as 4.x with JSON."""
    if PROTOBUF in answer.headers["Content-Type"]:
        ExportTraceServiceResponse.FromString(answer.content)
    else:
        assert isinstance(answer.json(), dict)


@pytest.mark.parametrize("as_numbers", [False, True])
def test_json_is_answered_with_json(target: Target, as_numbers: bool) -> None:
    trace_id = trace()
    one = span(trace_id, name="json span")
    if as_numbers:
        # As JavaScript's exporters of old wrote bytes and 64-bit numbers.
        one["traceId"] = {"type": "Buffer", "data": list(bytes.fromhex(trace_id))}
        one["spanId"] = {"type": "Buffer", "data": list(secrets.token_bytes(8))}
        one["startTimeUnixNano"] = {"low": 466848096, "high": 406528574, "unsigned": True}
        one["endTimeUnixNano"] = {"low": 467248096, "high": 406528574, "unsigned": True}
    scope_spans = [{"scope": {"name": "test-sdk", "version": "1.0.0"}, "spans": [one]}]
    answer = target.http.post(TRACES, json={"resourceSpans": [{"resource": {}, "scopeSpans": scope_spans}]})
    assert answer.status_code == 200
    assert "application/json" in answer.headers["Content-Type"]
    assert answer.json() == {} or "partialSuccess" in answer.json()
    assert names(target, trace_id) == ["json span"]


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{}", 200),
        ("application/json", b'{"resourceSpans": []}', 200),
        (PROTOBUF, b"", 200),
        ("application/json", b"invalid json {{{", 400),
        (PROTOBUF, b"invalid protobuf data", 400),
        ("text/plain", b"{}", 400),
        ("application/json", b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "zz"}]}]}]}', 400),
    ],
)
def test_an_export_is_taken_or_refused(target: Target, content_type: str, body: bytes, status: int) -> None:
    answer = target.http.post(TRACES, content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status
    _is_an_answer(answer)


def test_an_export_with_a_wrong_key_is_a_401(target: Target) -> None:
    for content_type, body in ((PROTOBUF, message(trace())), ("application/json", b"{}")):
        answer = httpx.post(target.url + TRACES, content=body, headers={"Content-Type": content_type}, auth=("x", "y"))
        assert answer.status_code == 401
        _is_an_answer(answer)


def query(target: Target, expect: int = 200, **asked: Json) -> Json:
    whole = {
        "view": "observations",
        "metrics": [{"measure": "count", "aggregation": "count"}],
        "fromTimestamp": "2025-01-01T00:00:00Z",
        "toTimestamp": "2027-01-01T00:00:00Z",
    }
    return target.get("v2/metrics", expect, query=json.dumps(whole | asked))


@pytest.fixture(scope="module")
def measured(target: Target) -> Json:
    """Return the filter of three generations of one trace, with usage and cost."""
    trace_id = trace()
    attributes = {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "m",
        "langfuse.observation.usage_details": '{"input": 10, "output": 5}',
        "langfuse.observation.cost_details": '{"total": 0.5}',
        "langfuse.trace.tags": ["metered"],
    }
    spans = [span(trace_id, at, name=f"n{at}", **attributes) for at in range(3)]
    body = {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {"name": "langfuse-sdk"}, "spans": spans}]}]}
    target.send("POST", "otel/v1/traces", 200, json=body)
    target.eventually(lambda: ids(target.get("v2/observations", traceId=trace_id)), lambda found: len(found) == 3)
    return condition("string", "traceId", "=", trace_id)


def test_metrics_are_named_by_aggregation_and_measure(target: Target, measured: Json) -> None:
    metrics = [
        {"measure": "count", "aggregation": "count"},
        {"measure": "totalCost", "aggregation": "sum"},
        {"measure": "totalTokens", "aggregation": "sum"},
        {"measure": "latency", "aggregation": "avg"},
        {"measure": "inputTokens", "aggregation": "max"},
    ]
    [row] = query(target, metrics=metrics, filters=[measured])["data"]
    numbers = {name: float(value) for name, value in row.items()}
    assert numbers == {
        "count_count": 3,
        "sum_totalCost": 1.5,
        "sum_totalTokens": 45,
        "avg_latency": 500,
        "max_inputTokens": 10,
    }


def test_metrics_are_grouped_ordered_and_limited(target: Target, measured: Json) -> None:
    order = [{"field": "count_count", "direction": "desc"}]
    answer = query(target, dimensions=[{"field": "name"}], filters=[measured], orderBy=order, config={"row_limit": 2})
    assert len(answer["data"]) == 2
    assert {tuple(sorted(row)) for row in answer["data"]} == {("count_count", "name")}
    february = {"fromTimestamp": "2026-02-01T00:00:00Z", "toTimestamp": "2026-02-05T00:00:00Z"}
    days = query(target, timeDimension={"granularity": "day"}, filters=[measured], **february)["data"]
    assert [float(row["count_count"]) for row in days if float(row["count_count"])] == [3]
    tags = condition("arrayOptions", "tags", "any of", ["metered"])
    [row] = query(target, dimensions=[{"field": "tags"}], filters=[measured, tags])["data"]
    assert texts(row["tags"])
    histogram = query(target, metrics=[{"measure": "totalCost", "aggregation": "histogram"}], filters=[measured])
    assert all(len(bar) == 3 for bar in histogram["data"][0]["histogram_totalCost"])


@pytest.mark.parametrize("field", ["id", "traceId", "userId", "sessionId", "parentObservationId"])
def test_dimensions_with_many_values_need_a_limit_and_an_order(target: Target, field: str) -> None:
    answer = query(target, 400, dimensions=[{"field": field}])
    assert answer["error"] == "InvalidRequestError"
    assert "require both 'config.row_limit' and 'orderBy' with direction 'desc'" in answer["message"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"filters": [condition("string", "tags", "contains", "x")]}, "is not supported for dimension type 'string[]'"),
        (
            {"filters": [condition("string", "metadata", "contains", "x")]},
            "Metadata filters require type 'stringObject'",
        ),
        ({"view": "traces"}, "Invalid request data"),
        ({"view": "nonsense"}, "Invalid request data"),
        ({"fromTimestamp": "2028-01-01T00:00:00Z"}, "Invalid request data"),
        ({"config": {"row_limit": 100_000}}, "Invalid request data"),
    ],
    ids=str,
)
def test_a_metric_that_cannot_be_is_a_400(target: Target, asked: Json, words: str) -> None:
    assert words in query(target, 400, **asked)["message"]


def test_boolean_scores_are_counted_by_their_value(target: Target) -> None:
    name = unique()
    for value in (1, 0, 1):
        target.post("scores", {"traceId": unique(), "name": name, "value": value, "dataType": "BOOLEAN"})
    by_name = condition("string", "name", "=", name)
    asked = {
        "view": "scores-boolean",
        "dimensions": [{"field": "booleanValue"}],
        "metrics": [{"measure": "count", "aggregation": "count"}, {"measure": "value", "aggregation": "avg"}],
        "filters": [by_name],
    }
    answer = target.eventually(lambda: query(target, **asked), lambda a: len(a["data"]) == 2)
    found = {row["booleanValue"]: (float(row["count_count"]), float(row["avg_value"])) for row in answer["data"]}
    assert found == {True: (2, 1), False: (1, 0)}
    only = condition("boolean", "booleanValue", "=", True)
    [row] = query(target, **(asked | {"dimensions": [], "filters": [by_name, only]}))["data"]
    assert float(row["count_count"]) == 2
