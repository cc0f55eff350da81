"""Capture, and the message bus between a capture service and a worker."""

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from opentelemetry.context import attach, get_current
from opentelemetry.context.context import Context
from opentelemetry.trace import SpanContext, get_current_span

from certtrace import semconv, tracing
from certtrace.grading.faults import contained
from certtrace.grading.models import Answer, Candidate, Message, Submission
from certtrace.grading.stages.base import Stage
from certtrace.redaction.markers import Pii
from certtrace.tracing.handle import Kind, ObservationType


@dataclass(frozen=True, slots=True)
class _Person:
    """A name on its way to becoming a pseudonym: the marker travels with it, a plain attribute would have none."""

    person: Annotated[str, Pii.PERSON]


class SubjectStage(Stage):
    """A stage about one answer or submission: its candidate is known to redaction, its attempt is the session."""

    def __init__(  # noqa: PLR0913 - what a span needs plus its subject, all by keyword
        self,
        name: str,
        *,
        subject_id: str,
        attempt_id: str = "",
        candidate: Candidate | None = None,
        as_type: ObservationType = "span",
        kind: Kind = "internal",
        input: object = None,
        attributes: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        own_trace: bool = False,
        seed: str | None = None,
    ) -> None:
        """Take the subject, and the headers of the message it came with.

        With `own_trace` the span begins a new trace that links to the one in `headers`; without, it continues that one.
        """
        around: list[AbstractContextManager[Any]] = []
        if own_trace:
            around.append(_outside_any_trace())
        elif headers:
            around.append(tracing.continue_trace(headers, link=True))
        if attempt_id:
            around.append(tracing.propagate_attributes(session_id=attempt_id))
        super().__init__(
            name,
            as_type=as_type,
            kind=kind,
            input=input,
            attributes={
                semconv.SUBMISSION_ID: subject_id,
                semconv.ATTEMPT_ID: attempt_id,
                semconv.CANDIDATE: _Person(candidate.name) if candidate is not None and candidate.name else None,
                **(attributes or {}),
            },
            around=around,
            links=_links_from(headers) if own_trace and headers else (),
            seed=seed,
        )
        self.subject_id = subject_id
        self.attempt_id = attempt_id
        self._candidate = candidate

    def _on_open(self) -> None:
        if self._candidate is not None:
            known = {key: getattr(self._candidate, key) for key in ("id", "name", "email", "phone", "address")}
            tracing.identify(role="candidate", **{key: value for key, value in known.items() if value})


class CaptureStage(SubjectStage):
    """`answer.capture` or `submission.capture`: the capture service puts work on its topic."""

    @contained
    def published(self, *, message_id: str = "", partition: str = "", offset: int | None = None) -> None:
        """Record the message that carries the work."""
        self.note(
            {
                semconv.MESSAGING_MESSAGE_ID: message_id,
                semconv.MESSAGING_PARTITION: partition,
                semconv.MESSAGING_OFFSET: offset,
            }
        )

    @contained
    def inject(self, headers: MutableMapping[str, str]) -> None:
        """Write the trace context into the message's headers, so that the worker's trace joins this one."""
        tracing.inject(headers)


def answer_capture(answer: Answer, *, topic: str = "", system: str = "", seed: str | None = None) -> CaptureStage:
    """Open `answer.capture` in the Short Answer Manual Capture Service."""
    return _capture("answer.capture", answer, topic, system, seed)


def submission_capture(
    submission: Submission, *, topic: str = "", system: str = "", seed: str | None = None
) -> CaptureStage:
    """Open `submission.capture` in the Architecture Solution Capture Service."""
    return _capture("submission.capture", submission, topic, system, seed)


def subject_attributes(subject: Answer | Submission) -> dict[str, object]:
    """Return what describes an answer or a submission without its content."""
    if isinstance(subject, Answer):
        return {
            semconv.LANG: subject.lang,
            semconv.QUESTION_ID: subject.question_id,
            semconv.QUESTION_VERSION: subject.question_version,
            semconv.ANSWER_CHARS: len(subject.text),
        }
    return {
        semconv.LANG: subject.lang,
        semconv.CASE_STUDY_ID: subject.case_study_id,
        semconv.SUBMISSION_PARTS: len(subject.parts),
        semconv.SUBMISSION_DIAGRAMS: subject.diagrams,
        semconv.SUBMISSION_CHARS: subject.chars,
    }


def message_attributes(message: Message) -> dict[str, object]:
    """Return the message a worker took, under OpenTelemetry's names."""
    return {
        semconv.MESSAGING_SYSTEM: message.system,
        semconv.MESSAGING_DESTINATION: message.topic,
        semconv.MESSAGING_MESSAGE_ID: message.id,
        semconv.MESSAGING_CONSUMER_GROUP: message.consumer_group,
        semconv.MESSAGING_DELIVERY_ATTEMPT: message.delivery_attempt,
        semconv.MESSAGING_PARTITION: message.partition,
        semconv.MESSAGING_OFFSET: message.offset,
        semconv.MESSAGING_OPERATION_TYPE: "process",
    }


def _capture(name: str, subject: Answer | Submission, topic: str, system: str, seed: str | None) -> CaptureStage:
    return CaptureStage(
        name,
        subject_id=subject.id,
        attempt_id=subject.attempt_id,
        candidate=subject.candidate,
        kind="producer",
        input=subject,
        attributes={
            **subject_attributes(subject),
            semconv.MESSAGING_SYSTEM: system,
            semconv.MESSAGING_DESTINATION: topic,
            semconv.MESSAGING_OPERATION_TYPE: "send",
        },
        seed=seed,
    )


@contextmanager
def _outside_any_trace() -> Iterator[None]:
    outer = get_current()
    inside = Context()
    attach(inside)
    try:
        yield
    finally:
        if get_current() is inside:
            attach(outer)


def _links_from(headers: Mapping[str, str]) -> list[SpanContext]:
    with _outside_any_trace(), tracing.continue_trace(headers, link=False):
        context = get_current_span().get_span_context()
    return [context] if context.is_valid else []
