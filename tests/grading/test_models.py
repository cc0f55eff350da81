"""The vocabulary: what is personal, what is secret, and what tells two versions apart."""

import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest

from certtrace import ExamSecret, Pii
from certtrace import grading as g
from certtrace.redaction.markers import class_marks


def test_personal_fields_and_exam_content_are_marked():
    assert dict(class_marks(g.Candidate).marks) == {
        "id": Pii.ID,
        "name": Pii.PERSON,
        "email": Pii.EMAIL,
        "phone": Pii.PHONE,
        "address": Pii.ADDRESS,
    }
    for cls, names in (
        (g.Question, {"text", "model_answer"}),
        (g.Reference, {"answer", "reasoning"}),
        (g.RubricCriterion, {"text"}),
    ):
        assert {name for name, mark in class_marks(cls).marks.items() if mark == ExamSecret()} == names
    assert set(class_marks(g.ExpertReview).marks) == {"reviewer"}
    assert set(class_marks(g.Appeal).marks) == {"first_reviewer", "second_reviewer"}


def test_text_that_mixes_exam_and_candidate_is_not_marked():
    for cls in (g.Answer, g.Prompt, g.GradingPass, g.Feedback, g.SubmissionPart):
        assert not class_marks(cls).marks


def test_the_rubric_hash_changes_with_its_content_only():
    first = g.Rubric(id="r", version="1", criteria=(g.RubricCriterion(id="c", weight=1, text="Names it."),))
    same = g.Rubric(id="other", version="2", criteria=first.criteria)
    changed = g.Rubric(id="r", version="1", criteria=(g.RubricCriterion(id="c", weight=2, text="Names it."),))
    assert first.sha == same.sha != changed.sha
    assert g.Rubric(id="r", declared_sha="abc").sha == "abc"


def test_models_cannot_be_changed():
    answer = g.Answer(id="a", question_id="q")
    with pytest.raises(FrozenInstanceError):
        answer.text = "other"


def test_a_pass_without_a_grade_is_invalid_and_one_from_the_cache_not_independent():
    assert g.GradingPass(index=1).valid is False
    assert g.GradingPass(index=1, grade=0).valid is True
    assert g.GradingPass(index=1, grade=0, cached=g.CacheKind.SIMILAR).independent is False
    assert g.GradingPass(index=1, grade=3, max_grade=4).share == 0.75


def test_every_public_name_exists_once():
    assert len(set(g.__all__)) == len(g.__all__)
    for name in g.__all__:
        assert getattr(g, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = g.nothing


def test_importing_the_vocabulary_loads_neither_the_sdk_nor_pydantic_nor_wrapt():
    heavy = ("opentelemetry.sdk", "pydantic", "langfuse", "wrapt", "httpx")
    code = f"import sys, certtrace.grading; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
