"""What the tests of the network share: spools with destinations, servers that speak sockets, certificates."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from tests.delivery.conftest import Sink, encode
from tests.faults.service import wait_until

from certtrace.delivery import pacing
from certtrace.delivery.lane import LaneStatus
from certtrace.delivery.langfuse import LangfuseDestination
from certtrace.delivery.sender import Delivery
from certtrace.delivery.spool import Spool


class Sending:
    """A spool that one Langfuse destination drains."""

    def __init__(self, root: Path, url: str, timeout_seconds: float, max_bytes: int) -> None:
        self.spool = Spool(root, max_bytes=max_bytes)
        self.destination = LangfuseDestination(url, "pk", "sk", timeout_seconds=timeout_seconds)
        self.delivery = Delivery(self.spool, [self.destination], linger_seconds=0.01)

    def write(self, *names: str, pad: int = 0) -> bool:
        """Put one unit of one span for each name; the name's place in the list is part of its ids."""
        taken = True
        for number, name in enumerate(names, start=1):
            sequence = self.spool.accept(number, number, 1_000, 2_000)
            taken &= bool(sequence) and self.spool.content(sequence, encode(name, number, pad))
        self.delivery.wake()
        return taken

    @property
    def status(self) -> LaneStatus:
        return self.delivery.status().destinations["langfuse"]

    def failed(self, times: int = 1) -> bool:
        """Wait until so many attempts failed in a row."""
        return wait_until(lambda: self.status.failures >= times)

    def close(self) -> None:
        self.delivery.close(0)
        self.spool.close()


@pytest.fixture
def send(tmp_path: Path) -> Iterator[Callable[..., Sending]]:
    """Return what starts a spool and its delivery to an address."""
    started: list[Sending] = []

    def start(url: str, *, timeout_seconds: float = 5.0, max_bytes: int = 1 << 30) -> Sending:
        sending = Sending(tmp_path / f"spool{len(started)}", url, timeout_seconds, max_bytes)
        started.append(sending)
        return sending

    yield start
    for sending in started:
        sending.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make backoff and pause short; what they grow to, and that they grow, stays."""
    monkeypatch.setattr(pacing, "_FIRST_BACKOFF_SECONDS", 0.02)
    monkeypatch.setattr(pacing, "_FIRST_PAUSE_SECONDS", 0.05)


@contextmanager
def raw_server(handle: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run a TCP server that does with each connection what it is told; give its host and port."""
    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connections.append(connection)
                threading.Thread(target=one, args=(connection,), daemon=True).start()

        def one(connection: socket.socket) -> None:
            with suppress(OSError):
                handle(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for connection in connections:
                connection.close()


def read_request(connection: socket.socket) -> bytes:
    """Read one request whose body has a stated length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65_536) or b"\r\n\r\n"
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length")), 0)
    while len(body) < length:
        body += connection.recv(65_536)
    return head


def free_port() -> int:
    """Return a port of loopback that refuses connections."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        return int(reserved.getsockname()[1])


class Authority:
    """A certificate authority that our own client trusts."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._authority = trustme.CA()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        path = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(path))
        monkeypatch.setenv("SSL_CERT_FILE", str(path))

    def secure(self, sink: Sink, host: str = "127.0.0.1", *, days: int = 1) -> str:
        """Let a sink speak TLS for a host, with a certificate that ends in so many days; return its address."""
        self.issue(host, days=days)
        sink.server.socket = self._context.wrap_socket(sink.server.socket, server_side=True)
        return sink.url.replace("http://", "https://")

    def issue(self, host: str = "127.0.0.1", *, days: int = 1) -> None:
        """Make the certificate that new connections get."""
        now = datetime.now(UTC)
        end = now + timedelta(days=days)
        certificate = self._authority.issue_cert(host, not_before=min(now, end) - timedelta(days=2), not_after=end)
        certificate.configure_cert(self._context)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    return Authority(tmp_path, monkeypatch)
