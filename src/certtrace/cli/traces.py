"""`certtrace traces`: the list of recorded traces."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import click
from rich.table import Table
from rich.text import Text

from certtrace.cli.home import ChosenHome
from certtrace.cli.moments import Moment
from certtrace.cli.terminal import output, print_json, remark
from certtrace.records.langfuse_json import iso, summary_json
from certtrace.records.model import TraceSummary
from certtrace.records.notes import duration_text, grade_text
from certtrace.records.safe_text import one_line
from certtrace.records.source import EVERYTHING, StoreSource, TraceFilter, TraceSource

_PAGE: Final = 500
_SHORT_ID: Final = 8
_STATUS_STYLES: Final = {"error": "red", "ok": "green"}


@click.command()
@click.option("--failed", is_flag=True, help="Only traces whose failure was not made good.")
@click.option("--service", metavar="NAME", help="Only traces that this service took part in.")
@click.option("--name", metavar="NAME", help="Only traces with a step of this name, such as answer.grade.")
@click.option(
    "--since", type=Moment(), metavar="WHEN", help="Only traces from then on: 2h, 3d, an ISO date or time (UTC)."
)
@click.option("--candidate", metavar="PSEUDONYM", help="Only this candidate's, such as person:7f3a91.")
@click.option("--submission", metavar="ID", help="Only traces of this submission or answer.")
@click.option("--session", metavar="ID", help="Only traces of this session, one test attempt.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most this many traces.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@click.pass_obj
def traces(  # noqa: PLR0913 - click hands one argument per option
    home: ChosenHome,
    *,
    failed: bool,
    service: str | None,
    name: str | None,
    since: int | None,
    candidate: str | None,
    submission: str | None,
    session: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List recorded traces, newest first. Show one with: certtrace show ID."""
    matching = TraceFilter(
        statuses=("error",) if failed else (),
        service=service,
        name=name,
        submission_id=submission,
        candidate=candidate,
        session_id=session,
        since_ns=since,
    )
    found = list(islice(_pages(StoreSource(home.store), matching), limit + 1))
    if as_json:
        for summary in found[:limit]:
            print_json(summary_json(summary))
    elif found:
        output().print(_table(found[:limit]))
    _remark(found, limit, matching, home.path)


def _pages(source: TraceSource, matching: TraceFilter) -> Iterator[TraceSummary]:
    cursor = None
    while True:
        page = source.list_traces(matching, limit=_PAGE, cursor=cursor)
        yield from page.traces
        cursor = page.cursor
        if cursor is None:
            return


def _remark(found: Sequence[TraceSummary], limit: int, matching: TraceFilter, home: Path) -> None:
    """Say on stderr what the list alone does not: that it is cut, or why it is empty."""
    if len(found) > limit:
        remark(f"There are more than {limit} such traces: see more with --limit.")
    elif not found and matching == EVERYTHING:
        remark(f"Nothing recorded yet under {home}. Run: certtrace demo")
    elif not found:
        remark(f"No such trace under {home}. See all with: certtrace traces")


def _table(found: Sequence[TraceSummary]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("name", no_wrap=True, overflow="ellipsis", ratio=1, min_width=12)
    table.add_column("took", justify="right", no_wrap=True)
    table.add_column("passes", justify="right", no_wrap=True)
    table.add_column("grade", justify="right", no_wrap=True)
    table.add_column("conf.", justify="right", no_wrap=True)
    table.add_column("failure", no_wrap=True, overflow="ellipsis", min_width=12)
    table.add_column("trace", no_wrap=True)
    for summary in found:
        table.add_row(*_cells(summary))
    return table


def _cells(summary: TraceSummary) -> list[Text]:
    style = _STATUS_STYLES.get(summary.status, "yellow")
    return [
        Text(iso(summary.start_time_ns)[5:19].replace("T", " ")),
        Text(summary.status, style),
        Text(one_line(summary.name)),
        Text(duration_text(summary.end_time_ns - summary.start_time_ns)),
        Text(str(summary.pass_count or "")),
        Text(grade_text(summary.grade, summary.grade_max) or ""),
        Text("" if summary.confidence is None else f"{summary.confidence:.2f}"),
        Text(one_line(summary.failure_class or summary.error_type or ""), style if summary.status != "ok" else ""),
        Text(summary.trace_id[:_SHORT_ID], "cyan"),
    ]
