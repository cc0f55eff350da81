"""Reads answers and case studies from JSONL files, plain or gzip, one line at a time.

A line that cannot be used is reported with its number and skipped. Reports name fields, never values: a bad line may
be a candidate's.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any, Final, TypeVar, cast

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from certtrace.demo.exam import AnswerRow, CaseStudyRow, question_version, submission_from_text
from certtrace.demo.people import Person
from certtrace.errors import InputError
from certtrace.grading import Answer, Question

MAX_LINE_BYTES: Final = 16 * 1024 * 1024
_GZIP_MAGIC: Final = b"\x1f\x8b"

Row = TypeVar("Row")
Text = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was skipped, and why."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.reason} The line was skipped."


Report = Callable[[BadLine], None]


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, strict=True)

    id: Text


class _CandidateForm(BaseModel):
    model_config = ConfigDict(extra="allow", hide_input_in_errors=True, strict=True)

    id: Text
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    address: str | None = None


class _AnswerLine(_Line):
    question_id: Text
    question: Text
    reference_answer: Text
    student_answer: str
    max_score: float = Field(gt=0, allow_inf_nan=False)
    gold_score: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    lang: str = ""
    question_version: str = ""
    attempt_id: str = ""
    candidate: _CandidateForm | None = None
    message: str = ""
    file_name: str = ""


class _CaseStudyLine(_Line):
    text: Text
    title: str = ""
    case: str = ""
    attempt_id: str = ""
    candidate: _CandidateForm | None = None


def read_answers(path: Path, report: Report) -> Iterator[AnswerRow]:
    """Yield the short answers of a file in the order of its lines.

    Raises:
        InputError: The file cannot be read, or no line of it can be used.
    """
    return _rows(path, report, _answer_row, "id, question_id, question, reference_answer, student_answer, max_score")


def read_case_studies(path: Path, report: Report) -> Iterator[CaseStudyRow]:
    """Yield the case studies of a file in the order of its lines.

    Raises:
        InputError: The file cannot be read, or no line of it can be used.
    """
    return _rows(path, report, _case_study_row, "id, text")


def answer_row(values: dict[str, Any]) -> AnswerRow:
    """Build a row from the fields of one line.

    Raises:
        pydantic.ValidationError: A field is missing or has the wrong type.
    """
    return _answer_row(values)


def _answer_row(values: object) -> AnswerRow:
    line = _AnswerLine.model_validate(values)
    version = line.question_version or question_version(line.question, line.reference_answer)
    answer = Answer(
        id=line.id,
        question_id=line.question_id,
        text=line.student_answer,
        attempt_id=line.attempt_id or f"attempt-{line.id}",
        question_version=version,
        lang=line.lang,
        candidate=_person(line.candidate, line.id),
    )
    question = Question(
        id=line.question_id,
        version=version,
        text=line.question,
        model_answer=line.reference_answer,
        max_grade=line.max_score,
    )
    return AnswerRow(
        answer=answer,
        question=question,
        human_score=line.gold_score,
        message=line.message,
        file_name=line.file_name,
    )


def _case_study_row(values: object) -> CaseStudyRow:
    line = _CaseStudyLine.model_validate(values)
    submission = submission_from_text(
        line.id,
        line.case or "case-study",
        line.text,
        _person(line.candidate, line.id),
        line.attempt_id or f"attempt-{line.id}",
    )
    return CaseStudyRow(submission=submission, title=line.title)


def _person(form: _CandidateForm | None, row_id: str) -> Person:
    """Return the candidate of a line; a line without one belongs to an unnamed candidate of its own."""
    if form is None:
        return Person(id=f"candidate-{row_id}")
    texts = {key: value for key, value in form.model_dump().items() if isinstance(value, str)}
    return Person.from_form(texts)


def _rows(path: Path, report: Report, build: Callable[[object], Row], needed: str) -> Iterator[Row]:
    """Open the file now, so that a wrong path fails before anything starts; decode line by line later."""
    rows = _decode(path, _open(path), report, build)
    first = next(rows, None)
    if first is None:
        msg = f"{path} holds no line that can be graded. Each line must be a JSON object with {needed}."
        raise InputError(msg)
    return _chain(first, rows)


def _chain(first: Row, rest: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rest


def _open(path: Path) -> IO[bytes]:
    try:
        file = path.open("rb")
    except OSError as error:
        msg = f"Cannot read {path}: {error.strerror}. Give the path of a readable JSONL file, plain or .gz."
        raise InputError(msg) from None
    packed = file.peek(2)[:2] == _GZIP_MAGIC
    if path.suffix == ".gz" and not packed:
        file.close()
        msg = f"{path} is named .gz but is no gzip file. Compress it with gzip, or rename it if it is plain JSONL."
        raise InputError(msg)
    if not packed:
        return file
    file.close()
    return cast("IO[bytes]", gzip.open(path))


def _decode(path: Path, file: IO[bytes], report: Report, build: Callable[[object], Row]) -> Iterator[Row]:
    seen: set[str] = set()
    with file:
        for number, line in _lines(path, file, report):
            try:
                values = orjson.loads(line)
                row = build(values)
            except (orjson.JSONDecodeError, ValidationError) as error:
                report(BadLine(str(path), number, _reason(error)))
                continue
            if values["id"] in seen:
                report(BadLine(str(path), number, "Another line above has the same id."))
                continue
            seen.add(values["id"])
            yield row


def _lines(path: Path, file: IO[bytes], report: Report) -> Iterator[tuple[int, bytes]]:
    number = 0
    while True:
        number += 1
        try:
            line = _read_line(file)
        except (OSError, EOFError, zlib.error):
            report(BadLine(str(path), number, "The file is damaged or cut off here; nothing after it was read."))
            return
        if line is None:
            report(BadLine(str(path), number, f"Longer than {MAX_LINE_BYTES} bytes."))
        elif not line:
            return
        elif line.strip():
            yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def _read_line(file: IO[bytes]) -> bytes | None:
    """Return the next line, empty at the end; `None` after skipping one that is too long."""
    line = file.readline(MAX_LINE_BYTES + 1)
    if len(line) <= MAX_LINE_BYTES:
        return line
    while line and not line.endswith(b"\n"):
        line = file.readline(MAX_LINE_BYTES)
    return None


def _reason(error: orjson.JSONDecodeError | ValidationError) -> str:
    if isinstance(error, orjson.JSONDecodeError):
        return f"Not JSON (column {error.colno})."
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    field = ".".join(part for part in map(str, first["loc"]) if part.isidentifier())
    what = {"missing": "is missing", "string_too_short": "is empty"}.get(first["type"], "has the wrong type or value")
    return f"Field `{field}` {what}." if field else "Not a JSON object."
