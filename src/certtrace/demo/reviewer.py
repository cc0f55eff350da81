"""Score one rubric criterion of a case study, and write the feedback report: the built-in provider's other work.

Lexical as the short-answer grader is. Half of the credit is coverage of the criterion's own words in the submission;
the other half is evidence of the kinds that the criterion asks for by name: decision records, diagrams, trade-offs,
quality attributes, figures. There are no human grades to measure it against; read its grades as plausible, not as
right.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from certtrace.demo import text
from certtrace.demo.grader import NOISE, STEPS, Assessment


@dataclass(frozen=True, slots=True)
class Evidence:
    """One kind of evidence: when a criterion asks for it, how it shows, how much is enough."""

    asked_by: frozenset[str]
    shown_by: re.Pattern[str]
    enough: int


def _kind(asked_by: str, shown_by: str, enough: int) -> Evidence:
    return Evidence(frozenset(map(text.stem, asked_by.split())), re.compile(shown_by, re.IGNORECASE), enough)


EVIDENCE: Final = {
    "decision records": _kind("adr decisions decision", r"\badr\b|\bstatus:|\bconsequences\b|\bdecision\b", 8),
    "diagrams": _kind(
        "diagram diagrams view views", r"!\[|```(?:mermaid|plantuml)|\bdiagram\b|\bc4\b|\bcontainer view\b", 6
    ),
    "trade-offs": _kind(
        "alternatives weighed",
        r"\btrade-?offs?\b|\balternatives?\b|\bpros\b|\bcons\b|\binstead of\b|\bversus\b|\brisks?\b",
        8,
    ),
    "quality attributes": _kind(
        "quality attributes",
        r"\b(?:scalab|availab|reliab|secur|maintainab|performan|observab|elastic|testab|interoperab|usab)\w+",
        12,
    ),
    "figures": _kind(
        "cost figures numbers measurable", r"\d+(?:\.\d+)?\s*(?:%|ms|s\b|seconds|per\b|\$|€|usd|users|requests)", 5
    ),
}
ENOUGH_COVERAGE: Final = 0.7


def assess_criterion(
    criterion: str, submission: str, max_grade: float, *, temperature: float = 0.0, seed: int = 0
) -> Assessment:
    """Grade what `submission` shows for `criterion`, 0.0 to `max_grade`."""
    wanted = frozenset(text.words(criterion))
    found = frozenset(text.words(submission))
    coverage = len(wanted & found) / len(wanted) if wanted else 0.0
    evidence = _evidence(wanted, submission)
    credits = [min(1.0, coverage / ENOUGH_COVERAGE)]
    if evidence:
        credits.append(sum(evidence.values()) / len(evidence))
    # The noise is keyed by content, so that a cached and a fresh reply to one request agree.
    noise = random.Random(f"{seed}|{criterion}|{len(submission)}").gauss(0.0, NOISE)  # noqa: S311 - not a secret
    quality = sum(credits) / len(credits) + noise * temperature
    share = min(STEPS, max(0, round(quality * STEPS))) / STEPS
    return Assessment(
        grade=round(share * max_grade, 3),
        confidence=round(0.97 - 0.94 * abs(quality * STEPS - round(quality * STEPS)), 3),
        rationale=_rationale(coverage, evidence),
        criteria={"coverage": round(coverage, 2), **{name: round(value, 2) for name, value in evidence.items()}},
    )


def _evidence(wanted: frozenset[str], submission: str) -> dict[str, float]:
    return {
        name: min(1.0, sum(1 for _ in kind.shown_by.finditer(submission)) / kind.enough)
        for name, kind in EVIDENCE.items()
        if kind.asked_by & wanted
    }


def _rationale(coverage: float, evidence: Mapping[str, float]) -> str:
    parts = [f"{coverage:.0%} of the criterion's terms appear"]
    parts += [
        f"{name}: {'ample' if value >= 1 else 'some' if value >= 0.4 else 'little'}" for name, value in evidence.items()
    ]
    return "; ".join(parts) + "."


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """One graded criterion, as the feedback report needs it."""

    id: str
    grade: float
    max_grade: float
    rationale: str


def write_feedback(results: Sequence[CriterionResult], grade: float, max_grade: float) -> str:
    """Write the candidate's feedback: strengths, what to work on, the stated grade. It quotes no rubric."""
    strong = [result for result in results if result.grade >= 0.75 * result.max_grade]
    weak = sorted(
        (result for result in results if result not in strong), key=lambda result: result.grade / result.max_grade
    )
    lines = [f"Your architecture solution was graded {grade:g} of {max_grade:g} points.", ""]
    lines += ["Strengths:"] + [f"- {_title(result.id)}: {result.rationale}" for result in strong] if strong else []
    lines += ["", "To work on:"] + [f"- {_title(result.id)}: {result.rationale}" for result in weak] if weak else []
    return "\n".join(lines)


def _title(criterion_id: str) -> str:
    return criterion_id.replace("-", " ").replace("_", " ").capitalize()
