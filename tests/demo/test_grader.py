"""The built-in grader: sane on plain cases, and of measured strength on real answers with human scores."""

import gzip
from pathlib import Path
from statistics import correlation, fmean

import orjson
import pytest

from certtrace.demo import grader, reviewer, text
from certtrace.demo.grader import Question, assess

QUESTION = Question(
    "What does a load balancer do?",
    "A load balancer spreads requests over several instances.\nIt takes instances that fail out of rotation.",
    4.0,
)
REAL_ANSWERS = Path(__file__).parents[3] / "shared" / "data" / "shortanswers.jsonl.gz"


def test_the_reference_answer_itself_gets_full_marks():
    assert assess(QUESTION, QUESTION.reference_answer).grade == 4.0


def test_an_unrelated_answer_gets_nothing():
    assert assess(QUESTION, "Bananas are yellow and grow on tropical farms near the equator.").grade == 0.0


def test_an_empty_answer_gets_nothing():
    assert assess(QUESTION, "").grade == 0.0


def test_half_of_the_points_lie_between():
    grade = assess(QUESTION, "It spreads the incoming requests over several instances in the cluster.").grade
    assert 0.0 < grade < 4.0


def test_repeating_the_question_earns_little():
    assert assess(QUESTION, "A load balancer is what a load balancer do does.").grade <= 1.0


def test_denying_the_reference_costs_points():
    question = Question("Is UDP reliable?", "UDP does not guarantee that datagrams arrive in their order.", 1.0)
    affirmed = assess(question, "UDP does guarantee that datagrams arrive in their order, always and everywhere.")
    denied = assess(question, "UDP does not guarantee that datagrams arrive in their order, always and everywhere.")
    assert affirmed.criteria["point 1"] < denied.criteria["point 1"]


def test_wrong_numbers_cost_points():
    question = Question(
        "How long is an IPv6 address?", "An IPv6 address has 128 bits in eight groups of hex digits.", 1.0
    )
    right = assess(question, "The address of IPv6 has 128 bits, eight groups, each of four hex digits.")
    wrong = assess(question, "The address of IPv6 has 64 bits, eight groups, each of three hex digits.")
    assert wrong.grade < right.grade


def test_one_seed_repeats_exactly_and_temperature_makes_passes_differ():
    answers = [QUESTION.reference_answer[:length] for length in range(20, 100, 4)]
    grades = {
        answer: [assess(QUESTION, answer, temperature=1.0, seed=seed).grade for seed in range(12)] for answer in answers
    }
    again = {
        answer: [assess(QUESTION, answer, temperature=1.0, seed=seed).grade for seed in range(12)] for answer in answers
    }
    assert grades == again
    assert any(len(set(passes)) > 1 for passes in grades.values())
    cold = {assess(QUESTION, answers[5], temperature=0.0, seed=seed).grade for seed in range(12)}
    assert len(cold) == 1


def test_confidence_is_lowest_at_a_border_between_two_grades():
    assert 0.5 <= grader._confidence(0.625) < 0.51 < 0.96 < grader._confidence(0.75) <= 0.97


def test_a_criterion_is_graded_by_coverage_and_the_evidence_it_asks_for():
    criterion = "Significant decisions are kept as architecture decision records with context and consequences."
    rich = "# ADR-001\nStatus: accepted\nContext\nDecision: use a broker\nConsequences: records kept\n" * 6
    poor = "We use microservices because they are significant."
    assert reviewer.assess_criterion(criterion, rich, 10).grade > reviewer.assess_criterion(criterion, poor, 10).grade
    assert "decision records" in reviewer.assess_criterion(criterion, rich, 10).criteria


def test_feedback_names_strengths_and_states_the_grade():
    results = [
        reviewer.CriterionResult("trade-offs", 9, 10, "ample"),
        reviewer.CriterionResult("cost", 2, 10, "little"),
    ]
    report = reviewer.write_feedback(results, 55.0, 100.0)
    assert "55 of 100" in report
    assert report.index("Trade offs") < report.index("To work on") < report.index("Cost")


def test_words_are_stemmed_and_function_words_left_out():
    assert text.words("The services are scaling!") == text.words("service scaled")


@pytest.mark.skipif(not REAL_ANSWERS.exists(), reason="the shared short answers are not beside the repository")
def test_grades_of_real_answers_correlate_with_human_scores():
    with gzip.open(REAL_ANSWERS) as file:
        rows = [orjson.loads(line) for line in file]
    ai, human = [], []
    for row in rows:
        question = Question(row["question"], row["reference_answer"], row["max_score"])
        assessment = assess(question, row["student_answer"], temperature=0.7, seed=1)
        assert 0.0 <= assessment.grade <= row["max_score"]
        assert 0.5 <= assessment.confidence <= 0.97
        ai.append(assessment.grade / row["max_score"])
        human.append(row["gold_score"] / row["max_score"])
    assert len(rows) > 1_000
    assert correlation(ai, human) > 0.3
    assert fmean(abs(a - h) for a, h in zip(ai, human, strict=True)) < 0.25
