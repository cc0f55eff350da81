import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from tests.records.spans import meta, new_span_id, new_trace_id, payload, scores, span

from certtrace import semconv
from certtrace.errors import StoreError
from certtrace.ports import BatchRejectedError, DeliveryError, Destination, DestinationPausedError, Payload
from certtrace.records.forking import GATE
from certtrace.records.schema import SUPPORTED_VERSION
from certtrace.records.source import StoreSource
from certtrace.records.store import StoreDestination


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home" / "store.sqlite3"


@pytest.fixture
def destination(path):
    made = StoreDestination(path)
    yield made
    made.close()


def deliver(destination, *batch, seconds=5.0):
    destination.deliver(batch, time.monotonic() + seconds)


def undated(trace):
    """Return what was recorded, without when it was stored."""
    observations = [replace(each, created_at_ns=None, updated_at_ns=None) for each in trace.observations]
    return observations, replace(trace.summary, created_at_ns=None, updated_at_ns=None)


def one(trace_id, **given):
    return payload([span(trace_id=trace_id, **given)])


def test_it_is_a_destination(destination):
    assert isinstance(destination, Destination)
    assert destination.name == "store"


def test_what_was_delivered_is_read_back_whole(destination, path):
    trace_id, root = new_trace_id(), new_span_id()
    attributes = {
        semconv.OBSERVATION_TYPE: "generation",
        semconv.OBSERVATION_INPUT: '{"a": "ä\\u0000"}',
        semconv.OBSERVATION_MODEL: "m",
        semconv.OBSERVATION_MODEL_PARAMETERS: '{"seed": 1}',
        semconv.OBSERVATION_USAGE_DETAILS: '{"input": 1}',
        semconv.OBSERVATION_PROMPT_NAME: "p",
        semconv.OBSERVATION_PROMPT_VERSION: 2,
        semconv.TRACE_TAGS: ["x"],
        **meta(cert__confidence=0.25),
    }
    deliver(
        destination,
        payload([span("call", trace_id=trace_id, span_id=root, attributes=attributes, error="no")]),
        scores({"id": "s1", "traceId": trace_id, "name": "n", "value": 0.5, "metadata": {"k": [1]}}),
    )
    trace = StoreSource(path).get_trace(trace_id)
    (found,) = trace.observations
    assert (found.id, found.type, found.level, found.status_message) == (root, "GENERATION", "ERROR", "no")
    assert (found.model_parameters, found.usage_details) == ({"seed": 1}, {"input": 1, "total": 1})
    assert (found.prompt_name, found.prompt_version, found.tags) == ("p", 2, ("x",))
    assert found.input == '{"a": "ä\\u0000"}'
    assert found.metadata["cert.confidence"] == 0.25
    (score,) = trace.scores
    assert (score.id, score.value, score.data_type, score.metadata) == ("s1", 0.5, "NUMERIC", {"k": [1]})
    assert trace.summary.confidence == 0.25


def test_delivering_twice_changes_nothing(destination, path):
    trace_id = new_trace_id()
    batch = one(trace_id, span_id=new_span_id()), scores({"id": "s", "traceId": trace_id, "name": "n", "value": "good"})
    deliver(destination, *batch)
    before = StoreSource(path).get_trace(trace_id)
    deliver(destination, *batch)
    after = StoreSource(path).get_trace(trace_id)
    assert undated(after) == undated(before)
    assert len(after.scores) == 1


def test_parts_of_a_trace_that_arrive_apart_make_one_trace(destination, path):
    trace_id, root = new_trace_id(), new_span_id()
    deliver(destination, one(trace_id, name="child", parent=root, start_ms=10, end_ms=20))
    assert StoreSource(path).get_trace(trace_id).summary.name == "child"
    deliver(destination, one(trace_id, name="root", span_id=root, end_ms=50))
    summary = StoreSource(path).get_trace(trace_id).summary
    assert (summary.name, summary.observation_count, summary.duration_ms) == ("root", 2, 50.0)


@pytest.mark.parametrize("skeleton_first", [True, False])
def test_a_skeleton_never_replaces_content(destination, path, skeleton_first):
    trace_id, root = new_trace_id(), new_span_id()
    skeleton = one(trace_id, name="content lost", span_id=root, attributes=meta(cert__content_lost="crash"))
    content = one(trace_id, name="answer.grade", span_id=root)
    for each in (skeleton, content) if skeleton_first else (content, skeleton):
        deliver(destination, each)
    assert [each.name for each in StoreSource(path).get_trace(trace_id).observations] == ["answer.grade"]


@pytest.mark.parametrize(
    "bad",
    [
        Payload("spans", b"\xff\xff not protobuf: secret", ""),
        Payload("spans", b"", ""),
        Payload("scores", b"{}", ""),
        Payload("scores", b"[1]", ""),
        Payload("scores", b"not json: secret", ""),
        scores({"id": "s", "name": "n", "value": "secret", "dataType": "NUMERIC"}),
        scores({"id": "s", "name": "n", "value": None}),
        scores({"name": "n", "value": 1}),
        scores({"id": "s", "value": 1}),
        Payload("media", b"secret", ""),
    ],
)
def test_a_malformed_payload_is_rejected_whole_and_its_content_not_named(destination, path, bad):
    good = new_trace_id()
    with pytest.raises(BatchRejectedError) as caught:
        deliver(destination, one(good), bad)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert StoreSource(path).list_traces().traces == ()


def test_a_truncated_payload_is_rejected(destination):
    whole = one(new_trace_id()).data
    with pytest.raises(BatchRejectedError):
        deliver(destination, Payload("spans", whole[:-3], ""))


def test_scores_of_every_type_and_without_a_trace_are_kept(destination, path):
    trace_id = new_trace_id()
    deliver(
        destination,
        one(trace_id),
        scores(
            {
                "id": "1",
                "traceId": trace_id,
                "name": "a",
                "value": True,
                "dataType": "BOOLEAN",
                "timestamp": "2026-01-01T00:00:00Z",
            },
            {"id": "2", "traceId": trace_id, "name": "b", "value": "good", "timestamp": "2026-01-02T00:00:00Z"},
            {"id": "3", "sessionId": "s", "name": "c", "value": 3, "comment": "fine"},
        ),
    )
    found = [(each.value, each.data_type) for each in StoreSource(path).get_trace(trace_id).scores]
    assert found == [(1.0, "BOOLEAN"), ("good", "CATEGORICAL")]


def test_a_time_beyond_the_largest_integer_is_kept_at_the_largest(destination, path):
    trace_id = new_trace_id()
    made = span(trace_id=trace_id)
    made.end_time_unix_nano = 2**64 - 1
    deliver(destination, payload([made]))
    assert StoreSource(path).get_trace(trace_id).summary.end_time_ns == 2**63 - 1


def test_folder_and_file_are_for_their_owner_only(destination, path):
    deliver(destination, one(new_trace_id()))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_store_from_a_newer_version_is_left_alone(destination, path):
    deliver(destination, one(new_trace_id()))
    destination.close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SUPPORTED_VERSION + 1}")
    connection.close()
    with pytest.raises(DestinationPausedError) as refused:
        deliver(destination, one(new_trace_id()))
    with pytest.raises(StoreError) as unreadable:
        StoreSource(path).list_traces()
    for message in (str(refused.value), str(unreadable.value)):
        assert str(path) in message
        assert f"version {SUPPORTED_VERSION + 1}" in message
        assert f"up to version {SUPPORTED_VERSION}" in message
        assert "Upgrade certtrace" in message
        assert "--home" in message


def test_a_foreign_database_is_left_alone(destination, path):
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(DestinationPausedError, match="no certtrace store"):
        deliver(destination, one(new_trace_id()))


@pytest.mark.parametrize("home", ["file/home", "/proc/nowhere"])
def test_a_folder_that_cannot_be_written_says_which_and_what_to_do(tmp_path, home):
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / home / "store.sqlite3"
    destination = StoreDestination(path)
    with pytest.raises(DestinationPausedError) as caught:
        deliver(destination, one(new_trace_id()))
    assert str(path) in str(caught.value)
    assert "--home" in str(caught.value)


def test_a_file_that_is_no_database_pauses_the_destination(destination, path):
    path.parent.mkdir()
    path.write_bytes(b"this is not a database at all, " * 40)
    with pytest.raises(DestinationPausedError, match="not a database"):
        deliver(destination, one(new_trace_id()))


def test_a_store_that_others_hold_is_tried_again_later_and_in_time(destination, path):
    deliver(destination, one(new_trace_id()))
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    before = time.monotonic()
    with pytest.raises(DeliveryError, match="busy") as caught:
        deliver(destination, one(new_trace_id()), seconds=0.2)
    assert time.monotonic() - before < 4
    assert type(caught.value) is DeliveryError
    blocker.execute("ROLLBACK")
    blocker.close()
    deliver(destination, one(new_trace_id()))
    assert len(StoreSource(path).list_traces().traces) == 2


def test_threads_take_turns(destination, path):
    ids = [new_trace_id() for _ in range(40)]
    errors = []

    def work(mine):
        try:
            for trace_id in mine:
                deliver(destination, one(trace_id))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(ids[at::4],)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert {each.trace_id for each in StoreSource(path).list_traces(limit=100).traces} == set(ids)


def open_files(folder):
    return [
        link for link in Path("/proc/self/fd").iterdir() if link.is_symlink() and str(folder) in str(link.readlink())
    ]


def test_a_fork_waits_for_a_use_under_way():
    order = []
    entered, release = threading.Event(), threading.Event()

    def write():
        with GATE:
            entered.set()
            release.wait(5)
            order.append("written")

    writer = threading.Thread(target=write)
    writer.start()
    assert entered.wait(5)
    forking = threading.Thread(target=lambda: (GATE.before_fork(), order.append("forked"), GATE.after_in_parent()))
    forking.start()
    release.set()
    forking.join(5)
    writer.join(5)
    assert order == ["written", "forked"]


def test_a_file_deleted_under_a_running_service_is_made_anew(destination, path):
    first, second = new_trace_id(), new_trace_id()
    deliver(destination, one(first))
    for each in path.parent.iterdir():
        each.unlink()
    deliver(destination, one(second))
    assert [each.trace_id for each in StoreSource(path).list_traces().traces] == [second]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_forked_child_writes_through_its_own_connection(destination, path):
    before, in_child, after = new_trace_id(), new_trace_id(), new_trace_id()
    deliver(destination, one(before))
    child = os.fork()
    if child == 0:
        try:
            assert open_files(path.parent) == []
            deliver(destination, one(in_child))
            destination.close()
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    deliver(destination, one(after))
    assert {each.trace_id for each in StoreSource(path).list_traces().traces} == {before, in_child, after}
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_deleting_a_trace_takes_its_parts_along(destination, path):
    trace_id = new_trace_id()
    deliver(destination, one(trace_id, attributes=meta(cert__submission__id="sub")))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("DELETE FROM traces")
    counts = [
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("observations", "trace_facets")
    ]
    connection.close()
    assert counts == [0, 0]


def test_metadata_in_the_file_is_json_for_sql(destination, path):
    deliver(destination, one(new_trace_id(), attributes=meta(cert__redaction={"counts": {"EMAIL": 2}})))
    connection = sqlite3.connect(path)
    (found,) = connection.execute("SELECT metadata FROM observations").fetchone()
    connection.close()
    assert orjson.loads(found)["cert.redaction"] == {"counts": {"EMAIL": 2}}


def test_a_store_damaged_while_in_use_pauses_the_destination(destination, path):
    deliver(destination, *(one(new_trace_id()) for _ in range(50)))
    destination.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(DestinationPausedError, match="damaged") as caught:
        deliver(destination, one(new_trace_id()))
    assert str(path) in str(caught.value)


FULL_DISK = """
import resource, sys, time
from pathlib import Path
from certtrace.ports import DeliveryError
from certtrace.records.store import StoreDestination
from tests.records.spans import payload, span
destination = StoreDestination(Path(sys.argv[1]))
destination.deliver([payload([span(trace_id="a" * 32)])], time.monotonic() + 5)
room = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, room[1]))
large = payload([span(trace_id="b" * 32, attributes={"input": "x" * 3_000_000})])
try:
    destination.deliver([large], time.monotonic() + 5)
except DeliveryError as error:
    print(type(error).__name__, error)
resource.setrlimit(resource.RLIMIT_FSIZE, room)
destination.deliver([large], time.monotonic() + 5)
destination.close()
"""


def test_a_full_disk_loses_nothing_and_is_tried_again(path):
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", FULL_DISK, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("DeliveryError the store")
    assert "SQLITE_" in result.stdout
    assert [each.trace_id[0] for each in StoreSource(path).list_traces().traces] == ["b", "a"]
