"""Of a deleted trace no word is left on the disk, also where a reader held its old state open meanwhile."""

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.server.intake.exports import PATH, json_export
from tests.server.serving import Serving, serving

from certtrace.records.retention import Retention
from certtrace.records.search import SearchIndex
from certtrace.server.chores import chores_of

API = "/api/public"
WORD = "zorblatteria"
TRACE = "ab" * 16
OTHER = "cd" * 16


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path) as box:
        yield box


def fill(box: Serving) -> None:
    """Make a trace, and everything that can be said about one, with `WORD` in every text."""
    client = box.client()

    def made(path: str, body: object) -> httpx.Response:
        return client.post(f"{API}{path}", json=body).raise_for_status()

    values = {
        "langfuse.trace.name": f"{WORD} name", "session.id": f"{WORD}-session", "user.id": f"{WORD}-user",
        "langfuse.trace.tags": json.dumps([f"{WORD} tag"]), "langfuse.observation.input": f"{WORD} input " * 300,
        "langfuse.observation.metadata.key": f"{WORD} metadata", "langfuse.experiment.id": f"{WORD}-experiment",
    }  # fmt: skip
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]
    made(PATH.removeprefix(API), json_export(traceId=TRACE, spanId="ab" * 8, name=WORD, attributes=attributes))
    made(PATH.removeprefix(API), json_export(traceId=OTHER, spanId="cd" * 8, name="stays"))
    said = {"id": TRACE, "name": f"{WORD} said", "input": f"{WORD} said", "metadata": {"key": f"{WORD} said"}}
    event = {"id": "event", "type": "trace-create", "timestamp": "2026-11-23T10:00:00Z", "body": said}
    made("/ingestion", {"batch": [event]})
    made("/scores", {"name": f"{WORD} score", "value": f"{WORD} value", "traceId": TRACE, "comment": f"{WORD} comment"})
    for kind, object_id in (("TRACE", TRACE), ("OBSERVATION", "ab" * 8)):
        comment = {"projectId": box.project.id, "objectType": kind, "objectId": object_id, "content": f"{WORD} {kind}"}
        made("/comments", comment)
    content = f"{WORD} medium".encode()
    sha256 = base64.b64encode(hashlib.sha256(content).digest()).decode()
    medium = {"contentType": "text/plain", "contentLength": len(content), "sha256Hash": sha256, "field": "input"}
    httpx.put(made("/media", medium | {"traceId": TRACE}).json()["uploadUrl"], content=content).raise_for_status()
    while SearchIndex(box.box.store).catch_up(1.0):
        pass


def left(home: Path) -> set[str]:
    found = (path for path in home.rglob("*") if path.is_file())
    return {path.name for path in found if WORD.encode() in path.read_bytes()}


def test_nothing_is_left_of_a_deleted_trace(own: Serving) -> None:
    fill(own)
    assert left(own.home)
    assert own.client().delete(f"{API}/traces/{TRACE}").status_code == 200
    assert left(own.home) == set()
    assert own.client().get(f"{API}/traces/{OTHER}").status_code == 200


def test_what_a_reader_kept_open_is_forgotten_when_it_ends(own: Serving) -> None:
    fill(own)
    with own.box.store.reading() as connection:
        connection.execute("SELECT count(*) FROM traces").fetchone()
        assert own.client().delete(f"{API}/traces/{TRACE}").status_code == 200
        assert left(own.home)
    chores = chores_of(own.box, lambda: False, reads_kept_days=1, kept=Retention())
    (emptying,) = [chore for chore in chores if chore.name.startswith("Emptying")]
    emptying.do()
    assert left(own.home) == set()


def test_what_a_process_left_behind_is_forgotten_at_the_next_start(own: Serving) -> None:
    assert own.box.store.owes_emptying
    assert own.box.store.empty_log()
    assert not own.box.store.owes_emptying
