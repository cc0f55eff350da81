import json

from tests.records.spans import START_NS, meta, resource_spans, span

from certtrace import semconv
from certtrace.records.facts import facts_of
from certtrace.records.langfuse_json import iso, trace_json
from certtrace.records.mapping import observations_of
from certtrace.records.model import Score, Trace
from certtrace.records.summary import summarise

TRACE = "3af7651916cd43dd8448eb211c80319c"


def test_a_trace_has_langfuses_field_names():
    attributes = {
        semconv.OBSERVATION_TYPE: "generation",
        semconv.OBSERVATION_INPUT: '{"answer": 1}',
        semconv.OBSERVATION_OUTPUT: "plain text",
        semconv.OBSERVATION_MODEL: "m",
        semconv.OBSERVATION_USAGE_DETAILS: '{"input": 3}',
        semconv.OBSERVATION_COMPLETION_START_TIME: "2026-11-22T19:00:00.5Z",
        **meta(cert__confidence=0.5),
    }
    made = span("llm.call", trace_id=TRACE, attributes=attributes, error="no", end_ms=1500.25)
    observations = tuple(observations_of(resource_spans([made])))
    score = Score(id="s", name="n", value=1.0, data_type="NUMERIC", timestamp_ns=START_NS, trace_id=TRACE)
    trace = Trace(summary=summarise(TRACE, map(facts_of, observations)), observations=observations, scores=(score,))
    found = json.loads(json.dumps(trace_json(trace)))
    assert (found["trace_id"], found["status"], found["duration_ms"]) == (TRACE, "error", 1500.25)
    (observation,) = found["observations"]
    expected = {
        "id": made.span_id.hex(),
        "traceId": TRACE,
        "parentObservationId": None,
        "type": "GENERATION",
        "name": "llm.call",
        "startTime": iso(START_NS),
        "endTime": iso(START_NS + 1_500_250_000),
        "completionStartTime": "2026-11-22T19:00:00.500Z",
        "input": {"answer": 1},
        "output": "plain text",
        "level": "ERROR",
        "statusMessage": "no",
        "model": "m",
        "usageDetails": {"input": 3, "total": 3},
        "environment": "default",
    }
    assert {key: observation[key] for key in expected} == expected
    assert observation["metadata"]["cert.confidence"] == 0.5
    (shown,) = found["scores"]
    assert (shown["traceId"], shown["dataType"], shown["timestamp"]) == (TRACE, "NUMERIC", iso(START_NS))


def test_times_are_utc_with_milliseconds():
    assert iso(1_795_375_000_123_999_999) == "2026-11-22T19:16:40.123Z"
    assert iso(2**63 - 1).startswith("2262-")
