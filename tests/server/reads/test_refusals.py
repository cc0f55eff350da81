"""What is not there, what nobody may see, and parameters that cannot be."""

from typing import Any

import pytest
from tests.server.reads.records import FOREIGN, FOREIGN_ID, GRADING
from tests.server.serving import Serving

from certtrace.server.access import Role

LISTS = ["v2/observations", "observations", "traces", "sessions", "scores", "v2/scores", "v3/scores"]
ABSENT = {
    "traces/{}": "Trace {} not found within authorized project",
    "observations/{}": "Observation not found within authorized project",
    "sessions/{}": "Session not found within authorized project",
    "scores/{}": "Score not found",
    "v2/scores/{}": "Score not found",
}


@pytest.mark.parametrize("path", ABSENT)
@pytest.mark.parametrize("identifier", ["nothing", FOREIGN, FOREIGN_ID, "foreign-score", "%00", "%F0%9F%98%80"])
def test_what_is_not_in_the_project_is_not_found(box: Serving, path: str, identifier: str) -> None:
    answer = box.client(Role.READER).get("/api/public/" + path.format(identifier))
    assert answer.status_code == 404
    body = answer.json()
    assert body["error"] == "LangfuseNotFoundError"
    if not identifier.startswith("%"):
        assert body["message"] == ABSENT[path].format(identifier)


@pytest.mark.parametrize("path", [*LISTS, *(each.format(GRADING) for each in ABSENT)])
def test_a_writer_reads_nothing_and_nobody_without_a_key(box: Serving, path: str) -> None:
    assert box.client(Role.WRITER).get(f"/api/public/{path}").status_code == 403
    assert box.client(Role.READER).get(f"/api/public/{path}", auth=("pk", "sk")).status_code == 401


@pytest.mark.parametrize("path", ["traces/x", "traces", "scores/x"])
def test_only_who_may_delete_deletes(box: Serving, path: str) -> None:
    for role in (Role.WRITER, Role.READER, Role.AUDITOR):
        answer = box.client(role).request("DELETE", f"/api/public/{path}", json={"traceIds": ["x"]})
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        *[(path, {"limit": value}) for path in LISTS for value in ("-1", "x", "1.5", "9" * 30)],
        *[(path, {"limit": "101"}) for path in LISTS if path != "v2/observations"],
        ("v2/observations", {"limit": "1001"}),
        *[
            (path, {"page": value})
            for path in ("traces", "observations", "sessions", "v2/scores")
            for value in ("0", "x")
        ],
        ("v2/observations", {"fromStartTime": "2026-11-23"}),
        ("v2/observations", {"toStartTime": ""}),
        ("v2/observations", {"fromStartTime": "2026-02-30T00:00:00Z"}),
        ("observations", {"fromStartTime": "now"}),
        ("traces", {"fromTimestamp": "2026-11-23T10:00:00"}),
        ("traces", {"orderBy": "nonsense.asc"}),
        ("traces", {"orderBy": "timestamp.up"}),
        ("traces", {"orderBy": "timestamp"}),
        ("sessions", {"toTimestamp": "x"}),
        ("v2/observations", {"type": "span"}),
        ("v2/observations", {"level": "FATAL"}),
        ("v2/observations", {"isRootObservation": "perhaps"}),
        ("v2/observations", {"parseIoAsJson": "true"}),
        ("v2/observations", {"parseIoAsJson": "1"}),
        ("v2/scores", {"dataType": "numeric"}),
        ("v2/scores", {"source": "x"}),
        ("v2/scores", {"operator": "~"}),
        ("v2/scores", {"value": "x", "operator": "="}),
        ("v3/scores", {"valueMin": "x", "dataType": "NUMERIC"}),
        ("v3/scores", {"fromTimestamp": "x"}),
        ("v3/scores", {"unknown": "x"}),
        ("v3/scores", {"page": "1"}),
    ],
)
def test_parameters_that_cannot_be_are_refused(box: Serving, path: str, asked: dict[str, str]) -> None:
    answer = box.client(Role.READER).get(f"/api/public/{path}", params=asked)
    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert body["message"] == "Invalid request data"
    assert all({"code", "path", "message"} <= set(each) for each in body["error"])


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        *[(path, {"page": "9007199254740992", "limit": "100"}) for path in ("traces", "observations", "v2/scores")],
        ("v2/observations", {"fromStartTime": "9999-12-31T23:59:59.999999Z", "toStartTime": "0001-01-01T00:00:00Z"}),
        ("v2/observations", {"name": "\x00'\"\U0001f600", "userId": "%", "version": "x" * 5000}),
        ("traces", {"userId": "\x00", "tags": [",", "\u0000"], "name": "\ud7ff"}),
        ("v3/scores", {"id": ",,,", "name": "\x00", "value": "1e308", "dataType": "NUMERIC"}),
        ("v2/scores", {"value": "nan", "operator": "="}),
        ("v2/scores", {"value": "inf", "operator": "<"}),
        ("sessions", {"environment": ["", "x"] * 200}),
    ],
)
def test_odd_parameters_find_nothing_or_are_refused(box: Serving, path: str, asked: dict[str, Any]) -> None:
    assert box.client(Role.READER).get(f"/api/public/{path}", params=asked).status_code in (200, 400)


@pytest.mark.parametrize("body", [{}, {"traceIds": []}, {"traceIds": "x"}, {"traceIds": [1]}, [], None])
def test_a_deletion_names_its_traces(box: Serving, body: Any) -> None:
    answer = box.client().request("DELETE", "/api/public/traces", json=body)
    assert answer.status_code == 400
    assert answer.json()["message"] == "Invalid request data"
