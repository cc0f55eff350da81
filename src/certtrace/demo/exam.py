"""What is graded: one row per short answer or case study, with the exam content it is graded by."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from certtrace import ExamSecret
from certtrace.demo.people import Person
from certtrace.grading import Answer, Question, Rubric, Submission, SubmissionPart

_FILE_MARK: Final = re.compile(r"^<!-- file: (.+?) -->[ \t]*\r?$", re.MULTILINE)
_DIAGRAM: Final = re.compile(r"!\[[^\]]*\]\(|```(?:mermaid|plantuml)|\.(?:drawio|puml)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """One short answer to grade."""

    answer: Answer
    question: Question
    human_score: float | None = None
    """What a human gave, in points; the demo compares."""
    message: str = ""
    """What the candidate wrote to the examiner beside the answer."""
    file_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStudyRow:
    """One case-study submission to grade."""

    submission: Submission
    title: str = ""
    team: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedPair:
    """A question with its model answer, as the Aptitude Test Graded Database holds it."""

    question_id: str
    version: str
    question: Annotated[str, ExamSecret]
    reference_answer: Annotated[str, ExamSecret]
    max_grade: float


def question_version(question: str, reference_answer: str) -> str:
    """Return the version of a question that names none: the first eight digits of its content's hash."""
    return hashlib.sha256(f"{question}\n{reference_answer}".encode()).hexdigest()[:8]


def submission_from_text(
    submission_id: str, case_study_id: str, text: str, candidate: Person, attempt_id: str
) -> Submission:
    """Cut one text with `<!-- file: name -->` lines into its files and count its diagrams."""
    return Submission(
        id=submission_id,
        case_study_id=case_study_id,
        parts=_parts(text),
        attempt_id=attempt_id,
        diagrams=sum(1 for _ in _DIAGRAM.finditer(text)),
        lang="en",
        candidate=candidate,
    )


def _parts(text: str) -> tuple[SubmissionPart, ...]:
    marks = list(_FILE_MARK.finditer(text))
    if not marks:
        return (SubmissionPart(name="submission.md", text=text),)
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    lead = text[: marks[0].start()].strip()
    parts = [SubmissionPart(name="preface.md", text=lead)] if lead else []
    parts += [
        SubmissionPart(name=mark[1], text=text[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=True)
    ]
    return tuple(parts)


@dataclass(slots=True)
class GradedDatabase:
    """The human-curated question/answer pairs and rubrics. Read by workers, written before an answer is published."""

    pairs: dict[tuple[str, str], GradedPair] = field(default_factory=dict)
    rubrics: Mapping[str, Rubric] = field(default_factory=dict)

    def put(self, question: Question) -> None:
        """Keep a question with its model answer under id and version."""
        key = (question.id, question.version)
        if key not in self.pairs:
            self.pairs[key] = GradedPair(
                question_id=question.id,
                version=question.version,
                question=question.text,
                reference_answer=question.model_answer,
                max_grade=question.max_grade,
            )

    def pair(self, question_id: str, version: str) -> GradedPair | None:
        """Return the pair, or `None` when the database does not hold this version."""
        return self.pairs.get((question_id, version))
