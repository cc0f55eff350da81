import time

import pytest
from tests.records.filling import observation, score, trace_id

from certtrace.errors import ConfigurationError
from certtrace.records.database import Database
from certtrace.records.retention import Retention, sweep
from certtrace.records.search import SearchIndex
from certtrace.records.source import StoreSource
from certtrace.records.store import StoreWriter

DAY_NS = 86_400 * 10**9
NOW_NS = 1_795_375_000_000_000_000


@pytest.fixture
def store(tmp_path):
    made = Database(tmp_path / "store.db")
    yield made
    made.close()


def aged(number, days, **given):
    start = NOW_NS - int(days * DAY_NS)
    return observation(number, start_time_ns=start, end_time_ns=start + 1, **given)


def left(store, project="p"):
    return sorted(int(each.trace_id, 16) for each in StoreSource(store, project).list_traces(limit=1000).traces)


def swept(store, retention, budget_seconds=60):
    return sweep(store, retention, NOW_NS, budget_seconds)


def test_each_class_is_kept_for_its_own_days_and_the_longest_counts(store):
    StoreWriter(store).write(
        "p",
        [
            aged(1, 29),
            aged(2, 31),
            aged(3, 31, level="ERROR"),
            aged(4, 91, level="ERROR"),
            aged(5, 91),
            aged(6, 91, level="ERROR"),
            aged(7, 366),
        ],
        [score(5), score(6), score(7)],
    )
    done = swept(store, Retention(days={"default": 30, "failed": 90, "scored": 365}))
    assert left(store) == [1, 3, 5, 6]
    assert (done.traces, done.observations, done.scores, done.is_done) == (3, 3, 0, True)


def test_an_environment_has_its_own_days(store):
    StoreWriter(store).write(
        "p", [aged(1, 10), aged(2, 10, environment="ci"), aged(3, 10, environment="ci", level="ERROR")]
    )
    swept(store, Retention(days={"default": 30}, environments={"ci": {"default": 7, "failed": 20}}))
    assert left(store) == [1, 3]


def test_without_days_everything_is_kept(store):
    StoreWriter(store).write("p", [aged(1, 9999), aged(2, 9999, level="ERROR")])
    assert swept(store, Retention()).traces == 0
    assert swept(store, Retention(days={"failed": 30})).traces == 1
    assert left(store) == [1]


def test_every_project_is_swept(store):
    for project in ("p", "q"):
        StoreWriter(store).write(project, [aged(1, 31), aged(2, 1)])
    assert swept(store, Retention(days={"default": 30})).traces == 2
    assert (left(store), left(store, "q")) == ([2], [2])


def test_scores_without_a_trace_go_with_their_age(store):
    old = NOW_NS - 400 * DAY_NS
    StoreWriter(store).write(
        "p",
        [aged(1, 1)],
        [score(None, id="old", timestamp_ns=old, session_id="s"), score(1, id="of-trace", timestamp_ns=old)],
    )
    assert swept(store, Retention(days={"default": 30, "scored": 365})).scores == 1
    with store.reading() as connection:
        assert [row["id"] for row in connection.execute("SELECT id FROM scores")] == ["of-trace"]


def test_what_is_swept_leaves_no_word_on_disk(store):
    StoreWriter(store).write("p", [aged(1, 31, input="xylophonist"), aged(2, 1, input="player")])
    SearchIndex(store).catch_up(10)
    swept(store, Retention(days={"default": 30}))
    content = b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    assert b"xylophonist" not in content
    assert b"player" in content


def test_a_sweep_stops_when_its_time_is_over_and_the_next_goes_on(store):
    StoreWriter(store).write("p", [aged(number, 31) for number in range(1, 1501)])
    retention = Retention(days={"default": 30})
    first = swept(store, retention, 0)
    assert not first.is_done
    assert 0 < first.traces < 1500
    deadline = time.monotonic() + 60
    total = first.traces
    while not (done := swept(store, retention, 0)).is_done and time.monotonic() < deadline:
        total += done.traces
    assert left(store) == []
    assert total + done.traces == 1500


@pytest.mark.parametrize("days", [{"default": 0}, {"error": 3}, {"failed": -1}, {"scored": float("nan")}])
def test_a_wrong_policy_is_refused(days):
    with pytest.raises(ConfigurationError, match="default, failed, scored"):
        Retention(days=days)
    with pytest.raises(ConfigurationError):
        Retention(environments={"ci": days})


def test_a_trace_is_removed_by_its_time_whatever_its_id(store):
    StoreWriter(store).write("p", [aged(n, 40 - n % 3) for n in range(1, 30)])
    swept(store, Retention(days={"default": 38.5}))
    assert left(store) == [n for n in range(1, 30) if n % 3 == 2]
    assert trace_id(2) == "2".rjust(32, "0")
