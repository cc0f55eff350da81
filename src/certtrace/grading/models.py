"""The grading services' nouns as typed records.

Fields that name a person carry a `Pii` marker, exam content carries `ExamSecret`; both travel with the value into every
trace. Text that mixes exam content with the candidate's own words (a rationale, a report) carries neither: a marker
would make the candidate's words a secret too. Quotes in it are found, because the trace knows its question, references
and rubric. Ids must be opaque: an e-mail address is no attempt id.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from certtrace.grading.vocabulary import (
    CONFIDENCE_THRESHOLD,
    AppealOutcome,
    AppealReason,
    CacheKind,
    ComputedBy,
    ReviewDecision,
    ReviewMode,
    Route,
    RouteReason,
)
from certtrace.redaction.markers import ExamSecret, Pii


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Who sat the test. Never part of a trace but through the redactor."""

    id: Annotated[str, Pii.ID]
    name: Annotated[str | None, Pii.PERSON] = None
    email: Annotated[str | None, Pii.EMAIL] = None
    phone: Annotated[str | None, Pii.PHONE] = None
    address: Annotated[str | None, Pii.ADDRESS] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One human-curated pair of the Graded Database: a model answer with its grade and reasoning."""

    id: str
    question_id: str
    version: str = ""
    answer: Annotated[str, ExamSecret] = ""
    reasoning: Annotated[str, ExamSecret] = ""
    grade: float | None = None
    max_grade: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question of the aptitude test, as the candidate saw it."""

    id: str
    version: str = ""
    text: Annotated[str, ExamSecret] = ""
    model_answer: Annotated[str, ExamSecret] = ""
    max_grade: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RubricCriterion:
    """One criterion of a marking rubric."""

    id: str
    weight: float = 1.0
    text: Annotated[str, ExamSecret] = ""
    max_grade: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rubric:
    """A marking rubric. Its `sha` tells two versions apart without showing either."""

    id: str
    version: str = ""
    criteria: tuple[RubricCriterion, ...] = ()
    declared_sha: str = ""
    """Hash that the host's rubric store gives; without it the content is hashed."""

    @property
    def sha(self) -> str:
        """Return the declared hash, else the SHA-256 of the criteria as 64 hex digits."""
        return self.declared_sha or sha_of([[c.id, c.weight, c.max_grade, c.text] for c in self.criteria])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One short answer of one attempt. `text` is the candidate's: redacted, never hashed without a key."""

    id: str
    question_id: str
    text: str = ""
    attempt_id: str = ""
    question_version: str = ""
    lang: str = ""
    candidate: Candidate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionPart:
    """One file of a case-study submission."""

    name: str
    text: str = ""
    media_type: str = "text/markdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One architecture solution handed in for a case study."""

    id: str
    case_study_id: str
    parts: tuple[SubmissionPart, ...] = ()
    attempt_id: str = ""
    diagrams: int = 0
    lang: str = ""
    candidate: Candidate | None = None

    @property
    def chars(self) -> int:
        """Return the length of all parts in characters."""
        return sum(len(part.text) for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The message a worker took from a topic."""

    topic: str = ""
    id: str = ""
    system: str = ""
    """OpenTelemetry's `messaging.system`, such as `kafka` or `gcp_pubsub`."""
    consumer_group: str = ""
    delivery_attempt: int = 1
    """1 for the first delivery."""
    partition: str = ""
    offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A finished prompt. It mixes exam content with the candidate's: its text is measured, never recorded."""

    name: str
    version: str = ""
    sha: str = ""
    """Hash of the template, not of the filled-in text."""
    text: str = ""
    tokens: int | None = None
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GradingPass:
    """One of the N passes over the same answer or criterion."""

    index: int
    """1 for the first."""
    planned: int = 1
    grade: float | None = None
    """Points; `None` when the pass gave no valid grade."""
    max_grade: float | None = None
    self_confidence: float | None = None
    """What the model said about its own grade, 0.0 to 1.0."""
    temperature: float | None = None
    seed: int | None = None
    model: str = ""
    response_model: str = ""
    criterion_id: str = ""
    cached: CacheKind | None = None
    rationale: str = ""
    """The model's reasoning. Where it quotes exam content that the trace knows, redaction takes that out."""

    @property
    def valid(self) -> bool:
        """Tell whether the pass gave a grade."""
        return self.grade is not None

    @property
    def independent(self) -> bool:
        """Tell whether the model was really asked; a cached reply repeats an earlier pass."""
        return self.cached is None

    @property
    def share(self) -> float | None:
        """Return the grade as a share of the maximum, or `None`."""
        if self.grade is None:
            return None
        return self.grade / self.max_grade if self.max_grade else self.grade


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """What N passes amount to, with everything needed to compute it again."""

    grade: float | None
    confidence: float | None
    formula: str
    formula_version: str
    max_grade: float | None = None
    grades: tuple[float, ...] = ()
    spread: float | None = None
    threshold: float = CONFIDENCE_THRESHOLD
    planned: int = 0
    valid: int = 0
    independent: int = 0
    route: Route | None = None
    route_reason: RouteReason | None = None
    computed_by: ComputedBy = ComputedBy.WORKER


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The AI-graded draft that an expert gets."""

    subject_id: str
    """Id of the answer or the submission."""
    aggregate: Aggregate
    rubric_sha: str = ""
    review_mode: ReviewMode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertReview:
    """What an expert decided on a draft."""

    decision: ReviewDecision
    reviewer: Annotated[str, Pii.PERSON] = ""
    before: float | None = None
    after: float | None = None
    max_grade: float | None = None
    reason_code: str = ""
    comment: str = ""
    opened_at: datetime | None = None
    decided_at: datetime | None = None
    active_seconds: float | None = None
    ai_grade_shown: bool | None = None
    """Whether the expert saw the AI's grade before giving one."""

    @property
    def delta(self) -> float | None:
        """Return by how many points the expert moved the grade."""
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """The feedback report of the Review Worker, before and after its check."""

    text: str = ""
    """Meant for the candidate. Where it quotes exam content that the trace knows, redaction takes that out."""
    stated_grade: float | None = None
    rubric_sha: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """A candidate's appeal against a final grade."""

    id: str
    subject_id: str
    reason: AppealReason
    text: str = ""
    outcome: AppealOutcome | None = None
    new_grade: float | None = None
    first_reviewer: Annotated[str, Pii.PERSON] = ""
    second_reviewer: Annotated[str, Pii.PERSON] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one model call used."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    details: Mapping[str, int] = field(default_factory=dict)
    """Further counts by Langfuse's name, such as `input_cached_tokens`."""


def sha_of(content: object) -> str:
    """Return the SHA-256 of exam content as 64 hex digits.

    For long exam content only. A plain hash of a short answer can be guessed; never pass one.
    """
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
