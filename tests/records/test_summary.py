import pytest
from tests.records.spans import START_NS, meta, resource_spans, span

from certtrace import semconv
from certtrace.records.facts import facts_of
from certtrace.records.mapping import observations_of
from certtrace.records.summary import summarise

TRACE = "1af7651916cd43dd8448eb211c80319c"
ROOT, CHILD, OTHER = "a" * 16, "b" * 16, "c" * 16


def summary_of(*spans, **resource):
    return summarise(TRACE, map(facts_of, observations_of(resource_spans(spans, **resource))))


def step(name="step", **given):
    return span(name, trace_id=TRACE, **given)


def test_a_failed_root_makes_the_trace_failed():
    found = summary_of(
        step("answer.grade", span_id=ROOT, error="boom", attributes=meta(cert__failure__class="llm_timeout"))
    )
    assert (found.status, found.failure_class, found.error_count) == ("error", "llm_timeout", 1)


def test_a_failure_that_the_waiting_caller_survived_does_not():
    found = summary_of(
        step(span_id=ROOT, end_ms=100),
        step(parent=ROOT, start_ms=10, end_ms=20, error="429", attributes=meta(cert__failure__class="rate_limited")),
    )
    assert (found.status, found.failure_class, found.error_count) == ("ok", None, 1)


def test_a_failure_that_nobody_waited_for_does():
    found = summary_of(
        step("answer.capture", span_id=ROOT, end_ms=10),
        step("answer.grade", parent=ROOT, start_ms=20, end_ms=90, error="boom"),
    )
    assert (found.status, found.name) == ("error", "answer.capture")


def test_a_later_attempt_of_the_same_name_mends_it_and_an_earlier_does_not():
    capture = step("answer.capture", span_id=ROOT, end_ms=10)
    first = {"parent": ROOT, "start_ms": 20, "end_ms": 90}
    second = {"parent": ROOT, "start_ms": 100, "end_ms": 190}
    assert summary_of(capture, step("answer.grade", **first, error="x"), step("answer.grade", **second)).status == "ok"
    assert (
        summary_of(capture, step("answer.grade", **first), step("answer.grade", **second, error="x")).status == "error"
    )


@pytest.mark.parametrize("outcome", ["cancelled", "abandoned"])
def test_cancelled_and_abandoned_are_their_own_status(outcome):
    assert summary_of(step(attributes=meta(cert__outcome=outcome))).status == outcome


def test_the_failure_class_of_the_verdict_comes_before_that_of_a_leaf():
    found = summary_of(
        step(span_id=ROOT, end_ms=100, error="no grade", attributes=meta(cert__failure__class="partial_passes")),
        step(parent=ROOT, start_ms=1, end_ms=2, error="x", attributes=meta(cert__failure__class="malformed_json")),
    )
    assert found.failure_class == "partial_passes"
    found = summary_of(
        step(span_id=ROOT, end_ms=100, error="no grade"),
        step(parent=ROOT, start_ms=1, end_ms=2, error="x", attributes=meta(cert__failure__class="malformed_json")),
    )
    assert found.failure_class == "malformed_json"


def test_passes_are_counted_and_the_grade_is_the_last_that_is_no_single_pass():
    found = summary_of(
        step(span_id=ROOT, end_ms=100, attributes=meta(cert__grade=6, cert__grade__max=10, cert__confidence=0.9)),
        step(parent=ROOT, start_ms=1, end_ms=9, attributes=meta(cert__pass__index=1, cert__pass__grade=3)),
        step(parent=ROOT, start_ms=9, end_ms=19, attributes=meta(cert__pass__index=2, cert__grade=4)),
        step(parent=ROOT, start_ms=20, end_ms=30, attributes=meta(cert__grade=5, cert__confidence=0.4)),
        step(
            "grade.finalise", start_ms=200, end_ms=201, parent=ROOT, attributes=meta(cert__grade=8, cert__grade__max=10)
        ),
    )
    assert (found.pass_count, found.grade, found.grade_max, found.confidence) == (2, 8, 10, 0.4)


def test_what_identifies_the_trace_is_taken_from_wherever_it_stands():
    found = summary_of(
        step("root", span_id=ROOT, attributes={semconv.USER_ID: "u", semconv.TRACE_TAGS: ["a", "b"]}),
        step(
            parent=ROOT,
            start_ms=1,
            end_ms=2,
            attributes={semconv.SESSION_ID: "s", semconv.TRACE_TAGS: ["b", "c"]}
            | meta(cert__submission__id="sub-1", cert__candidate="<person:1>"),
        ),
        resource={"service.name": "worker"},
    )
    assert (found.session_id, found.user_id, found.submission_id) == ("s", "u", "sub-1")
    assert (found.candidate, found.tags, found.service) == ("<person:1>", ("a", "b", "c"), "worker")
    assert (found.start_time_ns, found.duration_ms) == (START_NS, 1000.0)


def test_an_incomplete_trace_is_summarised_from_what_is_there():
    found = summary_of(step("lost parent", parent=OTHER, error="x"), step("later", parent=OTHER, start_ms=5))
    assert (found.name, found.status) == ("lost parent", "error")


def test_parents_in_a_circle_are_summarised():
    found = summary_of(step("a", span_id=ROOT, parent=CHILD), step("b", span_id=CHILD, parent=ROOT))
    assert (found.observation_count, found.name) == (2, "a")


def test_a_verdict_with_a_failure_class_counts_as_failed_and_a_recovered_one_does_not():
    classed = meta(cert__failure__class="low_confidence")
    assert summary_of(step(attributes=classed)).is_failed
    recovered = summary_of(step(span_id=ROOT), step(parent=ROOT, start_ms=1, end_ms=2, error="x", attributes=classed))
    assert not recovered.is_failed


@pytest.mark.parametrize(
    "recorded", ["<person:7f>", {"person": "<person:7f>"}, {"id": 1, "person": "<person:7f>"}, {"x": "<person:7f>"}]
)
def test_the_candidate_is_found_as_text_and_as_identity(recorded):
    assert summary_of(step(attributes=meta(cert__candidate=recorded))).candidate == "<person:7f>"
