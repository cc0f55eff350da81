"""Requests of httpx and of httpx2, which the OpenAI SDK speaks through, carry the trace on."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

PROGRAM = """
import sys
import certtrace
from certtrace import span

certtrace.configure(home=sys.argv[1], destinations=["store"])
import {library}

with span("caller") as current:
    {library}.get(sys.argv[2])
    print(current.trace_id)
certtrace.shutdown()
"""


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.parents.append(self.headers.get("traceparent"))  # type: ignore[attr-defined]  # set below
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    made.parents = []  # type: ignore[attr-defined]  # where the handler puts what comes
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join(10)


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_request_carries_the_trace_on_whichever_library_is_imported_after_configure(library, server, tmp_path):
    pytest.importorskip(library)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.format(library=library), str(tmp_path),
         f"http://127.0.0.1:{server.server_port}/"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (parent,) = server.parents
    assert parent.split("-")[1] == done.stdout.strip()
    assert done.stderr == ""


def test_an_instrumentation_that_cannot_be_imported_does_not_fail_the_hosts_import(server, tmp_path):
    broken = "import sys; sys.modules['opentelemetry.instrumentation.httpx'] = None\n" + PROGRAM.format(library="httpx")
    done = subprocess.run(
        [sys.executable, "-c", broken, str(tmp_path), f"http://127.0.0.1:{server.server_port}/"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert server.parents == [None]
    assert "Outgoing HTTP requests are not recorded" in done.stderr
