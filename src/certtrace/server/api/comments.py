"""Comments."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import StringConstraints

from certtrace.records.catalog import comments, objects
from certtrace.records.catalog.comments import Comment, CommentFilter
from certtrace.records.langfuse_json import iso
from certtrace.server.access.callers import Editing, Reading, seen
from certtrace.server.answers import answer
from certtrace.server.api.shapes import ExactBody, InSpan, Moment, refused_query
from certtrace.server.box import Box, InBox
from certtrace.server.errors import not_found
from certtrace.server.intake.redacting import redacted_body, sought
from certtrace.server.paging import Paged

router: Final = APIRouter(prefix="/api/public", tags=["comments"])

ObjectType = Literal["TRACE", "OBSERVATION", "SESSION", "PROMPT"]
_TABLES: Final = {"SESSION": "traceSession", "PROMPT": "prompt"}


class NewComment(ExactBody):
    """A comment to write."""

    project_id: str
    object_type: ObjectType
    object_id: str
    content: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000)]
    author_user_id: str | None = None
    object_start_time: Moment | None = None


@router.post("/comments")
def create(box: InBox, caller: Editing, body: NewComment) -> Response:
    """Write a comment on something that is there."""
    object_id = _stored_id(box, body.object_type, body.object_id)
    given = redacted_body(box, body.given())
    comment = Comment(
        object_type=body.object_type,
        object_id=object_id,
        content=given["content"],
        author_user_id=given.get("authorUserId"),
    )
    with box.store.writing() as connection:
        # A project of others is none of this key's: the object is looked for in its own.
        found = objects.exists(connection, caller.project_id, body.object_type, object_id)
        if found:
            comments.add_comment(connection, caller.project_id, comment)
    if not found:
        raise not_found(_missing(caller.project_id, body))
    return answer({"id": comment.id})


@router.get("/comments")
def list_all(
    request: Request,
    box: InBox,
    caller: Reading,
    page: Paged,
    span: InSpan,
    object_type: Annotated[ObjectType | None, Query(alias="objectType")] = None,
    object_id: Annotated[str | None, Query(alias="objectId")] = None,
    author_user_id: Annotated[str | None, Query(alias="authorUserId")] = None,
) -> Response:
    """List comments, oldest first."""
    if object_id and object_type is None:
        name, message = "objectType", "objectType is required when objectId is provided"
        raise refused_query(name, message)
    matching = CommentFilter(
        object_type=object_type,
        object_id=None if object_id is None or object_type is None else _stored_id(box, object_type, object_id),
        author_user_id=None if author_user_id is None else _author(box, author_user_id),
        from_ns=span.from_ns,
        to_ns=span.to_ns,
    )
    with box.store.reading() as connection:
        found, total = comments.list_comments(
            connection, caller.project_id, matching, limit=page.limit, offset=page.offset
        )
        shown = [
            trace_id
            for comment in found
            for trace_id in objects.trace_ids_of(connection, caller.project_id, comment.object_type, comment.object_id)
        ]
    seen(request, caller, shown)
    return answer(page.body([_json(caller.project_id, comment) for comment in found], total))


@router.get("/comments/{comment_id}")
def get(request: Request, box: InBox, caller: Reading, comment_id: str) -> Response:
    """Return one comment."""
    with box.store.reading() as connection:
        comment = comments.get_comment(connection, caller.project_id, comment_id)
        if comment is not None:
            shown = objects.trace_ids_of(connection, caller.project_id, comment.object_type, comment.object_id)
    if comment is None:
        message = "Comment not found within authorized project"
        raise not_found(message)
    seen(request, caller, shown)
    return answer(_json(caller.project_id, comment))


def _stored_id(box: Box, object_type: str, object_id: str) -> str:
    """Return the id under which an object is stored: names of sessions are redacted, other ids are not."""
    return sought(box, object_id) if object_type == "SESSION" else object_id


def _author(box: Box, author: str) -> str:
    stored = redacted_body(box, {"authorUserId": author})["authorUserId"]
    return stored if isinstance(stored, str) else author


def _missing(project: str, body: NewComment) -> str:
    if body.object_type in _TABLES:
        return f"No {_TABLES[body.object_type]} with id {body.object_id} in project {project}"
    return f"Reference object, {body.object_type}: {body.object_id} not found in Clickhouse. Skipping creating comment."


def _json(project: str, comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.id,
        "projectId": project,
        "createdAt": iso(comment.created_at_ns),
        "updatedAt": iso(comment.updated_at_ns),
        "objectType": comment.object_type,
        "objectId": comment.object_id,
        "content": comment.content,
        "authorUserId": comment.author_user_id,
    }
