import dataclasses
import time

import pytest
from rich.cells import cell_len
from tests.records.spans import START_NS, meta, resource_spans, span

from certtrace import semconv
from certtrace.records.facts import facts_of
from certtrace.records.mapping import observations_of
from certtrace.records.model import Score, Trace
from certtrace.records.notes import duration_text, redaction_text, sampling_text, short_number
from certtrace.records.render import View, trace_lines
from certtrace.records.summary import summarise
from certtrace.records.tree import walk

TRACE = "2af7651916cd43dd8448eb211c80319c"
ROOT, PASS_ONE, PASS_TWO, PARSE = "1" * 16, "2" * 16, "3" * 16, "4" * 16


def step(name="step", **given):
    return span(name, trace_id=TRACE, **given)


def trace_of(*spans, scores=(), scope=semconv.SCOPE_NAME):
    observations = tuple(observations_of(resource_spans(spans, scope=scope)))
    return Trace(summary=summarise(TRACE, map(facts_of, observations)), observations=observations, scores=scores)


def shown(trace, **view):
    return [line.plain for line in trace_lines(trace, View(**view))]


def failed_grading():
    failure = meta(cert__failure__class="malformed_json", error__type="json.JSONDecodeError")
    return trace_of(
        step("answer.grade", span_id=ROOT, error="no JSON", attributes=failure | {semconv.OBSERVATION_TYPE: "chain"}),
        step(
            "grade.pass",
            span_id=PASS_ONE,
            parent=ROOT,
            start_ms=0,
            end_ms=400,
            attributes=meta(
                cert__pass__index=1,
                cert__pass__planned=2,
                cert__pass__grade=7,
                cert__pass__max_grade=10,
                cert__pass__independent=False,
                cert__confidence__self=0.8,
            ),
        ),
        step(
            "grade.pass", span_id=PASS_TWO, parent=ROOT, start_ms=400, end_ms=900, error="no JSON", attributes=failure
        ),
        step(
            "grade.parse", span_id=PARSE, parent=PASS_TWO, start_ms=800, end_ms=810, error="no JSON", attributes=failure
        ),
        scores=(
            Score(id="s", name="clarity", value=0.5, data_type="NUMERIC", timestamp_ns=1, observation_id=PASS_ONE),
        ),
    )


def test_a_failed_grading_reads_from_the_verdict_down_to_the_leaf():
    text = shown(failed_grading())
    assert text[0] == "answer.grade  failed: malformed_json"
    assert any("pass 1 of 2  cached  grade 7/10  self-reported 0.80" in line for line in text)
    assert any(line.endswith("score   clarity = 0.5") for line in text)
    messages = [line for line in text if "no JSON" in line]
    assert len(messages) == 1
    assert text.index(messages[0]) == next(at for at, line in enumerate(text) if "grade.parse" in line) + 1
    assert sum("propagated from below" in line for line in text) == 2


def test_full_shows_every_message_and_the_recorded_facts():
    text = shown(failed_grading(), full=True)
    assert sum("no JSON" in line for line in text) == 3
    assert any("cert.pass.planned = 2" in line for line in text)


@pytest.mark.parametrize("width", [60, 72, 100, 160])
@pytest.mark.parametrize("full", [True, False])
def test_no_line_is_wider_than_the_terminal(width, full):
    wide = {semconv.OBSERVATION_INPUT: "答" * 500, semconv.OBSERVATION_OUTPUT: '{"a": "' + "x " * 400 + '"}'}
    trace = trace_of(
        step("n" * 200, span_id=ROOT, attributes=wide | meta(cert__submission__id="s" * 300), error="e" * 900),
        step("child", parent=ROOT, attributes=wide),
    )
    assert max(map(cell_len, shown(trace, width=width, full=full))) <= width


def test_full_loses_no_character_of_an_input():
    text = "答案 one two three " * 50
    lines = shown(trace_of(step(attributes={semconv.OBSERVATION_INPUT: text})), width=60, full=True)
    kept = "".join(lines).replace(" ", "")
    assert text.replace(" ", "") in kept.replace("in答", "答")


def test_hostile_content_is_harmless_and_markup_is_text():
    hostile = "\x1b]0;owned\x07[bold red]x[/]\u202e\nnext"
    trace = trace_of(
        step(
            hostile,
            span_id=ROOT,
            error=hostile,
            attributes={
                semconv.OBSERVATION_INPUT: hostile,
                semconv.OBSERVATION_MODEL: hostile,
                semconv.USER_ID: hostile,
            }
            | meta(cert__submission__id=hostile, cert__failure__class=hostile, **{hostile: hostile}),
        )
    )
    for full in (True, False):
        text = shown(trace, full=full, width=400)
        assert all(line.isprintable() for line in text)
        assert any("[bold red]x[/]" in line for line in text)


def test_without_unicode_only_ascii_is_drawn():
    trace = trace_of(step(span_id=ROOT), step(parent=ROOT), step(parent=ROOT, attributes={"input": "x" * 500}))
    assert all(line.isascii() for line in shown(trace, ascii_only=True))


def test_a_megabyte_is_shown_at_once():
    trace = trace_of(step(attributes={semconv.OBSERVATION_INPUT: "\x00ä" * 500_000}))
    before = time.process_time()
    shown(trace)
    assert time.process_time() - before < 1


def test_every_observation_shows_once_whatever_the_parents_say():
    circle = [step("a", span_id="a" * 16, parent="b" * 16), step("b", span_id="b" * 16, parent="a" * 16, start_ms=1)]
    own = step("self", span_id="c" * 16, parent="c" * 16)
    orphan = step("orphan", parent="d" * 16)
    trace = trace_of(*circle, own, orphan)
    nodes = list(walk(trace.observations))
    assert sorted(node.observation.name for node in nodes) == ["a", "b", "orphan", "self"]
    assert [node.observation.name for node in nodes if node.is_orphan] == ["orphan"]
    assert any("parent not recorded" in line for line in shown(trace))


def test_a_tree_of_thousands_of_levels_is_shown():
    ids = [f"{number:016x}" for number in range(1, 3001)]
    spans = [step(f"s{at}", span_id=each, parent=ids[at - 1] if at else None) for at, each in enumerate(ids)]
    text = shown(trace_of(*spans))
    assert max(map(len, text)) <= 100
    assert any("[2999]" in line and "s2999" in line for line in text)


def test_receipts_and_rules_are_summed_up():
    def receipt(**given):
        return meta(cert__redaction={"policy": "ab12", "withheld": 1, "microseconds": 3, **given})

    trace = trace_of(
        step(
            span_id=ROOT,
            attributes=receipt(counts={"EMAIL": 2, "PERSON": 1})
            | meta(cert__sampling={"rule": "error", "threshold": 0}),
        ),
        step(
            parent=ROOT,
            attributes=receipt(counts={"EMAIL": 1}) | meta(cert__sampling={"rule": "baseline", "threshold": 2**55}),
        ),
        step(parent=ROOT),
    )
    assert redaction_text(trace) == "redacted: 3 EMAIL, 1 PERSON; withheld 2; policy ab12; 1 without a receipt"
    assert sampling_text(trace) == "kept by rule error, certain; rule baseline, 1 of 2"
    assert redaction_text(trace_of(step())) is None


def test_a_receipt_that_a_foreign_span_keeps_as_text_counts():
    request = step(attributes=meta(cert__redaction={"policy": "ab12", "counts": {"EMAIL": 1}, "withheld": 0}))
    trace = trace_of(request, scope="opentelemetry.instrumentation.httpx")
    assert redaction_text(trace) == "redacted: 1 EMAIL; withheld 0; policy ab12"


def test_a_damaged_receipt_breaks_nothing():
    trace = trace_of(
        step(attributes=meta(cert__redaction={"counts": [1], "withheld": "x"}, cert__sampling={"threshold": 2**56}))
    )
    assert "withheld 0" in redaction_text(trace)
    assert "unknown chance" in sampling_text(trace)
    assert shown(trace)


def test_a_receipt_split_by_operator_is_summed_by_type():
    counts = {"EMAIL": {"pseudonymise": 2, "mask": 1}}
    assert "3 EMAIL" in redaction_text(trace_of(step(attributes=meta(cert__redaction={"counts": counts}))))


def test_a_score_on_the_trace_stands_in_the_heading():
    score = Score(id="s", name="passed", value=1.0, data_type="BOOLEAN", timestamp_ns=START_NS, comment="by hand")
    assert "passed = true  by hand" in shown(trace_of(step(), scores=(score,)))
    absent = dataclasses.replace(score, observation_id="9" * 16)
    assert "passed = true  by hand" in shown(trace_of(step(), scores=(absent,)))


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (-5, "0.0 ms"),
        (1_234_000, "1.2 ms"),
        (99_400_000, "99 ms"),
        (1_234_000_000, "1.23 s"),
        (59_940_000_000, "59.9 s"),
        (600_000_000_000, "10.0 min"),
        (7_200_000_000_000, "2.0 h"),
        (864_000_000_000_000, "10 d"),
    ],
)
def test_durations_have_the_unit_a_person_would_use(nanoseconds, text):
    assert duration_text(nanoseconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(7, "7"), (7.0, "7"), (6.5, "6.5"), (10, "10"), (100.0, "100"), (1e20, "1e+20")]
)
def test_numbers_have_no_idle_zeros(number, text):
    assert short_number(number) == text


def test_a_threshold_in_opentelemetrys_form_is_understood():
    trace = trace_of(step(attributes=meta(cert__sampling={"rule": "baseline", "th": "c"})))
    assert sampling_text(trace) == "kept by rule baseline, 1 of 4"


def test_a_type_or_class_that_begins_the_message_is_not_said_twice():
    failure = meta(cert__failure__class="schema_mismatch", error__type="app.GradeError")
    text = "\n".join(shown(trace_of(step(error="app.GradeError: too high", attributes=failure))))
    assert "schema_mismatch: app.GradeError: too high" in text


@pytest.mark.parametrize("key", ["http.response.status_code", "http.status_code"])
def test_a_failed_request_without_a_message_says_its_status(key):
    observations = tuple(
        observations_of(resource_spans([step("POST", error="", attributes={key: 429})], scope="httpx"))
    )
    trace = Trace(summary=summarise(TRACE, map(facts_of, observations)), observations=observations)
    assert any(line.endswith("error   HTTP 429") for line in shown(trace))


def test_what_is_kept_for_another_s_sake_weighs_nothing():
    trace = trace_of(step(attributes=meta(cert__sampling={"rule": "promoted"})))
    assert sampling_text(trace) == "kept by rule promoted, weighs nothing"


def test_a_dry_run_says_what_the_policy_would_do():
    would = {"keep": False, "rule": "rate_limit", "th": "8"}
    trace = trace_of(step(attributes=meta(cert__sampling={"rule": "dry_run", "th": "0", "would": would})))
    assert sampling_text(trace) == "kept by rule dry_run, certain (the policy would drop: rate_limit)"
