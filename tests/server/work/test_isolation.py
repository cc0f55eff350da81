"""A key of one project neither sees nor changes the work of another."""

import base64
import hashlib
import json
from collections.abc import Iterator

import httpx
import pytest
from tests.server.serving import Serving

from certtrace.records.model import Observation, Score
from certtrace.records.store import StoreWriter
from certtrace.server.access import Role

TRACE = "ab" * 16
CONTENT = b"of the first project"
UPLOAD = {
    "traceId": TRACE,
    "contentType": "text/plain",
    "contentLength": len(CONTENT),
    "sha256Hash": base64.b64encode(hashlib.sha256(CONTENT).digest()).decode(),
    "field": "input",
}
MODEL = {"modelName": "m", "matchPattern": "m", "unit": "TOKENS", "totalPrice": 1}


@pytest.fixture(scope="module")
def stranger(box: Serving) -> Iterator[httpx.Client]:
    """An admin of another project."""
    key = box.box.access.create(box.box.access.project("other"), [Role.ADMIN])
    with httpx.Client(base_url=box.url, auth=(key.public_key, key.secret_key), timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def paths(box: Serving, anyone: httpx.Client) -> dict[str, str]:
    """Everything that work on traces consists of, made in the first project."""
    client = box.client()
    observation = Observation(id="cd" * 8, trace_id=TRACE, start_time_ns=10**18, end_time_ns=10**18)
    score = Score(id="s", name="s", value=1.0, data_type="NUMERIC", timestamp_ns=10**18, trace_id=TRACE)
    StoreWriter(box.box.store).write("default", [observation], [score])
    config = client.post("/api/public/score-configs", json={"name": "c", "dataType": "NUMERIC"}).json()["id"]
    comment = {"projectId": "default", "objectType": "TRACE", "objectId": TRACE, "content": "x"}
    queue = client.post("/api/public/annotation-queues", json={"name": "q", "scoreConfigIds": [config]}).json()["id"]
    items = f"/api/public/annotation-queues/{queue}/items"
    item = client.post(items, json={"objectId": TRACE, "objectType": "TRACE"}).json()["id"]
    medium = client.post("/api/public/media", json=UPLOAD).json()
    anyone.put(medium["uploadUrl"], content=CONTENT).raise_for_status()
    return {
        "config": f"/api/public/score-configs/{config}",
        "comment": f"/api/public/comments/{client.post('/api/public/comments', json=comment).json()['id']}",
        "queue": f"/api/public/annotation-queues/{queue}",
        "items": items,
        "item": f"{items}/{item}",
        "medium": f"/api/public/media/{medium['mediaId']}",
        "model": f"/api/public/models/{client.post('/api/public/models', json=MODEL).json()['id']}",
    }


def test_nothing_of_another_project_is_found(box: Serving, stranger: httpx.Client, paths: dict[str, str]) -> None:
    for path in paths.values():
        assert box.client().get(path).status_code == 200
        assert stranger.get(path).status_code == 404


def test_lists_are_empty_in_another_project(stranger: httpx.Client, paths: dict[str, str]) -> None:
    for resource in ("score-configs", "comments", "annotation-queues", "models"):
        answer = stranger.get(f"/api/public/{resource}").json()
        assert answer == {"data": [], "meta": {"page": 1, "limit": 50, "totalItems": 0, "totalPages": 0}}


def test_nothing_of_another_project_is_changed(box: Serving, stranger: httpx.Client, paths: dict[str, str]) -> None:
    queue, item = paths["queue"], paths["item"]
    for answer in (
        stranger.patch(paths["config"], json={"isArchived": True}),
        stranger.patch(item, json={"status": "COMPLETED"}),
        stranger.delete(item),
        stranger.post(f"{queue}/items", json={"objectId": "t", "objectType": "TRACE"}),
        stranger.post(f"{queue}/assignments", json={"userId": "u"}),
        stranger.patch(paths["medium"], json={"uploadedAt": "2026-11-23T00:00:00Z", "uploadHttpStatus": 500}),
        stranger.delete(paths["model"]),
    ):
        assert answer.status_code == 404
    foreign = {"name": "q", "scoreConfigIds": [paths["config"].rsplit("/", 1)[1]]}
    assert stranger.post("/api/public/annotation-queues", json=foreign).status_code == 400
    comment = {"projectId": "default", "objectType": "TRACE", "objectId": TRACE, "content": "x"}
    assert stranger.post("/api/public/comments", json=comment).status_code == 404
    assert box.client().get(item).json()["status"] == "PENDING"


def test_a_model_put_under_the_id_of_another_project_is_its_own(
    box: Serving, stranger: httpx.Client, paths: dict[str, str]
) -> None:
    assert stranger.put(paths["model"], json=MODEL | {"totalPrice": 9}).status_code == 200
    assert box.client().get(paths["model"]).json()["totalPrice"] == 1
    stranger.delete(paths["model"])


def test_the_same_bytes_are_uploaded_once_for_each_project(stranger: httpx.Client, paths: dict[str, str]) -> None:
    assert stranger.post("/api/public/media", json=UPLOAD).json()["uploadUrl"] is not None


@pytest.mark.parametrize("path", ["/api/public/v2/metrics", "/api/public/metrics"])
@pytest.mark.parametrize("view", ["observations", "scores-numeric"])
def test_metrics_count_the_own_project_alone(
    box: Serving, stranger: httpx.Client, paths: dict[str, str], path: str, view: str
) -> None:
    query = {
        "view": view,
        "metrics": [{"measure": "count", "aggregation": "count"}],
        "fromTimestamp": "2001-01-01T00:00:00Z",
        "toTimestamp": "2002-01-01T00:00:00Z",
    }
    params = {"query": json.dumps(query)}
    assert box.client().get(path, params=params).json() == {"data": [{"count_count": 1}]}
    assert stranger.get(path, params=params).json() == {"data": [{"count_count": 0}]}
    assert stranger.get("/api/public/metrics/daily").json()["data"] == []
