"""The sample exam: questions, model answers, candidates and submissions, all written for this project, nobody real."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson

from certtrace.demo.exam import AnswerRow, CaseStudyRow, submission_from_text
from certtrace.demo.intake import answer_row
from certtrace.demo.people import Expert, Person
from certtrace.grading import Rubric, RubricCriterion

COPIES: Final = frozenset(("sa-01-7108",))
"""Answers that repeat another candidate's nearly word for word."""
_SHORTEST_NAME_PART: Final = 5


def answers() -> Iterator[AnswerRow]:
    """Yield the short answers of the sample exam, question by question."""
    questions = {row["question_id"]: row for row in _load("questions.jsonl")}
    people = {row["id"]: row for row in _load("candidates.jsonl")}
    for row in _load("answers.jsonl"):
        question, candidate = questions[row["question_id"]], people[row["candidate_id"]]
        yield answer_row(
            {
                **row,
                "question": question["question"],
                "question_version": question["version"],
                "reference_answer": question["reference_answer"],
                "max_score": question["max_score"],
                "candidate": candidate,
                "attempt_id": candidate["attempt_id"],
                "lang": "en",
            }
        )


def case_studies() -> Iterator[CaseStudyRow]:
    """Yield the case-study submissions of the sample exam."""
    people = {row["id"]: row for row in _load("candidates.jsonl")}
    for row in _load("case_studies.jsonl"):
        candidate = people[row["candidate_id"]]
        yield CaseStudyRow(
            submission=submission_from_text(
                row["id"], row["case"], row["text"], Person.from_form(candidate), candidate["attempt_id"]
            ),
            title=row["title"],
            team=tuple(Person.from_form(people[member]) for member in row["team"]),
        )


def experts() -> list[Expert]:
    """Return the experts who review drafts."""
    return [Expert(name=row["name"], login=row["login"]) for row in _load("experts.jsonl")]


def rubric() -> Rubric:
    """Return the marking rubric for case studies."""
    row = _load("rubrics.jsonl")[0]
    criteria = tuple(
        RubricCriterion(id=each["id"], weight=each["weight"], text=each["text"], max_grade=each["max_grade"])
        for each in row["criteria"]
    )
    return Rubric(id=row["id"], version=row["version"], criteria=criteria)


def personal_values() -> tuple[str, ...]:
    """Return every personal value of the sample input, name parts of five letters and more included.

    Nothing that certtrace writes may hold one of them; tests and the privacy check search for each.
    """
    values: set[str] = set()
    for row in (*_load("candidates.jsonl"), *_load("experts.jsonl")):
        values.update(value for key, value in row.items() if isinstance(value, str) and key != "attempt_id")
        for key in ("name", "mentor_name"):
            values.update(part for part in row.get(key, "").split() if len(part) >= _SHORTEST_NAME_PART)
    for row in _load("answers.jsonl"):
        values.update(row.get("personal_values", ()))
        values.update([row["file_name"]] if "file_name" in row else ())
    return tuple(sorted(values))


@cache
def _load(name: str) -> list[dict[str, Any]]:
    text = (files("certtrace.demo") / "data" / name).read_bytes()
    return [orjson.loads(line) for line in text.splitlines() if line.strip()]
