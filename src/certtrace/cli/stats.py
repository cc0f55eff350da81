"""`certtrace traces --stats`: exact counts from the ledgers beside estimates from the stored traces."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from certtrace.cli.stats_decisions import Decisions, decisions_of
from certtrace.cli.stats_estimates import Counted, Findings, findings_of
from certtrace.cli.terminal import output, print_json, print_lines, remark
from certtrace.records.langfuse_json import iso
from certtrace.records.model import TraceSummary
from certtrace.records.notes import duration_text
from certtrace.records.safe_text import one_line
from certtrace.records.source import EVERYTHING, StoreSource, TraceFilter
from certtrace.sampling.estimates import Estimate

_PAGE: Final = 500
_MOST_ROWS: Final = 12
_GAP: Final = 2
_SHORTEST_NAME: Final = 12
_NAMELESS: Final = "(no name)"


def print_stats(home: Path, ledger: Path, store: Path, matching: TraceFilter, *, as_json: bool) -> None:
    """Print what was decided and what the stored traces stand for."""
    source = StoreSource(store)
    # A ledger tells units apart by time and service alone: it knows nothing of what happened in them.
    knows = matching == replace(EVERYTHING, since_ns=matching.since_ns, service=matching.service)
    decisions = decisions_of(ledger, since_ns=matching.since_ns, service=matching.service) if knows else None
    found = findings_of(source, _pages(source, matching), decisions)
    if as_json:
        print_json(_json(found, decisions, matching))
    elif found.traces.stored or (decisions is not None and decisions.total):
        console = output()
        print_lines(console, _lines(found, decisions, matching, console))
    elif matching == EVERYTHING:
        remark(f"Nothing recorded yet under {home}. Run: certtrace demo")
        return
    else:
        remark(f"No such trace under {home}. See all with: certtrace traces")
        return
    for text in _remarks(found, decisions):
        remark(text)


def _pages(source: StoreSource, matching: TraceFilter) -> Iterator[Sequence[TraceSummary]]:
    cursor = None
    while True:
        page = source.list_traces(matching, limit=_PAGE, cursor=cursor)
        if page.traces:
            yield page.traces
        cursor = page.cursor
        if cursor is None:
            return


# --- for people ------------------------------------------------------------------------------------------------------


class _Row(NamedTuple):
    """One line of a table; a heading has no numbers."""

    name: str
    exact: str = ""
    estimate: str = ""
    stored: str = ""
    depth: int = 1


def _lines(found: Findings, decisions: Decisions | None, matching: TraceFilter, console: Console) -> Iterator[Text]:
    sign = "+/-" if console.options.ascii_only else "±"
    since = f" since {iso(matching.since_ns)[:19].replace('T', ' ')} UTC" if matching.since_ns is not None else ""
    if decisions is not None:
        title = f"Units decided{since}"
        explained = f"{title}: the spans of one trace below one entry into a service"
        yield Text(explained if len(explained) <= console.width else title, "bold")
        yield from _table(list(_unit_rows(found, decisions, sign)), console.width)
        yield Text()
    yield Text(f"Traces{since}", "bold")
    yield from _table(list(_trace_rows(found, sign)), console.width)


def _unit_rows(found: Findings, decisions: Decisions, sign: str) -> Iterator[_Row]:
    whole = found.all_units
    yield _Row("", "exact", "estimate", "stored", depth=0)
    yield _Row("all", _whole(decisions.total), _number(whole.tally.count(), sign), _whole(whole.stored))
    if difference := _difference(whole.tally.count(), decisions.total):
        yield _Row("off by", "", difference, depth=2)
    services = decisions.by_service()
    if len(services) > 1:
        yield from (
            _Row(service or _NAMELESS, _whole(number), *_counted(found.units.get(service), sign), depth=2)
            for service, number in list(services.items())[:_MOST_ROWS]
        )
    yield _Row("kept", _whole(len(decisions.kept)), "", _whole(whole.stored))
    yield from (_Row(rule, _whole(number), depth=2) for rule, number in decisions.by_rule().items())
    yield _Row("dropped", _whole(decisions.dropped.total()))
    yield from (_Row(reason, _whole(number), depth=2) for reason, number in decisions.by_reason().items())


def _trace_rows(found: Findings, sign: str) -> Iterator[_Row]:
    yield _Row("", "", "estimate", "stored", depth=0)
    yield _Row("all", "", *_counted(found.traces, sign))
    yield from _listed(found.statuses, sign)
    if found.failures:
        yield _Row("failures")
        yield from _listed(found.failures, sign)
    if len(found.services) > 1:
        yield _Row("began in")
        yield from _listed(found.services, sign)
    for name, mean, text in (
        ("mean duration", found.seconds.mean(), _seconds),
        ("mean confidence", found.confidence.mean(), _share),
        ("cost", found.cost.total() if found.stored_cost else None, _dollars),
    ):
        if mean is not None:
            stored = _dollars(found.stored_cost) if name == "cost" else ""
            yield _Row(name, "", _with_error(mean, sign, text), stored)


def _listed(counts: Mapping[str, Counted], sign: str) -> Iterator[_Row]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1].tally.count().value, -item[1].stored, item[0]))
    for name, counted in ordered[:_MOST_ROWS]:
        yield _Row(name or _NAMELESS, "", *_counted(counted, sign), depth=2)
    if len(ordered) > _MOST_ROWS:
        yield _Row(f"and {len(ordered) - _MOST_ROWS} more", depth=2)


def _table(rows: Sequence[_Row], width: int) -> Iterator[Text]:
    """Lay rows out: numbers stay whole, names are cut; what does not fit then loses what is stored."""
    columns = [column for column in ("exact", "estimate", "stored") if any(getattr(row, column) for row in rows)]
    names = [" " * (_GAP * row.depth) + one_line(row.name) for row in rows]
    widest = max(map(cell_len, names))
    while True:
        widths = [max(cell_len(getattr(row, column)) for row in rows) for column in columns]
        room = width - sum(widths) - _GAP * len(widths)
        if room >= min(widest, _SHORTEST_NAME) or "stored" not in columns:
            break
        columns.remove("stored")
    for row, name in zip(rows, names, strict=True):
        line = Text(style="dim" if row.depth == 0 else "")
        cell = Text(name)
        cell.truncate(max(min(widest, room), _SHORTEST_NAME), overflow="ellipsis")
        cell.align("left", max(min(widest, room), _SHORTEST_NAME))
        line.append_text(cell)
        for column, size in zip(columns, widths, strict=True):
            line.append(" " * _GAP + getattr(row, column).rjust(size))
        line.rstrip()
        yield line


def _counted(counted: Counted | None, sign: str) -> tuple[str, str]:
    return (_number(counted.tally.count(), sign), _whole(counted.stored)) if counted is not None else ("", "")


def _number(estimate: Estimate, sign: str) -> str:
    return _with_error(estimate, sign, lambda value: _whole(round(value))) if estimate.units else "-"


def _difference(estimate: Estimate, exact: int) -> str:
    off = estimate.against(exact)
    if off.standard_errors is None:
        return ""
    return f"{round(off.absolute):+,} ({abs(off.standard_errors):.1f} SE)"


def _with_error(estimate: Estimate, sign: str, text: Any) -> str:
    if estimate.is_exact:
        return str(text(estimate.value))
    rough = "~" if estimate.is_rough else ""
    return f"{rough}{text(estimate.value)} {sign} {text(estimate.standard_error)}"


def _whole(number: int) -> str:
    return f"{number:,}"


def _seconds(value: float) -> str:
    return duration_text(value * 1e9)


def _share(value: float) -> str:
    return f"{value:.3f}"


def _dollars(value: float) -> str:
    return f"${value:,.2f}" if value >= 1 else f"${value:.4f}"


def _remarks(found: Findings, decisions: Decisions | None) -> Iterator[str]:
    """Say what the numbers alone do not: what they leave out, and why some are missing."""
    if decisions is None:
        yield "Exact counts are by time and service only: the ledger knows nothing of what happened in a trace."
    elif missing := len(decisions.kept) - found.all_units.stored:
        yield f"Kept units that are not in the store: {missing:,}, not delivered yet, sent elsewhere only, or removed."
    context = sum(unit.threshold is None for unit in decisions.kept.values()) if decisions is not None else 0
    if context:
        yield f"Units kept for context only: {context:,}. They stand for nothing in an estimate."
    if found.dry_run:
        yield f"Traces from a dry run, which keeps everything: {found.dry_run:,}. They stand for themselves."
    if found.without_threshold:
        yield f"Traces kept for context only: {found.without_threshold:,}. They stand for nothing in an estimate."
    if found.without_stamp:
        yield f"Traces that do not say how they were sampled: {found.without_stamp:,}. No estimate counts them."
    if found.traces.tally.count().is_rough or found.all_units.tally.count().is_rough:
        yield "~ means that so few sampled traces are behind the number that its error is a rough guess."


# --- for programs ----------------------------------------------------------------------------------------------------


def _json(found: Findings, decisions: Decisions | None, matching: TraceFilter) -> dict[str, Any]:
    return {
        "since": iso(matching.since_ns) if matching.since_ns is not None else None,
        "units": _units_json(found, decisions),
        "traces": {
            **_counted_json(found.traces),
            "context_only": found.without_threshold,
            "unknown_sampling": found.without_stamp,
            "dry_run": found.dry_run,
            "by_status": _listed_json(found.statuses),
            "by_failure": _listed_json(found.failures),
            "by_service": _listed_json(found.services),
            "mean_duration_seconds": _estimate_json(found.seconds.mean()),
            "mean_confidence": _estimate_json(found.confidence.mean()),
            "cost": _estimate_json(found.cost.total()),
            "stored_cost": found.stored_cost,
        },
    }


def _units_json(found: Findings, decisions: Decisions | None) -> dict[str, Any] | None:
    if decisions is None:
        return None
    difference = found.all_units.tally.count().against(decisions.total)
    return {
        **_counted_json(found.all_units),
        "exact": {
            "decided": decisions.total,
            "kept": len(decisions.kept),
            "kept_by_rule": decisions.by_rule(),
            "kept_for_context": sum(unit.threshold is None for unit in decisions.kept.values()),
            "dropped": decisions.dropped.total(),
            "dropped_by_reason": decisions.by_reason(),
        },
        "difference": {"absolute": difference.absolute, "standard_errors": difference.standard_errors},
        "by_service": {
            service: {"exact": number, **_counted_json(found.units.get(service, Counted()))}
            for service, number in decisions.by_service().items()
        },
    }


def _counted_json(counted: Counted) -> dict[str, Any]:
    return {"stored": counted.stored, "estimate": _estimate_json(counted.tally.count())}


def _listed_json(counts: Mapping[str, Counted]) -> dict[str, Any]:
    return {name: _counted_json(counted) for name, counted in sorted(counts.items())}


def _estimate_json(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None or not estimate.units:
        return None
    low, high = estimate.interval()
    return {
        "value": estimate.value,
        "standard_error": estimate.standard_error,
        "low": low,
        "high": high,
        "units": estimate.units,
        "sampled": estimate.sampled,
        "rough": estimate.is_rough,
    }
