"""A small HTTP/1.1 JSON service on loopback: one thread per connection, keep-alive, bounded bodies."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Protocol, Self, cast

from certtrace.demo.openai_protocol import ApiError

MAX_BODY_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """A JSON reply."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Application(Protocol):
    """What a service does with one request. It raises `ApiError` for every answer other than 200."""

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one request."""
        ...


class HttpService:
    """Serves an application on an ephemeral port of 127.0.0.1 from `__enter__` to `__exit__`."""

    def __init__(self, application: Application, name: str) -> None:
        """Bind the port; nothing is served yet."""
        self._server = _Server(application)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name=name, daemon=True)

    @property
    def base_url(self) -> str:
        """Return the address up to and with `/v1`, as OpenAI clients want it."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        """Start serving."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving and close the port; connections that are still open end with their clients."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, application: Application) -> None:
        self.application = application
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: a client that gave up is no fault of the service, and a traceback may quote a payload."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60
    server_version = "certtrace-demo"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            msg = f"Content-Length must be 0 to {MAX_BODY_BYTES} bytes."
            self._send(_reply(ApiError(413 if length.isdigit() else 411, msg, kind="invalid_request_error")))
            return
        self._answer(self.rfile.read(int(length)))

    def _answer(self, body: bytes) -> None:
        application = cast("_Server", self.server).application
        headers = {key.lower(): value for key, value in self.headers.items()}
        try:
            reply = application.handle(self.command, self.path.partition("?")[0], headers, body)
        except ApiError as error:
            reply = _reply(error)
        except Exception:  # noqa: BLE001 - a service answers 500; the text of the error may quote the request
            reply = _reply(ApiError(500, "The service failed on this request.", kind="api_error"))
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply.body)))
        for key, value in reply.headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: a request line is the caller's."""


def _reply(error: ApiError) -> Reply:
    return Reply(error.body, error.status, error.headers)
