"""The closed word lists of the grading services, spelt as the services spell them."""

from enum import StrEnum
from typing import Final

PASS_MARK: Final = 0.8
"""Share of the maximum grade that passes a test."""
CONFIDENCE_THRESHOLD: Final = 0.7
"""Confidence below which a draft goes to an expert."""
COST_BUDGET_USD: Final = 5.0
"""What the language model may cost for one candidate."""


class Route(StrEnum):
    """Where an AI-graded draft goes next."""

    EXPERT_REVIEW = "expert_review"
    AUTOMATIC = "automatic"


class RouteReason(StrEnum):
    """Why a draft goes where it goes."""

    REVIEW_ALL = "review_all"
    LOW_CONFIDENCE = "low_confidence"
    FALSE_CONFIDENCE = "false_confidence"
    PARTIAL_PASSES = "partial_passes"
    NEAR_PASS_MARK = "near_pass_mark"  # noqa: S105 - a reason, no credential
    SAMPLED = "sampled"
    CONFIDENT = "confident"


class ReviewMode(StrEnum):
    """Which drafts an expert reviews."""

    ALL = "all"
    FLAGGED = "flagged"
    SAMPLED = "sampled"


class ReviewDecision(StrEnum):
    """What an expert did with an AI-graded draft."""

    ADJUST = "adjust"
    OVERRIDE = "override"
    APPROVE = "approve"
    REJECT = "reject"


class DecidedBy(StrEnum):
    """Who stands behind a final grade."""

    HUMAN = "human"
    AI_AND_HUMAN = "ai+human"
    AI = "ai"


class ComputedBy(StrEnum):
    """Which service computed the confidence."""

    WORKER = "worker"
    GATEWAY = "gateway"


class AppealReason(StrEnum):
    """Why a candidate appeals."""

    AMBIGUOUS_QUESTION = "ambiguous_question"
    GRADING_DOES_NOT_MATCH_EXPLANATION = "grading_does_not_match_explanation"
    EXPLANATION_WRONG = "explanation_wrong"
    OTHER = "other"


class AppealOutcome(StrEnum):
    """How an appeal ended."""

    GRANTED = "granted"
    PARTLY_GRANTED = "partly_granted"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


class CacheKind(StrEnum):
    """How the request cache found its entry."""

    EXACT = "exact"
    SIMILAR = "similar"


class Direction(StrEnum):
    """Which side of the model call a gateway stage looks at."""

    REQUEST = "request"
    RESPONSE = "response"


class Verdict(StrEnum):
    """What a guardrail concluded."""

    ALLOW = "allow"
    FLAG = "flag"
    BLOCK = "block"


class SanitiseStage(StrEnum):
    """Where in the gateway sensitive data is removed."""

    BEFORE_PROVIDER = "before_provider"
    BEFORE_CACHE = "before_cache"
    BEFORE_LOG = "before_log"
    BEFORE_ALERT = "before_alert"
    RESPONSE = "response"


class GradingOutcome(StrEnum):
    """How the grading of one answer or submission ended."""

    DRAFTED = "drafted"
    FAILED = "failed"
    DUPLICATE = "duplicate"


class Channel(StrEnum):
    """How a candidate is told."""

    EMAIL = "email"
    PORTAL = "portal"
    LETTER = "letter"
