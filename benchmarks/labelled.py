"""Labelled personal data and how a redactor is scored on it; shared by the benchmarks of redaction.

A gold span counts as found when at least 90 % of its letters and digits are covered by any prediction. A prediction is
right when it overlaps some gold span. Rows that are labelled for some types only judge only those types.
"""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
COVERED = 0.9
TYPES = (
    "EMAIL", "PHONE", "CREDIT_CARD", "IBAN", "IP", "MAC", "SSN", "NATIONAL_ID", "SECRET", "ADDRESS", "DOB", "USERNAME",
    "PERSON",
)  # fmt: skip
_NOT_JUDGED = {"DATE_TIME", "URL", "CRYPTO", "CANDIDATE_ID"}

Span = tuple[int, int, str]
Tool = Callable[[str], Iterable[Span]]


def rows(name: str) -> list[dict[str, Any]]:
    """Return the rows of one file of the shared data; none where it is not there."""
    path = DATA / f"{name}.jsonl.gz"
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def clean_texts() -> dict[str, list[str]]:
    """Return texts without personal data, by where they come from: real exam answers, real submissions."""
    answers = {
        row[key]
        for row in rows("shortanswers")
        for key in ("question", "reference_answer", "student_answer", "expert_feedback")
    }
    return {"shortanswers": sorted(answers), "casestudies": sorted({row["text"] for row in rows("casestudies")})}


def judged(annotated: list[str]) -> set[str] | None:
    """Return the types that a row judges; None for all. Names of countries' ids stand for NATIONAL_ID."""
    if annotated == ["*"]:
        return None
    return {kind if kind in TYPES or kind in _NOT_JUDGED else "NATIONAL_ID" for kind in annotated}


@dataclass
class Score:
    """Counts by type."""

    gold: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    predicted: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)

    def recall(self, kind: str) -> float:
        return self.found[kind] / self.gold[kind] if self.gold[kind] else float("nan")

    def precision(self, kind: str) -> float:
        return self.right[kind] / self.predicted[kind] if self.predicted[kind] else float("nan")

    def f2(self, kind: str) -> float:
        precision, recall = self.precision(kind), self.recall(kind)
        return 5 * precision * recall / (4 * precision + recall) if precision + recall > 0 else 0.0


def scored(
    tool: Tool, texts: list[dict[str, Any]], on_miss: Callable[[str, str, str, str], None] = lambda *_: None
) -> Score:
    """Score a tool; `on_miss` is told `missed` or `false`, the type, the part and the text."""
    score = Score()
    for row in texts:
        text, kinds = row["text"], judged(row["annotated"])
        found = list(tool(text))
        for span in row["spans"]:
            kind = span["type"]
            signs = {index for index in range(span["start"], span["end"]) if text[index].isalnum()}
            covered = signs.intersection(*[[i for start, end, _ in found for i in range(start, end)]])
            score.gold[kind] += 1
            if len(covered) >= COVERED * len(signs):
                score.found[kind] += 1
            else:
                on_miss("missed", kind, text[span["start"] : span["end"]], text)
        for start, end, kind in found:
            if kinds is not None and kind not in kinds:
                continue
            score.predicted[kind] += 1
            if any(span["start"] < end and start < span["end"] for span in row["spans"]):
                score.right[kind] += 1
            else:
                on_miss("false", kind, text[start:end], text)
    return score
