"""The N passes over one answer or criterion, and the parsing of each reply."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from certtrace import semconv
from certtrace.grading.failures import FailureClass, error_path
from certtrace.grading.faults import contained
from certtrace.grading.models import GradingPass
from certtrace.grading.stages.base import Stage, enclosing
from certtrace.grading.stages.grading import GradingStage, prompt_attributes
from certtrace.grading.vocabulary import CacheKind

CACHE_HEADER = "cert-cache-hit"
"""Reply header with which a gateway in another process says `exact` or `similar`."""


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

    def _escalate(self, failure: FailureClass) -> None:
        # The grading hears of it when the pass has ended: only then is it known whether it gave a grade all the same.
        if failure not in self._below:
            self._below.append(failure)

    def _on_open(self) -> None:
        grading = enclosing(GradingStage, self)
        if grading is not None:
            grading.begun()

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
