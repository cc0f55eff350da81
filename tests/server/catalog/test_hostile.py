"""What no client should send is answered, never with a failure of the server's own, and leaves nothing half written."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

API = "/api/public"
Fresh = Callable[[str], str]
DEEP = "[" * 5_000 + "]" * 5_000
NAMES = ["%00", "a%00b", "%ff%fe", "%F0%9F%98%80", "..%2f..%2fetc", "%252e%252e", "a%0Ab", "'; DROP TABLE prompts;--"]
PATHS = [
    "/v2/prompts/{}",
    "/v2/datasets/{}",
    "/datasets/{}",
    "/datasets/{}/runs",
    "/datasets/x/runs/{}",
    "/dataset-items/{}",
]
VALUES = [
    "\\ud800",
    "\\u0000",
    "9" * 400,
    "1e400",
    "-0.0",
    DEEP,
    '{"\\ud800": "\\udfff"}',
    '"@@@langfuseMedia:type=|id=@@@"',
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", NAMES)
def test_no_name_in_a_path_breaks_a_route(http: httpx.Client, path: str, name: str) -> None:
    for method in ("GET", "DELETE"):
        answer = http.request(method, API + path.format(name))
        assert answer.status_code in (400, 404, 405), answer.text


@pytest.mark.parametrize("value", VALUES)
def test_no_value_in_a_body_breaks_a_route(http: httpx.Client, fresh: Fresh, value: str) -> None:
    name = fresh("hostile")
    http.post(f"{API}/v2/datasets", json={"name": name}).raise_for_status()
    written = value if value[0] in '[{"-0123456789' else f'"{value}"'
    bodies = {
        "/v2/prompts": f'{{"name": "{name}", "prompt": "x", "config": {written}, "tags": [{written}]}}',
        "/v2/datasets": f'{{"name": "{name}", "metadata": {written}, "description": {written}}}',
        "/dataset-items": f'{{"datasetName": "{name}", "input": {written}, "metadata": {{"a": {written}}}}}',
        "/dataset-run-items": f'{{"runName": {written}, "datasetItemId": "x", "traceId": "t", "metadata": {written}}}',
    }
    for path, body in bodies.items():
        answer = http.post(API + path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code < 500, f"{path}: {answer.text}"
        if answer.status_code < 300:
            json.loads(answer.content, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "params",
    [
        {"version": "9" * 30},
        {"version": "-1"},
        {"version": "1.5"},
        {"label": "\x00"},
        {"resolve": "maybe"},
    ],
)
def test_no_parameter_of_a_prompt_breaks_the_route(http: httpx.Client, params: dict[str, str]) -> None:
    assert http.get(f"{API}/v2/prompts/nowhere", params=params).status_code in (400, 404)


@pytest.mark.parametrize("page", ["9" * 15, "9" * 30])
def test_a_page_far_away_is_empty_or_refused(http: httpx.Client, page: str) -> None:
    for path in ("/v2/prompts", "/v2/datasets", "/datasets", "/dataset-items"):
        answer = http.get(API + path, params={"page": page, "limit": 100})
        assert answer.status_code == 400 or answer.json()["data"] == []


def test_an_empty_page_or_limit_means_the_default(http: httpx.Client) -> None:
    for path in ("/v2/datasets", "/datasets", "/dataset-items"):
        meta = http.get(API + path, params={"page": "", "limit": ""}).json()["meta"]
        assert (meta["page"], meta["limit"]) == (1, 50)


def test_many_labels_and_tags_are_kept(http: httpx.Client, fresh: Fresh) -> None:
    many = [f"label-{number}" for number in range(2_000)]
    body: dict[str, Any] = {"name": fresh("many"), "prompt": "x", "labels": many}
    answer = http.post(f"{API}/v2/prompts", json=body)
    assert answer.status_code == 201
    assert answer.json()["labels"] == [*many, "latest"]
