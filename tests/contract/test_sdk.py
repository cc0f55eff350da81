"""What the unmodified SDK sends is read back through the SDK, as its own end-to-end tests expect it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langfuse import propagate_attributes
from langfuse.api import ObservationV2, ScoreV3
from tests.contract.target import Target, condition, unique

GROUPS = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context"
SERVERS_OWN = ("scope.", "resourceAttributes.")
TYPES = ("span", "generation", "agent", "tool", "chain", "retriever", "evaluator", "embedding", "guardrail")
LIKE_GENERATIONS = ("generation", "embedding")


def observations(target: Target, count: int = 1, **wanted: Any) -> list[ObservationV2]:
    """Flush, and read what matches, oldest first."""
    target.langfuse.flush()
    found = target.eventually(
        lambda: target.langfuse.api.observations.get_many(fields=GROUPS, limit=1000, **wanted).data,
        lambda rows: len(rows) >= count,
    )
    return sorted(found, key=lambda row: row.start_time)


def root_of(rows: Sequence[ObservationV2]) -> ObservationV2:
    [root] = [row for row in rows if row.is_root_observation]
    return root


def sent_metadata(row: ObservationV2) -> dict[str, Any]:
    """Return metadata without what the server adds."""
    return {key: value for key, value in (row.metadata or {}).items() if not key.startswith(SERVERS_OWN)}


def scores(target: Target, **wanted: Any) -> list[ScoreV3]:
    target.langfuse.flush()
    return target.eventually(
        lambda: target.langfuse.api.scores.get_many(fields="details,subject", **wanted).data, lambda rows: bool(rows)
    )


def test_the_attributes_of_a_trace_stand_on_its_root(target: Target) -> None:
    lf, name = target.langfuse, unique()
    tags = ["tag1", "tag2"]
    with (
        lf.start_as_current_observation(name="test-span") as span,
        propagate_attributes(
            trace_name=name, user_id="test", session_id="s-1", version="1.0", metadata={"key": "value"}, tags=tags
        ),
    ):
        lf.update_current_span(input="test_input")
        lf.set_current_trace_as_public()
        with propagate_attributes(metadata={"key2": "value2"}):
            pass
    root = root_of(observations(target, trace_id=span.trace_id))
    assert (root.trace_name, root.user_id, root.session_id, root.version) == (name, "test", "s-1", "1.0")
    assert (root.tags, root.public, root.input) == (tags, True, "test_input")
    assert sent_metadata(root) == {"key": "value", "key2": "value2"}


def test_a_trace_without_a_name_has_the_name_of_its_root(target: Target) -> None:
    span = target.langfuse.start_observation(name="query-generation", as_type="generation").end()
    [row] = observations(target, trace_id=span.trace_id)
    assert (row.name, row.trace_name, row.is_root_observation) == ("query-generation", "query-generation", True)
    by_name = json.dumps([condition("string", "traceName", "=", "query-generation")])
    assert span.id in [each.id for each in observations(target, filter=by_name)]


def test_everything_that_a_generation_can_be_given_is_read_back(target: Target) -> None:
    lf, first_token = target.langfuse, datetime(2023, 1, 1, 12, 3, tzinfo=UTC)
    messages = [{"role": "system", "content": "You are a helpful assistant."}]
    with lf.start_as_current_observation(name="parent") as parent:
        generation = lf.start_observation(
            as_type="generation",
            name="query-generation",
            input=messages,
            metadata={"interface": "whatsapp", "tags": ["yo"], "nested": {"a": {"b": 1}}},
        )
        generation.update(
            metadata={"dict": "value"},
            level="ERROR",
            status_message="Generation ended",
            version="1.0",
            completion_start_time=first_token,
            model="test-model",
            model_parameters={"max_tokens": "1000", "stop": ["user-1", "user-2"]},
            output={"answer": "value"},
            usage_details={"input": 100, "output": 200, "total": 500},
            cost_details={"input": 111, "output": 222, "total": 444},
        ).end()
    rows = observations(target, 2, trace_id=parent.trace_id)
    [row] = [each for each in rows if each.id == generation.id]
    root = root_of(rows)
    assert (row.parent_observation_id, row.trace_id, row.type) == (root.id, parent.trace_id, "GENERATION")
    assert (row.level, row.status_message, row.version, row.model) == ("ERROR", "Generation ended", "1.0", "test-model")
    assert row.completion_start_time == first_token
    assert row.model_parameters == {"max_tokens": "1000", "stop": '["user-1","user-2"]'}
    assert (json.loads(row.input), json.loads(row.output)) == (messages, {"answer": "value"})
    assert row.usage_details == {"input": 100, "output": 200, "total": 500}
    assert row.cost_details == {"input": 111, "output": 222, "total": 444}
    assert row.total_cost == 444
    assert sent_metadata(row) == {"interface": "whatsapp", "tags": ["yo"], "nested.a.b": 1, "dict": "value"}
    assert row.start_time <= row.end_time
    assert row.latency is None or row.latency >= 0


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (
            {"prompt_tokens": 100, "completion_tokens": 200, "total_tokens": 500},
            {"input": 100, "output": 200, "total": 500},
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 20},
            {"prompt_tokens": 10, "completion_tokens": 20, "total": 30},
        ),
        ({"input": 51, "output": 0, "total": 100}, {"input": 51, "output": 0, "total": 100}),
    ],
)
def test_usage_is_kept_as_the_server_words_it(target: Target, given: dict[str, int], kept: dict[str, int]) -> None:
    generation = target.langfuse.start_observation(as_type="generation", name="used", usage_details=given).end()
    [row] = observations(target, trace_id=generation.trace_id)
    assert row.usage_details == kept


def test_every_type_of_observation_keeps_its_type(target: Target) -> None:
    lf = target.langfuse
    with lf.start_as_current_observation(name="parent") as parent:
        for kind in TYPES:
            with parent.start_as_current_observation(name=f"test-{kind}", as_type=kind):
                pass
        parent.create_event(name="test-event")
    rows = observations(target, len(TYPES) + 2, trace_id=parent.trace_id)
    found = {row.name: row.type for row in rows}
    assert found == {"parent": "SPAN", "test-event": "EVENT"} | {f"test-{kind}": kind.upper() for kind in TYPES}


@pytest.mark.parametrize("kind", LIKE_GENERATIONS)
def test_what_is_like_a_generation_keeps_model_usage_and_cost(target: Target, kind: Any) -> None:
    made = target.langfuse.start_observation(
        name=kind,
        as_type=kind,
        model="test-model",
        model_parameters={"temperature": "0.7"},
        completion_start_time=datetime.now(UTC),
        usage_details={"prompt_tokens": 10, "completion_tokens": 20},
        cost_details={"input": 0.01, "output": 0.02, "total": 0.03},
    ).end()
    [row] = observations(target, trace_id=made.trace_id)
    assert (row.type, row.model, row.model_parameters) == (kind.upper(), "test-model", {"temperature": "0.7"})
    assert row.usage_details == {"prompt_tokens": 10, "completion_tokens": 20, "total": 30}
    assert row.cost_details == {"input": 0.01, "output": 0.02, "total": 0.03}
    assert row.completion_start_time is not None


def test_scores_say_what_they_are_about(target: Target) -> None:
    lf, session = target.langfuse, unique("session")
    with lf.start_as_current_observation(name="parent") as parent:
        lf.score_current_trace(name="on-trace", value=0.5, comment="This is a comment")
        child = lf.start_observation(name="child")
        child.score(name="on-child", value="high", metadata={"by": "judge"})
        child.end()
    lf.create_score(session_id=session, name="on-session", value=1)
    [on_trace] = scores(target, trace_id=parent.trace_id, name="on-trace")
    assert (on_trace.value, on_trace.comment, on_trace.data_type) == (0.5, "This is a comment", "NUMERIC")
    assert (on_trace.subject.kind, on_trace.subject.id) == ("trace", parent.trace_id)
    [on_child] = scores(target, trace_id=parent.trace_id, observation_id=child.id)
    assert (on_child.value, on_child.data_type, on_child.metadata) == ("high", "CATEGORICAL", {"by": "judge"})
    assert on_child.subject.kind == "observation"
    assert (on_child.subject.id, on_child.subject.trace_id) == (child.id, parent.trace_id)
    [on_session] = scores(target, session_id=session)
    assert (on_session.value, on_session.subject.kind, on_session.subject.id) == (1, "session", session)


@pytest.mark.parametrize(
    ("value", "given", "kind", "read"),
    [
        (1, None, "NUMERIC", 1),
        (1, "BOOLEAN", "BOOLEAN", True),
        (0, "BOOLEAN", "BOOLEAN", False),
        ("high score", None, "CATEGORICAL", "high score"),
        ("A detailed text.", "TEXT", "TEXT", "A detailed text."),
    ],
)
def test_a_score_has_a_value_of_its_own_type(target: Target, value: Any, given: Any, kind: str, read: Any) -> None:
    trace_id, score_id = unique().replace("-", ""), unique()
    moment = datetime.now(UTC) - timedelta(hours=1)
    target.langfuse.create_score(
        score_id=score_id, trace_id=trace_id, name="a-score", value=value, data_type=given, timestamp=moment
    )
    [score] = scores(target, trace_id=trace_id)
    assert (score.id, score.data_type, score.value) == (score_id, kind, read)
    assert isinstance(score.value, type(read) if kind != "NUMERIC" else float)
    assert abs((score.timestamp - moment).total_seconds()) < 1


def test_pages_of_observations_are_walked_by_their_cursor(target: Target) -> None:
    lf, name = target.langfuse, unique()
    made = {lf.start_observation(name=name).end().id for _ in range(3)}
    assert {row.id for row in observations(target, 3, name=name)} == made
    seen, cursor = [], None
    for _ in range(3):
        page = lf.api.observations.get_many(name=name, limit=1, cursor=cursor)
        seen += [row.id for row in page.data]
        cursor = page.meta.cursor
    assert set(seen) == made
    assert cursor is None or lf.api.observations.get_many(name=name, limit=1, cursor=cursor).data == []
    nothing = lf.api.observations.get_many(trace_id=unique())
    assert (nothing.data, nothing.meta.cursor) == ([], None)


def test_the_project_is_found_by_its_key(target: Target) -> None:
    assert target.langfuse.auth_check() is True
    trace_id = target.langfuse.create_trace_id()
    assert target.langfuse.get_trace_url(trace_id=trace_id) == (
        f"{target.url}/project/{target.project_id}/traces/{trace_id}"
    )


def test_a_generation_is_linked_to_its_prompt(target: Target) -> None:
    lf, name = target.langfuse, unique("prompt")
    made = lf.create_prompt(name=name, prompt="Hello {{target}}", labels=["production"], config={"temperature": 0.5})
    prompt = lf.get_prompt(name)
    assert (prompt.prompt, prompt.config, prompt.labels) == (
        made.prompt,
        {"temperature": 0.5},
        ["production", "latest"],
    )
    generation = lf.start_observation(as_type="generation", name="linked", prompt=prompt).end()
    [row] = observations(target, trace_id=generation.trace_id)
    assert (row.prompt_name, row.prompt_version) == (name, 1)
    assert row.prompt_id
