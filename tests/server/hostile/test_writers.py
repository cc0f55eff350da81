"""Who may only write learns nothing of what is there: not from answers, and not from refusals."""

from typing import Any

import httpx
import pytest
from tests.server.serving import Serving

from certtrace.server.access import Role

API = "/api/public"
HIDDEN = "hiddenword"
SCHEMA = {"type": "object", "properties": {"word": {"const": f"{HIDDEN} input"}}}


@pytest.fixture(scope="module")
def kept(box: Serving) -> dict[str, str]:
    """Records whose texts hold `HIDDEN`, and the ids that a writer may know."""
    admin = box.client()

    def made(path: str, body: dict[str, Any]) -> Any:
        answer = admin.post(f"{API}{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    prompt = {"name": "greeting", "prompt": HIDDEN, "config": {"about": HIDDEN}, "tags": [HIDDEN], "labels": [HIDDEN]}
    made("/v2/prompts", prompt | {"commitMessage": HIDDEN})
    chat = [{"role": "user", "content": HIDDEN}]
    made("/v2/prompts", prompt | {"name": "chat", "type": "chat", "prompt": chat})
    notes = {"description": HIDDEN, "metadata": {"about": HIDDEN}, "inputSchema": {"title": HIDDEN}}
    made("/v2/datasets", {"name": "words"} | notes)
    item = {"input": {"word": f"{HIDDEN} input"}, "expectedOutput": HIDDEN, "metadata": HIDDEN, "sourceTraceId": HIDDEN}
    made("/dataset-items", {"datasetName": "words", "id": "item"} | item)
    config = {"name": "config", "dataType": "CATEGORICAL", "categories": [{"label": HIDDEN, "value": 1}]}
    return {"config": made("/score-configs", config | {"description": HIDDEN})["id"]}


CHANGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a label": ("PATCH", "/v2/prompts/greeting/versions/1", {"newLabels": ["mine"]}),
    "a label of a chat": ("PATCH", "/v2/prompts/chat/versions/1", {"newLabels": ["mine"]}),
    "a version": ("POST", "/v2/prompts", {"name": "greeting", "prompt": "mine"}),
    "a version as of old": ("POST", "/prompts", {"name": "greeting", "prompt": "mine", "isActive": False}),
    "a dataset": ("POST", "/v2/datasets", {"name": "words"}),
    "a dataset as of old": ("POST", "/datasets", {"name": "words"}),
    "an item": ("POST", "/dataset-items", {"datasetName": "words", "id": "item", "status": "ARCHIVED"}),
    "an item again": ("POST", "/dataset-items", {"datasetName": "words", "id": "item", "status": "ACTIVE"}),
    "a part of a run": ("POST", "/dataset-run-items", {"runName": "r", "datasetItemId": "item", "traceId": "t"}),
    "a config": ("PATCH", "/score-configs/{config}", {"isArchived": True}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_answer_to_a_change_repeats_what_was_sent_alone(box: Serving, kept: dict[str, str], change: str) -> None:
    method, path, body = CHANGES[change]
    place = API + path.format(**kept)
    answer = box.client(Role.WRITER).request(method, place, json=body)
    assert answer.is_success, answer.text
    assert HIDDEN not in answer.text
    both = box.box.access.create(box.project, [Role.WRITER, Role.READER])
    with httpx.Client(base_url=box.url, auth=(both.public_key, both.secret_key)) as client:
        told = client.request(method, place, json=body)
    assert told.is_success, told.text
    if change != "a part of a run":
        assert HIDDEN in told.text
    assert answer.json().keys() == told.json().keys()


def test_what_was_sent_is_told(box: Serving, kept: dict[str, str]) -> None:
    given = {"name": "own", "description": "mine", "metadata": {"about": "mine"}, "inputSchema": {"title": "mine"}}
    answer = box.client(Role.WRITER).post(f"{API}/v2/datasets", json=given).json()
    assert {key: answer[key] for key in given} == given
    prompt = {"name": "own", "prompt": "mine", "config": {"about": "mine"}, "tags": ["mine"], "labels": ["mine"]}
    answer = box.client(Role.WRITER).post(f"{API}/v2/prompts", json=prompt).json()
    assert {key: answer[key] for key in ("name", "prompt", "config", "tags")} == {
        key: prompt[key] for key in ("name", "prompt", "config", "tags")
    }


@pytest.mark.parametrize("guess", [f"{HIDDEN} input", "something else"])
def test_a_schema_does_not_tell_what_items_are(box: Serving, kept: dict[str, str], guess: str) -> None:
    schema = {"type": "object", "properties": {"word": {"const": guess}}}
    writer = box.client(Role.WRITER)
    answer = writer.post(f"{API}/v2/datasets", json={"name": "words", "inputSchema": schema})
    assert answer.status_code == 403
    assert box.client().get(f"{API}/v2/datasets/words").json()["inputSchema"] == {"title": HIDDEN}
    known = {"title": HIDDEN}
    assert writer.post(f"{API}/v2/datasets", json={"name": "words", "inputSchema": known}).status_code == 200
