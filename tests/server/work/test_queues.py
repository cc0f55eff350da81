"""Annotation queues through the unmodified client and raw HTTP."""

import pytest
from langfuse.api import LangfuseAPI, NotFoundError
from tests.server.serving import Serving

from certtrace.server.access import Role

QUEUES = "/api/public/annotation-queues"


@pytest.fixture(scope="module")
def config(api: LangfuseAPI) -> str:
    return api.score_configs.create(name="quality", data_type="NUMERIC").id


def test_a_queue_comes_back_field_by_field(box: Serving, api: LangfuseAPI, config: str) -> None:
    made = api.annotation_queues.create_queue(name="first", description="to check", score_config_ids=[config])
    answer = box.client().get(f"{QUEUES}/{made.id}").json()
    assert answer.pop("createdAt") == answer.pop("updatedAt")
    assert answer == {"id": made.id, "name": "first", "description": "to check", "scoreConfigIds": [config]}
    newer = api.annotation_queues.create_queue(name="second", score_config_ids=[config])
    assert newer.description is None
    listed = api.annotation_queues.list_queues()
    assert [queue.id for queue in listed.data][:2] == [newer.id, made.id]
    assert listed.meta.total_items >= 2


def test_an_item_goes_through_its_life(box: Serving, api: LangfuseAPI, config: str) -> None:
    queue = api.annotation_queues.create_queue(name="life", score_config_ids=[config]).id
    item = api.annotation_queues.create_queue_item(queue, object_id="t-1", object_type="TRACE")
    answer = box.client().get(f"{QUEUES}/{queue}/items/{item.id}").json()
    assert answer.pop("createdAt") == answer.pop("updatedAt")
    assert answer == {
        "id": item.id,
        "queueId": queue,
        "objectId": "t-1",
        "objectType": "TRACE",
        "status": "PENDING",
        "completedAt": None,
    }
    done = api.annotation_queues.update_queue_item(queue, item.id, status="COMPLETED")
    assert done.status == "COMPLETED"
    assert done.completed_at is not None
    again = api.annotation_queues.update_queue_item(queue, item.id, status="PENDING")
    assert (again.status, again.completed_at) == ("PENDING", done.completed_at)
    born_done = api.annotation_queues.create_queue_item(
        queue, object_id="s-1", object_type="SESSION", status="COMPLETED"
    )
    assert born_done.completed_at is not None
    assert [each.id for each in api.annotation_queues.list_queue_items(queue).data] == [born_done.id, item.id]
    assert [each.id for each in api.annotation_queues.list_queue_items(queue, status="PENDING").data] == [item.id]
    gone = api.annotation_queues.delete_queue_item(queue, item.id)
    assert (gone.success, gone.message) == (True, "Annotation queue item deleted successfully")
    with pytest.raises(NotFoundError):
        api.annotation_queues.get_queue_item(queue, item.id)


def test_people_are_assigned_once_and_taken_off(box: Serving, api: LangfuseAPI, config: str) -> None:
    queue = api.annotation_queues.create_queue(name="people", score_config_ids=[config]).id
    for _ in range(2):
        made = api.annotation_queues.create_queue_assignment(queue, user_id="user-1")
        assert (made.user_id, made.queue_id, made.project_id) == ("user-1", queue, "default")
    for _ in range(2):
        assert api.annotation_queues.delete_queue_assignment(queue, user_id="user-1").success


def test_names_are_unique_and_configs_must_be_there(box: Serving, config: str) -> None:
    body = {"name": "unique", "scoreConfigIds": [config]}
    assert box.client().post(QUEUES, json=body).status_code == 200
    again = box.client().post(QUEUES, json=body)
    assert again.status_code == 409
    assert again.json() == {
        "message": "A queue with this name already exists.",
        "error": "LangfuseConflictError",
    }
    unknown = box.client().post(QUEUES, json={"name": "other", "scoreConfigIds": [config, "none"]})
    assert unknown.status_code == 400
    assert unknown.json() == {
        "message": "At least one of the score config IDs cannot be found for the given project.",
        "error": "InvalidRequestError",
    }
    assert box.client().post(QUEUES, json={"name": "other", "scoreConfigIds": []}).status_code == 400


def test_unknown_queues_and_items_are_not_found(box: Serving, api: LangfuseAPI, config: str) -> None:
    queue = api.annotation_queues.create_queue(name="empty", score_config_ids=[config]).id
    client = box.client()
    new = {"objectId": "t", "objectType": "TRACE"}
    for answer in (
        client.get(f"{QUEUES}/none"),
        client.get(f"{QUEUES}/none/items"),
        client.post(f"{QUEUES}/none/items", json=new),
        client.patch(f"{QUEUES}/none/items/x", json={"status": "COMPLETED"}),
        client.post(f"{QUEUES}/none/assignments", json={"userId": "u"}),
        client.request("DELETE", f"{QUEUES}/none/assignments", json={"userId": "u"}),
    ):
        assert answer.status_code == 404
        assert answer.json() == {"message": "Annotation queue not found", "error": "LangfuseNotFoundError"}
    for answer in (
        client.get(f"{QUEUES}/{queue}/items/x"),
        client.patch(f"{QUEUES}/{queue}/items/x", json={"status": "COMPLETED"}),
        client.delete(f"{QUEUES}/{queue}/items/x"),
    ):
        assert answer.status_code == 404
        assert answer.json() == {"message": "Annotation queue item not found", "error": "LangfuseNotFoundError"}
    assert client.post(f"{QUEUES}/{queue}/items", json=new | {"objectType": "PROMPT"}).status_code == 400
    assert client.post(f"{QUEUES}/{queue}/items", json=new | {"status": "DONE"}).status_code == 400


def test_roles_are_kept_apart(box: Serving, config: str) -> None:
    body = {"name": "role", "scoreConfigIds": [config]}
    assert box.client(Role.READER).post(QUEUES, json=body).status_code == 403
    assert box.client(Role.WRITER).get(QUEUES).status_code == 403
    assert box.client(Role.WRITER).delete(f"{QUEUES}/q/items/i").status_code == 403
