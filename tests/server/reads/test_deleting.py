"""Deletion of traces and scores."""

from collections.abc import Iterator

import pytest
from langfuse import Langfuse
from opentelemetry.sdk.trace import TracerProvider
from tests.server.reads.records import GENERATION, GRADING, OBSERVATIONS, OTHERS, PLAIN, SCORES, TRACES
from tests.server.serving import Serving, serving

from certtrace.records.store import StoreWriter
from certtrace.server.access import Role


@pytest.fixture
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("deleting")) as running:
        writer = StoreWriter(running.box.store)
        writer.write(running.project.id, OBSERVATIONS, SCORES, traces=TRACES)
        writer.write(running.box.access.project("other").id, OTHERS)
        yield running


def total(box: Serving, path: str) -> int:
    answer = box.client().get(f"/api/public/{path}").json()
    found = answer["meta"]["totalItems"]
    assert len(answer["data"]) == found
    return int(found)


def test_a_trace_goes_with_everything_recorded_of_it(filled: Serving) -> None:
    answer = filled.client().delete(f"/api/public/traces/{GRADING}")
    assert answer.status_code == 200
    assert answer.json() == {"message": "Trace deleted successfully"}
    for path in (f"traces/{GRADING}", f"observations/{GENERATION}", "v2/scores/s-number", "sessions/session-1"):
        assert filled.client().get(f"/api/public/{path}").status_code == 404, path
    assert (total(filled, "traces"), total(filled, "observations"), total(filled, "v2/scores")) == (1, 1, 3)


def test_several_traces_go_at_once(filled: Serving) -> None:
    body = {"traceIds": [GRADING, PLAIN, "nothing"]}
    answer = filled.client().request("DELETE", "/api/public/traces", json=body)
    assert answer.json() == {"message": "Traces deleted successfully"}
    assert total(filled, "traces") == total(filled, "observations") == total(filled, "sessions") == 0


def test_what_is_not_there_is_as_good_as_deleted_and_other_projects_stay(filled: Serving) -> None:
    foreign = OTHERS[0].trace_id
    assert filled.client().delete(f"/api/public/traces/{foreign}").status_code == 200
    with filled.box.store.reading() as connection:
        kept = connection.execute("SELECT project FROM observations WHERE trace_id = ?", (foreign,)).fetchall()
    assert [row[0] for row in kept] == ["other"]


def test_a_score_goes_alone(filled: Serving) -> None:
    answer = filled.client().delete("/api/public/scores/s-number")
    assert answer.status_code == 202
    assert answer.json() == {"message": "Score deletion queued successfully"}
    assert filled.client().get("/api/public/v2/scores/s-number").status_code == 404
    assert total(filled, "v2/scores") == 4
    assert filled.client().delete("/api/public/scores/s-number").status_code == 202


def test_the_client_deletes(filled: Serving) -> None:
    key = filled.keys[Role.ADMIN]
    client = Langfuse(
        public_key=key.public_key,
        secret_key=key.secret_key,
        base_url=filled.url,
        tracing_enabled=False,
        tracer_provider=TracerProvider(),
    )
    client.api.scores.delete("s-run")
    assert client.api.trace.delete(GRADING).message == "Trace deleted successfully"
    assert client.api.trace.delete_multiple(trace_ids=[PLAIN]).message == "Traces deleted successfully"
    assert client.api.observations.get_many().data == []
    assert [each.id for each in client.api.scores.get_many().data] == ["s-text"]
    client.shutdown()
