"""A real HTTP server on loopback that answers as it is told, and keeps what it was sent."""

import contextlib
import gzip
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from certtrace.delivery.otlp import encode_unit
from certtrace.delivery.spool import Spool
from certtrace.ports import RULES, Payload, SpanRecord

FOR_CERTAIN = RULES.index("error")


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def spans(self) -> list[Span]:
        message = ExportTraceServiceRequest.FromString(self.body)
        return [s for r in message.resource_spans for scope in r.scope_spans for s in scope.spans]

    @property
    def span_names(self) -> list[str]:
        return [span.name for span in self.spans]


@dataclass
class Answer:
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"{}"
    content_type: str = "application/json"
    behaviour: str = ""
    """Instead of an ordinary answer: `hang`, `reset` (before headers), `drip` and `drip_head` (byte by byte, in body or
    headers), `reset_body` (amid the body), `cut_body` (an orderly end amid the body), `cut_head` (the same amid the
    headers), `take_reset` (what was sent is kept, and no word comes back), `endless` (headers without end)."""


class Sink:
    """Answers each request by `answer(request)`; keeps those answered with success in `taken`, all in `seen`."""

    Answer = Answer

    def __init__(self, port: int = 0) -> None:
        self.answer: Callable[[Request], Answer] = lambda _request: Answer()
        self.seen: list[Request] = []
        self.taken: list[Request] = []
        self.connections = 0
        self.drip_seconds = 0.1
        self.released = threading.Event()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                sink.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                request = Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                sink.seen.append(request)
                answer = sink.answer(request)
                if answer.behaviour:
                    if answer.behaviour == "take_reset":
                        sink.taken.append(request)
                    with contextlib.suppress(OSError):
                        self._misbehave(answer.behaviour)
                    return
                if 200 <= answer.status < 300:
                    sink.taken.append(request)
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def _misbehave(self, behaviour: str) -> None:
                self.close_connection = True
                if behaviour == "hang":
                    sink.released.wait(30)
                elif behaviour in ("reset", "take_reset"):
                    self._reset()
                elif behaviour in ("reset_body", "cut_body"):
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500)
                    if behaviour == "reset_body":
                        self._reset()
                elif behaviour == "cut_head":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: applic")
                elif behaviour == "drip":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                    self._drip(b"x")
                elif behaviour == "drip_head":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Padding: ")
                    self._drip(b"x")
                elif behaviour == "endless":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                    until = time.monotonic() + 20
                    while not sink.released.is_set() and time.monotonic() < until:
                        self.wfile.write(b"X-Padding: " + b"x" * 8_000 + b"\r\n")

            def _reset(self) -> None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                self.connection.close()

            def _drip(self, byte: bytes) -> None:
                until = time.monotonic() + 20
                while not sink.released.wait(sink.drip_seconds) and time.monotonic() < until:
                    self.wfile.write(byte)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def names(self) -> list[str]:
        return [name for request in self.taken if "otel" in request.path for name in request.span_names]

    def copies(self) -> Counter[tuple[bytes, bytes]]:
        """How often each span was taken, by trace and span: what a backend stores under one key."""
        return Counter((span.trace_id, span.span_id) for r in self.taken if "otel" in r.path for span in r.spans)

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.close()


def encode(name: str, number: int = 1, pad: int = 0) -> Payload:
    span = SpanRecord(
        trace_id=number,
        span_id=number,
        parent_span_id=0,
        name=name,
        kind=1,
        start_time_ns=1_000,
        end_time_ns=2_000,
        status_code=0,
        status_message="",
        attributes={"pad": "x" * pad} if pad else {},
    )
    return Payload("spans", encode_unit([span], {"service.name": "grader"}), f"{number:032x}")


@pytest.fixture
def unit() -> Callable[..., Payload]:
    """Return a builder of a unit of one span, by name."""
    return encode


@pytest.fixture
def write() -> Callable[..., int]:
    """Return what puts a unit into a spool as the pipeline does: skeleton, then content."""

    def put(spool: Spool, name: str, number: int = 1, pad: int = 0) -> int:
        sequence = spool.accept(number, number, 1_000, 2_000, rule=FOR_CERTAIN)
        spool.content(sequence, encode(name, number, pad))
        return sequence

    return put


def names_of(payload: Payload) -> list[str]:
    message = ResourceSpans.FromString(payload.data)
    return [span.name for scope in message.scope_spans for span in scope.spans]


class Collector:
    """A destination that keeps the names of what it takes; `refuse` may raise instead."""

    def __init__(self, name: str = "store") -> None:
        self.name = name
        self.names: list[str] = []
        self.payloads: list[Payload] = []
        self.refuse: Callable[[Sequence[Payload]], None] = lambda _batch: None
        self.closed = False

    def deliver(self, batch: Sequence[Payload], deadline: float) -> None:
        assert deadline > time.monotonic()
        self.refuse(batch)
        self.payloads += batch
        self.names += [name for payload in batch if payload.kind == "spans" for name in names_of(payload)]

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def collector() -> type[Collector]:
    return Collector


@pytest.fixture
def drain() -> Callable[..., list[str]]:
    """Return what reads and acknowledges all that a spool owes a destination, and gives the span names."""

    def take(spool: Spool, destination: str = "store") -> list[str]:
        found: list[str] = []
        for source in spool.sources(destination):
            while batch := source.read(destination, 1 << 20, 100):
                found += [name for item in batch if item.payload.kind == "spans" for name in names_of(item.payload)]
                source.ack(destination, batch)
        return found

    return take
