"""What `certtrace demo` tells a person at its end."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from certtrace.assembly import Status
from certtrace.cli.terminal import print_lines
from certtrace.demo.results import Result
from certtrace.errors import CerttraceError
from certtrace.records.render import View, trace_lines
from certtrace.records.source import StoreSource

_SHORT_ID: Final = 8
_TREE_LINES: Final = 80


def print_graded(console: Console, graded: Mapping[str, Any]) -> None:
    """Print what was graded: counts, grades, routes, failures."""
    head = f"Graded in {graded['seconds']:.1f} s, {graded['passes']} passes each, model {graded['model']}"
    _section(console, head)
    for kind in ("answers", "case_studies"):
        if graded[kind]["total"]:
            _row(console, kind.replace("_", " "), _counts(graded[kind]))
    _row(console, "route", _listed(graded["routes"]) + f"; {graded['reviewed']} reviewed by an expert")
    if graded["failures"]:
        _row(console, "failures", _listed(graded["failures"]))
    if graded["faults"]:
        _row(console, "faults made", _listed(graded["faults"]))
    if graded["duplicates"]:
        _row(console, "redelivered", f"{graded['duplicates']} recognised as graded already")
    if graded["bad_lines"]:
        _row(console, "bad lines", f"{graded['bad_lines']} skipped")
    if graded["agreement"]:
        _row(console, "AI vs human", _agreement(graded["agreement"]))


def print_tree(console: Console, results: Sequence[Result], what: str, store: Path | None) -> None:
    """Print the first of `results` as a tree, from the store, as `certtrace show` would."""
    if not results or store is None:
        return
    _section(console, f"1 of {len(results)} {what}, as the store has it")
    view = View(width=console.width, ascii_only=console.options.ascii_only)
    try:
        lines = list(trace_lines(StoreSource(store).get_trace(results[0].trace_id), view))
        print_lines(console, lines[:_TREE_LINES])
        if len(lines) > _TREE_LINES:
            console.print(f"… {len(lines) - _TREE_LINES} more lines: certtrace show", style="dim")
    except CerttraceError as error:
        # The run is done and graded; a trace that is not delivered yet must not turn it into a failure.
        console.print(str(error))


def print_account(console: Console, status: Status) -> None:
    """Print what was redacted, and that every unit is accounted for."""
    _section(console, "Redacted before anything was written")
    _row(console, "by type", _listed(by_number(status.redaction)) or "nothing")
    _row(console, "withheld", f"{status.withheld} values")
    account = status.account
    _section(console, "Account of units (the spans of one trace below one entry into a service)")
    dropped = _listed(account.dropped) or "0"
    left = f" + {account.open} open + {account.pending} pending" if account.open or account.pending else ""
    _row(console, "units", f"{account.started} started = {account.kept} kept + {dropped} dropped{left}")
    _row(console, "spans", f"{status.spans} written")
    for name, units in status.pending.items():
        _row(console, name, f"{units} still owed" if units else "everything delivered")
    _section(console, "Data")
    _row(console, "folder", str(status.home))
    if status.store is not None:
        _row(console, "store", str(status.store))


def print_next_steps(console: Console, results: Sequence[Result], status: Status) -> None:
    """Print commands that work on what was just recorded."""
    if status.store is None:
        return
    _section(console, "Next")
    command = f"certtrace --home {status.home}"
    console.print(f"  {command} traces{' --failed' if any(each.error for each in results) else ''}", soft_wrap=True)
    if results:
        console.print(f"  {command} show {results[0].trace_id[:_SHORT_ID]}", soft_wrap=True)
        console.print(f"  {command} show {results[-1].subject_id}", soft_wrap=True)
    console.print(f"  {command} serve", soft_wrap=True)


def by_number(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts, most frequent first."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _section(console: Console, title: str) -> None:
    console.print()
    console.print(title, style="bold", soft_wrap=True)


def _row(console: Console, name: str, text: str) -> None:
    console.print(f"  {name:<13}{text}", soft_wrap=True)


def _counts(kind: Mapping[str, Any]) -> str:
    text = f"{kind['graded']} of {kind['total']} graded, {kind['failed']} failed"
    if kind["mean"] is None:
        return text
    return f"{text}; mean {kind['mean']:.0%}, {kind['passed']} passed ({_listed(kind['bands'])})"


def _agreement(agreement: Mapping[str, Any]) -> str:
    return (
        f"{agreement['compared']} compared; mean absolute error {agreement['mean_absolute_error']:.3f} of the maximum, "
        f"same side of the pass mark {agreement['pass_agreement']:.1%}"
    )


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items())
