"""What stands at the head of a trace's page."""

from collections.abc import Iterator
from dataclasses import dataclass

from certtrace.records.model import Trace
from certtrace.records.notes import grade_text, sampling_text
from certtrace.server.pages.links import list_href
from certtrace.server.pages.trace.receipts import RedactionReceipt, redaction_of
from certtrace.server.pages.verdicts import Verdict, verdict_of
from certtrace.server.pages.words import money, thousands


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact with its label, and the list of traces that share it."""

    label: str
    value: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """The trace at a glance."""

    name: str
    verdict: Verdict
    numbers: tuple[Fact, ...]
    belongs: tuple[Fact, ...]
    tags: tuple[Fact, ...]
    redaction: RedactionReceipt | None
    sampling: str
    alike: str
    """The list of traces with the same failure; empty where there is none."""


def header_of(trace: Trace) -> Header:
    """Return what stands at the head of a trace's page."""
    verdict = verdict_of(trace.summary)
    return Header(
        name=trace.summary.name,
        verdict=verdict,
        numbers=tuple(fact for fact in _numbers(trace) if fact.value),
        belongs=tuple(fact for fact in _belongs(trace) if fact.value),
        tags=tuple(Fact("tag", tag, list_href(tag=tag)) for tag in trace.summary.tags),
        redaction=redaction_of(trace.observations),
        sampling=sampling_text(trace) or "",
        alike=list_href(failure=verdict.reason) if trace.summary.is_failed and verdict.reason else "",
    )


def _numbers(trace: Trace) -> Iterator[Fact]:
    summary = trace.summary
    tokens = sum(_tokens(each.usage_details) for each in trace.observations)
    cost = sum(each.cost_details.get("total", 0) for each in trace.observations)
    yield Fact("grade", grade_text(summary.grade, summary.grade_max) or "")
    yield Fact("confidence", "" if summary.confidence is None else f"{summary.confidence:.2f}")
    yield Fact("passes", str(summary.pass_count or ""))
    yield Fact("observations", thousands(summary.observation_count))
    yield Fact("errors", thousands(summary.error_count) if summary.error_count else "")
    yield Fact("tokens", thousands(tokens) if tokens else "")
    yield Fact("cost", money(cost) if cost else "")


def _tokens(usage: object) -> float:
    """Return the tokens of one call: the total that is recorded, else what goes in and comes out."""
    if not isinstance(usage, dict):
        return 0
    return float(usage.get("total") or usage.get("input", 0) + usage.get("output", 0))


def _belongs(trace: Trace) -> Iterator[Fact]:
    summary = trace.summary
    yield Fact("service", summary.service or "", list_href(service=summary.service or ""))
    yield Fact("environment", summary.environment, list_href(environment=summary.environment))
    yield Fact("submission", summary.submission_id or "", list_href(submission=summary.submission_id or ""))
    yield Fact("candidate", summary.candidate or "", list_href(candidate=summary.candidate or ""))
    yield Fact("session", summary.session_id or "", list_href(session=summary.session_id or ""))
    yield Fact("user", summary.user_id or "", list_href(user=summary.user_id or ""))
    yield Fact("release", summary.release or "")
    yield Fact("version", summary.version or "")
