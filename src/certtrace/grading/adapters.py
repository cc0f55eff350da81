"""How a host's own method names and types map to the stages.

An adapter has two kinds of fields: verbs name a method of the service, nouns are functions that read our models out of
its arguments or results. Each has a default; a service that uses ordinary names needs none of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from certtrace.grading import reading
from certtrace.grading.arguments import Arguments
from certtrace.grading.models import (
    Aggregate,
    Answer,
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
)


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """What both kinds of service have in common; use `AptitudeAdapter` or `CaseStudyAdapter`.

    A verb left at `None` is looked for under its usual names and may be absent; a verb that is given must exist. The
    empty text says: do not trace this one.
    """

    capture: str | None = None
    grade: str | None = None
    build_prompt: str | None = None
    call_llm: str | None = None
    parse: str | None = None
    aggregate: str | None = None
    hand_off: str | None = None
    review: str | None = None
    finalise: str | None = None
    notify: str | None = None

    headers: Callable[[Arguments], Mapping[str, str] | None] = reading.headers
    """Headers of the message that brought the work: the trace goes on across the bus."""
    message: Callable[[Arguments], Message | None] = reading.message
    rubric: Callable[[Any], Rubric | None] = reading.rubric
    prompt: Callable[[Any], Prompt] = reading.prompt
    pass_index: Callable[[Arguments], int | None] = reading.pass_index
    grading_pass: Callable[[Any], GradingPass | None] = reading.grading_pass
    """Result of a pass to its grade; only grade, maximum, confidence, cache and rationale are taken."""
    aggregated: Callable[[Any], Aggregate | None] = reading.aggregated
    """Result of an aggregation to grade, confidence, formula, threshold and route."""
    expert_review: Callable[[Any], ExpertReview | None] = reading.expert_review
    threshold: float | None = None
    """Confidence threshold, where the service's results do not say it."""
    planned: int | None = None
    """Number of passes, where neither arguments nor service say it."""

    names: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "build_prompt": ("build_prompt", "render_prompt", "make_prompt"),
        "call_llm": ("call_llm", "call_model", "ask_model"),
        "parse": ("parse_grade", "parse_reply", "parse_response"),
        "aggregate": ("aggregate", "aggregate_passes", "combine_passes"),
        "hand_off": ("hand_off", "hand_off_draft", "send_to_review"),
        "review": ("review", "expert_review", "record_review"),
        "finalise": ("finalise", "finalize", "finalise_grade", "finalize_grade"),
        "notify": ("notify_candidate", "notify"),
    }

    @classmethod
    def verbs(cls) -> tuple[str, ...]:
        """Return the fields that name methods."""
        return tuple(each.name for each in fields(cls) if each.name in cls.names)


@dataclass(frozen=True, kw_only=True)
class AptitudeAdapter(Adapter):
    """Map an aptitude-test grading service: short answers, N passes each."""

    fetch_reference: str | None = None
    trim_prompt: str | None = None
    run_pass: str | None = None

    answer: Callable[[Arguments], Answer] = reading.answer
    question: Callable[[Arguments], Question | None] = reading.question
    references: Callable[[Any], list[Reference]] = reading.references

    names: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **Adapter.names,
        "capture": ("capture_answer", "capture"),
        "grade": ("grade_answer", "grade_short_answer", "grade"),
        "fetch_reference": ("fetch_reference", "fetch_references", "load_reference", "get_reference"),
        "trim_prompt": ("trim_prompt",),
        "run_pass": ("run_pass", "grading_pass", "grade_once"),
    }


@dataclass(frozen=True, kw_only=True)
class CaseStudyAdapter(Adapter):
    """Map a case-study review service: rubric criteria, and a feedback report."""

    fetch_rubric: str | None = None
    grade_criterion: str | None = None
    aggregate_criterion: str | None = None
    generate_feedback: str | None = None
    check_feedback: str | None = None

    submission: Callable[[Arguments], Submission] = reading.submission
    criterion: Callable[[Arguments], RubricCriterion] = reading.criterion_of
    feedback: Callable[[Any], Feedback] = reading.feedback
    feedback_ok: Callable[[Any], bool | None] = reading.verdict
    """Result of the feedback check to whether the report may go out; `None` if it does not say."""

    names: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **Adapter.names,
        "capture": ("capture_submission", "capture"),
        "grade": ("grade_submission", "review_submission", "grade"),
        "fetch_rubric": ("fetch_rubric", "load_rubric", "get_rubric"),
        "grade_criterion": ("grade_criterion", "score_criterion"),
        "aggregate_criterion": ("aggregate_criterion",),
        "generate_feedback": ("generate_feedback", "write_feedback"),
        "check_feedback": ("check_feedback", "validate_feedback"),
    }
