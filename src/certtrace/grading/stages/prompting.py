"""What a grading works with: references, rubric, and the prompt made of them."""

from collections.abc import Iterable
from dataclasses import replace

from certtrace import semconv
from certtrace.grading.failures import Classified, FailureClass, classify
from certtrace.grading.faults import contained
from certtrace.grading.models import Prompt, Reference, Rubric
from certtrace.grading.stages.base import Stage, enclosing
from certtrace.grading.stages.grading import GradingStage


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
        """Record name, version, template hash and size. The text itself is not recorded."""
        self.note(
            {
                semconv.PROMPT_NAME: prompt.name,
                semconv.PROMPT_VERSION: prompt.version,
                semconv.PROMPT_SHA: prompt.sha,
                semconv.PROMPT_CHARS: len(prompt.text) or None,
                semconv.PROMPT_TOKENS: prompt.tokens,
                semconv.PROMPT_VARIABLES: list(prompt.variables) or None,
            }
        )
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
