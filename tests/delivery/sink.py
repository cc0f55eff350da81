"""A real HTTP server on loopback that answers as it is told, and keeps what it was sent."""

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def span_names(self) -> list[str]:
        message = ExportTraceServiceRequest.FromString(self.body)
        return [s.name for r in message.resource_spans for scope in r.scope_spans for s in scope.spans]


@dataclass
class Answer:
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"{}"
    content_type: str = "application/json"
    behaviour: str = ""
    """`hang`, `reset`, `drip` instead of an ordinary answer."""


class Sink:
    """Answers each request by `answer(request)`; keeps those answered with success in `taken`, all in `seen`."""

    def __init__(self) -> None:
        self.answer: Callable[[Request], Answer] = lambda _request: Answer()
        self.seen: list[Request] = []
        self.taken: list[Request] = []
        self.connections = 0
        self.released = threading.Event()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

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
                elif behaviour == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    self.connection.close()
                elif behaviour == "drip":
                    with contextlib.suppress(OSError):
                        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                        until = time.monotonic() + 20
                        while not sink.released.wait(0.1) and time.monotonic() < until:
                            self.wfile.write(b"x")

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def names(self) -> list[str]:
        return [name for request in self.taken if "otel" in request.path for name in request.span_names]

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


@contextlib.contextmanager
def running_sink() -> Iterator[Sink]:
    sink = Sink()
    try:
        yield sink
    finally:
        sink.close()
