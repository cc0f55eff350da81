"""The stages of a case study: criterion by criterion, weighted, with a feedback report."""

from contextlib import suppress

import pytest

from certtrace import grading as g
from certtrace import semconv

SUBMISSION = g.Submission(
    id="submission-1",
    case_study_id="case-2",
    attempt_id="attempt-9",
    diagrams=2,
    parts=(g.SubmissionPart(name="README.md", text="We use events."), g.SubmissionPart(name="adr.md", text="ADR 1")),
    candidate=g.Candidate(id="candidate-5", name="Olu Adeyemi"),
)
CLARITY = g.RubricCriterion(id="clarity", weight=1, max_grade=3, text="Diagrams can be read without the text.")
FITNESS = g.RubricCriterion(id="fitness", weight=3, max_grade=3, text="The style fits the driving characteristics.")
RUBRIC = g.Rubric(id="rubric-2", version="1", criteria=(CLARITY, FITNESS))


def grade_all(grades):
    with g.submission_grade(SUBMISSION, context_tokens=1200, truncated=False) as grading:
        with g.rubric_fetch("rubric-2", case_study_id="case-2") as fetch:
            fetch.found(rubric=RUBRIC)
        for criterion in RUBRIC.criteria:
            for index, grade in enumerate(grades[criterion.id], 1):
                with g.criterion_grade(criterion, index, len(grades[criterion.id])) as attempt:
                    attempt.graded(grade=grade, max_grade=criterion.max_grade, self_confidence=0.8)
            with g.grade_aggregate(criterion_id=criterion.id, weight=criterion.weight) as aggregate:
                aggregate.compute()
        with g.submission_aggregate() as total:
            result = total.combine()
    return grading, result


def test_a_submission_is_graded_by_criterion_and_weighted(certtrace_spans):
    _, result = grade_all({"clarity": (3, 3, 3), "fitness": (2, 2, 2)})
    assert result.grade == pytest.approx(75.0)
    root = certtrace_spans.one("submission.grade")
    assert [span.name for span in root.children] == [
        "rubric.fetch",
        *["criterion.grade"] * 3,
        "grade.aggregate",
        *["criterion.grade"] * 3,
        "grade.aggregate",
        "submission.aggregate",
    ]
    assert root.attributes[semconv.GRADE] == pytest.approx(75.0)
    assert root.attributes[semconv.SUBMISSION_PARTS] == 2
    assert root.attributes[semconv.SUBMISSION_CHARS] == 19
    assert root.attributes[semconv.CONTEXT_TOKENS] == 1200
    assert root.attributes[semconv.RUBRIC_SHA] == RUBRIC.sha
    assert (root.attributes[semconv.PASSES_STARTED], root.attributes[semconv.PASSES_INDEPENDENT]) == (6, 6)
    assert root.attributes[semconv.PASSES_PLANNED] == 6
    first = certtrace_spans.named("criterion.grade")[0].attributes
    assert (first[semconv.CRITERION_ID], first[semconv.CRITERION_WEIGHT]) == ("clarity", 1)
    total = certtrace_spans.one("submission.aggregate").attributes
    assert (total[semconv.AGGREGATE_FORMULA], total[semconv.ROUTE]) == ("weighted_criteria", "automatic")


def test_one_uncertain_criterion_sends_the_submission_to_an_expert(certtrace_spans):
    _, result = grade_all({"clarity": (3, 3, 3), "fitness": (0, 1, 3)})
    assert result.route is g.Route.EXPERT_REVIEW
    split, total = certtrace_spans.named("grade.aggregate")[1], certtrace_spans.one("submission.aggregate")
    assert split.attributes[semconv.FAILURE_CLASS] == "low_confidence"
    assert split.attributes[semconv.CRITERION_ID] == "fitness"
    assert total.attributes[semconv.CONFIDENCE] == pytest.approx(1 / 3)


def test_nothing_of_candidate_or_rubric_leaves(certtrace_spans):
    grade_all({"clarity": (3,), "fitness": (3,)})
    seen = repr([span.record for span in certtrace_spans.spans])
    for secret in ("Adeyemi", "candidate-5", CLARITY.text, FITNESS.text):
        assert secret not in seen
    assert "We use events." in seen


def test_parts_that_did_not_fit_are_an_overflow(certtrace_spans):
    with g.submission_grade(SUBMISSION, truncated=True):
        pass
    assert certtrace_spans.one("submission.grade").attributes[semconv.FAILURE_CLASS] == "context_overflow"


@pytest.mark.parametrize("later", [RUBRIC.sha, "f" * 64])
def test_a_report_written_with_another_rubric_is_a_skew(certtrace_spans, later):
    with g.submission_grade(SUBMISSION):
        with g.rubric_fetch("rubric-2") as fetch:
            fetch.found(rubric=RUBRIC)
        with g.feedback_generate(model="writer", prompt=g.Prompt(name="feedback", version="2")) as feedback:
            feedback.rubric(sha=later)
            feedback.written(g.Feedback(text="You met the criteria.", stated_grade=75))
    report, root = certtrace_spans.one("feedback.generate"), certtrace_spans.one("submission.grade")
    expected = None if later == RUBRIC.sha else "rubric_skew"
    assert report.as_type == "generation"
    assert report.attributes[semconv.RUBRIC_SHA] == RUBRIC.sha
    assert report.attributes[semconv.RUBRIC_SHA_AT_REVIEW] == later
    assert report.attributes.get(semconv.FAILURE_CLASS) == expected
    assert root.attributes.get(semconv.FAILURE_CLASS) == expected


def test_the_check_tells_a_leak_from_a_wrong_score(certtrace_spans):
    with g.feedback_check() as check:
        check.passed()
    with g.feedback_check() as check:
        check.leaked(["quotes-rubric"])
    with g.feedback_check() as check:
        check.mismatched(stated=80, graded=75)
    found = [span.attributes for span in certtrace_spans.named("feedback.check")]
    assert [each[semconv.FEEDBACK_CHECK] for each in found] == ["passed", "exam_secret_leak", "score_mismatch"]
    assert [each.get(semconv.FAILURE_CLASS) for each in found] == [None, "exam_secret_leak", "score_mismatch"]
    assert {span.as_type for span in certtrace_spans.spans} == {"guardrail"}


def test_passes_of_different_criteria_do_not_replace_each_other(certtrace_spans):
    with g.submission_grade(SUBMISSION) as grading:
        for criterion in ("clarity", "fitness"):
            with suppress(TimeoutError), g.criterion_grade(criterion):
                raise TimeoutError
            with g.criterion_grade(criterion) as attempt:
                attempt.graded(grade=1)
    assert {(each.criterion_id, each.index, each.valid) for each in grading.passes} == {
        ("clarity", 1, False),
        ("clarity", 2, True),
        ("fitness", 1, False),
        ("fitness", 2, True),
    }


def test_capture_and_adjustment_have_their_names(certtrace_spans):
    with g.submission_capture(SUBMISSION, topic="Architecture Solution Capture Topic"):
        pass
    g.adjustment_notify("submission-1", template="adjusted", channel="email")
    assert certtrace_spans.one("submission.capture").attributes[semconv.SUBMISSION_DIAGRAMS] == 2
    assert certtrace_spans.one("adjustment.notify").as_type == "event"
