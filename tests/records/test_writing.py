"""The write seam: whole observations, changes, what is said of traces, scores; of any project."""

from dataclasses import replace

import pytest
from tests.records.filling import START_NS, observation, score, trace_id

from certtrace.errors import TraceNotFoundError
from certtrace.records.bodies import read_body
from certtrace.records.catalog.models import Model, PricingTier, put_model
from certtrace.records.checking import check
from certtrace.records.database import Database
from certtrace.records.model import Experiment, ObservationChange, TraceChange
from certtrace.records.search import SearchIndex
from certtrace.records.source import StoreSource, TraceFilter
from certtrace.records.store import StoreWriter
from certtrace.records.summaries import renew_pending

ONE = trace_id(1)


@pytest.fixture
def store(tmp_path):
    made = Database(tmp_path / "store.db")
    yield made
    made.close()


@pytest.fixture
def writer(store):
    return StoreWriter(store)


def trace(store, which=ONE, project="p"):
    return StoreSource(store, project).get_trace(which)


def listed(store, **conditions):
    found = StoreSource(store, "p").list_traces(TraceFilter(**conditions)).traces
    return [int(each.trace_id, 16) for each in found]


def counts(store, project="p"):
    with store.reading() as connection:
        row = connection.execute("SELECT * FROM counts WHERE project = ?", (project,)).fetchone()
    return tuple(row)[1:] if row else (0, 0, 0)


def change(observation_id, **values):
    return ObservationChange(id=observation_id, trace_id=ONE, values=values)


def test_every_field_comes_back(store, writer):
    one = observation(
        1,
        parent_observation_id="b" * 16,
        type="GENERATION",
        level="WARNING",
        status_message="hm",
        environment="ci",
        release="r",
        version="v",
        user_id="u",
        session_id="s",
        trace_name="t",
        tags=("a", "b"),
        public=True,
        is_app_root=True,
        model="m",
        model_parameters={"x": 1},
        usage_details={"input": 1.0},
        cost_details={"total": 0.5},
        completion_start_time_ns=START_NS + 5,
        prompt_name="p",
        prompt_version=3,
        input="in",
        output="out",
        metadata={"k": {"deep": [1, None]}},
        bookmarked=True,
        experiment=Experiment(
            id="e", dataset_id="d", item_id="i", metadata={"a": 1}, item_version_ns=7, item_expected_output="x"
        ),
    )
    writer.write("p", [one])
    (found,) = trace(store).observations
    assert found.created_at_ns is not None
    assert found.created_at_ns == found.updated_at_ns
    assert replace(found, created_at_ns=None, updated_at_ns=None) == one
    with store.reading() as connection:
        row = connection.execute("SELECT * FROM observations WHERE experiment_id = 'e'").fetchone()
    assert (row["experiment_dataset_id"], row["experiment_item_id"]) == ("d", "i")


def test_a_score_comes_back_whole(store, writer):
    one = score(
        1,
        id="s",
        value="good",
        data_type="CATEGORICAL",
        observation_id="o",
        session_id="x",
        comment="c",
        metadata={"a": [1]},
        source="ANNOTATION",
        dataset_run_id="run",
        config_id="conf",
        queue_id="q",
        author_user_id="me",
    )
    writer.write("p", [observation(1)], [one])
    (found,) = trace(store).scores
    assert replace(found, created_at_ns=None, updated_at_ns=None) == one


def test_the_moment_of_the_first_storing_stays(store, writer):
    one = observation(1)
    writer.write("p", [one], [score(1, id="s")])
    before = trace(store)
    writer.write("p", [replace(one, name="other")], [score(1, id="s", value=0.9)])
    after = trace(store)
    for old, new in (
        (before.observations[0], after.observations[0]),
        (before.scores[0], after.scores[0]),
        (before.summary, after.summary),
    ):
        assert new.created_at_ns == old.created_at_ns
        assert new.updated_at_ns > old.updated_at_ns
    assert (after.observations[0].name, after.scores[0].value) == ("other", 0.9)
    assert counts(store) == (1, 1, 1)


def test_changes_are_merged_in_their_order_into_what_is_there(store, writer):
    one = observation(1, input="in", metadata={"a": 1, "b": 1}, tags=("x",))
    writer.write("p", [one])
    writer.write(
        "p",
        changes=[
            change(one.id, output="out", metadata={"b": 2}),
            change(one.id, level="ERROR", metadata={"c": 3}, output="later", unknown="ignored", id="never"),
        ],
    )
    (found,) = trace(store).observations
    assert (found.id, found.input, found.output, found.level, found.tags) == (one.id, "in", "later", "ERROR", ("x",))
    assert found.metadata == {"a": 1, "b": 2, "c": 3}
    assert trace(store).summary.status == "error"


def test_a_change_of_what_is_not_there_makes_it(store, writer):
    writer.write("p", changes=[change("new", output="out"), change("timed", start_time_ns=START_NS, name="n")])
    made, timed = sorted(trace(store).observations, key=lambda each: each.id)
    assert (made.type, made.name, made.output, made.level) == ("SPAN", "", "out", "DEFAULT")
    assert made.start_time_ns == made.end_time_ns
    assert abs(made.start_time_ns - made.created_at_ns) < 10**9
    assert (timed.start_time_ns, timed.end_time_ns, timed.name) == (START_NS, START_NS, "n")


def test_a_change_in_the_same_call_finds_the_whole_one(store, writer):
    one = observation(1)
    writer.write("p", [one], changes=[change(one.id, name="later")])
    assert [each.name for each in trace(store).observations] == ["later"]


def test_a_trace_that_was_only_spoken_of_is_listed(store, writer):
    writer.write("p", traces=[TraceChange(trace_id=ONE, name="said", timestamp_ns=START_NS, tags=("a",), user_id="u")])
    found = trace(store).summary
    assert (found.name, found.start_time_ns, found.end_time_ns, found.observation_count) == (
        "said",
        START_NS,
        START_NS,
        0,
    )
    assert (found.status, found.tags, found.user_id) == ("ok", ("a",), "u")
    assert listed(store, name="said") == listed(store, user_id="u") == listed(store, tag="a") == [1]
    assert counts(store) == (1, 0, 0)


@pytest.mark.parametrize("body_first", [True, False])
def test_what_was_said_of_a_trace_wins_over_its_observations(store, writer, body_first):
    one = observation(1, trace_name="seen", user_id="seen", session_id="seen", tags=("seen",), release="seen")
    said = TraceChange(
        trace_id=ONE,
        timestamp_ns=START_NS - 5,
        name="said",
        user_id="said",
        tags=("said",),
        environment="said",
        public=True,
        bookmarked=True,
        metadata={"a": 1},
        input="in",
    )
    writes = [{"traces": [said]}, {"observations": [one]}]
    for each in writes if body_first else reversed(writes):
        writer.write("p", **each)
    found = trace(store).summary
    assert (found.name, found.user_id, found.session_id, found.release) == ("said", "said", "seen", "seen")
    assert (found.tags, found.environment, found.public, found.bookmarked) == (("said", "seen"), "said", True, True)
    assert (found.start_time_ns, found.observation_count) == (START_NS - 5, 1)
    for kind in ("user_id", "tag"):
        assert listed(store, **{kind: "said"}) == listed(store, **{kind: "seen"}) == [1]


def test_what_is_said_is_merged(store, writer):
    writer.write(
        "p",
        traces=[
            TraceChange(trace_id=ONE, name="a", tags=("x", "x"), metadata={"a": 1, "b": 1}, timestamp_ns=START_NS),
            TraceChange(trace_id=ONE, tags=("y", "x"), metadata={"b": 2}, output="out", public=False),
        ],
    )
    writer.write("p", traces=[TraceChange(trace_id=ONE, name="b", input="in")])
    with store.reading() as connection:
        body = read_body(connection, "p", ONE)
        assert read_body(connection, "p", "none") is None
    assert body == TraceChange(
        trace_id=ONE,
        name="b",
        tags=("x", "y"),
        metadata={"a": 1, "b": 2},
        input="in",
        output="out",
        public=False,
        timestamp_ns=START_NS,
    )


def test_projects_stay_apart(store, writer):
    one = observation(1)
    for project in ("p", "q"):
        writer.write(project, [replace(one, name=project)], [score(1, id="s", comment=project)])
    assert [trace(store, project=each).observations[0].name for each in "pq"] == ["p", "q"]
    assert [trace(store, project=each).scores[0].comment for each in "pq"] == ["p", "q"]
    with pytest.raises(TraceNotFoundError):
        trace(store, project="r")
    assert counts(store, "q") == (1, 1, 1)


def test_everything_or_nothing_is_written(store, writer):
    writer.write("p", [observation(2)])
    with pytest.raises(UnicodeEncodeError):
        writer.write("p", [observation(1)], [score(1, comment="\ud800")])
    assert listed(store) == [2]
    assert counts(store) == (1, 1, 0)


def test_a_model_with_a_price_gives_what_it_cost(store, writer):
    writer.write("p", [observation(1)])
    tier = PricingTier(id="t", name="Standard", is_default=True, priority=0, prices={"input": 0.5})
    with store.writing() as connection:
        put_model(connection, "p", Model(id="m", model_name="gpt", match_pattern="(?i)^gpt$", pricing_tiers=(tier,)))
    writer.write("p", [observation(3, model="gpt", usage_details={"input": 4}), observation(3, model="gpt")])
    costs = [each.cost_details for each in trace(store, trace_id(3)).observations]
    assert sorted(costs, key=len) == [{}, {"input": 2.0, "total": 2.0}]


def test_a_large_trace_in_small_parts_is_summarised_as_if_it_came_whole(store, writer):
    whole, parts = trace_id(1), trace_id(2)
    made = [
        observation(
            1,
            id=f"{number:016x}",
            parent_observation_id=None if number == 0 else f"{(number - 1) // 3:016x}",
            name=f"step-{number % 7}",
            start_time_ns=START_NS + (number * 7919) % 1000,
            end_time_ns=START_NS + 5000 - number,
            level="ERROR" if number % 97 == 5 else "DEFAULT",
            tags=(f"tag-{number % 11}",),
            user_id="u" if number == 900 else None,
        )
        for number in range(1000)
    ]
    writer.write("p", made)
    shuffled = sorted((replace(each, trace_id=parts) for each in made), key=lambda each: each.id[::-1])
    for start in range(0, len(shuffled), 10):
        writer.write("p", shuffled[start : start + 10])
        assert counts(store) == (2, 1000 + start + 10, 0)
    SearchIndex(store).catch_up(30)
    first, second = trace(store, whole).summary, trace(store, parts).summary
    assert replace(second, trace_id=whole, created_at_ns=0, updated_at_ns=0) == replace(
        first, created_at_ns=0, updated_at_ns=0
    )
    with store.reading() as connection:
        facets = [
            {
                (row["kind"], row["value"], row["start_time_ns"])
                for row in connection.execute("SELECT * FROM trace_facets WHERE trace_id = ?", (each,))
            }
            for each in (whole, parts)
        ]
    assert facets[0] == facets[1]
    assert counts(store) == (2, 2000, 0)
    assert check(store.path, thorough=True).is_whole


def test_reading_a_large_trace_again_grows_with_it_not_with_its_square(store, writer):
    """Each write may read what the trace has; in all, a small multiple of what it has in the end."""
    read = []
    for number in range(200):
        with store.writing() as connection:
            connection.set_trace_callback(lambda statement: read.append("is_pass" in statement[:400] and statement))
        writer.write("p", [observation(1, start_time_ns=START_NS + number * 10 + each) for each in range(10)])
    whole_reads = [statement for statement in read if statement and statement.startswith("SELECT")]
    # 13 while it is small, then each time it has grown by a third: not one for each of the 200 writes.
    assert 0 < len(whole_reads) < 40
    with store.writing() as connection:
        connection.set_trace_callback(None)
        renew_pending(connection, 1)
    assert trace(store).summary.observation_count == 2000


def test_a_large_trace_that_lags_behind_is_shown_as_it_is_and_mended_by_a_later_write(store, writer, monkeypatch):
    made = [observation(1, start_time_ns=START_NS + number, end_time_ns=START_NS + 10**6) for number in range(400)]
    writer.write("p", made)
    late = observation(1, parent_observation_id=made[0].id, level="ERROR", end_time_ns=START_NS + 10**7)
    writer.write("p", [late])
    assert trace(store).summary.status == "error"
    assert StoreSource(store, "p").list_traces().traces[0].status == "ok"
    monkeypatch.setattr("certtrace.records.store._QUIET_SECONDS", 0.0)
    writer.write("p", [observation(2)])
    assert listed(store, status="error") == [1]
