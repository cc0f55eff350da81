"""Values that this server redacts before it stores them are found by the value that was sent; reads are recorded."""

import json
from collections.abc import Iterator

import pytest
from tests.server.reads.records import MS, START
from tests.server.serving import Serving, serving

from certtrace.records.model import Observation
from certtrace.records.store import StoreWriter
from certtrace.server.access import Role
from certtrace.server.intake.redacting import sought

SENT = "alice@example.com"
TRACE = "c" * 32


@pytest.fixture(scope="module")
def redacted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("redacted")) as running:
        stored = sought(running.box, SENT)
        assert SENT not in stored
        observation = Observation(
            id="c1" * 8,
            trace_id=TRACE,
            name=f"grade {stored}",
            trace_name=f"grade {stored}",
            user_id=stored,
            session_id=stored,
            tags=(stored,),
            start_time_ns=START,
            end_time_ns=START + MS,
        )
        StoreWriter(running.box.store).write(running.project.id, [observation])
        yield running


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        *[(path, "userId", SENT) for path in ("v2/observations", "observations", "traces")],
        *[(path, "name", f"grade {SENT}") for path in ("v2/observations", "observations", "traces")],
        *[(path, "sessionId", SENT) for path in ("v2/observations", "traces")],
        ("traces", "tags", SENT),
    ],
)
def test_a_parameter_finds_what_was_redacted(redacted: Serving, path: str, name: str, value: str) -> None:
    client = redacted.client(Role.READER)
    found = client.get(f"/api/public/{path}", params={name: value}).json()["data"]
    assert len(found) == 1
    stored = value.replace(SENT, sought(redacted.box, SENT))
    assert client.get(f"/api/public/{path}", params={name: stored}).json()["data"] == found
    assert client.get(f"/api/public/{path}", params={name: "bob@example.com"}).json()["data"] == []


@pytest.mark.parametrize("path", ["v2/observations", "observations", "traces"])
def test_a_filter_finds_what_was_redacted(redacted: Serving, path: str) -> None:
    conditions = [
        {"type": "string", "column": "userId", "operator": "=", "value": SENT},
        {"type": "arrayOptions", "column": "tags", "operator": "all of", "value": [SENT]},
        {"type": "stringOptions", "column": "name", "operator": "any of", "value": [f"grade {SENT}"]},
    ]
    answer = redacted.client(Role.READER).get(f"/api/public/{path}", params={"filter": json.dumps(conditions)})
    assert len(answer.json()["data"]) == 1


def test_a_session_is_shown_by_the_name_that_was_sent(redacted: Serving) -> None:
    answer = redacted.client(Role.READER).get(f"/api/public/sessions/{SENT}")
    assert answer.json()["id"] == sought(redacted.box, SENT)
    assert [each["id"] for each in answer.json()["traces"]] == [TRACE]


@pytest.mark.parametrize(
    "path", ["v2/observations", "observations", "traces", f"traces/{TRACE}", f"observations/{'c1' * 8}"]
)
def test_who_read_which_trace_is_recorded(redacted: Serving, path: str) -> None:
    def reads() -> int:
        return redacted.box.access.reads.page(redacted.project.id, trace_id=TRACE)[1]

    before = reads()
    assert redacted.client(Role.AUDITOR).get(f"/api/public/{path}").status_code == 200
    assert reads() == before + 1
