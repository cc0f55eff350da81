"""Requests that ask for too much are refused, and what costs too much is not done."""

import json
import socket
import time
from typing import Any

import httpx
import pytest
from tests.server.intake.exports import PATH, json_export
from tests.server.serving import Serving

from certtrace.server.access import Role

API = "/api/public"
SPAN = {"fromStartTime": "2026-01-01T00:00:00Z", "toStartTime": "2027-01-01T00:00:00Z"}
NAMED = {"type": "string", "column": "name", "operator": "contains", "value": "a"}


def asked(box: Serving, path: str, query: str) -> httpx.Response:
    """Ask with an address longer than httpx allows: others send such."""
    url = httpx.URL(box.url)
    key = box.keys[Role.READER]
    auth = httpx.BasicAuth(key.public_key, key.secret_key)
    request = next(auth.auth_flow(httpx.Request("GET", f"{box.url}{path}")))
    head = f"GET {path}?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
        connection.sendall(f"{head}Authorization: {request.headers['authorization']}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    header, _, body = answer.partition(b"\r\n\r\n")
    return httpx.Response(int(header.split()[1]), content=body)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/traces", "tags"),
        ("/traces", "environment"),
        ("/observations", "environment"),
        ("/scores", "traceTags"),
        ("/v2/scores", "traceTags"),
    ],
)
def test_a_parameter_given_thousands_of_times_is_refused(box: Serving, path: str, name: str) -> None:
    assert asked(box, f"{API}{path}", "&".join(f"{name}={n}" for n in range(200))).status_code == 200
    answer = asked(box, f"{API}{path}", "&".join(f"{name}={n}" for n in range(4_000)))
    assert answer.status_code == 400
    assert answer.json()["error"] == "InvalidRequestError"


@pytest.mark.parametrize("path", ["/traces", "/observations", "/v2/observations", "/v2/scores"])
def test_a_filter_of_hundreds_of_conditions_is_refused(box: Serving, path: str) -> None:
    for count, status in ((100, 200), (201, 400)):
        params = SPAN | {"filter": json.dumps([NAMED] * count)}
        answer = box.client().get(f"{API}{path}", params=params)
        assert answer.status_code == status, answer.text


def test_a_request_with_two_lengths_is_refused_and_the_connection_ends(box: Serving) -> None:
    url = httpx.URL(box.url)
    lengths = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
    hidden = "GET /api/public/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
        connection.sendall(f"POST /sign-in HTTP/1.1\r\nHost: localhost\r\n{lengths}\r\n0\r\n\r\n{hidden}".encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_patterns_of_models_do_not_look_through_long_texts(box: Serving) -> None:
    pattern = "(?i)" + "(a|aa)+" * 20 + "$"
    model: dict[str, Any] = {"modelName": "slow", "matchPattern": pattern, "unit": "TOKENS", "inputPrice": 1}
    assert box.client().post(f"{API}/models", json=model).status_code == 200
    values = {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "a" * 400_000 + "b",
        "langfuse.observation.usage_details": '{"input": 5}',
    }
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]
    began = time.monotonic()
    assert box.client().post(PATH, json=json_export(attributes=attributes)).status_code == 200
    assert time.monotonic() - began < 5
