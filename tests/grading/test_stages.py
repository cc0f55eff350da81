"""The stages of an answer: names, types, attributes, and the failures they recognise."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from certtrace import grading as g
from certtrace import semconv
from certtrace.tracing import in_context

ANSWER = g.Answer(
    id="answer-1",
    question_id="question-7",
    attempt_id="attempt-3",
    question_version="2",
    lang="en",
    text="A queue decouples the services, says Maria Lindqvist.",
    candidate=g.Candidate(id="candidate-17", name="Maria Lindqvist", email="maria@example.org"),
)
QUESTION = g.Question(
    id="question-7", text="Why put a queue between two services?", model_answer="It decouples in time."
)
RUBRIC = g.Rubric(id="rubric-1", version="4", criteria=(g.RubricCriterion(id="decoupling", text="Names decoupling."),))


@pytest.fixture(autouse=True)
def no_faults():
    before = g.fault_counts()
    yield
    assert g.fault_counts() == before


def run_pass(index, grade, *, planned=3, cached=None, model="grader-1"):
    with g.grade_pass(index, planned, temperature=0.6, seed=index, model="grader") as attempt:
        with g.gateway_cache(key_version="2") as cache:
            cache.hit(kind=cached, similarity=0.97, source_trace="ab" * 16) if cached else cache.miss()
        if cached is None:
            with g.llm_call("grader", provider="loopback", temperature=0.6, seed=index) as call:
                call.answered(model=model, response_id=f"r-{index}", finish_reasons=["stop"])
        attempt.graded(grade=grade, max_grade=5, self_confidence=0.9, rationale="It names decoupling in time.")


def test_stages_have_the_names_types_and_nesting_of_the_services(certtrace_spans):
    with g.answer_grade(ANSWER, question=QUESTION, planned=1, message=g.Message(topic="Short Answer Capture Topic")):
        with g.reference_fetch("question-7") as fetch:
            fetch.found([g.Reference(id="pair-1", question_id="question-7", version="9")], rubric=RUBRIC)
        with g.prompt_build() as build:
            build.built(g.Prompt(name="grade-short-answer", version="12", sha="c0ffee", text="Grade.", tokens=3))
        with g.prompt_trim(model="mini") as trim:
            trim.trimmed(tokens_before=900, tokens_after=300, answer_intact=True)
        with g.grade_pass(1):
            with g.gateway_guardrail("request") as guard:
                guard.allowed()
            with g.gateway_route() as route:
                route.chose(provider="loopback", model="grader", rule="default", attempt=1)
            with g.gateway_sanitise("before_log", rules_version="5") as pipeline:
                pipeline.removed({"PERSON": 2})
            with g.llm_call("grader"), g.grade_parse("grade", version="1") as parse:
                parse.valid(repairs=1)
        with g.grade_aggregate():
            pass
        with g.draft_handoff(queue="Manual Grader"):
            pass

    root = certtrace_spans.one("answer.grade")
    assert root.as_type == "chain"
    assert root.record.kind == 5
    assert [(span.name, span.as_type) for span in root.children] == [
        ("reference.fetch", "retriever"),
        ("prompt.build", "span"),
        ("prompt.trim", "generation"),
        ("grade.pass", "span"),
        ("grade.aggregate", "evaluator"),
        ("draft.handoff", "span"),
    ]
    assert [(span.name, span.as_type) for span in certtrace_spans.one("grade.pass").children] == [
        ("gateway.guardrail", "guardrail"),
        ("gateway.route", "span"),
        ("gateway.sanitise", "span"),
        ("llm.call", "generation"),
    ]
    assert certtrace_spans.one("llm.call").record.kind == 3
    assert certtrace_spans.one("draft.handoff").record.kind == 4
    assert root.attributes[semconv.SESSION_ID] == "attempt-3"
    assert root.attributes[semconv.SUBMISSION_ID] == "answer-1"
    assert certtrace_spans.one("reference.fetch").attributes[semconv.RUBRIC_SHA] == RUBRIC.sha
    parse = certtrace_spans.one("grade.parse")
    assert parse.attributes[semconv.PROMPT_SHA] == "c0ffee"
    assert parse.attributes[semconv.PARSE_REPAIRS] == 1


def test_nothing_personal_and_no_exam_content_leaves(certtrace_spans):
    with g.answer_grade(ANSWER, question=QUESTION, planned=1):
        with g.reference_fetch("question-7") as fetch:
            fetch.found(rubric=RUBRIC)
        with g.prompt_build() as build:
            build.built(g.Prompt(name="p", text=f"{QUESTION.text} {QUESTION.model_answer} {ANSWER.text}"))
        run_pass(1, 4, planned=1)
    with g.review_expert("answer-1", candidate=ANSWER.candidate) as review:
        review.decided(
            g.ExpertReview(decision=g.ReviewDecision.APPROVE, reviewer="Jonas Weber", comment="Weber: fine.")
        )

    seen = repr([(span.record, span.attributes) for span in certtrace_spans.spans])
    for secret in (
        "Lindqvist",
        "Maria",
        "maria@",
        "candidate-17",
        "Weber",
        QUESTION.text,
        "decouples in time",
        "Names dec",
    ):
        assert secret not in seen
    assert "A queue decouples the services" in seen
    assert "<person:" in certtrace_spans.one("answer.grade").attributes[semconv.CANDIDATE]


def test_a_decision_can_be_recomputed_from_the_record(certtrace_spans):
    with g.answer_grade(ANSWER, planned=3, review_mode=g.ReviewMode.FLAGGED):
        for index, grade in enumerate((4, 3, 4), 1):
            run_pass(index, grade)
        with g.grade_aggregate(threshold=0.7) as aggregate:
            decided = aggregate.compute()

    recorded = [span.attributes for span in certtrace_spans.named("grade.pass")]
    passes = [
        g.GradingPass(
            index=each[semconv.PASS_INDEX],
            planned=each[semconv.PASS_PLANNED],
            grade=each[semconv.PASS_GRADE],
            max_grade=each[semconv.PASS_MAX_GRADE],
            self_confidence=each[semconv.CONFIDENCE_SELF],
            cached=None if each[semconv.PASS_INDEPENDENT] else g.CacheKind.EXACT,
        )
        for each in recorded
    ]
    aggregated = certtrace_spans.one("grade.aggregate").attributes
    formula = g.FORMULAS[aggregated[semconv.AGGREGATE_FORMULA], aggregated[semconv.AGGREGATE_FORMULA_VERSION]]
    again = formula.aggregate(
        passes,
        threshold=aggregated[semconv.AGGREGATE_THRESHOLD],
        review_mode=g.ReviewMode(aggregated[semconv.REVIEW_MODE]),
    )
    assert again == decided
    assert (again.grade, again.confidence) == (4, pytest.approx(2 / 3))
    assert aggregated[semconv.ROUTE] == "expert_review"
    assert recorded[0][semconv.GEN_AI_REQUEST_MODEL] == "grader"
    assert recorded[0][semconv.GEN_AI_RESPONSE_MODEL] == "grader-1"


def test_grade_and_confidence_show_on_the_root_and_as_scores(certtrace_spans):
    with g.answer_grade(ANSWER, planned=2):
        for index in (1, 2):
            run_pass(index, 4, planned=2)
        with g.grade_aggregate() as aggregate:
            aggregate.compute()
    root = certtrace_spans.one("answer.grade")
    assert root.attributes[semconv.GRADE] == 4
    assert root.attributes[semconv.CONFIDENCE] == 1.0
    assert root.attributes[semconv.GRADING_OUTCOME] == "drafted"
    assert semconv.FAILURE_CLASS not in root.attributes
    assert {(score.name, score.value, score.observation_id) for score in certtrace_spans.scores} == {
        ("grade", 4.0, root.span_id),
        ("confidence", 1.0, root.span_id),
    }


def test_a_cache_hit_makes_its_pass_dependent_and_the_confidence_false(certtrace_spans):
    with g.answer_grade(ANSWER, planned=3):
        run_pass(1, 4)
        run_pass(2, 4, cached="exact")
        run_pass(3, 4, cached="exact")
        with g.grade_aggregate() as aggregate:
            aggregate.compute()
    independent = [span.attributes[semconv.PASS_INDEPENDENT] for span in certtrace_spans.named("grade.pass")]
    root = certtrace_spans.one("answer.grade").attributes
    assert independent == [True, False, False]
    assert (root[semconv.PASSES_VALID], root[semconv.PASSES_INDEPENDENT]) == (3, 1)
    assert root[semconv.FAILURE_CLASS] == "false_confidence"
    assert root[semconv.ROUTE_REASON] == "false_confidence"


def test_a_similar_hit_is_reuse_across_requests(certtrace_spans):
    with g.answer_grade(ANSWER, planned=1):
        run_pass(1, 4, planned=1, cached="similar")
    cache = certtrace_spans.one("gateway.cache").attributes
    assert cache[semconv.FAILURE_CLASS] == "cache_reuse"
    assert cache[semconv.CACHE_SOURCE_TRACE] == "ab" * 16
    assert certtrace_spans.one("answer.grade").attributes[semconv.FAILURE_CLASS] == "cache_reuse"


def test_a_gateway_in_another_process_tells_of_its_hit_in_a_header(certtrace_spans):
    with g.gateway_cache() as cache:
        cache.hit(kind="similar")
    with g.answer_grade(ANSWER, planned=1), g.grade_pass(1) as attempt:
        attempt.received({name.title(): value for name, value in cache.reply_headers().items()})
        attempt.graded(grade=4)
    assert certtrace_spans.one("grade.pass").attributes[semconv.PASS_INDEPENDENT] is False


def test_a_timeout_shows_where_it_happened_and_on_the_root(certtrace_spans):
    error = httpx.ReadTimeout("the model is slow")
    with (
        pytest.raises(httpx.ReadTimeout) as caught,
        g.answer_grade(ANSWER, planned=1),
        g.grade_pass(1),
        g.llm_call("grader"),
    ):
        raise error
    assert caught.value is error
    for name in ("llm.call", "grade.pass", "answer.grade"):
        span = certtrace_spans.one(name)
        assert span.status == "error"
        assert span.attributes[semconv.ERROR_TYPE] == "timeout"
        assert span.attributes[semconv.FAILURE_CLASS] == "llm_timeout"
    assert certtrace_spans.one("answer.grade").attributes[semconv.GRADING_OUTCOME] == "failed"


def test_a_failure_that_a_retry_made_good_is_recovered(certtrace_spans):
    with g.answer_grade(ANSWER, planned=1), g.grade_pass(1) as attempt:
        with suppress(TimeoutError), g.llm_call("grader"):
            raise TimeoutError
        with g.llm_call("grader") as call:
            call.answered(model="grader-1")
        attempt.graded(grade=4)
    root = certtrace_spans.one("answer.grade").attributes
    assert root[semconv.FAILURE_RECOVERED] == '["llm_timeout"]'
    assert semconv.FAILURE_CLASS not in root
    assert certtrace_spans.named("llm.call")[0].attributes[semconv.FAILURE_CLASS] == "llm_timeout"


def test_a_pass_that_was_run_again_counts_once(certtrace_spans):
    with g.answer_grade(ANSWER, planned=2):
        with suppress(TimeoutError), g.grade_pass(1, 2):
            raise TimeoutError
        run_pass(1, 4, planned=2)
        run_pass(2, 4, planned=2)
        with g.grade_aggregate() as aggregate:
            result = aggregate.compute()
    root = certtrace_spans.one("answer.grade").attributes
    assert (result.valid, result.planned) == (2, 2)
    assert root[semconv.PASSES_STARTED] == 3
    assert root[semconv.FAILURE_RECOVERED] == '["llm_timeout"]'


def test_a_lost_pass_makes_a_partial_grading_named_after_its_cause(certtrace_spans):
    with g.answer_grade(ANSWER, planned=3):
        run_pass(1, 4)
        run_pass(2, 4)
        with suppress(TimeoutError), g.grade_pass(3), g.llm_call("grader"):
            raise TimeoutError
        with g.grade_aggregate() as aggregate:
            aggregate.compute()
    root = certtrace_spans.one("answer.grade")
    assert root.attributes[semconv.FAILURE_CLASS] == "llm_timeout"
    assert "partial_passes" in root.attributes[semconv.FAILURE_CLASSES]
    assert "partial_passes" in certtrace_spans.one("grade.aggregate").attributes[semconv.FAILURE_CLASSES]
    assert root.status == "ok"
    assert root.attributes[semconv.OBSERVATION_LEVEL] == "WARNING"


def test_a_refusal_for_quota_says_how_long_to_wait(certtrace_spans):
    response = httpx.Response(429, headers={"retry-after": "7"}, request=httpx.Request("POST", "http://127.0.0.1"))
    with suppress(httpx.HTTPStatusError), g.llm_call("grader"):
        response.raise_for_status()
    with g.llm_call("grader") as call:
        call.refused(http_status=429, retry_after=7.0)
    for span in certtrace_spans.named("llm.call"):
        assert span.status == "error"
        assert span.attributes[semconv.ERROR_TYPE] == "429"
        assert span.attributes[semconv.FAILURE_CLASS] == "rate_limited"
        assert span.attributes[semconv.HTTP_STATUS_CODE] == 429
        assert span.attributes[semconv.RETRY_AFTER_SECONDS] == 7.0


def test_a_slow_database_is_no_slow_model(certtrace_spans):
    with suppress(TimeoutError), g.answer_grade(ANSWER), g.reference_fetch("question-7"):
        raise TimeoutError
    for name in ("reference.fetch", "answer.grade"):
        span = certtrace_spans.one(name)
        assert span.attributes[semconv.ERROR_TYPE] == "timeout"
        assert semconv.FAILURE_CLASS not in span.attributes


@pytest.mark.parametrize("how", ["empty", "missing", "raised"])
def test_a_missing_rubric_fails_the_fetch(certtrace_spans, how):
    with suppress(LookupError), g.answer_grade(ANSWER), g.reference_fetch("question-7") as fetch:
        if how == "empty":
            fetch.found([])
        elif how == "missing":
            fetch.missing(["pair-1"])
        else:
            raise KeyError("question-7")
    assert certtrace_spans.one("reference.fetch").status == "error"
    assert certtrace_spans.one("answer.grade").attributes[semconv.FAILURE_CLASS] == "rubric_missing"


@pytest.mark.parametrize("text", ["{", '{"grade": "high"}'])
def test_a_broken_reply_is_told_from_one_of_the_wrong_shape(certtrace_spans, text):
    import pydantic

    class Reply(pydantic.BaseModel):
        grade: float

    with suppress(pydantic.ValidationError), g.grade_parse("grade", version="1"):
        Reply.model_validate_json(text)
    span = certtrace_spans.one("grade.parse")
    assert span.attributes[semconv.PARSE_VALID] is False
    expected = ("malformed_json", None) if text == "{" else ("schema_mismatch", "grade")
    assert (span.attributes[semconv.FAILURE_CLASS], span.attributes.get(semconv.PARSE_PATH)) == expected


def test_a_host_that_checks_replies_itself_says_what_is_wrong(certtrace_spans):
    with g.grade_parse() as parse:
        parse.invalid(path="grade", repairs=2, failure=g.FailureClass.MALFORMED_JSON)
    span = certtrace_spans.one("grade.parse")
    assert (span.status, span.attributes[semconv.PARSE_REPAIRS]) == ("error", 2)
    assert span.attributes[semconv.FAILURE_CLASS] == "malformed_json"


def test_a_guardrail_names_rules_and_an_injection_stays_on_the_grading(certtrace_spans):
    with g.answer_grade(ANSWER, planned=1), g.grade_pass(1) as attempt:
        with g.gateway_guardrail("request", model_version="3") as guard:
            guard.flagged(["ignore-instructions"], injection=True, alert_id="alert-5")
        attempt.graded(grade=5)
    guard = certtrace_spans.one("gateway.guardrail").attributes
    assert (guard[semconv.GUARDRAIL_VERDICT], guard[semconv.GUARDRAIL_RULES]) == ("flag", '["ignore-instructions"]')
    assert certtrace_spans.one("answer.grade").attributes[semconv.FAILURE_CLASS] == "prompt_injection"


def test_a_block_is_a_warning_of_the_guardrail_that_did_its_work(certtrace_spans):
    with g.answer_grade(ANSWER, planned=1), g.grade_pass(1), g.gateway_guardrail() as guard:
        guard.blocked(["secrets"], action="reject")
    span = certtrace_spans.one("gateway.guardrail")
    assert (span.status, span.attributes[semconv.OBSERVATION_LEVEL]) == ("ok", "WARNING")
    assert certtrace_spans.one("answer.grade").attributes[semconv.FAILURE_CLASS] == "guardrail_block"


def test_a_trimmed_prompt_without_the_answer_is_a_loss(certtrace_spans):
    with g.answer_grade(ANSWER):
        with g.prompt_trim() as trim:
            trim.compared(answer="one  two\nthree", prompt="Grade: one two three")
        with g.prompt_trim() as trim:
            trim.compared(answer="one two three", prompt="Grade: one two")
    intact = [span.attributes[semconv.TRIM_ANSWER_INTACT] for span in certtrace_spans.named("prompt.trim")]
    assert intact == [True, False]
    assert certtrace_spans.one("answer.grade").attributes[semconv.FAILURE_CLASS] == "prompt_trim_loss"


def test_another_model_than_before_is_noticed_once(certtrace_spans):
    for model in ("m-2026-01", "m-2026-01", "m-2026-09", "m-2026-09"):
        with g.llm_call("model-under-test-of-change", provider="p") as call:
            call.answered(model=model)
    found = [span.attributes.get(semconv.FAILURE_CLASS) for span in certtrace_spans.named("llm.call")]
    assert found == [None, None, "silent_model_change", None]


def test_a_reply_cut_at_the_limit_is_an_overflow(certtrace_spans):
    with g.llm_call("grader") as call:
        call.answered(model="", finish_reasons=["length"])
    assert certtrace_spans.one("llm.call").attributes[semconv.FAILURE_CLASS] == "context_overflow"


def test_a_redelivered_message_is_marked_and_a_duplicate_told(certtrace_spans):
    message = g.Message(topic="t", system="gcp_pubsub", delivery_attempt=2, id="m-1")
    with g.answer_grade(ANSWER, message=message, idempotency_key="answer-1:1") as grading:
        grading.duplicate()
    root = certtrace_spans.one("answer.grade").attributes
    assert root[semconv.FAILURE_CLASS] == "redelivery"
    assert root[semconv.MESSAGING_DELIVERY_ATTEMPT] == 2
    assert root[semconv.GRADING_OUTCOME] == "duplicate"


def test_an_error_outranks_the_warnings_before_it(certtrace_spans):
    with suppress(ValueError), g.answer_grade(ANSWER, message=g.Message(delivery_attempt=3)):
        raise ValueError("broken")
    root = certtrace_spans.one("answer.grade")
    assert root.status == "error"
    assert root.attributes.get(semconv.OBSERVATION_LEVEL) != "WARNING"
    assert "broken" in root.status_message


def test_one_grading_above_the_candidates_budget_is_a_cost_spike(certtrace_spans):
    with g.answer_grade(ANSWER, planned=2):
        for index in (1, 2):
            with g.grade_pass(index) as attempt, g.llm_call("grader") as call:
                call.answered(usage=g.Usage(input_tokens=10, output_tokens=5, cost_usd=2.6))
                attempt.graded(grade=4)
    root = certtrace_spans.one("answer.grade").attributes
    assert root[semconv.COST_USD] == pytest.approx(5.2)
    assert root[semconv.FAILURE_CLASS] == "cost_spike"
    call = certtrace_spans.named("llm.call")[0].attributes
    assert call[semconv.OBSERVATION_USAGE_DETAILS] == '{"input":10,"output":5}'
    assert call[semconv.OBSERVATION_COST_DETAILS] == '{"total":2.6}'


def test_the_trace_crosses_the_bus_and_links_back(certtrace_spans):
    headers: dict[str, str] = {}
    with g.answer_capture(ANSWER, topic="Short Answer Capture Topic", system="kafka") as capture:
        capture.inject(headers)
        capture.published(message_id="m-1", partition="3", offset=41)
    with g.answer_grade(ANSWER, headers=headers):
        pass
    sent, graded = certtrace_spans.one("answer.capture"), certtrace_spans.one("answer.grade")
    assert (sent.record.kind, sent.attributes[semconv.MESSAGING_OFFSET]) == (4, 41)
    assert graded.trace_id == sent.trace_id
    assert [f"{link.span_id:016x}" for link in graded.record.links] == [sent.span_id]


def test_a_review_is_a_trace_of_its_own_that_links_to_the_grading(certtrace_spans):
    headers: dict[str, str] = {}
    opened = datetime(2026, 11, 20, 9, tzinfo=UTC)
    draft = g.Draft(
        subject_id="answer-1",
        aggregate=g.Aggregate(grade=3, confidence=0.6, formula="self_consistency", formula_version="1"),
        rubric_sha="a" * 64,
    )
    with g.answer_grade(ANSWER):
        with g.draft_handoff(draft, queue="q", priority_reason="low_confidence") as handoff:
            handoff.inject(headers)
        with g.review_expert("answer-1", draft=draft, headers=headers, opened_at=opened, due_at=opened) as review:
            review.rubric(sha="b" * 64)
            review.decided(
                g.ExpertReview(
                    decision=g.ReviewDecision.ADJUST,
                    before=3,
                    after=4.5,
                    max_grade=5,
                    reason_code="too_harsh",
                    opened_at=opened,
                    decided_at=opened + timedelta(minutes=4),
                    active_seconds=200,
                    ai_grade_shown=False,
                )
            )
    grading, review = certtrace_spans.one("answer.grade"), certtrace_spans.one("review.expert")
    assert review.trace_id != grading.trace_id
    assert review.parent_id is None
    assert [f"{link.trace_id:032x}" for link in review.record.links] == [grading.trace_id]
    seen = review.attributes
    assert (seen[semconv.REVIEW_DECISION], seen[semconv.REVIEW_DELTA]) == ("adjust", 1.5)
    assert seen[semconv.REVIEW_AI_GRADE_SHOWN] is False
    assert seen[semconv.REVIEW_DECIDED_AT] == "2026-11-20T09:04:00+00:00"
    assert (seen[semconv.RUBRIC_SHA], seen[semconv.RUBRIC_SHA_AT_REVIEW]) == ("a" * 64, "b" * 64)
    assert seen[semconv.FAILURE_CLASS] == "rubric_skew"
    assert semconv.FAILURE_CLASS not in grading.attributes


def test_a_review_opened_after_it_was_due_is_overdue(certtrace_spans):
    due = datetime(2026, 11, 20, tzinfo=UTC)
    for opened in (due + timedelta(seconds=1), due.replace(tzinfo=None)):
        with g.review_expert("answer-1", opened_at=opened, due_at=due):
            pass
    found = [span.attributes.get(semconv.FAILURE_CLASS) for span in certtrace_spans.named("review.expert")]
    assert found == ["review_overdue", None]


def test_events_say_who_decided_and_on_which_side_of_the_pass_mark(certtrace_spans):
    g.grade_finalise("answer-1", 4.0, max_grade=5, decided_by="human")
    g.grade_finalise("answer-2", 3.9, max_grade=5)
    appeal = g.Appeal(id="appeal-1", subject_id="answer-1", reason=g.AppealReason.AMBIGUOUS_QUESTION)
    g.appeal_open(appeal)
    g.appeal_resolve(
        g.Appeal(
            id="appeal-1",
            subject_id="answer-1",
            reason=g.AppealReason.AMBIGUOUS_QUESTION,
            outcome=g.AppealOutcome.GRANTED,
            new_grade=5,
            first_reviewer="Jonas Weber",
            second_reviewer="Aiko Tanaka",
        )
    )
    g.candidate_notify("answer-1", template="result", template_version="3", channel=g.Channel.EMAIL)
    assert {span.as_type for span in certtrace_spans.spans} == {"event"}
    first, second = certtrace_spans.named("grade.finalise")
    assert (first.attributes[semconv.GRADE_PASSED], second.attributes[semconv.GRADE_PASSED]) == (True, False)
    assert first.attributes[semconv.GRADE_DECIDED_BY] == "human"
    assert certtrace_spans.one("appeal.open").attributes[semconv.APPEAL_REASON] == "ambiguous_question"
    assert certtrace_spans.one("appeal.resolve").attributes[semconv.APPEAL_SECOND_REVIEWER] is True
    assert certtrace_spans.one("candidate.notify").attributes[semconv.NOTIFY_CHANNEL] == "email"


async def test_concurrent_passes_find_their_own_grading(certtrace_spans):
    async def one_pass(index, grade):
        with g.grade_pass(index) as attempt, g.gateway_cache() as cache:
            await asyncio.sleep(0)
            cache.hit() if index == 2 else cache.miss()
            await asyncio.sleep(0)
            attempt.graded(grade=grade)

    async def grade(answer_id, grade_given):
        answer = g.Answer(id=answer_id, question_id="q")
        with g.answer_grade(answer, planned=3) as grading:
            await asyncio.gather(*(one_pass(index, grade_given) for index in (1, 2, 3)))
            return {(each.index, each.grade, each.independent) for each in grading.passes}

    results = await asyncio.gather(grade("a", 1), grade("b", 2))
    assert results == [{(1, n, True), (2, n, False), (3, n, True)} for n in (1, 2)]
    for root in certtrace_spans.named("answer.grade"):
        assert len(root.children) == 3


def test_passes_in_threads_are_all_counted(certtrace_spans):
    with g.answer_grade(ANSWER, planned=40) as grading, ThreadPoolExecutor(8) as pool:
        list(pool.map(in_context(lambda index: run_pass(index, 4, planned=40)), range(1, 41)))
    assert {each.index for each in grading.passes} == set(range(1, 41))
    assert certtrace_spans.one("answer.grade").attributes[semconv.PASSES_STARTED] == 40


async def test_a_cancelled_pass_is_cancelled_and_no_failure_of_the_domain(certtrace_spans):
    entered = asyncio.Event()

    async def grade():
        with g.answer_grade(ANSWER, planned=1), g.grade_pass(1), g.llm_call("grader"):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(grade())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for name in ("llm.call", "grade.pass", "answer.grade"):
        assert certtrace_spans.one(name).status == "cancelled"
        assert semconv.FAILURE_CLASS not in certtrace_spans.one(name).attributes


def test_without_configuration_stages_work_and_record_nothing():
    with g.answer_grade(ANSWER, planned=1) as grading:
        run_pass(1, 4, planned=1, cached="exact")
        with g.grade_aggregate() as aggregate:
            result = aggregate.compute()
    assert grading.span.recording is False
    assert (result.grade, result.independent) == (4, 0)


def test_an_exception_passes_without_a_frame_of_ours_and_nothing_stays_current(certtrace_spans):
    error = RuntimeError("host")
    with pytest.raises(RuntimeError) as caught, g.answer_grade(ANSWER), g.grade_pass(1):
        raise error
    frames = [entry.path.name for entry in caught.traceback]
    assert caught.value is error
    assert frames == ["test_stages.py"]
    with g.llm_call("grader") as call:
        call.answered(usage=g.Usage(cost_usd=1.0))
    assert certtrace_spans.one("llm.call").parent_id is None
