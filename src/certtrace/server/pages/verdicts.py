"""How a trace or an observation ended, as a colour and a word."""

from dataclasses import dataclass
from typing import Final, Literal

from certtrace.records.model import TraceSummary

Tone = Literal["bad", "warn", "good", "plain"]

_TONES: Final[dict[str, Tone]] = {"error": "bad", "ok": "good", "cancelled": "warn", "abandoned": "warn"}
_LEVEL_TONES: Final[dict[str, Tone]] = {"ERROR": "bad", "WARNING": "warn"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Colour and words: never one without the other."""

    tone: Tone
    word: str
    reason: str = ""
    """Failure class or type of the error."""


def verdict_of(summary: TraceSummary) -> Verdict:
    """Return how a trace ended. One that ended well may still have failed: its grade then needs a look."""
    reason = summary.failure_class or summary.error_type or ""
    tone = _TONES.get(summary.status, "plain")
    return Verdict("warn" if tone == "good" and summary.is_failed else tone, summary.status, reason)


def level_tone(level: str) -> Tone:
    """Return the colour of an observation's level."""
    return _LEVEL_TONES.get(level, "plain")
