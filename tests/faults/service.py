"""A host with a configured pipeline that delivers to the store and to a real HTTP server; what arrived at both."""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.delivery.conftest import Sink

import certtrace
from certtrace import assembly
from certtrace.records.model import Trace
from certtrace.records.source import StoreSource

KEYS = {"langfuse_public_key": "pk-lf-1", "langfuse_secret_key": "sk-lf-1"}


def wait_until(condition: Callable[[], Any], seconds: float = 20.0) -> bool:
    """Wait for a condition; the one way in which these tests wait."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def attributes_of(span: Span) -> dict[str, Any]:
    """Return a span's attributes by key, values as Python's."""
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in span.attributes}


def resident_bytes() -> int:
    """Return how much memory this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4_096


@dataclass
class Service:
    home: Path
    sink: Sink

    def sent(self) -> list[Span]:
        """Return every span that the server took, decoded: bytes that cannot be decoded fail here."""
        return [
            span
            for request in self.sink.taken
            if request.path.endswith("/traces")
            for resource in ExportTraceServiceRequest.FromString(request.body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def one(self, name: str) -> Span:
        """Return the one span of this name that the server took."""
        (found,) = [span for span in self.sent() if span.name == name]
        return found

    def scores(self) -> list[dict[str, Any]]:
        """Return every score that the server took."""
        lists = [orjson.loads(request.body) for request in self.sink.taken if request.path.endswith("/scores")]
        return [score for each in lists for score in each]

    def stored(self) -> Counter[str]:
        """Return the names of the spans in the store, counted."""
        with closing(sqlite3.connect(self.home / "store.db")) as store:
            return Counter(name for (name,) in store.execute("SELECT name FROM observations"))

    def trace(self, trace_id: str) -> Trace:
        """Return a trace as the store shows it."""
        return StoreSource(self.home / "store.db").get_trace(trace_id)

    def settle(self, seconds: float = 60.0) -> assembly.Status:
        """Wait for delivery, and check that nothing is missing: the account, and what arrived at both ends."""
        result = certtrace.force_flush(seconds)
        assert result.delivered, result
        status = assembly.status()
        assert status is not None
        assert status.balanced, status.describe()
        assert status.pending == {"store": 0, "langfuse": 0}
        sent = Counter(span.name for span in self.sent())
        assert sent == self.stored()
        assert sum(sent.values()) == status.spans
        return status


def start(configured: Callable[..., Any], home: Path, sink: Sink, **settings: Any) -> Service:
    """Configure a pipeline that delivers to the store and to the sink."""
    configured(destinations=["store", "langfuse"], langfuse_base_url=sink.url, **KEYS, **settings)
    return Service(home, sink)
