"""One grading in the worker: reference, prompt, the N passes, and the parsing of each reply."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from certtrace import semconv
from certtrace.grading.failures import Classified, FailureClass, classify, error_path
from certtrace.grading.faults import contained
from certtrace.grading.models import Aggregate, Answer, GradingPass, Message, Prompt, Question, Reference, Rubric
from certtrace.grading.stages.base import Stage, enclosing
from certtrace.grading.stages.capture import SubjectStage, message_attributes, subject_attributes
from certtrace.grading.vocabulary import COST_BUDGET_USD, CacheKind, GradingOutcome, ReviewMode

CACHE_HEADER = "cert-cache-hit"
"""Reply header with which a gateway in another process says `exact` or `similar`."""

_STANDING = frozenset(
    {
        FailureClass.CACHE_REUSE,
        FailureClass.PROMPT_INJECTION,
        FailureClass.PROMPT_TRIM_LOSS,
        FailureClass.SILENT_MODEL_CHANGE,
        FailureClass.CONTEXT_OVERFLOW,
    }
)
"""What stays wrong although the pass gave a grade."""


class GradingStage(SubjectStage):
    """`answer.grade` or `submission.grade`: the root that collects what its passes and its aggregate said."""

    def __init__(
        self,
        name: str,
        *,
        planned: int = 0,
        message: Message | None = None,
        answer_text: str = "",
        review_mode: ReviewMode | None = None,
        **given: Any,
    ) -> None:
        """Take the number of planned passes, the message that brought the work, and what `SubjectStage` takes."""
        super().__init__(name, as_type="chain", kind="consumer", **given)
        self.planned = planned
        self.review_mode = review_mode
        self.passes: list[GradingPass] = []
        """Every pass that has ended, in order of ending."""
        self.criteria: dict[str, tuple[float, Aggregate]] = {}
        """Per rubric criterion its weight and aggregate (case study)."""
        self.rubric_sha = ""
        """Hash of the rubric that this grading read."""
        self.prompt: Prompt | None = None
        """The prompt that was built last, without its text."""
        self.cost_usd = 0.0
        self.started = 0
        """How many passes were begun."""
        self.answer_text = answer_text
        """What the candidate wrote, to see whether a trimmed prompt still holds it."""
        self._message = message
        self._of_passes: dict[tuple[str, int], list[FailureClass]] = {}
        self._indices: dict[str, itertools.count[int]] = {}
        self._drafted = False
        self._from_below = False
        self._outcome: GradingOutcome | None = None

    @contained
    def duplicate(self) -> None:
        """Record that this delivery was recognised as one already graded, and skipped."""
        self._outcome = GradingOutcome.DUPLICATE

    def _on_open(self) -> None:
        super()._on_open()
        if self._message is not None and self._message.delivery_attempt > 1:
            self.warn(FailureClass.REDELIVERY, f"Delivery attempt {self._message.delivery_attempt}.")

    def _on_close(self, exc: BaseException | None) -> None:
        self._settle()
        outcome = self._outcome
        if outcome is None and exc is not None:
            outcome = GradingOutcome.FAILED
        self.note(
            {
                semconv.PASSES_STARTED: self.started,
                semconv.PASSES_VALID: sum(each.valid for each in self.passes),
                semconv.PASSES_INDEPENDENT: sum(each.valid and each.independent for each in self.passes),
                semconv.GRADING_OUTCOME: outcome or (GradingOutcome.DRAFTED if self._drafted else None),
                semconv.COST_USD: self.cost_usd or None,
            }
        )
        if self.cost_usd > COST_BUDGET_USD:
            self.warn(FailureClass.COST_SPIKE, f"One grading cost more than {COST_BUDGET_USD:.2f} USD.")

    def _reported(self, failure: FailureClass) -> None:
        self._from_below = True
        self.recognised(failure)

    def _show_warnings(self) -> None:
        if self._from_below:
            self._warnings = [", ".join(self.failures)]
        super()._show_warnings()

    @property
    def has_decision(self) -> bool:
        """Tell whether the grade of the whole is known."""
        return self._drafted

    def completed(self, aggregate: Aggregate, criterion_id: str = "") -> Aggregate:
        """Fill in what a host's own aggregate does not say about its passes; one that says it stays as it is."""
        if aggregate.planned or aggregate.valid:
            return aggregate
        passes = [each for each in self.passes if each.criterion_id == criterion_id]
        valid = [each for each in passes if each.valid]
        return replace(
            aggregate,
            grades=aggregate.grades or tuple(each.grade for each in valid if each.grade is not None),
            planned=max((each.planned for each in passes), default=0),
            valid=len(valid),
            independent=sum(each.independent for each in valid),
        )

    def next_index(self, criterion_id: str = "") -> int:
        """Return the index of a pass whose host does not count; each call counts one further."""
        return next(self._indices.setdefault(criterion_id, itertools.count(1)))

    def ended(self, record: GradingPass, failures: Iterable[FailureClass]) -> None:
        """Take a pass that has ended; a repeated index replaces the earlier try."""
        key = (record.criterion_id, record.index)
        self.passes = [each for each in self.passes if (each.criterion_id, each.index) != key]
        self.passes.append(record)
        self._of_passes.setdefault(key, []).extend(failures)

    def _settle(self) -> None:
        """Tell failures that cost a pass from those that a retry made good."""
        valid = {(each.criterion_id, each.index) for each in self.passes if each.valid}
        recovered: list[FailureClass] = []
        for key, failures in self._of_passes.items():
            for failure in failures:
                if key not in valid or failure in _STANDING:
                    self._reported(failure)
                elif failure not in recovered:
                    recovered.append(failure)
        if recovered:
            self.note({semconv.FAILURE_RECOVERED: [each.value for each in recovered]})

    def decided(self, aggregate: Aggregate) -> None:
        """Take the aggregate of the whole grading: grade and confidence show on the root and as Langfuse scores."""
        self._drafted = True
        self.note(
            {
                semconv.GRADE: aggregate.grade,
                semconv.GRADE_MAX: aggregate.max_grade,
                semconv.CONFIDENCE: aggregate.confidence,
                semconv.ROUTE: aggregate.route,
                semconv.ROUTE_REASON: aggregate.route_reason,
            }
        )
        self.span.update(output=aggregate)
        for name, value in (("grade", aggregate.grade), ("confidence", aggregate.confidence)):
            if value is not None:
                self.span.score(name, value)


class FetchStage(Stage):
    """`reference.fetch` or `rubric.fetch`: what the Graded Database gave."""

    @contained
    def found(self, references: Iterable[Reference] = (), *, rubric: Rubric | None = None) -> None:
        """Record the pairs and the rubric that were read; nothing at all counts as missing."""
        pairs = list(references)
        self.note(
            {
                semconv.REFERENCE_COUNT: len(pairs),
                semconv.REFERENCE_IDS: [pair.id for pair in pairs] or None,
                semconv.REFERENCE_VERSIONS: [pair.version for pair in pairs]
                if any(pair.version for pair in pairs)
                else None,
            }
        )
        self.span.update(output={"references": pairs, "rubric": rubric})
        if rubric is not None:
            self._rubric(rubric)
        elif not pairs:
            self.fail(FailureClass.RUBRIC_MISSING, "The Graded Database has nothing for this question.")

    @contained
    def missing(self, ids: Iterable[str] = ()) -> None:
        """Record which references or rubrics were not there."""
        absent = list(ids)
        self.note({semconv.REFERENCE_MISSING: absent or None})
        self.fail(FailureClass.RUBRIC_MISSING, f"{len(absent) or 'All'} of the references asked for are missing.")

    def _rubric(self, rubric: Rubric) -> None:
        sha = rubric.sha
        self.note({semconv.RUBRIC_ID: rubric.id, semconv.RUBRIC_VERSION: rubric.version, semconv.RUBRIC_SHA: sha})
        grading = enclosing(GradingStage, self)
        if grading is not None:
            grading.rubric_sha = sha
            grading.note({semconv.RUBRIC_ID: rubric.id, semconv.RUBRIC_SHA: sha})

    def _classify(self, exc: Exception) -> Classified:
        found = classify(exc)
        if isinstance(exc, LookupError):
            return Classified(found.error_type, FailureClass.RUBRIC_MISSING)
        # A slow database is no slow model.
        return Classified(found.error_type, None if found.failure is FailureClass.LLM_TIMEOUT else found.failure)


class PromptStage(Stage):
    """`prompt.build`: which template became the prompt."""

    @contained
    def built(self, prompt: Prompt) -> None:
        """Record name, version and template hash; the text itself is exam content and is redacted as such."""
        self.note(
            {
                semconv.PROMPT_NAME: prompt.name,
                semconv.PROMPT_VERSION: prompt.version,
                semconv.PROMPT_SHA: prompt.sha,
                semconv.PROMPT_TOKENS: prompt.tokens,
                semconv.PROMPT_VARIABLES: list(prompt.variables) or None,
            }
        )
        self.span.update(output=prompt)
        grading = enclosing(GradingStage, self)
        if grading is not None:
            grading.prompt = replace(prompt, text="")


class TrimStage(Stage):
    """`prompt.trim`: the External Mini LLM shortens the prompt."""

    @contained
    def trimmed(
        self, *, tokens_before: int, tokens_after: int, answer_intact: bool | None = None, model: str = ""
    ) -> None:
        """Record by how much, and whether the candidate's answer is still in it word for word."""
        self.note(
            {
                semconv.TRIM_TOKENS_BEFORE: tokens_before,
                semconv.TRIM_TOKENS_AFTER: tokens_after,
                semconv.TRIM_RATIO: tokens_after / tokens_before if tokens_before else None,
                semconv.TRIM_ANSWER_INTACT: answer_intact,
                semconv.GEN_AI_RESPONSE_MODEL: model,
            }
        )
        if answer_intact is False:
            self.warn(FailureClass.PROMPT_TRIM_LOSS, "The trimmed prompt no longer holds the whole answer.")

    @contained
    def compared(self, *, answer: str, prompt: str) -> None:
        """Look for the answer in the trimmed prompt; whitespace does not count."""
        intact = " ".join(answer.split()) in " ".join(prompt.split())
        self.note({semconv.TRIM_ANSWER_INTACT: intact})
        if not intact:
            self.warn(FailureClass.PROMPT_TRIM_LOSS, "The trimmed prompt no longer holds the whole answer.")


class PassStage(Stage):
    """`grade.pass` or `criterion.grade`: one of the N passes."""

    def __init__(self, name: str, record: GradingPass, attributes: Mapping[str, object] | None = None) -> None:
        """Take what is known about the pass before it runs."""
        super().__init__(
            name,
            attributes={
                semconv.PASS_INDEX: record.index,
                semconv.PASS_PLANNED: record.planned,
                semconv.GEN_AI_REQUEST_TEMPERATURE: record.temperature,
                semconv.GEN_AI_REQUEST_SEED: record.seed,
                semconv.GEN_AI_REQUEST_MODEL: record.model,
                semconv.CRITERION_ID: record.criterion_id,
                **(attributes or {}),
            },
        )
        self.record = record
        """The pass as known so far."""
        self._below: list[FailureClass] = []

    @contained
    def graded(
        self,
        *,
        grade: float | None,
        max_grade: float | None = None,
        self_confidence: float | None = None,
        rationale: str = "",
    ) -> None:
        """Record the grade of this pass in points and what the model said about its own confidence."""
        self._know(grade=grade, max_grade=max_grade, self_confidence=self_confidence, rationale=rationale)
        self.note(
            {
                semconv.PASS_GRADE: grade,
                semconv.PASS_MAX_GRADE: max_grade,
                semconv.CONFIDENCE_SELF: self_confidence,
            }
        )
        self.span.update(output=self.record)

    @contained
    def cached(self, kind: CacheKind | str = CacheKind.EXACT, *, source_trace: str = "") -> None:
        """Record that the reply came from a cache: this pass is not independent. `gateway.cache` calls it by itself."""
        self._know(cached=CacheKind(kind))
        self.note({semconv.CACHE_KIND: CacheKind(kind), semconv.CACHE_SOURCE_TRACE: source_trace})

    @contained
    def answered_by(self, response_model: str) -> None:
        """Record the model that answered. `llm.call` calls it by itself."""
        self._know(response_model=response_model)
        self.note({semconv.GEN_AI_RESPONSE_MODEL: response_model})

    @contained
    def received(self, headers: Mapping[str, str]) -> None:
        """Read the reply headers of a gateway in another process: was it a cache hit?"""
        kind = next((value for name, value in headers.items() if name.lower() == CACHE_HEADER), "")
        if kind in CacheKind.__members__.values():
            self.cached(kind)

    @contained
    def failed(self, failure: FailureClass, message: str = "", *, error_type: str | None = None) -> None:
        """Record that the pass gave no grade, where no exception says so."""
        self.fail(failure, message, error_type)

    def _know(self, **facts: Any) -> None:
        self.record = replace(self.record, **{key: value for key, value in facts.items() if value is not None})

    def _reported(self, failure: FailureClass) -> None:
        if failure not in self._below:
            self._below.append(failure)

    def recognised(self, failure: FailureClass) -> None:
        """Record a failure class; the grading hears of it when the pass has ended, with or without a grade."""
        self._reported(failure)
        parent, self._parent = self._parent, None
        try:
            super().recognised(failure)
        finally:
            self._parent = parent

    def _on_open(self) -> None:
        grading = enclosing(GradingStage, self)
        if grading is not None:
            grading.started += 1

    def _on_close(self, exc: BaseException | None) -> None:
        if exc is not None:
            self.record = replace(self.record, grade=None)
        self.note({semconv.PASS_VALID: self.record.valid, semconv.PASS_INDEPENDENT: self.record.independent})
        grading = enclosing(GradingStage, self)
        if grading is not None:
            grading.ended(self.record, self._below)


class ParseStage(Stage):
    """`grade.parse`: the reply becomes a grade, or not."""

    def _on_open(self) -> None:
        # What broken replies have in common is asked first: same prompt, same model?
        around = enclosing(PassStage, self)
        self.note({semconv.GEN_AI_RESPONSE_MODEL: around.record.response_model if around is not None else None})
        self.note(prompt_attributes(enclosing(GradingStage, self)))

    @contained
    def valid(self, *, repairs: int = 0) -> None:
        """Record that the reply fits the schema, after how many repairs."""
        self.note({semconv.PARSE_VALID: True, semconv.PARSE_REPAIRS: repairs})

    @contained
    def invalid(
        self,
        *,
        path: str = "",
        repairs: int = 0,
        failure: FailureClass = FailureClass.SCHEMA_MISMATCH,
        message: str = "",
    ) -> None:
        """Record where the reply breaks the schema.

        Args:
            path: Path inside the schema, such as `criteria[2].grade`; never the value.
            repairs: How many repairs were tried.
            failure: `SCHEMA_MISMATCH` or `MALFORMED_JSON`.
            message: Words of the host's own, without content of the reply.
        """
        self.note({semconv.PARSE_VALID: False, semconv.PARSE_REPAIRS: repairs, semconv.PARSE_PATH: path})
        self.fail(failure, message or "The reply does not fit the schema.")

    def _on_exception(self, exc: Exception) -> None:
        self.note({semconv.PARSE_VALID: False, semconv.PARSE_PATH: error_path(exc)})
        super()._on_exception(exc)


def answer_grade(  # noqa: PLR0913 - what is known when a grading begins, all optional
    answer: Answer,
    *,
    question: Question | None = None,
    planned: int = 0,
    message: Message | None = None,
    headers: Mapping[str, str] | None = None,
    idempotency_key: str = "",
    review_mode: ReviewMode | None = None,
    sla_deadline: datetime | None = None,
    seed: str | None = None,
) -> GradingStage:
    """Open `answer.grade` in the Grading Worker: the root of everything about one answer.

    Args:
        answer: What is graded; its `id` is how on-call finds the trace.
        question: What was asked.
        planned: How many passes are planned.
        message: The message that brought the answer.
        headers: Its headers; the trace joins the capture's and links to it.
        idempotency_key: Same key, same grading: how a duplicate is told.
        review_mode: Which drafts an expert sees.
        sla_deadline: When the grade has to be out.
        seed: Business id from which the trace id is derived.
    """
    return GradingStage(
        "answer.grade",
        planned=planned,
        answer_text=answer.text,
        review_mode=review_mode,
        message=message,
        subject_id=answer.id,
        attempt_id=answer.attempt_id,
        candidate=answer.candidate,
        input={"answer": answer, "question": question},
        attributes={
            **subject_attributes(answer),
            **grading_attributes(planned, message, idempotency_key, review_mode, sla_deadline),
        },
        headers=headers,
        seed=seed,
    )


def grading_attributes(
    planned: int,
    message: Message | None,
    idempotency_key: str,
    review_mode: ReviewMode | None,
    sla_deadline: datetime | None,
) -> dict[str, object]:
    """Return what both kinds of grading record at their start."""
    return {
        **(message_attributes(message) if message is not None else {}),
        semconv.PASSES_PLANNED: planned,
        semconv.IDEMPOTENCY_KEY: idempotency_key,
        semconv.REVIEW_MODE: review_mode,
        semconv.SLA_DEADLINE: sla_deadline,
    }


def prompt_attributes(grading: GradingStage | None) -> dict[str, object]:
    """Return which prompt is in use in a grading."""
    prompt = grading.prompt if grading is not None else None
    if prompt is None:
        return {}
    return {
        semconv.PROMPT_NAME: prompt.name,
        semconv.PROMPT_VERSION: prompt.version,
        semconv.PROMPT_SHA: prompt.sha,
    }


def reference_fetch(question_id: str, *, question_version: str = "", rubric_id: str = "") -> FetchStage:
    """Open `reference.fetch`: read graded question/answer pairs and the rubric."""
    return FetchStage(
        "reference.fetch",
        as_type="retriever",
        attributes={
            semconv.QUESTION_ID: question_id,
            semconv.QUESTION_VERSION: question_version,
            semconv.RUBRIC_ID: rubric_id,
        },
    )


def prompt_build(name: str = "", *, version: str = "") -> PromptStage:
    """Open `prompt.build`: fill the template."""
    return PromptStage("prompt.build", attributes={semconv.PROMPT_NAME: name, semconv.PROMPT_VERSION: version})


def prompt_trim(*, model: str = "") -> TrimStage:
    """Open `prompt.trim`: shorten the prompt with the External Mini LLM."""
    return TrimStage("prompt.trim", as_type="generation", attributes={semconv.GEN_AI_REQUEST_MODEL: model})


def grade_pass(
    index: int | None = None,
    planned: int | None = None,
    *,
    temperature: float | None = None,
    seed: int | None = None,
    model: str = "",
) -> PassStage:
    """Open `grade.pass`, pass `index` (1 for the first) of `planned`.

    Without an index it is the next one of the grading around, without `planned` what that grading plans.
    """
    grading = enclosing(GradingStage)
    number = index if index is not None else grading.next_index() if grading is not None else 1
    count = planned if planned is not None else grading.planned if grading is not None else number
    return PassStage(
        "grade.pass", GradingPass(index=number, planned=count, temperature=temperature, seed=seed, model=model)
    )


def grade_parse(schema: str = "", *, version: str = "") -> ParseStage:
    """Open `grade.parse`: turn the reply into a grade."""
    return ParseStage("grade.parse", attributes={semconv.SCHEMA_NAME: schema, semconv.SCHEMA_VERSION: version})
