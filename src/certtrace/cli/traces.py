"""`certtrace traces`: the list of recorded traces."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import click
from rich.cells import cell_len
from rich.text import Text

from certtrace.cli.home import ChosenHome
from certtrace.cli.moments import Moment
from certtrace.cli.terminal import output, print_json, print_lines, remark
from certtrace.records.langfuse_json import iso, summary_json
from certtrace.records.model import TraceSummary
from certtrace.records.notes import duration_text, grade_text
from certtrace.records.safe_text import one_line
from certtrace.records.source import EVERYTHING, StoreSource, TraceFilter, TraceSource

_PAGE: Final = 500
_SHORT_ID: Final = 8
_GAP: Final = 2
_STATUS_STYLES: Final = {"error": "red", "ok": "green"}


class _Traces(click.Group):
    """The list, and commands about single traces; these are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return ["recall"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name != "recall":
            return None
        from certtrace.cli.recall import recall  # noqa: PLC0415 - help must be quick

        return recall


@click.group(cls=_Traces, invoke_without_command=True)
@click.option("--failed", is_flag=True, help="Only traces with a failure that was not made good.")
@click.option("--service", metavar="NAME", help="Only traces that this service took part in.")
@click.option("--name", metavar="NAME", help="Only traces with a step of this name, such as answer.grade.")
@click.option(
    "--since", type=Moment(), metavar="WHEN", help="Only traces from then on: 2h, 3d, an ISO date or time (UTC)."
)
@click.option("--candidate", metavar="PSEUDONYM", help="Only this candidate's, such as person:7f3a91.")
@click.option("--submission", metavar="ID", help="Only traces of this submission or answer.")
@click.option("--session", metavar="ID", help="Only traces of this session, one test attempt.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most this many traces.")
@click.option(
    "--stats", is_flag=True, help="Count instead: exactly what was decided, and estimates from what is stored."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@click.pass_context
def traces(  # noqa: PLR0913 - click hands one argument per option
    ctx: click.Context,
    *,
    failed: bool,
    service: str | None,
    name: str | None,
    since: int | None,
    candidate: str | None,
    submission: str | None,
    session: str | None,
    limit: int,
    stats: bool,
    as_json: bool,
) -> None:
    """List recorded traces, newest first. Show one with: certtrace show ID."""
    if ctx.invoked_subcommand is not None:
        return
    home: ChosenHome = ctx.obj
    matching = TraceFilter(
        failed=failed,
        service=service,
        name=name,
        submission_id=submission,
        candidate=candidate,
        session_id=session,
        since_ns=since,
    )
    if stats:
        from certtrace.cli.stats import print_stats  # noqa: PLC0415 - the list needs nothing of it

        settings = home.settings()
        print_stats(home.path, settings.ledger_path, settings.store_path, matching, as_json=as_json)
        return
    found = list(islice(_pages(StoreSource(home.store), matching), limit + 1))
    if as_json:
        for summary in found[:limit]:
            print_json(summary_json(summary))
    elif found:
        console = output()
        print_lines(console, _table(found[:limit], console.width))
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


@dataclass(frozen=True, slots=True)
class _Column:
    heading: str
    cell: Callable[[TraceSummary], Text]
    is_number: bool = False
    shortest: int = 0
    """Columns it may be cut to; 0 for not at all."""
    from_width: int = 0
    """Width of the terminal from which on the column shows."""


def _table(found: Sequence[TraceSummary], width: int) -> Iterator[Text]:
    """Lay the list out: on a narrow terminal numbers go first, then names and failure classes get shorter."""
    columns = [column for column in _COLUMNS if width >= column.from_width]
    rows = [[column.cell(summary) for column in columns] for summary in found]
    widths = _widths(columns, rows, width - _GAP * (len(columns) - 1))
    yield _row([Text(column.heading, "dim") for column in columns], columns, widths)
    for row in rows:
        yield _row(row, columns, widths)


def _widths(columns: Sequence[_Column], rows: Sequence[Sequence[Text]], room: int) -> list[int]:
    """Return the width of each column: that of its widest cell, less where the whole would not fit."""
    widths = [max(cell_len(column.heading), *(row[at].cell_len for row in rows)) for at, column in enumerate(columns)]
    for at, column in enumerate(columns):
        too_much = sum(widths) - room
        if column.shortest and too_much > 0:
            widths[at] = max(widths[at] - too_much, min(widths[at], column.shortest))
    return widths


def _row(cells: Sequence[Text], columns: Sequence[_Column], widths: Sequence[int]) -> Text:
    line = Text()
    for cell, column, width in zip(cells, columns, widths, strict=True):
        cell.truncate(width, overflow="ellipsis")
        cell.align("right" if column.is_number else "left", width)
        line.append(" " * _GAP if line else "")
        line.append_text(cell)
    line.rstrip()
    return line


def _style(summary: TraceSummary) -> str:
    return _STATUS_STYLES.get(summary.status, "yellow")


def _time(summary: TraceSummary) -> Text:
    return Text(iso(summary.start_time_ns)[5:19].replace("T", " "))


def _status(summary: TraceSummary) -> Text:
    return Text(summary.status, _style(summary))


def _name(summary: TraceSummary) -> Text:
    return Text(one_line(summary.name))


def _took(summary: TraceSummary) -> Text:
    return Text(duration_text(summary.end_time_ns - summary.start_time_ns))


def _passes(summary: TraceSummary) -> Text:
    return Text(str(summary.pass_count or ""))


def _grade(summary: TraceSummary) -> Text:
    return Text(grade_text(summary.grade, summary.grade_max) or "")


def _confidence(summary: TraceSummary) -> Text:
    return Text("" if summary.confidence is None else f"{summary.confidence:.2f}")


def _failure(summary: TraceSummary) -> Text:
    reason = one_line(summary.failure_class or summary.error_type or "")
    return Text(reason, "" if summary.status == "ok" else _style(summary))


def _short_id(summary: TraceSummary) -> Text:
    return Text(summary.trace_id[:_SHORT_ID], "cyan")


_COLUMNS: Final = (
    _Column("time (UTC)", _time),
    _Column("status", _status),
    _Column("name", _name, shortest=12),
    _Column("took", _took, is_number=True),
    _Column("passes", _passes, is_number=True, from_width=92),
    _Column("grade", _grade, is_number=True, from_width=76),
    _Column("conf.", _confidence, is_number=True, from_width=84),
    _Column("failure", _failure, shortest=10, from_width=72),
    _Column("trace", _short_id),
)
