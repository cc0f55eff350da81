"""What a small request may cost: a server of its own is measured from outside."""

import gzip
import http.client
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.server.faults.kills import Server
from tests.server.intake.exports import JSON, PATH, PROTOBUF

MIB = 1 << 20
MOST_MIB = 400

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("memory"))
    try:
        yield running
    finally:
        running.kill()


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    key = server.told["public_key"], server.told["secret_key"]
    with httpx.Client(base_url=server.url, auth=key, timeout=120) as opened:
        assert opened.post(PATH, content=b"", headers=PROTOBUF).status_code == 200
        yield opened


def _memory_mib(server: Server, what: str) -> float:
    lines = Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8").splitlines()
    (found,) = [line.split()[1] for line in lines if line.startswith(f"{what}:")]
    return int(found) / 1024


def _gzip_of(piece: bytes, times: int) -> bytes:
    return gzip.compress(piece * (MIB // len(piece))) * times


def _empty_values() -> bytes:
    values = b"\x0a\x00" * (30 * MIB)
    for number in (5, 2, 9, 2, 2, 1):  # a list, its value, its pair, the span, its scope, its resource
        values = bytes([number << 3 | 2]) + _varint(len(values)) + values
    return gzip.compress(values)


# Made only when a test needs them: some take a gigabyte to make.
BOMBS: dict[str, tuple[Callable[[], bytes], dict[str, str], int]] = {
    "a gigabyte in many members": (lambda: _gzip_of(bytes(1), 1024), PROTOBUF, 413),
    "a gigabyte of zeros": (lambda: gzip.compress(bytes(1 << 30), 9), PROTOBUF, 413),
    "millions of empty messages": (lambda: _gzip_of(b"\x0a\x00", 60), PROTOBUF, 413),
    "millions of empty values": (_empty_values, PROTOBUF, 413),
    "millions of empty lists": (lambda: gzip.compress(b"[" + b"[]," * (20 * MIB) + b"[]]"), JSON, 413),
    "millions of numbers": (lambda: gzip.compress(b"[" + b"0," * (30 * MIB) + b"0]"), JSON, 413),
    "one long text": (lambda: gzip.compress(b'{"resourceSpans": "' + b"x" * (60 * MIB) + b'"}'), JSON, 400),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_bounded_memory(server: Server, client: httpx.Client, name: str) -> None:
    make, headers, expected = BOMBS[name]
    packed = make()
    before = _memory_mib(server, "VmRSS")
    answer = client.post(PATH, content=packed, headers={**headers, "Content-Encoding": "gzip"})
    assert answer.status_code == expected
    assert _memory_mib(server, "VmHWM") - before < MOST_MIB
    assert client.post(PATH, content=b"", headers=PROTOBUF).status_code == 200


def test_a_crowd_of_half_bodies_costs_what_they_sent(server: Server, client: httpx.Client) -> None:
    before = _memory_mib(server, "VmRSS")
    crowd = [http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2])) for _ in range(50)]
    try:
        for each in crowd:
            each.putrequest("POST", PATH)
            each.putheader("Content-Length", str(15 * MIB))
            each.endheaders()
            each.send(os.urandom(1024))
        assert client.post(PATH, content=b"", headers=PROTOBUF).status_code == 200
        assert _memory_mib(server, "VmRSS") - before < 50
    finally:
        for each in crowd:
            each.close()


def _varint(number: int) -> bytes:
    digits = b""
    while number > 127:
        digits += bytes([number & 127 | 128])
        number >>= 7
    return digits + bytes([number])
