"""Score configs, comments, annotation queues, models, media, sessions: shapes, lists, refusals."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import pytest
from tests.contract.shapes import (
    TRACE,
    anything,
    assert_page,
    assert_shape,
    flag,
    mapping,
    moment,
    number,
    one_of,
    optional,
    rows,
    text,
    texts,
)
from tests.contract.target import Json, Target, ids, iso, unique

CONFIG = {
    "id": text,
    "name": text,
    "createdAt": moment,
    "updatedAt": moment,
    "projectId": text,
    "dataType": text,
    "isArchived": flag,
    "minValue": optional(number),
    "maxValue": optional(number),
    "categories": anything,
    "description": optional(text),
}
COMMENT = {
    "id": text,
    "projectId": text,
    "createdAt": moment,
    "updatedAt": moment,
    "objectType": text,
    "objectId": text,
    "content": text,
    "authorUserId": optional(text),
}
QUEUE = {
    "id": text,
    "name": text,
    "description": optional(text),
    "scoreConfigIds": texts,
    "createdAt": moment,
    "updatedAt": moment,
}
QUEUE_ITEM = {
    "id": text,
    "queueId": text,
    "objectId": text,
    "objectType": one_of("TRACE", "OBSERVATION", "SESSION"),
    "status": one_of("PENDING", "COMPLETED"),
    "completedAt": optional(moment),
    "createdAt": moment,
    "updatedAt": moment,
}
MODEL = {
    "id": text,
    "modelName": text,
    "matchPattern": text,
    "startDate": optional(moment),
    "inputPrice": optional(number),
    "outputPrice": optional(number),
    "totalPrice": optional(number),
    "unit": optional(text),
    "tokenizerId": optional(text),
    "tokenizerConfig": anything,
    "isLangfuseManaged": flag,
    "createdAt": moment,
    "prices": mapping,
    "pricingTiers": rows,
}
SESSION = {"id": text, "createdAt": moment, "projectId": text, "environment": text}
START = datetime(2026, 5, 1, tzinfo=UTC)


def config(target: Target, **body: Json) -> Json:
    return target.post("score-configs", {"name": unique()[:30], "dataType": "NUMERIC"} | body)


@pytest.mark.parametrize(
    ("body", "categories"),
    [
        ({"dataType": "NUMERIC", "minValue": 0, "maxValue": 10, "description": "d"}, None),
        ({"dataType": "BOOLEAN"}, [{"label": "True", "value": 1}, {"label": "False", "value": 0}]),
        (
            {"dataType": "CATEGORICAL", "categories": [{"label": "Good", "value": 1}, {"label": "Bad", "value": 0}]},
            [{"label": "Good", "value": 1}, {"label": "Bad", "value": 0}],
        ),
    ],
)
def test_a_score_config_has_exactly_its_fields(target: Target, body: Json, categories: Json) -> None:
    made = config(target, **body)
    found = target.get(f"score-configs/{made['id']}")
    for one in (made, found):
        assert_shape(one, CONFIG)
        assert (one["categories"], one["isArchived"]) == (categories, False)
        assert one["maxValue"] == body.get("maxValue")
    assert_page(target.get("score-configs"), CONFIG)
    assert made["id"] in ids(target.get("score-configs", limit=100))
    changed = target.patch(f"score-configs/{made['id']}", {"isArchived": True, "description": "new"})
    assert (changed["isArchived"], changed["description"], changed["name"]) == (True, "new", made["name"])
    target.get(f"score-configs/{unique()}", 404)


@pytest.mark.parametrize(
    "body",
    [
        {"dataType": "NONSENSE"},
        {"dataType": "NUMERIC", "minValue": 5, "maxValue": 1},
        {"dataType": "CATEGORICAL"},
        {"dataType": "CATEGORICAL", "categories": [{"label": "A", "value": 1}, {"label": "A", "value": 2}]},
        {"dataType": "CATEGORICAL", "categories": [{"label": "A", "value": 1}, {"label": "B", "value": 1}]},
        {"dataType": "CATEGORICAL", "categories": [{"label": "", "value": 1}]},
    ],
    ids=str,
)
def test_a_score_config_that_cannot_be_is_a_400(target: Target, body: Json) -> None:
    target.post("score-configs", {"name": unique()[:30]} | body, 400)


def test_scores_are_checked_by_their_config(target: Target) -> None:
    numeric = config(target, maxValue=100, minValue=0)
    grades = [{"label": "Good", "value": 1}, {"label": "Bad", "value": 0}]
    categorical = config(target, dataType="CATEGORICAL", categories=grades)
    trace = unique()
    about = {"traceId": trace, "name": numeric["name"], "configId": numeric["id"]}
    made = target.post("scores", about | {"value": 50})
    assert target.eventually(lambda: ids(target.get("v3/scores", configId=numeric["id"])), bool) == [made["id"]]
    target.post("scores", about | {"value": 101}, 400)
    about = {"traceId": trace, "name": categorical["name"], "configId": categorical["id"]}
    target.post("scores", about | {"value": "Nonsense"}, 400)
    target.post("scores", about | {"value": "Good"})


def test_comments_are_made_and_listed(target: Target) -> None:
    trace, author = unique(), unique("user")
    target.ingest(("trace-create", {"id": trace}))
    target.eventually(lambda: target.get(f"traces/{trace}"), bool)
    body = {"projectId": target.project_id, "objectId": trace, "objectType": "TRACE"}
    made = [target.post("comments", body | {"content": f"hello {at}", "authorUserId": author}) for at in range(3)]
    assert [list(one) for one in made] == [["id"]] * 3
    found = target.get(f"comments/{made[0]['id']}")
    assert_shape(found, COMMENT)
    assert (found["content"], found["objectId"], found["authorUserId"]) == ("hello 0", trace, author)
    answer = target.get("comments", objectType="TRACE", objectId=trace)
    assert_page(answer, COMMENT)
    assert sorted(ids(answer)) == sorted(one["id"] for one in made)
    assert answer["meta"] == {"page": 1, "limit": 50, "totalItems": 3, "totalPages": 1}
    assert target.get("comments", authorUserId=unique())["meta"]["totalPages"] == 0
    target.get(f"comments/{unique()}", 404)
    assert target.get("comments", 400, objectId=trace) == {
        "message": "Invalid request data",
        "error": [
            {"code": "custom", "path": ["objectType"], "message": "objectType is required when objectId is provided"}
        ],
    }
    target.get("comments", 400, objectType="INVALID_TYPE")


@pytest.mark.parametrize(
    ("content", "issue"),
    [
        (
            "",
            {
                "origin": "string",
                "code": "too_small",
                "minimum": 1,
                "inclusive": True,
                "path": ["content"],
                "message": "Too small: expected string to have >=1 characters",
            },
        ),
        (
            "a" * 5001,
            {
                "origin": "string",
                "code": "too_big",
                "maximum": 5000,
                "inclusive": True,
                "path": ["content"],
                "message": "Too big: expected string to have <=5000 characters",
            },
        ),
    ],
    ids=len,
)
def test_a_comment_has_a_length(target: Target, content: str, issue: Json) -> None:
    body = {"projectId": target.project_id, "objectId": "x", "objectType": "TRACE", "content": content}
    assert target.post("comments", body, 400) == {"message": "Invalid request data", "error": [issue]}


def test_a_comment_is_about_something_that_is_there(target: Target) -> None:
    body = {"projectId": target.project_id, "objectId": "no-such-trace", "objectType": "TRACE", "content": "x"}
    answer = target.post("comments", body, 404)
    assert answer == {
        "message": "Reference object, TRACE: no-such-trace not found in Clickhouse. Skipping creating comment.",
        "error": "LangfuseNotFoundError",
    }


def test_a_queue_and_its_items(target: Target) -> None:
    score_config = config(target)
    name = unique()[:30]
    queue = target.post("annotation-queues", {"name": name, "description": "d", "scoreConfigIds": [score_config["id"]]})
    assert_shape(queue, QUEUE)
    assert (queue["name"], queue["scoreConfigIds"]) == (name, [score_config["id"]])
    assert target.get(f"annotation-queues/{queue['id']}") == queue
    assert_page(target.get("annotation-queues"), QUEUE)
    target.post("annotation-queues", {"name": name, "scoreConfigIds": [score_config["id"]]}, 409)
    target.post("annotation-queues", {"name": unique()[:30], "scoreConfigIds": []}, 400)
    target.post("annotation-queues", {"name": unique()[:30], "scoreConfigIds": ["nobody"]}, 400)
    items = f"annotation-queues/{queue['id']}/items"
    made = target.post(items, {"objectId": unique(), "objectType": "TRACE"})
    done = target.post(items, {"objectId": unique(), "objectType": "OBSERVATION", "status": "COMPLETED"})
    for one in (made, done):
        assert_shape(one, QUEUE_ITEM)
    assert (made["status"], made["completedAt"], done["status"]) == ("PENDING", None, "COMPLETED")
    assert done["completedAt"] is not None
    assert_page(target.get(items), QUEUE_ITEM)
    assert ids(target.get(items, status="PENDING")) == [made["id"]]
    target.get(items, 400, status="NONSENSE")
    changed = target.patch(f"{items}/{made['id']}", {"status": "COMPLETED"})
    assert (changed["status"], changed["completedAt"] is None) == ("COMPLETED", False)
    back = target.patch(f"{items}/{made['id']}", {"status": "PENDING"})
    assert (back["status"], back["completedAt"] is None) == ("PENDING", False)
    assert target.get(f"{items}/{made['id']}") == back
    deleted = target.delete(f"{items}/{made['id']}")
    assert (sorted(deleted), deleted["success"]) == (["message", "success"], True)
    for method in ("GET", "DELETE"):
        target.send(method, f"{items}/{made['id']}", 404)
    nowhere = f"annotation-queues/{unique()}"
    target.get(nowhere, 404)
    target.get(f"{nowhere}/items", 404)
    target.post(f"{nowhere}/items", {"objectId": "x", "objectType": "TRACE"}, 404)
    target.post(items, {"objectId": "x", "objectType": "NONSENSE"}, 400)
    target.post(f"{nowhere}/assignments", {"userId": "u"}, 404)
    target.post(f"annotation-queues/{queue['id']}/assignments", {}, 400)
    assert target.delete(f"annotation-queues/{queue['id']}/assignments", json={"userId": "u"})["success"] is True


def test_a_model_gives_prices_to_generations(target: Target) -> None:
    name = unique("model")
    body = {"modelName": name, "matchPattern": f"(?i)^({name})$", "unit": "TOKENS", "inputPrice": 0.5, "outputPrice": 2}
    made = target.post("models", body | {"startDate": "2020-01-01T00:00:00Z"})
    assert_shape(made, MODEL)
    assert (made["inputPrice"], made["outputPrice"], made["totalPrice"]) == (0.5, 2, None)
    assert made["prices"] == {"input": {"price": 0.5}, "output": {"price": 2}}
    [tier] = made["pricingTiers"]
    assert (tier["isDefault"], tier["conditions"], tier["prices"]) == (True, [], {"input": 0.5, "output": 2})
    assert made["isLangfuseManaged"] is False
    assert target.get(f"models/{made['id']}") == made
    assert_page(target.get("models", limit=100), MODEL)
    generation = {"id": unique(), "traceId": unique(), "startTime": iso(START), "model": name}
    target.ingest(("generation-create", generation | {"usage": {"input": 10, "output": 5}}))
    found = target.eventually(lambda: target.get(f"observations/{generation['id']}"), bool)
    costs = [found[f"calculated{kind}Cost"] for kind in ("Input", "Output", "Total")]
    assert costs == [5, 10, 15]
    assert (found["modelId"], found["inputPrice"], found["outputPrice"]) == (made["id"], 0.5, 2)
    assert target.delete(f"models/{made['id']}") == {"message": "Model successfully deleted"}
    target.get(f"models/{made['id']}", 404)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"inputPrice": 1, "totalPrice": 2},
        {"inputPrice": -1},
        {"inputPrice": 1, "unit": "NONSENSE"},
        {"inputPrice": 1, "matchPattern": "("},
        {
            "inputPrice": 1,
            "pricingTiers": [
                {"name": "Standard", "isDefault": True, "priority": 0, "conditions": [], "prices": {"input": 1}}
            ],
        },
    ],
    ids=str,
)
def test_a_model_that_cannot_be_is_a_400(target: Target, body: Json) -> None:
    target.post("models", {"modelName": unique(), "matchPattern": "x", "unit": "TOKENS"} | body, 400)


def test_media_are_uploaded_once_and_read_back(target: Target) -> None:
    content = unique().encode()
    digest = hashlib.sha256(content).digest()
    body = {
        "traceId": unique(),
        "contentType": "text/plain",
        "contentLength": len(content),
        "sha256Hash": base64.b64encode(digest).decode(),
        "field": "input",
    }
    asked = target.post("media", body, 201)
    assert sorted(asked) == ["mediaId", "uploadUrl"]
    assert asked["mediaId"] == base64.urlsafe_b64encode(digest).decode()[:22]
    headers = {"Content-Type": "text/plain", "x-amz-checksum-sha256": body["sha256Hash"], "x-ms-blob-type": "BlockBlob"}
    with httpx.Client() as anyone:
        assert anyone.put(asked["uploadUrl"], content=content, headers=headers).status_code in (200, 201)
    done = {"uploadedAt": iso(datetime.now(UTC)), "uploadHttpStatus": 200, "uploadTimeMs": 5}
    target.patch(f"media/{asked['mediaId']}", done)
    found = target.get(f"media/{asked['mediaId']}")
    assert sorted(found) == ["contentLength", "contentType", "mediaId", "uploadedAt", "url", "urlExpiry"]
    assert (found["contentType"], found["contentLength"]) == ("text/plain", len(content))
    with httpx.Client() as anyone:
        assert anyone.get(found["url"]).content == content
    again = target.post("media", body, 201)
    assert again == {"mediaId": asked["mediaId"], "uploadUrl": None}
    target.get(f"media/{unique()}", 404)
    target.post("media", body | {"contentType": "nonsense"}, 400)
    target.post("media", body | {"field": "nonsense"}, 400)
    target.post("media", body | {"contentLength": -1}, 400)


def test_sessions_are_listed_newest_first_and_read_with_their_traces(target: Target) -> None:
    prefix, environment = unique("s"), unique("e")[:36]
    made = [f"{prefix}/{at}" for at in range(2)]
    for at, session in enumerate(made):
        when = iso(START + timedelta(days=at))
        body = {"sessionId": session, "environment": environment, "timestamp": when}
        target.ingest(*(("trace-create", {"id": unique()} | body) for _ in range(2)))
    answer = target.eventually(lambda: target.get("sessions", environment=environment), lambda a: len(a["data"]) == 2)
    assert_page(answer, SESSION)
    assert set(ids(answer)) == set(made)
    one = target.get(f"sessions/{quote(made[0], safe='')}")
    assert_shape(one, SESSION | {"traces": rows})
    assert len(one["traces"]) == 2
    for trace in one["traces"]:
        assert_shape(trace, TRACE)
        assert trace["sessionId"] == made[0]
    assert target.get(f"sessions/{unique()}", 404)["error"] == "LangfuseNotFoundError"
