"""What each traced method of a service means: how its stage opens, and what its result says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from certtrace.grading import faults, reading
from certtrace.grading.adapters import Adapter, AptitudeAdapter, CaseStudyAdapter
from certtrace.grading.arguments import Arguments
from certtrace.grading.models import Answer, Candidate, Draft, RubricCriterion, Submission
from certtrace.grading.stages.base import Stage, enclosing
from certtrace.grading.stages.capture import answer_capture, submission_capture
from certtrace.grading.stages.case_study import (
    FeedbackCheckStage,
    FeedbackStage,
    SubmissionAggregateStage,
    criterion_grade,
    feedback_check,
    feedback_generate,
    rubric_fetch,
    submission_aggregate,
    submission_grade,
)
from certtrace.grading.stages.decision import AggregateStage, draft_handoff, grade_aggregate
from certtrace.grading.stages.gateway import CallStage, llm_call
from certtrace.grading.stages.grading import GradingStage, answer_grade
from certtrace.grading.stages.passes import ParseStage, PassStage, grade_parse, grade_pass
from certtrace.grading.stages.prompting import (
    FetchStage,
    PromptStage,
    TrimStage,
    prompt_build,
    prompt_trim,
    reference_fetch,
)
from certtrace.grading.stages.review import ReviewStage, event_stage, final_grade, notification, review_expert
from certtrace.grading.vocabulary import CONFIDENCE_THRESHOLD, DecidedBy

A = TypeVar("A")
"""The kind of adapter."""
D = TypeVar("D")
"""What a reader gives."""


@dataclass(frozen=True, slots=True)
class Role:
    """One verb of an adapter: `open` makes the stage, `tell` gives it the result."""

    open: Callable[[Any, Arguments], Stage]
    tell: Callable[[Any, Any, Any], None]


def read(reader: Callable[[Any], D], source: object, otherwise: D) -> D:
    """Let an adapter function read; one that raises is counted and replaced by `otherwise`."""
    try:
        return reader(source)
    except Exception as error:  # noqa: BLE001 - the adapter is the host's code; the grading must go on without it
        faults.count(f"Adapter function {getattr(reader, '__name__', 'of an adapter')!r}", error)
        return otherwise


def _subject_of(reader: Callable[[Arguments], D], args: Arguments, otherwise: D) -> D:
    found = read(reader, args, otherwise)
    if isinstance(found, type(otherwise)):
        return found
    faults.count(f"Adapter function for the {type(otherwise).__name__.lower()}", TypeError())
    return otherwise


def _answer(adapter: AptitudeAdapter, args: Arguments) -> Answer:
    return _subject_of(adapter.answer, args, Answer(id="", question_id=""))


def _submission(adapter: CaseStudyAdapter, args: Arguments) -> Submission:
    return _subject_of(adapter.submission, args, Submission(id="", case_study_id=""))


def _subject(adapter: Adapter, args: Arguments) -> tuple[str, str, Candidate | None]:
    """Return id, attempt and candidate of what a call is about: the grading around knows, else the arguments."""
    around = enclosing(GradingStage)
    if around is not None:
        return around.subject_id, around.attempt_id, None
    found = _submission(adapter, args) if isinstance(adapter, CaseStudyAdapter) else _answer_of(adapter, args)
    return found.id, found.attempt_id, found.candidate


def _answer_of(adapter: Adapter, args: Arguments) -> Answer:
    reader = adapter.answer if isinstance(adapter, AptitudeAdapter) else reading.answer
    return _subject_of(reader, args, Answer(id="", question_id=""))


def _planned(adapter: Adapter, args: Arguments) -> int:
    return adapter.planned if adapter.planned is not None else read(reading.planned, args, 0)


def _threshold(adapter: Adapter, args: Arguments) -> float:
    if adapter.threshold is not None:
        return adapter.threshold
    names = ("threshold", "confidence_threshold")
    said = read(lambda given: reading.number(reading.look(given, *names)), args, None)
    if said is None:
        said = read(lambda given: reading.number(reading.look(given.service, *names)), args, None)
    return CONFIDENCE_THRESHOLD if said is None else said


def _text_of(args: Arguments, name: str) -> str:
    return read(lambda given: reading.text(reading.look(given, name)), args, "")


def _silent(_adapter: Adapter, _stage: Stage, _result: object) -> None:
    """Record nothing of the result."""


# --- the grading itself ----------------------------------------------------------------------------------------------


def _capture_answer(adapter: AptitudeAdapter, args: Arguments) -> Stage:
    return answer_capture(_answer(adapter, args))


def _grade_answer(adapter: AptitudeAdapter, args: Arguments) -> Stage:
    return answer_grade(
        _answer(adapter, args),
        question=read(adapter.question, args, None),
        planned=_planned(adapter, args),
        message=read(adapter.message, args, None),
        headers=read(adapter.headers, args, None),
    )


def _capture_submission(adapter: CaseStudyAdapter, args: Arguments) -> Stage:
    return submission_capture(_submission(adapter, args))


def _grade_submission(adapter: CaseStudyAdapter, args: Arguments) -> Stage:
    return submission_grade(
        _submission(adapter, args),
        planned=_planned(adapter, args),
        message=read(adapter.message, args, None),
        headers=read(adapter.headers, args, None),
    )


def _graded(adapter: Adapter, stage: GradingStage, result: object) -> None:
    if not stage.has_decision:
        found = read(adapter.aggregated, result, None)
        if found is not None:
            stage.decided(stage.completed(found))


def _fetch_reference(adapter: AptitudeAdapter, args: Arguments) -> Stage:
    question = read(adapter.question, args, None)
    said = _text_of(args, "question_id")
    version = question.version if question is not None else ""
    return reference_fetch(said or (question.id if question is not None else ""), question_version=version)


def _fetched_reference(adapter: AptitudeAdapter, stage: FetchStage, result: object) -> None:
    stage.found(read(adapter.references, result, []), rubric=read(adapter.rubric, result, None))


def _fetch_rubric(_adapter: Adapter, args: Arguments) -> Stage:
    names = ("rubric_id", "case_study_id", "case_id")
    rubric_id, *case = (_text_of(args, name) for name in names)
    return rubric_fetch(rubric_id, case_study_id=next(filter(None, case), ""))


def _fetched_rubric(adapter: Adapter, stage: FetchStage, result: object) -> None:
    stage.found(rubric=read(adapter.rubric, result, None))


def _build_prompt(_adapter: Adapter, _args: Arguments) -> Stage:
    return prompt_build()


def _built_prompt(adapter: Adapter, stage: PromptStage, result: object) -> None:
    prompt = read(adapter.prompt, result, None)
    if prompt is not None:
        stage.built(prompt)


def _trim_prompt(_adapter: Adapter, _args: Arguments) -> Stage:
    return prompt_trim()


def _trimmed_prompt(adapter: Adapter, stage: TrimStage, result: object) -> None:
    prompt = read(adapter.prompt, result, None)
    around = enclosing(GradingStage, stage)
    if prompt is not None and prompt.text and around is not None and around.answer_text:
        stage.compared(answer=around.answer_text, prompt=prompt.text)


def _run_pass(adapter: Adapter, args: Arguments) -> Stage:
    return grade_pass(read(adapter.pass_index, args, None), **_sampling_of(args))


def _sampling_of(args: Arguments) -> dict[str, Any]:
    return {
        "temperature": read(lambda given: reading.number(reading.look(given, "temperature")), args, None),
        "seed": read(lambda given: reading.whole(reading.look(given, "seed")), args, None),
        "model": _text_of(args, "model"),
    }


def _ran_pass(adapter: Adapter, stage: PassStage, result: object) -> None:
    found = read(adapter.grading_pass, result, None)
    if found is None:
        if result is not None:
            faults.count("Reading a pass (give the adapter a `grading_pass` function)", LookupError())
        return
    if found.cached is not None:
        stage.cached(found.cached)
    stage.graded(
        grade=found.grade,
        max_grade=found.max_grade,
        self_confidence=found.self_confidence,
        rationale=found.rationale,
    )


def _grade_criterion(adapter: CaseStudyAdapter, args: Arguments) -> Stage:
    criterion = read(adapter.criterion, args, RubricCriterion(id=""))
    return criterion_grade(
        criterion, read(adapter.pass_index, args, None), _planned(adapter, args) or 1, **_sampling_of(args)
    )


def _call_llm(_adapter: Adapter, args: Arguments) -> Stage:
    told = _sampling_of(args)
    model = told.pop("model") or read(lambda given: reading.text(reading.look(given.service, "model")), args, "")
    provider = _text_of(args, "provider")
    return llm_call(model, provider=provider, **told)


def _called_llm(_adapter: Adapter, stage: CallStage, result: object) -> None:
    stage.answered(
        model=reading.text(reading.look(result, "model")),
        response_id=reading.text(reading.look(result, "id", "response_id")),
        usage=read(reading.usage, result, None),
        finish_reasons=read(reading.finish_reasons, result, []),
        system_fingerprint=reading.text(reading.look(result, "system_fingerprint")),
    )


def _parse(_adapter: Adapter, _args: Arguments) -> Stage:
    return grade_parse()


def _parsed(_adapter: Adapter, stage: ParseStage, _result: object) -> None:
    stage.valid()


# --- decision and people ---------------------------------------------------------------------------------------------


def _aggregate(adapter: Adapter, args: Arguments) -> Stage:
    return grade_aggregate(threshold=_threshold(adapter, args))


def _aggregate_criterion(adapter: CaseStudyAdapter, args: Arguments) -> Stage:
    criterion = read(adapter.criterion, args, RubricCriterion(id=""))
    return grade_aggregate(criterion_id=criterion.id, weight=criterion.weight, threshold=_threshold(adapter, args))


def _aggregate_submission(adapter: Adapter, args: Arguments) -> Stage:
    return submission_aggregate(threshold=_threshold(adapter, args))


def _aggregated(adapter: Adapter, stage: AggregateStage | SubmissionAggregateStage, result: object) -> None:
    found = read(adapter.aggregated, result, None)
    if found is not None:
        stage.decided(stage.completed(found))


def _hand_off(_adapter: Adapter, args: Arguments) -> Stage:
    return draft_handoff(reading.instance(args, Draft))


def _review(adapter: Adapter, args: Arguments) -> Stage:
    subject_id, attempt_id, candidate = _subject(adapter, args)
    return review_expert(
        subject_id,
        attempt_id=attempt_id,
        candidate=candidate,
        draft=reading.instance(args, Draft),
        headers=read(adapter.headers, args, None),
    )


def _reviewed(adapter: Adapter, stage: ReviewStage, result: object) -> None:
    found = read(adapter.expert_review, result, None)
    if found is not None:
        stage.decided(found)


def _finalise(adapter: Adapter, args: Arguments) -> Stage:
    subject_id, attempt_id, _ = _subject(adapter, args)
    found = read(adapter.aggregated, args, None)
    told = {} if found is None or found.grade is None else final_grade(found.grade, found.max_grade, _decider(args))
    return event_stage("grade.finalise", subject_id, attempt_id, told)


def _decider(args: Mapping[str, Any]) -> DecidedBy | str:
    said = args.get("decided_by")
    return DecidedBy(said) if isinstance(said, str) and said in list(DecidedBy) else ""


def _finalised(adapter: Adapter, stage: Stage, result: object) -> None:
    found = read(adapter.aggregated, result, None)
    if found is not None and found.grade is not None:
        stage.note(final_grade(found.grade, found.max_grade, ""))
        stage.span.score("final_grade", found.grade)


def _notify(adapter: Adapter, args: Arguments) -> Stage:
    subject_id, attempt_id, _ = _subject(adapter, args)
    names = ("template", "template_version", "channel")
    template, version, channel = (_text_of(args, name) for name in names)
    return event_stage("candidate.notify", subject_id, attempt_id, notification(template, version, channel))


# --- feedback --------------------------------------------------------------------------------------------------------


def _generate_feedback(_adapter: Adapter, args: Arguments) -> Stage:
    return feedback_generate(model=_text_of(args, "model"))


def _generated_feedback(adapter: CaseStudyAdapter, stage: FeedbackStage, result: object) -> None:
    found = read(adapter.feedback, result, None)
    if found is None:
        return
    if found.rubric_sha:
        stage.rubric(sha=found.rubric_sha)
    stage.written(found)


def _check_feedback(_adapter: Adapter, _args: Arguments) -> Stage:
    return feedback_check()


def _checked_feedback(adapter: CaseStudyAdapter, stage: FeedbackCheckStage, result: object) -> None:
    ok = read(adapter.feedback_ok, result, None)
    if ok is True:
        stage.passed()
    elif ok is False:
        stage.failed()


_SHARED: Final[Mapping[str, Role]] = {
    "build_prompt": Role(_build_prompt, _built_prompt),
    "call_llm": Role(_call_llm, _called_llm),
    "parse": Role(_parse, _parsed),
    "hand_off": Role(_hand_off, _silent),
    "review": Role(_review, _reviewed),
    "finalise": Role(_finalise, _finalised),
    "notify": Role(_notify, _silent),
}

APTITUDE: Final[Mapping[str, Role]] = {
    **_SHARED,
    "capture": Role(_capture_answer, _silent),
    "grade": Role(_grade_answer, _graded),
    "fetch_reference": Role(_fetch_reference, _fetched_reference),
    "trim_prompt": Role(_trim_prompt, _trimmed_prompt),
    "run_pass": Role(_run_pass, _ran_pass),
    "aggregate": Role(_aggregate, _aggregated),
}
"""Roles of an aptitude-test grading service, by verb."""

CASE_STUDY: Final[Mapping[str, Role]] = {
    **_SHARED,
    "capture": Role(_capture_submission, _silent),
    "grade": Role(_grade_submission, _graded),
    "fetch_rubric": Role(_fetch_rubric, _fetched_rubric),
    "grade_criterion": Role(_grade_criterion, _ran_pass),
    "aggregate_criterion": Role(_aggregate_criterion, _aggregated),
    "aggregate": Role(_aggregate_submission, _aggregated),
    "generate_feedback": Role(_generate_feedback, _generated_feedback),
    "check_feedback": Role(_check_feedback, _checked_feedback),
}
"""Roles of a case-study review service, by verb."""
