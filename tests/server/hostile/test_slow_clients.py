"""Clients that take their time keep nobody else out."""

import base64
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from tests.server.serving import Serving, serving

from certtrace.server.access import Role
from certtrace.server.intake import bodies

MANY = 30
SCORE = json.dumps({"name": "slow", "value": 1, "traceId": "t"}).encode()


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Serving]:
    """A server that works on few requests at once."""
    with serving(tmp_path, requests=8) as box:
        yield box


def begun(box: Serving, path: str, *, kind: str = "application/json", authorization: str = "") -> socket.socket:
    """Send the head of a request and one byte of its body."""
    url = httpx.URL(box.url)
    connection = socket.create_connection((url.host, url.port or 80), timeout=15)
    shown = f"Authorization: {authorization}\r\n" if authorization else ""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {len(SCORE)}\r\n"
    connection.sendall((head + shown + "\r\n").encode() + SCORE[:1])
    return connection


def is_served(box: Serving) -> bool:
    """Tell whether the server answers others. The slow ones would keep their places for 20 seconds."""
    return httpx.get(f"{box.url}/api/public/health", timeout=10).status_code == 200


@pytest.mark.parametrize("path", ["/api/public/scores", "/api/public/otel/v1/traces", "/api/public/v2/datasets"])
def test_without_a_key_nobody_is_waited_for(narrow: Serving, path: str) -> None:
    with ExitStack() as stack:
        wrong = "Basic " + base64.b64encode(b"pk-lf-no:sk-lf-no").decode()
        slow = [stack.enter_context(begun(narrow, path, authorization=each)) for each in ["", wrong] * (MANY // 2)]
        assert is_served(narrow)
        for connection in slow:
            assert connection.recv(1_024).startswith(b"HTTP/1.1 401 ")


def test_those_with_a_key_are_waited_for_and_hold_up_nobody(narrow: Serving) -> None:
    key = narrow.keys[Role.WRITER]
    shown = "Basic " + base64.b64encode(f"{key.public_key}:{key.secret_key}".encode()).decode()
    with ExitStack() as stack:
        slow = [stack.enter_context(begun(narrow, "/api/public/scores", authorization=shown)) for _ in range(MANY)]
        assert is_served(narrow)
        assert is_served(narrow)
        for connection in slow:
            connection.sendall(SCORE[1:])
        for connection in slow:
            assert connection.recv(1_024).startswith(b"HTTP/1.1 200 ")


def test_a_form_that_does_not_come_is_given_up(narrow: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_UNKNOWN_SECONDS", 0.3)
    with ExitStack() as stack:
        kind = "application/x-www-form-urlencoded"
        slow = [stack.enter_context(begun(narrow, "/sign-in", kind=kind)) for _ in range(MANY)]
        assert is_served(narrow)
        for connection in slow:
            assert connection.recv(1_024).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_never_ends_is_given_up(narrow: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_WHOLE_SECONDS", 0.5)
    key = narrow.keys[Role.WRITER]
    shown = "Basic " + base64.b64encode(f"{key.public_key}:{key.secret_key}".encode()).decode()
    with begun(narrow, "/api/public/scores", authorization=shown) as connection:
        connection.settimeout(0.1)
        answered, position, until = b"", 1, time.monotonic() + 15
        while not answered and time.monotonic() < until:
            connection.sendall(SCORE[position : position + 1])
            position = min(position + 1, len(SCORE) - 2)
            try:
                answered = connection.recv(1_024)
            except TimeoutError:
                continue
        assert answered.startswith(b"HTTP/1.1 408 ")
