"""Annotation queues, their items, and who works on them."""

import time
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, StringConstraints

from certtrace.records.catalog import queues
from certtrace.records.catalog.objects import trace_ids_of
from certtrace.records.catalog.queues import COMPLETED, Queue, QueueItem
from certtrace.records.catalog.score_configs import missing_score_configs
from certtrace.records.langfuse_json import iso
from certtrace.server.access.callers import Deleting, Editing, Reading, seen
from certtrace.server.answers import answer
from certtrace.server.api.shapes import ExactBody, iso_or_none
from certtrace.server.box import InBox
from certtrace.server.errors import ApiError, invalid, not_found
from certtrace.server.intake.redacting import redacted_body, sought
from certtrace.server.paging import Paged

router: Final = APIRouter(prefix="/api/public", tags=["annotation queues"])

Status = Literal["PENDING", "COMPLETED"]


class NewQueue(ExactBody):
    """A queue to make."""

    name: str
    description: str | None = None
    score_config_ids: Annotated[list[str], Field(min_length=1)]


class NewItem(ExactBody):
    """Something to look at."""

    object_id: str
    object_type: Literal["TRACE", "OBSERVATION", "SESSION"]
    status: Status | None = None


class ItemChange(ExactBody):
    """What to change of an item."""

    status: Status | None = None


class Assignment(ExactBody):
    """Who works on a queue."""

    user_id: Annotated[str, StringConstraints(min_length=1)]


@router.get("/annotation-queues")
def list_queues(box: InBox, caller: Reading, page: Paged) -> Response:
    """List queues, newest first."""
    with box.store.reading() as connection:
        found, total = queues.list_queues(connection, caller.project_id, limit=page.limit, offset=page.offset)
    return answer(page.body([_queue_json(queue) for queue in found], total))


@router.post("/annotation-queues")
def create_queue(box: InBox, caller: Editing, body: NewQueue) -> Response:
    """Make a queue for scores of some configs."""
    given = redacted_body(box, body.given())
    queue = Queue(
        name=given["name"], description=given.get("description"), score_config_ids=tuple(body.score_config_ids)
    )
    with box.store.writing() as connection:
        if queues.is_queue_name_taken(connection, caller.project_id, queue.name):
            raise ApiError(409, "A queue with this name already exists.", "LangfuseConflictError")
        if missing_score_configs(connection, caller.project_id, queue.score_config_ids):
            message = "At least one of the score config IDs cannot be found for the given project."
            raise invalid(message)
        queues.add_queue(connection, caller.project_id, queue)
    return answer(_queue_json(queue))


@router.get("/annotation-queues/{queue_id}")
def get_queue(box: InBox, caller: Reading, queue_id: str) -> Response:
    """Return one queue."""
    with box.store.reading() as connection:
        return answer(_queue_json(_queue(connection, caller.project_id, queue_id)))


@router.get("/annotation-queues/{queue_id}/items")
def list_items(
    request: Request,
    box: InBox,
    caller: Reading,
    page: Paged,
    queue_id: str,
    status: Annotated[Status | None, Query()] = None,
) -> Response:
    """List the items of a queue, newest first."""
    with box.store.reading() as connection:
        _queue(connection, caller.project_id, queue_id)
        found, total = queues.list_items(
            connection, caller.project_id, queue_id, status, limit=page.limit, offset=page.offset
        )
        shown = [
            trace_id
            for item in found
            for trace_id in trace_ids_of(connection, caller.project_id, item.object_type, item.object_id)
        ]
    seen(request, caller, shown)
    return answer(page.body([_item_json(item) for item in found], total))


@router.post("/annotation-queues/{queue_id}/items")
def create_item(box: InBox, caller: Editing, queue_id: str, body: NewItem) -> Response:
    """Put something into a queue."""
    object_id = sought(box, body.object_id) if body.object_type == "SESSION" else body.object_id
    status = body.status or "PENDING"
    item = QueueItem(
        queue_id=queue_id,
        object_type=body.object_type,
        object_id=object_id,
        status=status,
        completed_at_ns=time.time_ns() if status == COMPLETED else None,
    )
    with box.store.writing() as connection:
        _queue(connection, caller.project_id, queue_id)
        queues.put_item(connection, caller.project_id, item)
    return answer(_item_json(item))


@router.get("/annotation-queues/{queue_id}/items/{item_id}")
def get_item(request: Request, box: InBox, caller: Reading, queue_id: str, item_id: str) -> Response:
    """Return one item of a queue."""
    with box.store.reading() as connection:
        item = _item(connection, caller.project_id, queue_id, item_id)
        shown = trace_ids_of(connection, caller.project_id, item.object_type, item.object_id)
    seen(request, caller, shown)
    return answer(_item_json(item))


@router.patch("/annotation-queues/{queue_id}/items/{item_id}")
def change_item(box: InBox, caller: Editing, queue_id: str, item_id: str, body: ItemChange) -> Response:
    """Note that an item is done, or is not."""
    now = time.time_ns()
    with box.store.writing() as connection:
        item = _item(connection, caller.project_id, queue_id, item_id)
        changed = replace(
            item,
            status=body.status or item.status,
            completed_at_ns=now if body.status == COMPLETED else item.completed_at_ns,
            updated_at_ns=now,
        )
        queues.put_item(connection, caller.project_id, changed)
    return answer(_item_json(changed))


@router.delete("/annotation-queues/{queue_id}/items/{item_id}")
def delete_item(box: InBox, caller: Deleting, queue_id: str, item_id: str) -> Response:
    """Take an item out of a queue."""
    with box.store.writing() as connection:
        _item(connection, caller.project_id, queue_id, item_id)
        queues.delete_item(connection, caller.project_id, queue_id, item_id)
    return answer({"success": True, "message": "Annotation queue item deleted successfully"})


@router.post("/annotation-queues/{queue_id}/assignments")
def assign(box: InBox, caller: Editing, queue_id: str, body: Assignment) -> Response:
    """Have somebody work on a queue. The box knows keys, not people: any user id will do."""
    user_id = _user(redacted_body(box, body.given()), body)
    with box.store.writing() as connection:
        _queue(connection, caller.project_id, queue_id)
        queues.assign(connection, caller.project_id, queue_id, user_id)
    return answer({"userId": body.user_id, "projectId": caller.project_id, "queueId": queue_id})


@router.delete("/annotation-queues/{queue_id}/assignments")
def unassign(box: InBox, caller: Editing, queue_id: str, body: Assignment) -> Response:
    """Have somebody no longer work on a queue."""
    user_id = _user(redacted_body(box, body.given()), body)
    with box.store.writing() as connection:
        _queue(connection, caller.project_id, queue_id)
        queues.unassign(connection, caller.project_id, queue_id, user_id)
    return answer({"success": True})


def _user(clean: Any, body: Assignment) -> str:
    user = clean["userId"]
    return user if isinstance(user, str) else body.user_id


def _queue(connection: Any, project: str, queue_id: str) -> Queue:
    queue = queues.get_queue(connection, project, queue_id)
    if queue is None:
        message = "Annotation queue not found"
        raise not_found(message)
    return queue


def _item(connection: Any, project: str, queue_id: str, item_id: str) -> QueueItem:
    _queue(connection, project, queue_id)
    item = queues.get_item(connection, project, queue_id, item_id)
    if item is None:
        message = "Annotation queue item not found"
        raise not_found(message)
    return item


def _queue_json(queue: Queue) -> dict[str, Any]:
    return {
        "id": queue.id,
        "name": queue.name,
        "description": queue.description,
        "scoreConfigIds": list(queue.score_config_ids),
        "createdAt": iso(queue.created_at_ns),
        "updatedAt": iso(queue.updated_at_ns),
    }


def _item_json(item: QueueItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "queueId": item.queue_id,
        "objectId": item.object_id,
        "objectType": item.object_type,
        "status": item.status,
        "completedAt": iso_or_none(item.completed_at_ns),
        "createdAt": iso(item.created_at_ns),
        "updatedAt": iso(item.updated_at_ns),
    }
