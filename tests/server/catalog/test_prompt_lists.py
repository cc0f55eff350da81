"""Lists of prompts: what they show of each, and which versions a filter leaves."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.server.serving import Serving

from certtrace.server.access import Role

PROMPTS = "/api/public/v2/prompts"


@pytest.fixture(scope="module")
def library(box: Serving) -> Iterator[httpx.Client]:
    """A project of its own with three prompts of several versions."""
    key = box.box.access.create(box.box.access.project("library"), [Role.ADMIN])
    with httpx.Client(base_url=box.url, auth=(key.public_key, key.secret_key), timeout=20) as client:
        for name, label, config in (
            ("tools/a", "one", {"version": 1, "strict": True}),
            ("tools/a", "production", {"version": 2}),
            ("tools/b/description", "production", {}),
            ("Zed", "dev", {"model": "gpt-4o"}),
        ):
            body = {"name": name, "prompt": "x", "labels": [label], "config": config, "tags": [name[:1]]}
            client.post(PROMPTS, json=body).raise_for_status()
        yield client


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["data"]]


def test_each_prompt_is_listed_once_with_all_its_fields(library: httpx.Client) -> None:
    answer = library.get(PROMPTS)
    assert names(answer) == ["Zed", "tools/a", "tools/b/description"]
    page = {"page": 1, "limit": 10, "totalItems": 3, "totalPages": 1}
    assert answer.json()["meta"] == page
    assert answer.json()["pagination"] == page
    found = answer.json()["data"][1]
    newest = library.get(f"{PROMPTS}/tools%2Fa").json()["updatedAt"]
    assert found == {
        "name": "tools/a",
        "type": "text",
        "versions": [1, 2],
        "labels": ["latest", "one", "production"],
        "tags": ["t"],
        "lastUpdatedAt": newest,
        "lastConfig": {"version": 2},
    }


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"name": "Zed"}, ["Zed"]),
        ({"name": "nowhere"}, []),
        ({"label": "production"}, ["tools/a", "tools/b/description"]),
        ({"tag": "t"}, ["tools/a", "tools/b/description"]),
        ({"version": "2"}, ["tools/a"]),
        ({"version": ""}, ["Zed", "tools/a", "tools/b/description"]),
        ({"limit": "1", "page": "2"}, ["tools/a"]),
        ({"fromUpdatedAt": "2020-01-01T00:00:00Z"}, ["Zed", "tools/a", "tools/b/description"]),
        ({"toUpdatedAt": "2020-01-01T00:00:00+02:00"}, []),
        ({"name": "nowhere", "filter": "[]"}, ["Zed", "tools/a", "tools/b/description"]),
    ],
)
def test_simple_filters_hold_together(library: httpx.Client, params: dict[str, str], expected: list[str]) -> None:
    assert names(library.get(PROMPTS, params=params)) == expected


def test_a_filter_shows_the_versions_that_match_only(library: httpx.Client) -> None:
    found = library.get(PROMPTS, params={"label": "one"}).json()["data"]
    assert [(each["versions"], each["labels"], each["lastConfig"]["version"]) for each in found] == [([1], ["one"], 1)]


def test_a_time_that_was_shown_finds_its_prompt(library: httpx.Client) -> None:
    shown = library.get(PROMPTS, params={"name": "Zed"}).json()["data"][0]["lastUpdatedAt"]
    assert "Zed" in names(library.get(PROMPTS, params={"fromUpdatedAt": shown}))
    assert "Zed" not in names(library.get(PROMPTS, params={"toUpdatedAt": shown}))


def condition(kind: str, column: str, operator: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "column": column, "operator": operator, "value": value, **more}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([condition("string", "name", "=", "Zed")], ["Zed"]),
        ([condition("string", "name", "=", "zed")], []),
        ([condition("string", "name", "starts with", "TOOLS/")], ["tools/a", "tools/b/description"]),
        ([condition("string", "name", "ends with", "/description")], ["tools/b/description"]),
        ([condition("string", "name", "contains", "%/b%")], ["tools/b/description"]),
        ([condition("string", "name", "contains", "\\%")], []),
        ([condition("string", "name", "does not contain", "tools")], ["Zed"]),
        ([condition("string", "type", "is not empty", "")], ["Zed", "tools/a", "tools/b/description"]),
        ([condition("stringOptions", "name", "any of", ["Zed", "x"])], ["Zed"]),
        ([condition("stringOptions", "name", "none of", ["Zed"])], ["tools/a", "tools/b/description"]),
        ([condition("number", "version", ">", 1)], ["tools/a"]),
        ([condition("datetime", "createdAt", ">=", "2020-01-01T00:00:00Z")], ["Zed", "tools/a", "tools/b/description"]),
        ([condition("arrayOptions", "labels", "all of", ["latest", "dev"])], ["Zed"]),
        ([condition("arrayOptions", "labels", "none of", ["latest"])], ["tools/a"]),
        ([condition("arrayOptions", "tags", "any of", ["Z"])], ["Zed"]),
        ([condition("stringObject", "config", "=", "gpt-4o", key="model")], ["Zed"]),
        ([condition("stringObject", "config", "=", "true", key="strict")], ["tools/a"]),
        ([condition("stringObject", "config", "is set", "", key="version")], ["tools/a"]),
        ([condition("stringObject", "config", "is not set", "", key="version")], ["Zed", "tools/b/description"]),
        ([condition("stringObject", "config", "contains", "", key="model")], ["Zed"]),
        ([condition("number", "version", "=", 1), condition("string", "name", "=", "tools/a")], ["tools/a"]),
    ],
)
def test_a_json_filter_selects_versions(library: httpx.Client, given: list[Any], expected: list[str]) -> None:
    assert names(library.get(PROMPTS, params={"filter": json.dumps(given), "name": "ignored"})) == expected


@pytest.mark.parametrize(
    "given",
    [
        "{",
        "{}",
        "5",
        "[5]",
        "[{}]",
        json.dumps([condition("string", "config", "=", "x")]),
        json.dumps([condition("string", "name", "~", "x")]),
        json.dumps([condition("string", "name", "=", 5)]),
        json.dumps([condition("number", "version", "=", True)]),
        json.dumps([condition("datetime", "createdAt", "<", "yesterday")]),
        json.dumps([condition("arrayOptions", "tags", "any of", [])]),
        json.dumps([condition("stringObject", "config", "=", "x")]),
        json.dumps([{"type": ["string"], "column": "name", "operator": "=", "value": "x"}]),
        json.dumps([condition("number", "version", "=", 1)] * 21),
        "[" * 5000,
    ],
)
def test_a_filter_that_cannot_be_is_refused(library: httpx.Client, given: str) -> None:
    answer = library.get(PROMPTS, params={"filter": given})
    assert answer.status_code == 400
    assert answer.json()["error"] == "InvalidRequestError"


@pytest.mark.parametrize(
    "params", [{"limit": "0"}, {"limit": "101"}, {"page": "0"}, {"page": "x"}, {"fromUpdatedAt": "2026-01-01"}]
)
def test_a_page_that_cannot_be_is_refused(library: httpx.Client, params: dict[str, str]) -> None:
    assert library.get(PROMPTS, params=params).status_code == 400
