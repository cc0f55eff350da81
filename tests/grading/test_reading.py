"""Foreign types are read by the names their fields usually have, and never taken at their word."""

from decimal import Decimal
from types import SimpleNamespace
from unittest.mock import MagicMock
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certtrace import grading as g
from certtrace.grading import Arguments, reading

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["grade", "usage", "criteria", "answer", "text", "id", "x"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
RESULT_READERS = (
    reading.references,
    reading.rubric,
    reading.prompt,
    reading.grading_pass,
    reading.aggregated,
    reading.expert_review,
    reading.feedback,
    reading.usage,
    reading.finish_reasons,
    reading.verdict,
)


def test_an_answer_is_found_in_an_object_with_a_nested_candidate():
    task = SimpleNamespace(
        answer_id=UUID(int=5),
        question_id=7,
        student_answer="It depends.",
        student=SimpleNamespace(name="Ana Souza", email="ana@example.org", phone_number="+49 30 1234"),
    )
    answer = reading.answer(Arguments({"task": task}))
    assert (answer.id, answer.question_id, answer.text) == (str(UUID(int=5)), "7", "It depends.")
    assert answer.candidate == g.Candidate(id="", name="Ana Souza", email="ana@example.org", phone="+49 30 1234")


def test_an_answer_is_found_in_plain_arguments():
    args = Arguments({"answer_id": "a-1", "question_id": "q-1", "answer": "Yes.", "candidate_name": "Ana Souza"})
    answer = reading.answer(args)
    assert (answer.id, answer.text, answer.candidate.name) == ("a-1", "Yes.", "Ana Souza")


def test_our_own_types_are_taken_as_they_are():
    answer = g.Answer(id="a", question_id="q")
    submission = g.Submission(id="s", case_study_id="c")
    given_pass = g.GradingPass(index=1, grade=2)
    assert reading.answer(Arguments({"x": answer})) is answer
    assert reading.submission(Arguments({"x": submission})) is submission
    assert reading.grading_pass(given_pass) is given_pass


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("text", [""]),
        ({"a.md": "one", "b.md": "two"}, ["a.md", "b.md"]),
        ([SimpleNamespace(path="c.md", content="three")], ["c.md"]),
        (7, []),
    ],
)
def test_the_parts_of_a_submission_come_in_several_shapes(value, names):
    assert [part.name for part in reading.parts(value)] == names


@pytest.mark.parametrize(
    ("result", "grade", "said"),
    [
        (3, 3.0, None),
        (Decimal("2.5"), 2.5, None),
        ({"score": 3, "confidence": 0.5}, 3.0, 0.5),
        (SimpleNamespace(points=1, certainty=0.2), 1.0, 0.2),
    ],
)
def test_a_grade_is_found_in_numbers_mappings_and_objects(result, grade, said):
    found = reading.grading_pass(result)
    assert (found.grade, found.self_confidence) == (grade, said)


@pytest.mark.parametrize("result", [None, True, float("nan"), "4", [], {}, {"grade": "4"}, MagicMock()])
def test_what_is_no_grade_is_not_taken_for_one(result):
    assert reading.grading_pass(result) is None
    assert reading.aggregated(result) is None


def test_a_cached_result_is_recognised():
    assert reading.grading_pass({"grade": 1, "from_cache": True}).cached is g.CacheKind.EXACT
    assert reading.grading_pass({"grade": 1, "cache_kind": "similar"}).cached is g.CacheKind.SIMILAR


def test_usage_is_read_in_both_usual_shapes():
    openai = SimpleNamespace(usage=SimpleNamespace(prompt_tokens=9, completion_tokens=3))
    anthropic = {"usage": {"input_tokens": 9, "output_tokens": 3}, "stop_reason": "max_tokens"}
    assert reading.usage(openai) == reading.usage(anthropic) == g.Usage(input_tokens=9, output_tokens=3)
    assert reading.finish_reasons(anthropic) == ["max_tokens"]
    assert reading.finish_reasons({"choices": [{"finish_reason": "stop"}]}) == ["stop"]


def test_kafka_headers_are_pairs():
    message = SimpleNamespace(headers=[("traceparent", b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01")], topic="t")
    assert set(reading.headers(Arguments({"message": message}))) == {"traceparent"}
    assert reading.message(Arguments({"message": message})).topic == "t"
    assert reading.headers(Arguments({})) is None


def test_an_object_that_answers_to_every_name_is_not_taken_at_its_word():
    mock = MagicMock()
    args = Arguments({"answer": mock, "submission": mock, "message": mock})
    assert reading.answer(args) == g.Answer(id="", question_id="")
    assert reading.submission(args) == g.Submission(id="", case_study_id="")
    assert reading.message(args) == g.Message()
    assert reading.headers(args) is None
    assert reading.planned(Arguments({}, mock)) == 0


@given(JSON)
def test_no_reply_breaks_a_reader(value):
    for reader in RESULT_READERS:
        reader(value)
    reading.answer(Arguments({"answer": value}))
    reading.submission(Arguments({"submission": value}))
    reading.question(Arguments({"question": value}))
