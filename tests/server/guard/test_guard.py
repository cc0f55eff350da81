"""What every request passes before a route sees it, and every answer before it leaves."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, Request
from tests.server.serving import Serving, serving

from certtrace.server import app as app_module
from certtrace.server.access import Role
from certtrace.server.answers import answer

PROJECTS = "/api/public/projects"
PAYLOAD = "Jane Roe's answer"
GATE = threading.Event()
odd = APIRouter()


@odd.get("/odd/raises")
def raises() -> None:
    raise KeyError(PAYLOAD)


@odd.get("/odd/fails")
def fails() -> None:
    raise ValueError(PAYLOAD)


@odd.get("/odd/waits")
def waits() -> dict[str, bool]:
    return {"waited": GATE.wait(20)}


@odd.get("/odd/huge")
def huge(request: Request) -> object:
    nested: list[object] = []
    for _ in range(2_000):
        nested = [nested]
    return answer({"nested": nested, "number": 10**400, "large": 2**70, "half": "\ud800", "nan": float("nan")})


@odd.get("/odd/overflows")
def overflows() -> None:
    raise OverflowError(PAYLOAD)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server with some odd routes beside its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app_module, "ROUTERS", (*app_module.ROUTERS, odd))
        with serving(tmp_path_factory.mktemp("guarded")) as running:
            yield running


def raw(serving: Serving, text: bytes) -> bytes:
    """Send bytes as they are, and return all that comes back."""
    url = httpx.URL(serving.url)
    with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
        connection.sendall(text)
        pieces = []
        with suppress(ConnectionResetError):  # what is left unread of a long request resets the connection
            while piece := connection.recv(65_536):
                pieces.append(piece)
        return b"".join(pieces)


# --- hosts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:3000", "127.0.0.1", "[::1]:3000", "192.0.2.7:1"])
def test_this_machine_and_addresses_in_digits_are_served(box: Serving, host: str) -> None:
    assert box.client().get(PROJECTS, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "", "[::1", "a b"]
)
def test_a_name_that_was_not_declared_is_refused_even_with_a_key(box: Serving, host: str) -> None:
    answer = box.client().get(PROJECTS, headers={"Host": host})
    assert answer.status_code == 421
    assert "CERTTRACE_SERVER_ALLOWED_HOSTS" in answer.json()["message"]


# --- keys in wrong places ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        f"{PROJECTS}?secret_key={{}}",
        f"{PROJECTS}?x=1&y=%73k-lf-{{}}",
        "/api/public/traces/{}",
        "/api/public/health?token={}",
        "/nowhere/{}",
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(box: Serving, address: str, caplog) -> None:
    secret = box.keys[Role.ADMIN].secret_key
    given = secret.removeprefix("sk-lf-") if "%73" in address else secret
    answer = box.client().get(address.format(given))
    assert answer.status_code == 400
    assert "HTTP Basic" in answer.json()["message"]
    assert secret.removeprefix("sk-lf-") not in answer.text + str(answer.headers) + caplog.text


@pytest.mark.parametrize("header", ["X-API-Key", "X-Langfuse-Secret-Key", "Cookie", "Api-Key"])
def test_a_secret_in_a_wrong_header_is_refused_and_not_repeated(box: Serving, header: str) -> None:
    secret = box.keys[Role.ADMIN].secret_key
    answer = httpx.get(f"{box.url}{PROJECTS}", headers={header: secret})
    assert answer.status_code == 401
    assert "HTTP Basic" in answer.json()["message"]
    assert secret not in answer.text


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [PROJECTS, "/api/public/nowhere", "/odd/fails", "/openapi.json", "/api/public/health"])
def test_every_answer_of_the_api_keeps_itself_to_itself(guarded: Serving, path: str) -> None:
    headers = guarded.client().get(path, headers={"Origin": "https://evil.example"}).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert not [name for name in headers if name.startswith("access-control-")]


def test_a_failure_of_our_own_is_a_bare_500_and_one_line_in_the_log(guarded: Serving, caplog) -> None:
    with caplog.at_level(logging.WARNING):
        answers = [guarded.client().get("/odd/raises") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {500}
    assert answers[0].json() == {"message": "Internal Server Error", "error": "InternalServerError"}
    told = [record.getMessage() for record in caplog.records if "KeyError" in record.getMessage()]
    assert len(told) == 1, caplog.text
    assert "test_guard.py:" in told[0]
    assert PAYLOAD not in caplog.text


def test_values_that_json_cannot_hold_are_written_as_near_as_it_can(guarded: Serving) -> None:
    shown = guarded.client().get("/odd/huge")
    assert shown.status_code == 200
    assert "[nested too deeply to be shown]" in shown.text
    body = shown.json()
    assert (body["number"], body["large"], body["half"], body["nan"]) == (None, float(2**70), "?", None)


def test_numbers_that_no_store_can_hold_are_the_callers_mistake(guarded: Serving) -> None:
    answer = guarded.client().get("/odd/overflows")
    assert answer.status_code == 400
    assert PAYLOAD not in answer.text


# --- methods and paths ------------------------------------------------------------------------------------------------


def test_head_is_get_without_its_body(box: Serving) -> None:
    shown, head = box.client().get(PROJECTS), box.client().head(PROJECTS)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == shown.headers["content-length"]
    assert httpx.head(f"{box.url}{PROJECTS}").status_code == 401


def test_options_and_wrong_methods_say_what_is_allowed(box: Serving) -> None:
    asked = box.client().options("/api/public/comments")
    assert (asked.status_code, asked.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    wrong = box.client().patch("/api/public/comments")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, asked.headers["allow"])
    assert wrong.json() == {"message": "Method not allowed", "error": "MethodNotAllowedError"}
    assert box.client().options("/api/public/nowhere").status_code in (404, 405)


def test_a_slash_at_the_end_of_an_api_path_leads_to_the_path_without(box: Serving) -> None:
    answer = box.client().get(f"{PROJECTS}/?a=%20b")
    assert (answer.status_code, answer.headers["location"]) == (308, f"{PROJECTS}?a=%20b")
    assert box.client().get(f"{PROJECTS}/", follow_redirects=True).status_code == 200


def test_a_line_break_in_an_address_stays_in_it(box: Serving) -> None:
    answer = box.client().get("/api/public/x%0d%0aSet-Cookie:%20a=b/")
    assert "set-cookie" not in answer.headers
    assert answer.headers["location"] == "/api/public/x%0d%0aSet-Cookie:%20a=b"


# --- crowds -----------------------------------------------------------------------------------------------------------


def test_more_requests_than_places_wait_and_more_than_that_are_told_to_come_back(tmp_path: Path) -> None:
    GATE.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app_module, "ROUTERS", (*app_module.ROUTERS, odd))
        with serving(tmp_path, requests=1) as small:
            statuses: list[int] = []

            def ask() -> None:
                statuses.append(httpx.get(f"{small.url}/odd/waits", timeout=30).status_code)

            threads = [threading.Thread(target=ask) for _ in range(12)]
            for thread in threads:
                thread.start()
            deadline = time.monotonic() + 20
            while len(statuses) < 3 and time.monotonic() < deadline:
                time.sleep(0.01)
            GATE.set()
            for thread in threads:
                thread.join(30)
            assert statuses[:3] == [503] * 3
            assert statuses[3:] == [200] * 9
            assert httpx.get(f"{small.url}/api/public/health").status_code == 200


# --- what is no HTTP --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /api/public/scores HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    ],
    ids=["tls", "version", "nul", "two-hosts", "no-host", "length", "long-header"],
)
def test_what_is_no_request_is_refused_and_the_server_goes_on(box: Serving, text: bytes) -> None:
    answered = raw(box, text)
    assert answered.startswith(b"HTTP/1.1 4") or (not answered and len(text) > 100_000)
    assert box.client().get(PROJECTS).status_code == 200


def test_a_websocket_is_not_opened(box: Serving) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "x", "Sec-WebSocket-Version": "13"}
    assert box.client().get(PROJECTS, headers=headers).status_code < 500
