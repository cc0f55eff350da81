"""Prompts over plain HTTP: every field, every status, every word of an error that clients read."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx
import pytest

PROMPTS = "/api/public/v2/prompts"
FIELDS = {
    "id", "createdAt", "updatedAt", "projectId", "createdBy", "prompt", "name", "version", "type", "isActive", "config",
    "tags", "labels", "commitMessage",
}  # fmt: skip
Fresh = Callable[[str], str]


def create(http: httpx.Client, name: str, prompt: Any = "text", **more: Any) -> dict[str, Any]:
    answer = http.post(PROMPTS, json={"name": name, "prompt": prompt, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def get(http: httpx.Client, name: str, **params: Any) -> httpx.Response:
    return http.get(f"{PROMPTS}/{quote(name, safe='')}", params=params)


def labels(http: httpx.Client, name: str, version: int) -> list[str]:
    found: list[str] = get(http, name, version=version).json()["labels"]
    return found


def test_a_new_prompt_comes_back_field_by_field(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("grading")
    body = {"labels": ["production"], "tags": ["exam"], "config": {"temperature": 0.1}, "commitMessage": "first"}
    made = create(http, name, "Grade {{answer}}", **body)
    assert made.keys() == FIELDS
    expected = {"name": name, "version": 1, "type": "text", "prompt": "Grade {{answer}}", "createdBy": "API"}
    expected |= {"projectId": "default", "isActive": None, "tags": ["exam"], "labels": ["production", "latest"]}
    expected |= {"config": {"temperature": 0.1}, "commitMessage": "first"}
    assert expected.items() <= made.items()
    assert made["createdAt"] == made["updatedAt"]
    assert len(made["createdAt"]) == len("2026-11-23T10:00:00.000Z")
    found = get(http, name)
    assert found.status_code == 200
    assert found.json() == made | {"resolutionGraph": None}


def test_what_is_left_out_has_its_default(http: httpx.Client, fresh: Fresh) -> None:
    made = create(http, fresh("bare"))
    assert (made["config"], made["tags"], made["labels"], made["commitMessage"]) == ({}, [], ["latest"], None)
    assert create(http, fresh("bare"), config=None)["config"] == {}


def test_a_chat_prompt_keeps_messages_and_placeholders(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("chat")
    messages = [
        {"role": "system", "content": "You grade {{subject}}."},
        {"type": "placeholder", "name": "history"},
        {"role": "user", "content": "{{answer}}", "extra": "is dropped"},
    ]
    made = create(http, name, messages, type="chat", labels=["production"])
    messages[2] = {"role": "user", "content": "{{answer}}"}
    assert (made["type"], made["prompt"]) == ("chat", messages)
    assert get(http, name).json()["prompt"] == messages


def test_a_usual_prompt_comes_back_byte_for_byte(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("usual/grading")
    text = (
        "You are {{role}}.\r\n\r\nGrade the answer \u201cRedis in 192.168.0.0/16\u201d:"
        " Conway's law, Dijkstra, O(n\u00b2).\n"
        'Return JSON: {"name": "{{candidate}}", "score": 1.0,  "notes": []}\t{% if strict %}<b>strict</b>{% endif %}\n'
    )
    config = {
        "model": "gpt-4o-2024-08-06",
        "temperature": 0.2,
        "max_tokens": 1024,
        "stop": ["\n\n"],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"schema": {"properties": {"password": {"type": "string"}, "name": {"type": "string"}}}},
        },
    }
    create(http, name, text, config=config, labels=["production"], commitMessage="tighten the rubric (#12)")
    found = get(http, name).json()
    assert found["prompt"] == text
    assert json.dumps(found["config"]) == json.dumps(config)
    assert found["commitMessage"] == "tighten the rubric (#12)"


def test_what_is_personal_in_a_prompt_is_redacted(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("personal")
    planted = "jane.doe@example.org"
    messages = [{"role": "system", "content": f"Mail {planted}"}]
    create(
        http,
        name,
        messages,
        type="chat",
        labels=["production"],
        tags=[f"by {planted}"],
        commitMessage=f"asked by {planted}",
        config={"owner": planted, "api_key": "sk-abcdefghijklmnopqrstuvwxyz012345", "password": {"hint": planted}},
    )
    found = get(http, name)
    assert found.status_code == 200
    assert planted not in found.text
    assert "sk-abcdef" not in found.text
    assert found.json()["prompt"][0]["content"].startswith("Mail <")
    assert found.json()["config"]["password"].keys() == {"hint"}
    listed = http.get(PROMPTS, params={"tag": f"by {planted}"})
    assert [each["name"] for each in listed.json()["data"]] == [name]
    assert planted not in listed.text


def test_versions_count_up_and_labels_move(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("moving")
    create(http, name, "1", labels=["production", "staging", "development"])
    create(http, name, "2", labels=["production", "production", "staging"])
    made = create(http, name, "3", labels=["staging"])
    assert made["version"] == 3
    assert labels(http, name, 1) == ["development"]
    assert labels(http, name, 2) == ["production"]
    assert labels(http, name, 3) == ["staging", "latest"]
    assert get(http, name).json()["prompt"] == "2"
    assert get(http, name, label="latest").json()["prompt"] == "3"


def test_tags_belong_to_all_versions(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("tagged")
    for tags, expected in ((["a"], ["a"]), (None, ["a"]), (["b", "c", "b"], ["b", "c"]), ([], [])):
        made = create(http, name, **({} if tags is None else {"tags": tags}))
        assert made["tags"] == expected
        assert {tuple(get(http, name, version=each).json()["tags"]) for each in range(1, made["version"] + 1)} == {
            tuple(expected)
        }


@pytest.mark.parametrize("name", ["a/b/c", "what?!+ =@#;%25", "ümläut ✓", "a b/100%", "dots.and-dashes_"])
def test_names_of_any_kind_are_found(http: httpx.Client, fresh: Fresh, name: str) -> None:
    named = fresh(name)
    made = create(http, named, labels=["production"])
    assert made["name"] == named
    assert get(http, named).json()["id"] == made["id"]
    answer = http.patch(f"{PROMPTS}/{quote(named, safe='')}/versions/1", json={"newLabels": ["a"]})
    assert answer.json()["name"] == named


def test_a_folder_may_be_asked_for_without_encoding(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("folder/sub/prompt")
    create(http, name, labels=["production"])
    assert http.get(f"{PROMPTS}/{name}").json()["name"] == name


def test_a_prompt_that_is_not_there_is_named(http: httpx.Client) -> None:
    cases = {"": "label 'production'", "?label=dev": "label 'dev'", "?version=3": "version 3"}
    for query, which in cases.items():
        answer = http.get(f"{PROMPTS}/nowhere{query}")
        assert answer.status_code == 404
        assert answer.json() == {
            "error": "LangfuseNotFoundError",
            "message": f"Prompt not found: 'nowhere' with {which}",
        }


def test_version_and_label_exclude_each_other(http: httpx.Client) -> None:
    for method in ("GET", "DELETE"):
        answer = http.request(method, f"{PROMPTS}/any", params={"version": 1, "label": "a"})
        assert answer.status_code == 400
        assert answer.json() == {
            "error": "InvalidRequestError",
            "message": "Cannot specify both version and label",
        }


def test_another_type_is_refused(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("typed")
    create(http, name, [{"role": "user", "content": "x"}], type="chat")
    answer = http.post(PROMPTS, json={"name": name, "prompt": "text"})
    assert answer.status_code == 400
    assert answer.json()["error"] == "InvalidRequestError"
    assert answer.json()["message"].startswith("Previous versions have different prompt type.")
    assert get(http, name, version=2).status_code == 404


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/x", "Name cannot start with a slash"),
        ("x/", "Name cannot end with a slash"),
        ("x//y", "Name cannot contain consecutive slashes"),
        ("x|y", "Prompt name cannot contain '|' character"),
        ("new", "Prompt name cannot be 'new'"),
        ("", "Text cannot be empty"),
        ("<b>x</b>", "Text cannot contain HTML tags"),
    ],
)
def test_a_name_that_cannot_be_is_refused(http: httpx.Client, name: str, message: str) -> None:
    answer = http.post(PROMPTS, json={"name": name, "prompt": "x"})
    assert answer.status_code == 400
    assert answer.json()["message"] == "Invalid request data"
    assert [(each["path"], each["message"]) for each in answer.json()["error"]] == [(["name"], message)]


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "text", "type": "chat"},
        {"prompt": [{"role": "user", "content": "x"}], "type": "text"},
        {"prompt": [{"role": "user", "content": "x"}]},
        {"prompt": [{"role": "user", "message": "x"}], "type": "chat"},
        {"prompt": [{"type": "placeholder", "name": "1st"}], "type": "chat"},
        {"prompt": "x", "labels": ["Upper"]},
        {"prompt": "x", "labels": ["x" * 37]},
        {"prompt": "x", "commitMessage": "x" * 501},
        {"prompt": 5},
        {},
    ],
)
def test_a_body_that_cannot_be_makes_no_prompt(http: httpx.Client, fresh: Fresh, body: dict[str, Any]) -> None:
    name = fresh("refused")
    answer = http.post(PROMPTS, json={"name": name, **body})
    assert answer.status_code == 400
    assert answer.json()["message"] == "Invalid request data"
    assert get(http, name, label="latest").status_code == 404


def test_variables_and_placeholders_have_names_of_their_own(http: httpx.Client, fresh: Fresh) -> None:
    messages = [{"role": "user", "content": "{{ history }}"}, {"type": "placeholder", "name": "history"}]
    answer = http.post(PROMPTS, json={"name": fresh("clash"), "prompt": messages, "type": "chat"})
    assert answer.status_code == 400
    assert answer.json()["message"].endswith("the following are not: history")


def test_labels_are_added_and_leave_other_versions(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("relabelled")
    create(http, name, labels=["production"])
    create(http, name)
    answer = http.patch(f"{PROMPTS}/{name}/versions/2", json={"newLabels": ["production", "a"]})
    assert answer.status_code == 200
    assert answer.json().keys() == FIELDS
    assert answer.json()["labels"] == ["production", "a", "latest"]
    assert labels(http, name, 1) == []


def test_latest_cannot_be_given_by_hand(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("latest")
    create(http, name)
    answer = http.patch(f"{PROMPTS}/{name}/versions/1", json={"newLabels": ["latest"]})
    assert answer.status_code == 400
    assert "always assigned to the latest" in answer.text
    for version in ("2", "0", "99999999999999999999"):
        missing = http.patch(f"{PROMPTS}/{name}/versions/{version}", json={"newLabels": ["a"]})
        assert missing.status_code == 404
        assert missing.json()["error"] == "LangfuseNotFoundError"


def test_deleting_a_version_hands_latest_on(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("shrinking")
    for label in ("a", "b", "c"):
        create(http, name, label, labels=[label])
    deleted = http.delete(f"{PROMPTS}/{name}", params={"version": 3})
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert labels(http, name, 2) == ["b", "latest"]
    assert http.delete(f"{PROMPTS}/{name}", params={"label": "a"}).status_code == 204
    assert get(http, name, version=1).status_code == 404
    assert http.delete(f"{PROMPTS}/{name}").status_code == 204
    assert get(http, name, label="latest").status_code == 404
    again = http.delete(f"{PROMPTS}/{name}")
    assert again.status_code == 404
    assert again.json() == {"error": "LangfuseNotFoundError", "message": "Prompt not found"}


def test_older_clients_find_and_make_prompts(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("legacy/prompt")
    body = {"name": name, "prompt": "x", "isActive": True}
    made = http.post("/api/public/prompts", json=body)
    assert made.status_code == 201
    assert (made.json()["isActive"], made.json()["labels"]) == (True, ["production", "latest"])
    assert http.post("/api/public/prompts", json={"name": name, "prompt": "x"}).status_code == 400
    found = http.get("/api/public/prompts", params={"name": name})
    assert (found.status_code, found.json()["isActive"]) == (200, True)
    missing = http.get("/api/public/prompts", params={"name": "nowhere"})
    assert missing.json() == {"error": "LangfuseNotFoundError", "message": "Prompt not found"}


def test_versions_made_at_once_each_get_a_number(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("crowded")

    def add(number: int) -> int:
        version: int = create(http, name, f"text {number}", labels=["production"])["version"]
        return version

    with ThreadPoolExecutor(20) as pool:
        versions = sorted(pool.map(add, range(20)))
    assert versions == list(range(1, 21))
    found = [labels(http, name, version) for version in versions]
    assert found == [[]] * 19 + [["production", "latest"]]


def test_projects_are_apart(http: httpx.Client, other: httpx.Client, fresh: Fresh) -> None:
    name = fresh("shared")
    create(http, name, "ours", labels=["production"])
    assert get(other, name).status_code == 404
    assert create(other, name, "theirs", labels=["production"])["version"] == 1
    assert get(http, name).json()["prompt"] == "ours"
    assert other.delete(f"{PROMPTS}/{name}").status_code == 204
    assert get(http, name).status_code == 200
