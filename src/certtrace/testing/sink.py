"""A server on loopback that takes what certtrace and the `langfuse` SDK send, and keeps every byte of it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

import orjson

_MOMENT: Final = "2026-01-01T00:00:00Z"
_DATED: Final = {"createdAt": _MOMENT, "updatedAt": _MOMENT}
_ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "/scores": {"id": "score"},
    "/comments": {"id": "comment"},
    "/dataset-items": {
        "id": "item", "status": "ACTIVE", "input": None, "expectedOutput": None, "metadata": None,
        "sourceTraceId": None, "sourceObservationId": None, "datasetId": "dataset", "datasetName": "dataset",
        "mediaReferences": [], **_DATED,
    },
    "/datasets": {
        "id": "dataset", "name": "dataset", "description": None, "metadata": None, "inputSchema": None,
        "expectedOutputSchema": None, "projectId": "project", **_DATED,
    },
    "/dataset-run-items": {
        "id": "run-item", "datasetRunId": "run", "datasetRunName": "run", "datasetItemId": "item", "traceId": "trace",
        "observationId": None, **_DATED,
    },
    "/prompts": {
        "type": "text", "prompt": "", "name": "prompt", "version": 1, "config": {}, "labels": [], "tags": [],
    },
}  # fmt: skip
"""What Langfuse answers to a write, by the end of its path; the SDK refuses less."""


@dataclass(slots=True, frozen=True)
class Request:
    """One request as it arrived, the body still compressed if it was."""

    method: str
    path: str
    """With the query string."""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def parts(self) -> Iterator[tuple[str, bytes]]:
        """Yield everything that was sent."""
        yield "line", f"{self.method} {self.path}".encode("latin-1", "replace")
        yield "headers", "\n".join(f"{name}: {value}" for name, value in self.headers).encode("latin-1", "replace")
        yield "body", self.body


class Sink:
    """Answers as Langfuse's ingestion does; `requests` is what came, in order."""

    def __init__(self) -> None:
        """Listen on a free port of the loopback interface."""
        self.requests: list[Request] = []
        self.status = 200
        """What writes are answered with."""
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        """Start to serve."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5.0)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away."""


def _handler(sink: Sink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            sink.requests.append(Request(self.command, self.path, list(self.headers.items()), body))
            status, answer = _answer(self.command, self.path.partition("?")[0])
            self.send_response(status if self.command == "GET" else sink.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _take  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:  # the signature of http.server, whatever it formats
            """Print nothing."""

    return Handler


def _answer(method: str, path: str) -> tuple[int, bytes]:
    known = next((answer for end, answer in _ANSWERS.items() if path.endswith(end)), None)
    if method == "GET" and known is None:
        return 404, b'{"message": "Not found", "error": "NotFound"}'
    return 200, orjson.dumps(known or {})
