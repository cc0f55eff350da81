"""Bodies that are too long, too deep, too late or no bodies at all."""

import gzip
import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from tests.server.intake.exports import JSON, PATH, PROTOBUF, authorization, contents, export, send, span
from tests.server.serving import Serving

from certtrace.server.access import Role

MIB = 1 << 20
# The time of packing is part of it otherwise, and with it of the names of tests, which differ then between workers.
PACKED = gzip.compress(b"{}", mtime=0)


@pytest.fixture
def writer(box: Serving) -> httpx.Client:
    return box.client(Role.WRITER)


@pytest.fixture(autouse=True)
def unharmed(box: Serving, writer: httpx.Client) -> Iterator[None]:
    """Assert that a test changed nothing and that the server goes on."""
    assert send(writer, export(span(1, 1))).status_code == 200
    before = contents(box)
    yield
    assert contents(box) == before
    assert send(writer, export(span(1, 1))).status_code == 200


@contextmanager
def _connection(box: Serving) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", int(box.url.rpartition(":")[2]), timeout=10)
    try:
        yield connection
    finally:
        connection.close()


def _begin(box: Serving, connection: http.client.HTTPConnection, **headers: str) -> None:
    connection.putrequest("POST", PATH)
    connection.putheader("Authorization", authorization(box.keys[Role.WRITER]))
    connection.putheader("Content-Type", "application/x-protobuf")
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()


@pytest.mark.parametrize("length", [1 << 30, 1 << 40, 10**18])
def test_a_declared_length_beyond_the_limit_is_refused_at_once(box: Serving, length: int) -> None:
    with _connection(box) as connection:
        _begin(box, connection, Content_Length=str(length))
        answer = connection.getresponse()
        assert answer.status == 413
        assert answer.headers["Connection"] == "close"
        assert "longer than" in json.loads(answer.read())["message"]


def test_a_body_in_chunks_is_counted(writer: httpx.Client) -> None:
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += MIB
            yield bytes(MIB)

    answer = writer.post(PATH, content=pieces(), headers=PROTOBUF)
    assert answer.status_code == 413


def test_a_body_as_long_as_the_limit_is_read(box: Serving, writer: httpx.Client) -> None:
    body = b" " * (box.box.limits.packed_bytes - 2) + b"{}"
    assert writer.post(PATH, content=body, headers=JSON).status_code == 200
    assert writer.post(PATH, content=body + b" ", headers=JSON).status_code == 413


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"no gzip",
        PACKED[:-1],
        PACKED[:12],
        PACKED[:-8] + b"\0\0\0\0\0\0\0\0",
        PACKED + b"rest",
        b"\x1f\x8b" + bytes(30),
    ],
)
def test_what_is_no_gzip_is_refused(writer: httpx.Client, packed: bytes) -> None:
    answer = writer.post(PATH, content=packed, headers={**JSON, "Content-Encoding": "gzip"})
    assert answer.status_code == 400
    assert answer.json()["message"] == "Failed to decompress request body"


@pytest.mark.parametrize("sent", [0, 5])
def test_a_client_that_goes_away_changes_nothing(box: Serving, sent: int) -> None:
    body = export(span(2, 2)).SerializeToString()
    with _connection(box) as connection:
        _begin(box, connection, Content_Length=str(len(body)))
        connection.send(body[: len(body) - 1 if sent else 0])


def test_a_client_that_sends_slowly_is_waited_for(box: Serving) -> None:
    with _connection(box) as connection:
        _begin(box, connection, Transfer_Encoding="chunked")
        for byte in export().SerializeToString():
            connection.send(b"1\r\n" + bytes([byte]) + b"\r\n")
        connection.send(b"0\r\n\r\n")
        assert connection.getresponse().status == 200


JSON_ROUTES = [
    ("POST", PATH),
    ("POST", "/api/public/scores"),
    ("POST", "/api/public/ingestion"),
    ("POST", "/api/public/v2/prompts"),
    ("POST", "/api/public/v2/datasets"),
    ("POST", "/api/public/dataset-items"),
    ("POST", "/api/public/dataset-run-items"),
    ("POST", "/api/public/comments"),
    ("POST", "/api/public/score-configs"),
    ("POST", "/api/public/models"),
    ("POST", "/api/public/annotation-queues"),
    ("POST", "/api/public/media"),
    ("PATCH", "/api/public/v2/prompts/p/versions/1"),
    ("DELETE", "/api/public/traces"),
]
DEEP = {
    "lists": b"[" * 100_000 + b"]" * 100_000,
    "objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "unclosed": b"[" * 100_000,
    "behind a field": b'{"traceIds":' + b"[" * 500 + b"]" * 500 + b"}",
}
ODD = {
    "half a surrogate": b'{"name": "\\ud800"}',
    "half a surrogate as a key": b'{"\\udfff": 1}',
    "no number": b'{"value": NaN}',
    "infinite": b'{"value": Infinity}',
    "too large": b'{"value": 1e999}',
    "no UTF-8": b'{"name": "\xff"}',
    "cut off": b'{"name": ',
    "two values": b"{} {}",
    "another coding": '{"name": "x"}'.encode("utf-16"),
}


@pytest.mark.parametrize("body", [*DEEP.values(), *ODD.values()], ids=[*DEEP, *ODD])
@pytest.mark.parametrize(("method", "path"), JSON_ROUTES)
def test_json_that_no_parser_should_see_is_refused_everywhere(
    box: Serving, method: str, path: str, body: bytes
) -> None:
    answer = box.client(Role.ADMIN).request(method, path, content=body, headers=JSON)
    assert answer.status_code in (400, 404, 405)
    assert "message" in answer.json()
    assert method != "POST" or path != PATH or answer.status_code == 400


@pytest.mark.parametrize("number", ["9" * 5000, "18446744073709551615", "-9223372036854775809", "1e308"])
def test_a_number_beyond_64_bits_is_a_decimal(box: Serving, number: str) -> None:
    body = f'{{"id": "huge", "name": "huge", "traceId": "t", "value": {number}}}'.encode()
    answer = box.client(Role.ADMIN).post("/api/public/ingestion", content=b'{"batch": [' + body + b"]}", headers=JSON)
    # 5000 nines are no number that JSON's readers agree on.
    assert answer.status_code == (400 if len(number) > 400 else 207)


@pytest.mark.parametrize("levels", [200, 100_000])
def test_deep_protobuf_is_refused(writer: httpx.Client, levels: int) -> None:
    pieces, length = [b"\x0a\x01x"], 3  # a string value
    for _ in range(levels):
        for tag in (b"\x0a", b"\x2a"):  # `values` of a list, `array_value` of a value
            pieces.append(tag + _varint(length))
            length += len(pieces[-1])
    attribute = _field(1, b"deep") + _field(2, b"".join(reversed(pieces)))
    made = _field(1, bytes(15) + b"\1") + _field(2, bytes(7) + b"\1") + _field(9, attribute)
    whole = _field(1, _field(2, _field(2, made)))
    assert writer.post(PATH, content=whole, headers=PROTOBUF).status_code == 400


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    digits = b""
    while number > 127:
        digits += bytes([number & 127 | 128])
        number >>= 7
    return digits + bytes([number])
