"""Every verb of the adapters opens its stage and reads its result."""

import json
from types import SimpleNamespace

import pytest

from certtrace import grading as g
from certtrace import instrument, semconv

CANDIDATE = SimpleNamespace(id="candidate-31", name="Zofia Nowak", email="zofia@example.org")
TASK = SimpleNamespace(
    id="answer-4",
    question_id="question-2",
    attempt_id="attempt-6",
    text="Retries need a deadline, writes Zofia Nowak.",
    candidate=CANDIDATE,
)
MODEL_ANSWER = "Without a deadline retries pile up and take the service down."


class WholeAptitudeService:
    threshold = 0.9
    passes = 2

    def capture_answer(self, task):
        return "message-1"

    def grade_answer(self, task):
        reference = self.fetch_reference(question_id=task.question_id)
        prompt = self.trim_prompt(self.build_prompt(reference, task))
        replies = [self.run_pass(index, prompt) for index in (1, 2)]
        draft = self.aggregate(replies)
        self.hand_off(draft)
        return draft

    def fetch_reference(self, question_id):
        return {"references": [{"id": "pair-1", "version": "3", "answer": MODEL_ANSWER}]}

    def build_prompt(self, reference, task):
        return SimpleNamespace(name="grade", version="8", text=f"{reference} {task.text}", tokens=40)

    def trim_prompt(self, prompt):
        return prompt.text.replace("writes", "")

    def run_pass(self, index, prompt):
        return self.parse_reply('{"grade": 3}' if index == 1 else "{")

    def parse_reply(self, text):
        try:
            return json.loads(text) | {"max_grade": 4}
        except json.JSONDecodeError:
            return None

    def aggregate(self, replies):
        return {"grade": 3, "max_grade": 4, "confidence": 0.5, "method": "mean", "method_version": "2"}

    def hand_off(self, draft):
        return None

    def review(self, task, draft):
        return {"decision": "adjust", "reviewer": "Piotr Zielinski", "before": 3, "after": 4, "max_grade": 4}

    def finalise(self, task, grade, max_grade, decided_by):
        return {"grade": grade, "max_grade": max_grade}

    def notify_candidate(self, task, template):
        return True


@pytest.fixture
def graded(certtrace_spans):
    before = g.fault_counts()
    service = instrument(WholeAptitudeService())
    service.capture_answer(TASK)
    draft = service.grade_answer(TASK)
    service.review(TASK, draft)
    service.finalise(TASK, 4, 4, decided_by="ai+human")
    service.notify_candidate(TASK, "result")
    assert g.fault_counts() == before
    return certtrace_spans


def test_every_method_has_its_span(graded):
    assert [span.name for span in graded.roots] == [
        "answer.capture",
        "answer.grade",
        "review.expert",
        "grade.finalise",
        "candidate.notify",
    ]
    assert [span.name for span in graded.one("answer.grade").children] == [
        "reference.fetch",
        "prompt.build",
        "prompt.trim",
        "grade.pass",
        "grade.pass",
        "grade.aggregate",
        "draft.handoff",
    ]
    for root in graded.roots:
        assert root.attributes[semconv.SUBMISSION_ID] == "answer-4"
        assert root.attributes[semconv.SESSION_ID] == "attempt-6"


def test_results_are_on_record(graded):
    fetch, prompt = graded.one("reference.fetch").attributes, graded.one("prompt.build").attributes
    assert (fetch[semconv.QUESTION_ID], fetch[semconv.REFERENCE_IDS]) == ("question-2", '["pair-1"]')
    assert (prompt[semconv.PROMPT_NAME], prompt[semconv.PROMPT_VERSION]) == ("grade", "8")
    assert prompt[semconv.PROMPT_TOKENS] == 40
    assert graded.one("prompt.trim").attributes[semconv.TRIM_ANSWER_INTACT] is False
    aggregate = graded.one("grade.aggregate").attributes
    assert (aggregate[semconv.AGGREGATE_FORMULA], aggregate[semconv.AGGREGATE_FORMULA_VERSION]) == ("mean", "2")
    assert (aggregate[semconv.AGGREGATE_THRESHOLD], aggregate[semconv.PASSES_VALID]) == (0.9, 1)
    review, final = graded.one("review.expert").attributes, graded.one("grade.finalise").attributes
    assert (review[semconv.REVIEW_DECISION], review[semconv.REVIEW_DELTA]) == ("adjust", 1)
    assert (final[semconv.GRADE], final[semconv.GRADE_DECIDED_BY], final[semconv.GRADE_PASSED]) == (4, "ai+human", True)
    assert graded.one("candidate.notify").attributes[semconv.NOTIFY_TEMPLATE] == "result"


def test_a_pass_without_a_grade_and_a_low_confidence_are_recognised(graded):
    root = graded.one("answer.grade").attributes
    assert [span.attributes[semconv.PASS_VALID] for span in graded.named("grade.pass")] == [True, False]
    assert json.loads(root[semconv.FAILURE_CLASSES]) == ["prompt_trim_loss", "partial_passes", "low_confidence"]


def test_nobody_and_no_model_answer_is_named(graded):
    seen = repr([span.record for span in graded.spans])
    assert "Retries need a deadline" in seen
    for secret in ("Zofia", "Nowak", "zofia@", "candidate-31", "Zielinski", MODEL_ANSWER):
        assert secret not in seen


class WholeCaseService:
    def capture_submission(self, submission):
        return None

    def grade_submission(self, submission):
        rubric = self.fetch_rubric("rubric-5")
        for criterion in rubric["criteria"]:
            self.aggregate_criterion(criterion, [self.grade_criterion(criterion, index) for index in (1, 2)])
        result = self.aggregate(rubric)
        self.check_feedback(self.generate_feedback(submission))
        return result

    def fetch_rubric(self, rubric_id):
        return {
            "id": rubric_id,
            "criteria": [{"id": "fit", "weight": 2, "max_grade": 3, "text": "The style fits the characteristics."}],
        }

    def grade_criterion(self, criterion, index):
        return {"score": 2, "max_score": 3, "confidence": 0.8}

    def aggregate_criterion(self, criterion, replies):
        return {"grade": 2, "max_grade": 3, "confidence": 1.0}

    def aggregate(self, rubric):
        return {"grade": 66, "max_grade": 100, "confidence": 1.0}

    def generate_feedback(self, submission):
        return {"text": "The style fits the characteristics.", "rubric_sha": "0" * 64, "grade": 66}

    def check_feedback(self, report):
        return {"ok": False}


def test_a_case_study_is_traced_criterion_by_criterion(certtrace_spans):
    service = instrument(WholeCaseService())
    submission = {"id": "submission-8", "case_study_id": "case-1", "files": {"adr.md": "ADR 1"}}
    service.capture_submission(submission)
    service.grade_submission(submission)
    root = certtrace_spans.one("submission.grade")
    assert [span.name for span in root.children] == [
        "rubric.fetch",
        "criterion.grade",
        "criterion.grade",
        "grade.aggregate",
        "submission.aggregate",
        "feedback.generate",
        "feedback.check",
    ]
    attempts = [span.attributes for span in certtrace_spans.named("criterion.grade")]
    assert [each[semconv.PASS_INDEX] for each in attempts] == [1, 2]
    assert {(each[semconv.CRITERION_ID], each[semconv.CRITERION_WEIGHT]) for each in attempts} == {("fit", 2)}
    assert certtrace_spans.one("grade.aggregate").attributes[semconv.PASSES_INDEPENDENT] == 2
    assert root.attributes[semconv.GRADE] == 66
    assert root.attributes[semconv.FAILURE_CLASS] == "rubric_skew"
    assert certtrace_spans.one("feedback.check").attributes[semconv.FEEDBACK_CHECK] == "failed"
    assert certtrace_spans.one("feedback.generate").attributes[semconv.FEEDBACK_STATED_GRADE] == 66
    assert "The style fits the characteristics." not in repr([span.record for span in certtrace_spans.spans])


def test_an_async_generator_that_runs_to_its_end_is_ok(certtrace_spans):
    import asyncio

    class Service:
        async def review(self, task):
            for item in (1, 2):
                yield item

    async def consume():
        return [item async for item in instrument(Service()).review(TASK)]

    assert asyncio.run(consume()) == [1, 2]
    assert certtrace_spans.one("review.expert").status == "ok"
