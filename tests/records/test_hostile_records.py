"""Whatever a stranger sends is stored and shown, or refused as a malformed batch; nothing else ever comes out."""

import json
import sqlite3
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.records.spans import new_trace_id, payload, scores, span

from certtrace import semconv
from certtrace.ports import BatchRejectedError, Payload
from certtrace.records.langfuse_json import trace_json
from certtrace.records.render import View, trace_lines
from certtrace.records.safe_text import json_line, one_line
from certtrace.records.source import StoreSource
from certtrace.records.store import StoreDestination

PLAIN_KEYS = (
    semconv.OBSERVATION_TYPE,
    semconv.OBSERVATION_INPUT,
    semconv.OBSERVATION_LEVEL,
    semconv.OBSERVATION_METADATA,
    semconv.OBSERVATION_MODEL_PARAMETERS,
    semconv.OBSERVATION_USAGE_DETAILS,
    semconv.OBSERVATION_COST_DETAILS,
    semconv.OBSERVATION_COMPLETION_START_TIME,
    semconv.OBSERVATION_PROMPT_VERSION,
    semconv.TRACE_TAGS,
    semconv.ENVIRONMENT,
    semconv.GEN_AI_USAGE_INPUT_TOKENS,
    "ai.response.msToFirstChunk",
    "events",
    "llm.input_messages.0.a",
    "gen_ai.prompt",
)
FACT_KEYS = tuple(
    semconv.metadata(key)
    for key in (
        semconv.REDACTION_RECEIPT,
        semconv.SAMPLING,
        semconv.CANDIDATE,
        semconv.GRADE,
        semconv.GRADE_MAX,
        semconv.CONFIDENCE,
        semconv.PASS_INDEX,
        semconv.PASS_PLANNED,
        semconv.PASS_INDEPENDENT,
        semconv.FAILURE_CLASS,
        semconv.ERROR_TYPE,
        semconv.SUBMISSION_ID,
        semconv.RETRY_AFTER_SECONDS,
        semconv.OUTCOME,
    )
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
plain_values = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | json_values.map(json.dumps)
)
attributes = st.dictionaries(st.sampled_from(PLAIN_KEYS), plain_values, max_size=5).flatmap(
    lambda plain: st.dictionaries(st.sampled_from(FACT_KEYS), json_values.map(json.dumps), max_size=6).map(
        lambda facts: plain | facts
    )
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("store") / "store.sqlite3"


@given(given_attributes=attributes, scope=st.sampled_from([semconv.SCOPE_NAME, "ai", "pydantic-ai", "x"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_attributes_are_stored_listed_and_shown(path, given_attributes, scope):
    trace_id = new_trace_id()
    destination = StoreDestination(path)
    destination.deliver(
        [payload([span(trace_id=trace_id, attributes=given_attributes)], scope=scope)], time.monotonic() + 60
    )
    destination.close()
    source = StoreSource(path)
    assert source.list_traces(limit=1).traces
    trace = source.get_trace(trace_id)
    for full in (True, False):
        assert all(one_line(line.plain) == line.plain for line in trace_lines(trace, View(full=full)))
    assert json.loads(json_line(trace_json(trace)))["trace_id"] == trace_id


@pytest.mark.parametrize(
    "given",
    [
        {"value": 2**64, "timestamp": "9999-12-31T23:59:59Z"},
        {"value": -(2**70), "timestamp": "0001-01-01T00:00:00+14:00"},
        {"value": 1, "timestamp": 5},
        {"value": "x" * 100_000, "comment": {"a": 1}},
        {"value": 1, "traceId": 7, "metadata": {"a": [1, {"b": None}]}},
    ],
)
def test_odd_scores_are_stored(path, given):
    destination = StoreDestination(path)
    destination.deliver([scores({"id": "odd", "name": "n", **given})], time.monotonic() + 5)
    destination.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT id FROM scores").fetchall() == [("odd",)]
    connection.close()


def test_a_score_nested_too_deeply_is_refused(path):
    deep = b'[{"id":"s","name":"n","value":1,"metadata":' + b"[" * 600 + b"]" * 600 + b"}]"
    with pytest.raises(BatchRejectedError):
        StoreDestination(path).deliver([Payload("scores", deep, "")], time.monotonic() + 5)
