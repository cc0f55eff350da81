"""Where the server listens, and how long it waits for whom."""

import socket
import time
from pathlib import Path

import httpx
import pytest
from tests.server.serving import serving

from certtrace.errors import ConfigurationError
from certtrace.server import running
from certtrace.server.running import address_of, is_loopback, listen


def closes(connection: socket.socket) -> bool:
    """Wait for the other side to close."""
    connection.settimeout(20)
    try:
        return connection.recv(1_024) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: loc"], ids=["nothing", "half a head"])
def test_a_client_that_sends_no_whole_head_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(running, "_HEAD_SECONDS", 0.3)
    with serving(tmp_path) as box:
        url = httpx.URL(box.url)
        with socket.create_connection((url.host, url.port or 80)) as connection:
            connection.sendall(begun)
            began = time.monotonic()
            for _ in range(20):  # what trickles in does not put the end off
                if not begun or time.monotonic() - began > 2:
                    break
                try:
                    connection.sendall(b"x")
                except OSError:
                    break
                time.sleep(0.05)
            assert closes(connection)
        assert box.client().get("/api/public/health").status_code == 200


def test_connections_beyond_the_bound_take_the_place_of_those_that_ask_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_CONNECTIONS", 2)
    with serving(tmp_path) as box:
        url = httpx.URL(box.url)
        at = (url.host, url.port or 80)
        with socket.create_connection(at) as first, socket.create_connection(at) as other, \
            socket.create_connection(at) as last:  # fmt: skip
            assert closes(first)
            for each in (other, last):
                each.sendall(b"GET /api/public/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert each.recv(1_024).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1.2.3", "::1"])
def test_this_machines_own_addresses_are_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "no.such.host.invalid"])
def test_all_others_are_not_this_machines(host: str) -> None:
    assert not is_loopback(host)


def test_an_address_in_use_is_named_with_a_remedy() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"port {port}: it is in use\. Give another port with --port"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "tls", "address"),
    [
        ("127.0.0.1", False, "http://127.0.0.1:"),
        ("localhost", True, "https://localhost:"),
        ("0.0.0.0", False, "http://127.0.0.1:"),
    ],
)
def test_the_address_is_one_that_clients_here_can_use(host: str, address: str, *, tls: bool) -> None:
    with listen(host, 0) as listening:
        assert address_of(listening, host, tls=tls) == f"{address}{listening.getsockname()[1]}"
