"""Comments through the unmodified client and raw HTTP."""

import pytest
from langfuse.api import LangfuseAPI
from tests.server.serving import Serving

from certtrace.records.model import Observation
from certtrace.records.store import StoreWriter
from certtrace.server.access import Role

TRACE = "ab" * 16
SPAN = "cd" * 8
OTHER = "ef" * 16


@pytest.fixture(scope="module", autouse=True)
def _recorded(box: Serving) -> None:
    given = [
        Observation(id=SPAN, trace_id=TRACE, start_time_ns=1, end_time_ns=2, session_id="s-1"),
        Observation(id="01" * 8, trace_id=OTHER, start_time_ns=1, end_time_ns=2),
    ]
    StoreWriter(box.box.store).write(box.project.id, given)


def _new(object_type: str, object_id: str, content: str = "hello", **more: object) -> dict[str, object]:
    return {"projectId": "default", "objectType": object_type, "objectId": object_id, "content": content, **more}


def test_a_comment_comes_back_field_by_field(box: Serving, api: LangfuseAPI) -> None:
    made = api.comments.create(
        project_id="default", object_type="TRACE", object_id=TRACE, content="  well graded  ", author_user_id="user-1"
    )
    answer = box.client().get(f"/api/public/comments/{made.id}").json()
    times = answer.pop("createdAt"), answer.pop("updatedAt")
    assert times[0] == times[1]
    assert times[0].endswith("Z")
    assert answer == {
        "id": made.id,
        "projectId": "default",
        "objectType": "TRACE",
        "objectId": TRACE,
        "content": "well graded",
        "authorUserId": "user-1",
    }
    assert api.comments.get_by_id(made.id).content == "well graded"


def test_comments_are_listed_oldest_first_by_object_and_author(box: Serving, api: LangfuseAPI) -> None:
    client = box.client()
    ids = [
        client.post("/api/public/comments", json=_new(kind, there, authorUserId=author)).json()["id"]
        for kind, there, author in (
            ("TRACE", OTHER, "a"), ("TRACE", OTHER, "b"), ("OBSERVATION", SPAN, "c"), ("SESSION", "s-1", "c"),
        )
    ]  # fmt: skip
    found = api.comments.get(object_type="TRACE", object_id=OTHER)
    assert [comment.id for comment in found.data] == ids[:2]
    assert (found.meta.total_items, found.meta.total_pages, found.meta.page, found.meta.limit) == (2, 1, 1, 50)
    assert [comment.id for comment in api.comments.get(author_user_id="c").data] == ids[2:]
    assert [comment.id for comment in api.comments.get(author_user_id="c", limit=1, page=2).data] == ids[3:]
    assert [comment.id for comment in api.comments.get(object_type="SESSION", object_id="s-1").data] == ids[3:]
    assert api.comments.get(author_user_id="nobody").data == []


@pytest.mark.parametrize(
    ("kind", "missing", "message"),
    [
        ("TRACE", "none", "Reference object, TRACE: none not found in Clickhouse. Skipping creating comment."),
        ("OBSERVATION", "x", "Reference object, OBSERVATION: x not found in Clickhouse. Skipping creating comment."),
        ("SESSION", "none", "No traceSession with id none in project default"),
        ("PROMPT", "none", "No prompt with id none in project default"),
    ],
)
def test_what_is_commented_on_must_be_there(box: Serving, kind: str, missing: str, message: str) -> None:
    answer = box.client().post("/api/public/comments", json=_new(kind, missing))
    assert answer.status_code == 404
    assert answer.json() == {"message": message, "error": "LangfuseNotFoundError"}


@pytest.mark.parametrize(
    "body",
    [
        _new("TRACE", TRACE, ""),
        _new("TRACE", TRACE, "   "),
        _new("TRACE", TRACE, "x" * 5001),
        _new("trace", TRACE),
        {"objectType": "TRACE", "objectId": TRACE, "content": "x"},
        {"projectId": "default", "objectType": "TRACE", "content": "x"},
    ],
)
def test_a_comment_that_cannot_be_is_refused(box: Serving, body: dict[str, object]) -> None:
    answer = box.client().post("/api/public/comments", json=body)
    assert answer.status_code == 400
    assert answer.json()["message"] == "Invalid request data"


def test_an_object_without_its_kind_is_refused(box: Serving) -> None:
    answer = box.client().get("/api/public/comments", params={"objectId": TRACE})
    assert answer.status_code == 400
    assert answer.json() == {
        "message": "Invalid request data",
        "error": [
            {"code": "custom", "path": ["objectType"], "message": "objectType is required when objectId is provided"}
        ],
    }
    assert box.client().get("/api/public/comments", params={"objectType": "OTHER"}).status_code == 400


def test_an_unknown_comment_is_not_found(box: Serving) -> None:
    answer = box.client().get("/api/public/comments/none")
    assert answer.status_code == 404
    assert answer.json() == {
        "message": "Comment not found within authorized project",
        "error": "LangfuseNotFoundError",
    }


def test_personal_data_in_a_comment_is_redacted_before_it_is_stored(box: Serving) -> None:
    text = "ask jane.roe@example.org about this"
    made = box.client().post("/api/public/comments", json=_new("TRACE", TRACE, text)).json()["id"]
    stored = box.client().get(f"/api/public/comments/{made}").json()["content"]
    assert "example.org" not in stored
    assert stored.startswith("ask ")


def test_roles_are_kept_apart(box: Serving) -> None:
    assert box.client(Role.READER).post("/api/public/comments", json=_new("TRACE", TRACE)).status_code == 403
    assert box.client(Role.WRITER).get("/api/public/comments").status_code == 403
