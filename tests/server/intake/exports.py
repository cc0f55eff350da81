"""Trace exports made by hand, and what of them stands in the store."""

import base64
import json
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.server.serving import Serving

from certtrace.server.access import NewKey

PATH = "/api/public/otel/v1/traces"
PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
START_NS = 1_763_892_000_000_000_000


def authorization(key: NewKey) -> str:
    """Return the header that a key is sent in."""
    return "Basic " + base64.b64encode(f"{key.public_key}:{key.secret_key}".encode()).decode()


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def span(trace: int = 1, number: int = 1, name: str = "step", **given: str) -> Span:
    """Return a span with a few attributes and one event; `given` are attributes, `__` stands for a dot."""
    made = Span(
        trace_id=trace.to_bytes(16),
        span_id=number.to_bytes(8),
        name=name,
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=START_NS,
        end_time_unix_nano=START_NS + 1_000_000,
        attributes=[text(key.replace("__", "."), value) for key, value in given.items()],
    )
    made.events.add(name="happened", time_unix_nano=START_NS).attributes.append(text("detail", "a cat"))
    return made


def export(*spans: Span, scope: str = "tests", **resource: str) -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    group = message.resource_spans.add()
    given = resource or {"service__name": "svc"}
    group.resource.attributes.extend(text(key.replace("__", "."), value) for key, value in given.items())
    scoped = group.scope_spans.add()
    scoped.scope.name = scope
    scoped.spans.extend(spans)
    return message


def json_export(**given: Any) -> dict[str, Any]:
    """Return an export of one span in JSON, with some fields of the span replaced."""
    whole = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "name": "step",
        "kind": 1,
        "startTimeUnixNano": str(START_NS),
        "endTimeUnixNano": str(START_NS + 1_000_000),
        "attributes": [{"key": "langfuse.observation.input", "value": {"stringValue": "hello"}}],
        "status": {},
    }
    scope_spans = {"scope": {"name": "tests"}, "spans": [whole | given]}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "svc"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scope_spans]}]}


def send(client: httpx.Client, message: ExportTraceServiceRequest) -> httpx.Response:
    return client.post(PATH, content=message.SerializeToString(), headers=PROTOBUF)


def send_json(client: httpx.Client, body: object) -> httpx.Response:
    return client.post(PATH, content=json.dumps(body), headers=JSON)


def stored(box: Serving, table: str = "observations") -> list[dict[str, Any]]:
    """Return every row of a table."""
    with box.box.store.reading() as connection:
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]


def observation(box: Serving, span_id: str) -> dict[str, Any]:
    """Return the one observation with an id, its metadata decoded."""
    (found,) = [row for row in stored(box) if row["id"] == span_id]
    return found | {"metadata": json.loads(found["metadata"])}


def contents(box: Serving) -> list[tuple[Any, ...]]:
    """Return what tells whether anything was stored or changed, to compare it with what it is later."""
    tables = ("observations", "scores", "trace_bodies")
    with box.box.store.reading() as connection:
        return [
            tuple(connection.execute(f"SELECT count(*), max(updated_at_ns) FROM {table}").fetchone())
            for table in tables
        ]
