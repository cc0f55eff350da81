"""What a run of the demo amounts to: one object for `--json`, the same numbers for people."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from statistics import fmean
from typing import Any, Final

from certtrace.demo.results import Result, agreement, count_failures
from certtrace.demo.runner import Outcome
from certtrace.grading import PASS_MARK, FailureClass

_BANDS: Final = (("80-100 %", PASS_MARK), ("50-79 %", 0.5), ("1-49 %", 1e-9), ("0 %", 0.0))
_TELLING: Final = (
    FailureClass.MALFORMED_JSON,
    FailureClass.LLM_TIMEOUT,
    FailureClass.SCHEMA_MISMATCH,
    FailureClass.GUARDRAIL_BLOCK,
)
"""Which failed grading to show first: the one with most to see."""


def graded(outcome: Outcome) -> dict[str, Any]:
    """Return what was graded, as JSON-like data without any personal value."""
    results = outcome.results
    compared = agreement(results)
    return {
        "answers": _counts([result for result in results if result.kind == "answer"]),
        "case_studies": _counts([result for result in results if result.kind == "case study"]),
        "routes": dict(Counter(result.route for result in results)),
        "reviewed": outcome.reviewed,
        "duplicates": outcome.duplicates,
        "failures": count_failures(results),
        "faults": dict(sorted(Counter(outcome.faults.values()).items())),
        "bad_lines": outcome.bad_lines,
        "model": outcome.model,
        "agreement": asdict(compared) if compared else None,
    }


def failed(outcome: Outcome) -> list[Result]:
    """Return the subjects that got no grade, the most telling one first."""
    return _most_telling_first(result for result in outcome.results if result.error)


def troubled(outcome: Outcome) -> list[Result]:
    """Return the subjects that were graded although passes were lost, the most telling one first."""
    lost = (result for result in outcome.results if FailureClass.PARTIAL_PASSES in result.failures)
    return _most_telling_first(result for result in lost if not result.error)


def _most_telling_first(results: Iterable[Result]) -> list[Result]:
    rank = {failure.value: place for place, failure in enumerate(_TELLING)}
    return sorted(results, key=lambda result: (rank.get(result.error, len(rank)), result.subject_id))


def _counts(results: list[Result]) -> dict[str, Any]:
    shares = [result.grade / result.max_grade for result in results if result.grade is not None]
    return {
        "total": len(results),
        "graded": len(shares),
        "failed": sum(bool(result.error) for result in results),
        "mean": round(fmean(shares), 3) if shares else None,
        "passed": sum(share >= PASS_MARK for share in shares),
        "bands": _bands(shares),
    }


def _bands(shares: list[float]) -> Mapping[str, int]:
    bands = dict.fromkeys((name for name, _ in _BANDS), 0)
    for share in shares:
        bands[next(name for name, floor in _BANDS if share >= floor)] += 1
    return bands
