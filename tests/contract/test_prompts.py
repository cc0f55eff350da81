"""v2/prompts: versions, labels, tags, lists, references, names."""

from urllib.parse import quote

import pytest
from tests.contract.shapes import anything, assert_shape, mapping, moment, null, optional, text, texts, whole
from tests.contract.target import Json, Target, unique

PROMPT = {
    "id": text,
    "createdAt": moment,
    "updatedAt": moment,
    "projectId": text,
    "createdBy": text,
    "prompt": anything,
    "name": text,
    "version": whole,
    "type": text,
    "isActive": anything,
    "config": anything,
    "tags": texts,
    "labels": texts,
    "commitMessage": optional(text),
    "resolutionGraph": anything,
}
META = {
    "name": text,
    "type": text,
    "versions": anything,
    "labels": texts,
    "tags": texts,
    "lastUpdatedAt": moment,
    "lastConfig": anything,
}


def create(target: Target, name: str, prompt: Json = "prompt", expect: int = 201, **body: Json) -> Json:
    return target.post("v2/prompts", {"name": name, "prompt": prompt} | body, expect)


def read(target: Target, name: str, expect: int = 200, **params: Json) -> Json:
    return target.get(f"v2/prompts/{quote(name, safe='')}", expect, **params)


def test_a_prompt_has_exactly_its_fields(target: Target) -> None:
    name = unique()
    made = create(
        target, name, "Hello {{x}}", labels=["production"], config={"temperature": 0.1}, commitMessage="first"
    )
    found = read(target, name)
    for prompt in (made, found):
        assert_shape({"isActive": None, "resolutionGraph": None} | prompt, PROMPT)
    expected = {
        "name": name,
        "prompt": "Hello {{x}}",
        "version": 1,
        "type": "text",
        "config": {"temperature": 0.1},
        "tags": [],
        "labels": ["production", "latest"],
        "createdBy": "API",
        "commitMessage": "first",
        "resolutionGraph": None,
        "projectId": target.project_id,
    }
    assert {key: found[key] for key in expected} == expected
    assert made["id"] == found["id"]


def test_a_chat_prompt_keeps_messages_and_placeholders(target: Target) -> None:
    name, commit = unique(), "feat"
    messages = [
        {"role": "system", "content": "You help."},
        {"type": "placeholder", "name": "history"},
        {"role": "user", "content": "{{question}}"},
    ]
    create(target, name, messages, type="chat", labels=["production"], commitMessage=commit)
    found = read(target, name)
    assert (found["type"], found["prompt"], found["config"]) == ("chat", messages, {})


def test_versions_and_labels_choose_the_prompt(target: Target) -> None:
    name = unique()
    create(target, name, "1", labels=["production", "staging", "development"])
    create(target, name, "2", labels=["production", "production", "staging"])
    create(target, name, "3", labels=["staging"])
    assert (read(target, name)["version"], read(target, name)["labels"]) == (2, ["production"])
    assert read(target, name, version=1)["labels"] == ["development"]
    assert read(target, name, version=3)["labels"] == ["staging", "latest"]
    assert read(target, name, label="latest")["version"] == 3
    assert read(target, name, label="staging")["version"] == 3
    missing = read(target, name, 404, version=9)
    assert missing["error"] == "LangfuseNotFoundError"
    read(target, name, 404, label="nobody")
    read(target, name, 400, version=1, label="latest")
    read(target, name, 400, version="x")


def test_a_prompt_without_the_production_label_is_not_the_default(target: Target) -> None:
    name = unique()
    create(target, name, labels=["dev"])
    answer = read(target, name, 404)
    assert answer["error"] == "LangfuseNotFoundError"
    assert name in answer["message"] or "Prompt not found" in answer["message"]
    assert read(target, name, label="dev")["version"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "text", "type": "chat"},
        {"prompt": [{"role": "user", "message": "no content"}], "type": "chat"},
        {"prompt": [{"role": "system", "content": "x"}], "type": "text"},
        {"prompt": 5},
        {"type": "text"},
        {"prompt": "x", "labels": ["Not Allowed"]},
        {"prompt": "x", "labels": "production"},
    ],
    ids=str,
)
def test_a_prompt_that_cannot_be_is_a_400(target: Target, body: Json) -> None:
    target.post("v2/prompts", {"name": unique()} | body, 400)


def test_a_prompt_keeps_its_type(target: Target) -> None:
    name = unique()
    create(target, name, [{"role": "user", "content": "x"}], type="chat")
    answer = create(target, name, "text", 400, type="text")
    assert answer["error"] == "InvalidRequestError"
    read(target, name, 404, version=2)


def test_a_variable_and_a_placeholder_have_names_of_their_own(target: Target) -> None:
    messages = [{"role": "system", "content": "Hello {{userName}}"}, {"type": "placeholder", "name": "userName"}]
    answer = create(target, unique(), messages, 400, type="chat")
    assert "variables and placeholders must be unique" in answer["message"]
    assert "userName" in answer["message"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/invalid-name", "Name cannot start with a slash"),
        ("invalid-name/", "Name cannot end with a slash"),
        ("invalid//name", "Name cannot contain consecutive slashes"),
        ("invalid|name", "Prompt name cannot contain '|' character"),
        ("new", "Prompt name cannot be 'new'"),
        ("", "Text cannot be empty"),
        ("Test <div>", "Text cannot contain HTML tags"),
    ],
)
def test_a_name_that_cannot_be_is_named(target: Target, name: str, message: str) -> None:
    answer = create(target, name, "x", 400)
    assert answer["message"] == "Invalid request data"
    assert message in [issue["message"] for issue in answer["error"]]


@pytest.mark.parametrize(
    "name",
    ["a/b/c", "with spaces", "?!+ =@#;", "angled[brac]es]", "multiple...dots", "_x_", "ünïcode 漢字", "100%", "a&b=c"],
)
def test_odd_names_are_found_again(target: Target, name: str) -> None:
    name = unique(name)
    create(target, name, labels=["production"])
    assert read(target, name)["name"] == name
    assert target.langfuse.get_prompt(name).name == name
    target.delete(f"v2/prompts/{quote(name, safe='')}", 204)
    read(target, name, 404)


def test_tags_belong_to_all_versions(target: Target) -> None:
    name = unique()
    create(target, name, tags=["tag"])
    create(target, name)
    assert [read(target, name, version=at)["tags"] for at in (1, 2)] == [["tag"], ["tag"]]
    create(target, name, tags=["a", "b"])
    assert [read(target, name, version=at)["tags"] for at in (1, 2, 3)] == [["a", "b"]] * 3
    create(target, name, tags=[])
    assert [read(target, name, version=at)["tags"] for at in (1, 4)] == [[], []]


def test_the_list_tells_versions_labels_and_the_last_config(target: Target) -> None:
    name, tag = unique(), unique("tag")
    for at in (1, 2, 3):
        create(target, name, str(at), labels=["dev"] if at == 2 else [], config={"version": at}, tags=[tag])
    answer = target.get("v2/prompts", name=name)
    assert sorted(answer) == ["data", "meta", "pagination"]
    assert answer["meta"] == answer["pagination"]
    assert {key: answer["meta"][key] for key in ("page", "totalItems", "totalPages")} == {
        "page": 1,
        "totalItems": 1,
        "totalPages": 1,
    }
    [meta] = answer["data"]
    assert_shape(meta, META)
    assert (meta["versions"], sorted(meta["labels"]), meta["tags"]) == ([1, 2, 3], ["dev", "latest"], [tag])
    assert (meta["type"], meta["lastConfig"]) == ("text", {"version": 3})
    [meta] = target.get("v2/prompts", name=name, label="dev")["data"]
    assert (meta["versions"], meta["labels"], meta["lastConfig"]) == ([2], ["dev"], {"version": 2})
    [meta] = target.get("v2/prompts", name=name, version=1)["data"]
    assert meta["lastConfig"] == {"version": 1}
    assert [row["name"] for row in target.get("v2/prompts", tag=tag)["data"]] == [name]
    assert target.get("v2/prompts", name=unique())["data"] == []
    assert target.get("v2/prompts", name=name, fromUpdatedAt="2100-01-01T00:00:00Z")["data"] == []
    assert target.get("v2/prompts", name=name, toUpdatedAt="2100-01-01T00:00:00Z")["data"] != []
    target.get("v2/prompts", 400, limit="x")


def test_labels_are_added_to_a_version_and_leave_the_others(target: Target) -> None:
    name = unique()
    create(target, name, "1", labels=["production"])
    create(target, name, "2")
    path = f"v2/prompts/{name}/versions"
    changed = target.patch(f"{path}/2", {"newLabels": ["production", "new"]})
    assert sorted(changed["labels"]) == ["latest", "new", "production"]
    assert read(target, name, version=1)["labels"] == []
    assert target.langfuse.update_prompt(name=name, version=1, new_labels=["old"])
    assert read(target, name, label="old")["version"] == 1
    target.patch(f"{path}/1", {"newLabels": ["latest"]}, 400)
    target.patch(f"{path}/9", {"newLabels": ["x"]}, 404)
    target.patch(f"v2/prompts/{unique()}/versions/1", {"newLabels": ["x"]}, 404)
    target.patch(f"{path}/1", {}, 400)


def test_versions_are_deleted_by_label_by_number_and_all(target: Target) -> None:
    name = unique()
    for label in ("production", "dev", "other"):
        create(target, name, labels=[label])
    target.delete(f"v2/prompts/{name}", 204, params={"version": 1})
    read(target, name, 404, version=1)
    target.delete(f"v2/prompts/{name}", 204, params={"label": "dev"})
    assert read(target, name, version=3)["version"] == 3
    target.delete(f"v2/prompts/{name}", 204)
    read(target, name, 404, version=3)
    target.delete(f"v2/prompts/{name}", 404)


def test_references_are_resolved_on_reading(target: Target) -> None:
    child, middle, parent = (unique() for _ in range(3))
    create(target, child, "I am a child", labels=["production"])
    create(target, middle, f"M: @@@langfusePrompt:name={child}|label=production@@@", labels=["production"])
    given = f"P: @@@langfusePrompt:name={middle}|version=1@@@ @@@langfusePrompt:invalid@@@"
    create(target, parent, given, labels=["production"])
    found = read(target, parent)
    assert found["prompt"] == "P: M: I am a child @@@langfusePrompt:invalid@@@"
    graph = found["resolutionGraph"]
    assert graph["root"] == {"name": parent, "version": 1, "id": found["id"]}
    [step] = graph["dependencies"][found["id"]]
    assert (step["name"], step["version"], sorted(step)) == (middle, 1, ["id", "name", "version"])
    raw = read(target, parent, resolve="false")
    assert raw["prompt"] == given
    assert null(raw["resolutionGraph"])
    create(target, child, "I am newer", labels=["production"])
    assert read(target, parent)["prompt"].startswith("P: M: I am newer")


def test_references_that_cannot_be_are_a_400(target: Target) -> None:
    name, other = unique(), unique()
    create(target, name, "a", labels=["production"])
    create(target, other, f"@@@langfusePrompt:name={name}|label=production@@@", labels=["production"])
    circle = create(target, name, f"@@@langfusePrompt:name={other}|label=production@@@", 400, labels=["production"])
    assert "circular" in str(circle).lower()
    itself = create(target, name, f"@@@langfusePrompt:name={name}|version=1@@@", 400)
    assert "Circular dependency" in str(itself)
    nobody = create(target, unique(), f"@@@langfusePrompt:name={unique()}|version=1@@@", 400)
    assert "not found" in str(nobody)
    assert mapping(nobody)


def test_the_older_route_finds_prompts_by_name(target: Target) -> None:
    assert target.get("prompts", 404, name=unique()) == {
        "error": "LangfuseNotFoundError",
        "message": "Prompt not found",
    }
