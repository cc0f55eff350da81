"""Every route of the installed SDK is served or refused by name; none is unknown."""

import re
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from tests.server.serving import Serving

_CALL = re.compile(r'httpx_client\.(?:request|stream)\(\s*f?"([^"]+)"[^)]*?method="(\w+)"', re.DOTALL)
_PLACE = re.compile(r"\{jsonable_encoder\((\w+)\)\}|\{[^}]+\}")
_NO_SUCH_PATH = "Not Found"


def _sdk_routes() -> list[tuple[str, str]]:
    spec = find_spec("langfuse")
    assert spec is not None
    assert spec.origin is not None
    found = {
        (method, "/" + _PLACE.sub("some-id", path).lstrip("/"))
        for file in Path(spec.origin).parent.glob("api/**/raw_client.py")
        for path, method in _CALL.findall(file.read_text(encoding="utf-8"))
    }
    return sorted(found)


ROUTES = _sdk_routes()


def test_the_installed_client_was_read() -> None:
    assert len(ROUTES) >= 109


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=[f"{method} {path}" for method, path in ROUTES])
def test_a_route_of_the_sdk_is_served_or_said_to_be_absent(box: Serving, method: str, path: str) -> None:
    answer = box.client().request(method, path)
    assert answer.status_code not in (405, 500)
    if answer.status_code == 404:
        # The record is unknown, not the path.
        assert answer.json()["message"] != _NO_SUCH_PATH
    if answer.status_code == 501:
        body = answer.json()
        assert body["error"] == "NotImplementedError"
        assert body["message"].endswith(" is not available in certtrace serve. Use a self-hosted Langfuse for it.")


@pytest.mark.parametrize(
    ("method", "path"), [route for route in ROUTES if route != ("GET", "/api/public/health")]
)  # fmt: skip
def test_no_route_answers_without_a_key(anyone: httpx.Client, method: str, path: str) -> None:
    answer = anyone.request(method, path)
    assert answer.status_code == 401
    assert answer.json()["message"] == "No authorization header"


def test_absent_routes_are_not_documented(anyone: httpx.Client) -> None:
    paths = anyone.get("/openapi.json").json()["paths"]
    for part in ("scim", "unstable", "organizations", "evaluators", "llm-connections", "blob-storage"):
        assert not [path for path in paths if part in path]


def test_an_unknown_path_is_not_found_and_a_wrong_method_not_allowed(box: Serving) -> None:
    unknown = box.client().get("/api/public/nothing")
    assert unknown.status_code == 404
    assert "message" in unknown.json()
    wrong = box.client().put("/api/public/score-configs")
    assert wrong.status_code == 405
    assert wrong.json()["message"] == "Method not allowed"
