"""Prompts within prompts."""

import itertools
from collections.abc import Callable
from typing import Any

import httpx
import pytest

PROMPTS = "/api/public/v2/prompts"
Fresh = Callable[[str], str]


def tag(name: str, *, version: int | None = None, label: str = "production") -> str:
    return f"@@@langfusePrompt:name={name}|" + (f"label={label}" if version is None else f"version={version}") + "@@@"


def create(http: httpx.Client, name: str, prompt: Any, **more: Any) -> httpx.Response:
    return http.post(PROMPTS, json={"name": name, "prompt": prompt, "labels": ["production"], **more})


def get(http: httpx.Client, name: str, **params: Any) -> dict[str, Any]:
    answer = http.get(f"{PROMPTS}/{name}", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_tags_are_replaced_through_all_levels(http: httpx.Client, fresh: Fresh) -> None:
    leaf, middle, top = (fresh(name) for name in ("leaf", "middle", "top"))
    ids = [create(http, leaf, 'costs $1 & "quotes"\n\\d {{x}}').json()["id"]]
    ids.append(create(http, middle, f"[{tag(leaf, version=1)}|{tag(leaf)}]").json()["id"])
    ids.append(create(http, top, f"<{tag(middle)}> and {tag(leaf)}").json()["id"])
    found = get(http, top)
    inner = 'costs $1 & "quotes"\n\\d {{x}}'
    assert found["prompt"] == f"<[{inner}|{inner}]> and {inner}"
    node = {name: {"id": each, "name": name, "version": 1} for each, name in zip(ids, (leaf, middle, top), strict=True)}
    graph = found["resolutionGraph"]
    assert graph["root"] == node[top]
    assert graph["dependencies"][ids[2]] == [node[middle], node[leaf]]
    assert graph["dependencies"][ids[1]] == [node[leaf], node[leaf]]
    unresolved = get(http, top, resolve="false")
    assert (unresolved["prompt"], unresolved["resolutionGraph"]) == (f"<{tag(middle)}> and {tag(leaf)}", None)


def test_a_chat_prompt_takes_text_prompts_in(http: httpx.Client, fresh: Fresh) -> None:
    leaf, chat = fresh("leaf"), fresh("chat")
    create(http, leaf, "line 1\nline 2")
    create(http, chat, [{"role": "system", "content": tag(leaf)}, {"role": "user", "content": "q"}], type="chat")
    assert get(http, chat)["prompt"][0] == {"role": "system", "content": "line 1\nline 2"}


def test_a_label_leads_to_the_version_that_has_it_now(http: httpx.Client, fresh: Fresh) -> None:
    leaf, top = fresh("leaf"), fresh("top")
    create(http, leaf, "old")
    create(http, top, f"{tag(leaf)} {tag(leaf, version=1)}")
    create(http, leaf, "new")
    assert get(http, top)["prompt"] == "new old"


def test_what_cannot_be_resolved_is_refused(http: httpx.Client, fresh: Fresh) -> None:
    name, chat = fresh("self"), fresh("chat")
    create(http, name, "x")
    create(http, chat, [{"role": "user", "content": "x"}], type="chat")
    for prompt, message in (
        (tag("nowhere"), "Prompt dependency not found: nowhere - label production"),
        (tag(name, version=7), f"Prompt dependency not found: {name} - version 7"),
        (tag(chat), f"Prompt dependency is not a text prompt: {chat} - label production"),
        (tag(name), f"Circular dependency detected involving prompt '{name}' version 1"),
    ):
        answer = create(http, name, prompt)
        assert answer.status_code == 400
        assert answer.json() == {"error": "InvalidRequestError", "message": message}
    assert get(http, name, label="latest")["version"] == 1


def test_a_circle_over_several_prompts_is_refused_when_read(http: httpx.Client, fresh: Fresh) -> None:
    first, second = fresh("first"), fresh("second")
    create(http, first, "x")
    create(http, second, tag(first))
    answer = create(http, first, tag(second))
    assert answer.status_code == 400
    assert "Circular dependency" in answer.json()["message"]


def test_nesting_ends_at_five(http: httpx.Client, fresh: Fresh) -> None:
    names = [fresh("level") for _ in range(6)]
    create(http, names[0], "deep")
    for below, name in itertools.pairwise(names[:5]):
        assert create(http, name, tag(below)).status_code == 201
    assert get(http, names[4])["prompt"] == "deep"
    answer = create(http, names[5], tag(names[4]))
    assert answer.status_code == 400
    assert answer.json()["message"] == "Maximum nesting depth exceeded (5)"


def test_a_graph_that_would_explode_is_refused_soon(http: httpx.Client, fresh: Fresh) -> None:
    names = [fresh("bomb") for _ in range(4)]
    create(http, names[0], "x" * 1000)
    answers = [create(http, name, tag(below) * 20) for below, name in itertools.pairwise(names)]
    assert [answer.status_code for answer in answers] == [201, 201, 400]
    assert "too many others" in answers[-1].json()["message"]


def test_a_text_that_would_grow_too_long_is_refused(http: httpx.Client, fresh: Fresh) -> None:
    leaf, top = fresh("leaf"), fresh("top")
    create(http, leaf, "x" * 100_000)
    answer = create(http, top, tag(leaf) * 100)
    assert answer.status_code == 400
    assert "too long" in answer.json()["message"]


@pytest.mark.parametrize(
    "text",
    [
        "@@@langfusePrompt:version=1|name=a@@@",
        "@@@langfusePrompt:name=a@@@",
        "@@@langfusePrompt:name=|version=1@@@",
        "@@@langfusePrompt:name=a|version=one@@@",
        "@@@langfusePrompt:name=a|version=1|label=b@@@",
        "@@@langfusePrompt:name=a|label@@@",
        "@@@langfusePrompt:",
        "@@@@@@",
    ],
)
def test_a_malformed_tag_is_text(http: httpx.Client, fresh: Fresh, text: str) -> None:
    name = fresh("malformed")
    assert create(http, name, text).status_code == 201
    found = get(http, name)
    assert (found["prompt"], found["resolutionGraph"]) == (text, None)


def test_what_others_need_is_not_deleted(http: httpx.Client, fresh: Fresh) -> None:
    leaf, top = fresh("leaf"), fresh("top")
    create(http, leaf, "1")
    create(http, leaf, "2")
    create(http, top, f"{tag(leaf)} {tag(leaf, version=1)}")
    for params in ({}, {"version": 1}, {"version": 2}, {"label": "production"}):
        answer = http.delete(f"{PROMPTS}/{leaf}", params=params)
        assert answer.status_code == 400, params
        assert f"{top} v1 depends on {leaf}" in answer.json()["message"]
    assert http.delete(f"{PROMPTS}/{top}").status_code == 204
    assert http.delete(f"{PROMPTS}/{leaf}").status_code == 204


def test_a_version_nobody_needs_is_deleted(http: httpx.Client, fresh: Fresh) -> None:
    leaf, top = fresh("leaf"), fresh("top")
    create(http, leaf, "1")
    create(http, leaf, "2")
    create(http, top, tag(leaf, label="latest"))
    assert http.delete(f"{PROMPTS}/{leaf}", params={"version": 1}).status_code == 204
    assert get(http, top)["prompt"] == "2"
