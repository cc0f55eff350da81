"""Read a host's own types into ours by the names that fields usually have.

Every adapter function has a default here. They only accept values of the expected kind, so that an object which answers
to every name (a mock, a lazy proxy) is not taken at its word.
"""

import math
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar
from uuid import UUID

from certtrace.grading.arguments import Arguments
from certtrace.grading.models import (
    Aggregate,
    Answer,
    Candidate,
    ExpertReview,
    Feedback,
    GradingPass,
    Message,
    Prompt,
    Question,
    Reference,
    Rubric,
    RubricCriterion,
    Submission,
    SubmissionPart,
    Usage,
)
from certtrace.grading.vocabulary import CONFIDENCE_THRESHOLD, CacheKind, ReviewDecision, Route

T = TypeVar("T")

_ANSWERS: Final = ("answer", "student_answer", "item", "task", "request", "payload", "job")
_SUBMISSIONS: Final = ("submission", "solution", "item", "task", "request", "payload", "job")
_GRADES: Final = ("grade", "score", "points", "mark")
_MAX_GRADES: Final = ("max_grade", "max_score", "max_points", "grade_max", "out_of")


def look(source: object, *names: str) -> Any:
    """Return the first of `names` that `source` has, as a key or an attribute, and that is not `None`."""
    for name in names:
        value = source.get(name) if isinstance(source, Mapping) else getattr(source, name, None)
        if value is not None:
            return value
    return None


def text(*values: object) -> str:
    """Return the first value that is text or an id, as text; empty if none is."""
    for value in values:
        if isinstance(value, str) and value:
            return str(value)
        if isinstance(value, (int, UUID)) and not isinstance(value, bool):
            return str(value)
    return ""


def number(value: object) -> float | None:
    """Return a finite number, or `None`."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    return float(value) if math.isfinite(value) else None


def whole(value: object) -> int | None:
    """Return an integer, or `None`."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def answer(args: Arguments) -> Answer:
    """Find the answer among the arguments: an object of any kind, or its fields as arguments of their own."""
    own = instance(args, Answer)
    if own is not None:
        return own
    found = subject(args, _ANSWERS)
    bare = args.get("answer") or args.get("student_answer")
    return Answer(
        id=text(look(found, "id", "answer_id", "submission_id"), look(args, "answer_id", "id", "submission_id")),
        question_id=text(look(found, "question_id"), look(args, "question_id"), look(args.get("question"), "id")),
        text=text(
            look(found, "text", "answer", "answer_text", "student_answer", "content", "body"),
            look(args, "text", "answer_text"),
            bare,
        ),
        attempt_id=text(look(found, "attempt_id", "session_id"), look(args, "attempt_id", "session_id")),
        question_version=text(look(found, "question_version"), look(args, "question_version")),
        lang=text(look(found, "lang", "language"), look(args, "lang", "language")),
        candidate=candidate(found) or candidate(args),
    )


def submission(args: Arguments) -> Submission:
    """Find the submission among the arguments."""
    own = instance(args, Submission)
    if own is not None:
        return own
    found = subject(args, _SUBMISSIONS)
    return Submission(
        id=text(look(found, "id", "submission_id"), look(args, "submission_id", "id")),
        case_study_id=text(look(found, "case_study_id", "case_id"), look(args, "case_study_id", "case_id")),
        parts=parts(look(found, "parts", "files", "documents", "text", "content") or look(args, "text", "content")),
        attempt_id=text(look(found, "attempt_id", "session_id"), look(args, "attempt_id", "session_id")),
        lang=text(look(found, "lang", "language"), look(args, "lang", "language")),
        candidate=candidate(found) or candidate(args),
    )


def parts(value: object) -> tuple[SubmissionPart, ...]:
    """Read a submission's files: one text, a mapping of name to text, or a list of objects."""
    if isinstance(value, str):
        return (SubmissionPart(name="", text=value),)
    if isinstance(value, Mapping):
        return tuple(SubmissionPart(name=str(name), text=text(content)) for name, content in value.items())
    if not isinstance(value, Sequence):
        return ()
    return tuple(
        SubmissionPart(name="", text=each)
        if isinstance(each, str)
        else SubmissionPart(name=text(look(each, "name", "path")), text=text(look(each, "text", "content")))
        for each in value
    )


def candidate(source: object) -> Candidate | None:
    """Read the candidate an answer or a submission belongs to."""
    person = look(source, "candidate", "student", "user")
    if isinstance(person, Candidate):
        return person
    own = person if person is not None and not isinstance(person, str) else None
    name = text(
        look(own, "name", "full_name", "display_name"),
        look(source, "candidate_name", "student_name"),
        person if isinstance(person, str) else None,
    )
    email = text(look(own, "email", "mail"), look(source, "candidate_email", "student_email"))
    identity = text(look(own, "id", "candidate_id"), look(source, "candidate_id", "student_id"))
    if not (name or email or identity):
        return None
    return Candidate(
        id=identity,
        name=name or None,
        email=email or None,
        phone=text(look(own, "phone", "phone_number")) or None,
        address=text(look(own, "address")) or None,
    )


def question(args: Arguments) -> Question | None:
    """Find the question among the arguments."""
    given = look(args, "question")
    if given is None:
        given = look(subject(args, _ANSWERS), "question")
    if given is None or isinstance(given, Question):
        return given
    bare = given if isinstance(given, str) else None
    return Question(
        id=text(look(given, "id", "question_id"), look(args, "question_id")),
        version=text(look(given, "version")),
        text=text(look(given, "text", "question", "prompt"), bare),
        model_answer=text(look(given, "model_answer", "reference_answer", "reference")),
        max_grade=number(look(given, *_MAX_GRADES)) or 1.0,
    )


def message(args: Arguments) -> Message | None:
    """Find the message that brought the work."""
    given = look(args, "message", "delivery")
    if given is None or isinstance(given, Message):
        return given
    attempt = whole(look(given, "delivery_attempt", "attempt", "redelivery_count"))
    return Message(
        topic=text(look(given, "topic", "destination")),
        id=text(look(given, "message_id", "id")),
        system=text(look(given, "system")),
        consumer_group=text(look(given, "consumer_group", "group_id")),
        delivery_attempt=attempt or 1,
        partition=text(look(given, "partition")),
        offset=whole(look(given, "offset")),
    )


def headers(args: Arguments) -> Mapping[str, str] | None:
    """Find the message headers that carry the trace context."""
    found = look(args, "headers") or look(look(args, "message", "delivery"), "headers", "attributes")
    if isinstance(found, Mapping):
        return found
    if isinstance(found, Sequence) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in found):
        return dict(found)  # Kafka clients give pairs
    return None


def references(result: object) -> list[Reference]:
    """Read what a fetch returned: one pair or several."""
    if result is None:
        return []
    found = look(result, "references", "pairs", "examples")
    many = found if found is not None else result
    if isinstance(many, (Iterator, AsyncIterator)):
        return []  # never consumed: it belongs to the host
    if isinstance(many, str) or not isinstance(many, Sequence):
        many = [many]
    return [reference for each in many[:100] if (reference := _reference(each)) is not None]


def _reference(each: object) -> Reference | None:
    if each is None or isinstance(each, (Reference, Rubric)):
        return each if isinstance(each, Reference) else None
    if isinstance(each, str):
        return Reference(id="", question_id="", answer=each)
    found = text(look(each, "answer", "reference_answer", "model_answer", "text"))
    identity = text(look(each, "id", "reference_id"))
    if not (found or identity):
        return None
    return Reference(
        id=identity,
        question_id=text(look(each, "question_id")),
        version=text(look(each, "version")),
        answer=found,
        reasoning=text(look(each, "reasoning", "explanation")),
        grade=number(look(each, *_GRADES)),
        max_grade=number(look(each, *_MAX_GRADES)),
    )


def rubric(result: object) -> Rubric | None:
    """Read a rubric from what a fetch returned."""
    given = look(result, "rubric") if not isinstance(result, Rubric) else result
    if given is None and look(result, "criteria") is not None:
        given = result
    if given is None or isinstance(given, Rubric):
        return given
    listed = look(given, "criteria", "levels")
    return Rubric(
        id=text(look(given, "id", "rubric_id")),
        version=text(look(given, "version")),
        criteria=tuple(criterion(each) for each in listed) if isinstance(listed, Sequence) else (),
        declared_sha=text(look(given, "sha", "sha256", "hash")),
    )


def criterion(given: object) -> RubricCriterion:
    """Read one rubric criterion."""
    if isinstance(given, RubricCriterion):
        return given
    if isinstance(given, str):
        return RubricCriterion(id=given)
    weight, max_grade = number(look(given, "weight")), number(look(given, *_MAX_GRADES))
    return RubricCriterion(
        id=text(look(given, "id", "criterion_id", "name")),
        weight=1.0 if weight is None else weight,
        text=text(look(given, "text", "description")),
        max_grade=1.0 if max_grade is None else max_grade,
    )


def criterion_of(args: Arguments) -> RubricCriterion:
    """Find the criterion among the arguments."""
    return instance(args, RubricCriterion) or criterion(look(args, "criterion", "criterion_id") or "")


def prompt(result: object) -> Prompt:
    """Read a finished prompt: text, messages, or an object with name and version."""
    if isinstance(result, Prompt):
        return result
    body = result if isinstance(result, str) else look(result, "text", "prompt", "content")
    return Prompt(
        name=text(look(result, "name")) if not isinstance(result, str) else "",
        version=text(look(result, "version")),
        sha=text(look(result, "sha", "template_sha")),
        text=text(body) or (repr(result) if isinstance(result, (list, tuple)) else ""),
        tokens=whole(look(result, "tokens", "token_count")),
    )


def grading_pass(result: object) -> GradingPass | None:
    """Read grade and self-reported confidence from what a pass returned; `None` if there is no grade in it."""
    if isinstance(result, GradingPass):
        return result
    grade = number(result) if isinstance(result, (int, float, Decimal)) else number(look(result, *_GRADES))
    if grade is None:
        return None
    return GradingPass(
        index=0,
        grade=grade,
        max_grade=number(look(result, *_MAX_GRADES)),
        self_confidence=number(look(result, "self_confidence", "confidence", "certainty")),
        cached=_cached(look(result, "cached", "from_cache", "cache_hit", "cache_kind")),
        rationale=text(look(result, "rationale", "reasoning", "explanation")),
    )


def _cached(value: object) -> CacheKind | None:
    if value is True:
        return CacheKind.EXACT
    return CacheKind(value) if isinstance(value, str) and value in list(CacheKind) else None


def aggregated(result: object) -> Aggregate | None:
    """Read grade, confidence and route from what an aggregation returned; `None` if there is no grade in it."""
    if isinstance(result, Aggregate):
        return result
    grade = number(result) if isinstance(result, (int, float, Decimal)) else number(look(result, *_GRADES))
    if grade is None:
        return None
    threshold = number(look(result, "threshold", "confidence_threshold"))
    way = look(result, "route")
    return Aggregate(
        grade=grade,
        max_grade=number(look(result, *_MAX_GRADES)),
        confidence=number(look(result, "confidence")),
        formula=text(look(result, "formula", "method")) or "host",
        formula_version=text(look(result, "formula_version", "method_version")),
        threshold=CONFIDENCE_THRESHOLD if threshold is None else threshold,
        route=Route(way) if isinstance(way, str) and way in list(Route) else None,
    )


def expert_review(result: object) -> ExpertReview | None:
    """Read an expert's decision; `None` if there is none in it."""
    if isinstance(result, ExpertReview):
        return result
    decision = look(result, "decision")
    if not isinstance(decision, str) or decision not in list(ReviewDecision):
        return None
    return ExpertReview(
        decision=ReviewDecision(decision),
        reviewer=text(look(result, "reviewer", "reviewer_id", "expert")),
        before=number(look(result, "before", "ai_grade", "draft_grade")),
        after=number(look(result, "after", "final_grade", *_GRADES)),
        max_grade=number(look(result, *_MAX_GRADES)),
        reason_code=text(look(result, "reason_code")),
        comment=text(look(result, "comment")),
    )


def feedback(result: object) -> Feedback:
    """Read a feedback report."""
    if isinstance(result, Feedback):
        return result
    return Feedback(
        text=text(result if isinstance(result, str) else look(result, "text", "report", "feedback")),
        stated_grade=None if isinstance(result, str) else number(look(result, "stated_grade", *_GRADES)),
        rubric_sha=text(look(result, "rubric_sha")),
    )


def usage(result: object) -> Usage | None:
    """Read token counts in the shapes of OpenAI's and Anthropic's replies."""
    given = look(result, "usage", "usage_metadata")
    if given is None or isinstance(given, Usage):
        return given
    return Usage(
        input_tokens=whole(look(given, "input_tokens", "prompt_tokens", "prompt_token_count")),
        output_tokens=whole(look(given, "output_tokens", "completion_tokens", "candidates_token_count")),
        cost_usd=number(look(given, "cost_usd", "cost")),
    )


def finish_reasons(result: object) -> list[str]:
    """Read why the model stopped, in the shapes of OpenAI's and Anthropic's replies."""
    choices = look(result, "choices")
    if isinstance(choices, Sequence) and not isinstance(choices, str):
        return [reason for each in choices if (reason := text(look(each, "finish_reason")))]
    reason = text(look(result, "stop_reason", "finish_reason"))
    return [reason] if reason else []


def instance(args: Arguments, kind: type[T]) -> T | None:
    """Return the first argument of one of our own types."""
    return next((value for value in args.values() if isinstance(value, kind)), None)


def subject(args: Arguments, names: tuple[str, ...]) -> object:
    """Return the argument that holds the subject's fields: by name, else the first that is no plain value."""
    plain = (str, bytes, int, float, bool, type(None), list, tuple, set)
    named = (args[name] for name in names if name in args)
    for value in (*named, *args.values()):
        if not isinstance(value, plain):
            return value
    return None


def verdict(result: object) -> bool | None:
    """Read whether a check passed: a boolean, or a field that says so."""
    if isinstance(result, bool):
        return result
    said = look(result, "ok", "passed", "valid")
    return said if isinstance(said, bool) else None


def planned(args: Arguments) -> int:
    """Find how many passes are planned: among the arguments, else on the service; 0 if nobody says."""
    names = ("planned", "passes", "n_passes", "num_passes", "passes_planned")
    found = whole(look(args, *names))
    return found if found is not None else whole(look(args.service, *names)) or 0


def pass_index(args: Arguments) -> int | None:
    """Find the index of a pass; `None` if the host does not say, then passes are counted from 1."""
    return whole(look(args, "index", "pass_index"))
