"""What the stored traces say about all traces: estimates with their errors, and about what they can say nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from certtrace.cli.stats_decisions import Decisions, key_of
from certtrace.records.model import TraceSummary
from certtrace.records.sampled import SampledPart
from certtrace.sampling.estimates import Part, Tally

OTHER = "other"


class SampledSource(Protocol):
    """Where the stored traces come from."""

    def sampled(self, trace_ids: Sequence[str]) -> list[SampledPart]:
        """Return how the observations of some traces came through sampling, trace by trace."""
        ...


@dataclass(slots=True)
class Counted:
    """How often something is stored, and what that stands for."""

    stored: int = 0
    tally: Tally = field(default_factory=Tally)

    def add(self, parts: Iterable[Part]) -> None:
        """Count one stored trace."""
        self.stored += 1
        self.tally.add_trace(parts)


@dataclass(slots=True)
class Findings:
    """Everything that is estimated from the stored traces."""

    traces: Counted = field(default_factory=Counted)
    statuses: dict[str, Counted] = field(default_factory=dict)
    failures: dict[str, Counted] = field(default_factory=dict)
    """By failure class, where a failure was not made good."""
    services: dict[str, Counted] = field(default_factory=dict)
    """By the service where the trace began."""
    confidence: Tally = field(default_factory=Tally)
    seconds: Tally = field(default_factory=Tally)
    cost: Tally = field(default_factory=Tally)
    stored_cost: float = 0.0
    without_threshold: int = 0
    """Traces that say what kept them, but were kept for context only."""
    without_stamp: int = 0
    """Traces that do not say how they came through sampling."""
    dry_run: int = 0
    """Traces recorded in a dry run, which keeps everything."""
    units: dict[str, Counted] = field(default_factory=dict)
    """Units that the ledger has and the store too, by service."""
    all_units: Counted = field(default_factory=Counted)


def findings_of(
    source: SampledSource, pages: Iterable[Sequence[TraceSummary]], decisions: Decisions | None
) -> Findings:
    """Go through the stored traces, page by page.

    Args:
        source: Where their parts are.
        pages: The traces.
        decisions: What the ledgers say; None where they have no say.
    """
    found = Findings()
    for page in pages:
        parts = dict(_by_trace(source.sampled([summary.trace_id for summary in page])))
        for summary in page:
            own = parts.get(summary.trace_id, [])
            _add_trace(found, summary, own)
            if decisions is not None:
                _add_units(found, own, decisions)
    return found


def _by_trace(parts: Sequence[SampledPart]) -> Iterator[tuple[str, list[SampledPart]]]:
    grouped: dict[str, list[SampledPart]] = {}
    for part in parts:
        grouped.setdefault(part.trace_id, []).append(part)
    yield from grouped.items()


def _add_trace(found: Findings, summary: TraceSummary, parts: Sequence[SampledPart]) -> None:
    # A trace is stored if any of its units is, so the lowest threshold among them is the trace's own.
    threshold = min((part.threshold for part in parts if part.threshold is not None), default=None)
    if not any(part.rule for part in parts):
        found.without_stamp += 1
    elif threshold is None:
        found.without_threshold += 1
    found.dry_run += any(part.rule == "dry_run" for part in parts)
    whole = (Part(threshold),)
    found.traces.add(whole)
    found.statuses.setdefault(summary.status, Counted()).add(whole)
    found.services.setdefault(summary.service or "", Counted()).add(whole)
    if summary.is_failed:
        found.failures.setdefault(summary.failure_class or summary.error_type or OTHER, Counted()).add(whole)
    if threshold is not None:
        found.seconds.add(threshold, (summary.end_time_ns - summary.start_time_ns) / 1e9)
        if summary.confidence is not None:
            found.confidence.add(threshold, summary.confidence)
    found.stored_cost += sum(part.cost for part in parts)
    found.cost.add_trace(Part(part.threshold, part.cost) for part in parts if part.cost)


def _add_units(found: Findings, parts: Sequence[SampledPart], decisions: Decisions) -> None:
    kept = [unit for part in parts if (unit := decisions.kept.get(key_of(part.trace_id, part.observation_id)))]
    by_service: dict[str, list[Part]] = {}
    for unit in kept:
        by_service.setdefault(unit.service, []).append(Part(unit.threshold))
    for service, units in by_service.items():
        counted = found.units.setdefault(service, Counted())
        counted.stored += len(units)
        counted.tally.add_trace(units)
    if kept:
        found.all_units.stored += len(kept)
        found.all_units.tally.add_trace(Part(unit.threshold) for unit in kept)
