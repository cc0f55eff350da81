"""`certtrace spool`: what is not delivered yet, and what to do about it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from certtrace.cli.home import ChosenHome
from certtrace.cli.moments import Moment
from certtrace.cli.terminal import output, print_json, print_lines, remark

if TYPE_CHECKING:
    from certtrace.delivery.draining import Drained
    from certtrace.delivery.replaying import Wanted
    from certtrace.settings import Settings

_LEFT: int = 1


@click.group()
def spool() -> None:
    """Show what is not delivered yet, deliver it, retry what was refused, export it."""


@spool.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def status(home: ChosenHome, *, as_json: bool) -> None:
    """Show what is owed to each destination, by process; dead letters by reason; disk left. Changes nothing."""
    from certtrace.cli.spool_report import report_json, report_lines, report_of  # noqa: PLC0415 - help must be quick

    report = report_of(home.settings())
    if as_json:
        print_json(report_json(report))
        return
    console = output()
    print_lines(console, report_lines(report, console.width))


@spool.command()
@click.option(
    "--timeout", type=click.FloatRange(min=0.0), default=60.0, show_default=True, help="Longest time in seconds."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def drain(context: click.Context, *, timeout: float, as_json: bool) -> None:
    """Deliver now what ended processes left, to the configured destinations.

    Running processes deliver their own; they are told to try again at once.
    Exit code 1 if something is left.
    """
    from certtrace.assembly.crashes import entering_in  # noqa: PLC0415 - help must be quick
    from certtrace.assembly.destinations import destinations_of  # noqa: PLC0415 - as above
    from certtrace.assembly.keys import LEDGER, load_or_create  # noqa: PLC0415 - as above
    from certtrace.delivery.draining import drain as deliver  # noqa: PLC0415 - as above
    from certtrace.delivery.nudge import nudge  # noqa: PLC0415 - as above
    from certtrace.delivery.spool import Spool  # noqa: PLC0415 - as above
    from certtrace.delivery.survey import is_there  # noqa: PLC0415 - as above
    from certtrace.ledger import Ledger  # noqa: PLC0415 - as above

    settings = context.obj.settings()
    if not is_there(settings.spool_path):
        _say_drained(settings, None, as_json=as_json)
        return
    destinations = destinations_of(settings)
    opened = Spool(settings.spool_path, fsync=settings.spool_fsync, max_bytes=2**62, min_free_bytes=0)
    ledger = Ledger(settings.ledger_path, load_or_create(settings.keys_path, LEDGER), "")
    opened.on_content_lost = entering_in(ledger)
    try:
        nudge(settings.spool_path)
        done = deliver(opened, destinations, timeout, _Progress(quiet=as_json).show)
    finally:
        opened.close()
        ledger.close()
    if _say_drained(settings, done, as_json=as_json):
        context.exit(_LEFT)


@spool.command()
@click.option("--destination", metavar="NAME", help="Only what this destination refused.")
@click.option("--reason", metavar="TEXT", help="Only where the reason contains this, such as 'HTTP 413'.")
@click.option("--since", type=Moment(), metavar="WHEN", help="Only what was refused from then on: 2h, 3d, a date.")
@click.option("--before", type=Moment(), metavar="WHEN", help="Only what was refused before then.")
@click.option("--dry-run", is_flag=True, help="Only say what would be retried.")
@click.pass_context
def retry(
    context: click.Context,
    *,
    destination: str | None,
    reason: str | None,
    since: int | None,
    before: int | None,
    dry_run: bool,
) -> None:
    """Put dead letters back into the spool, each for the destination that refused it.

    Without options all of them. A running service delivers them; without one, run: certtrace spool drain
    """
    from certtrace.delivery.nudge import nudge  # noqa: PLC0415 - help must be quick
    from certtrace.delivery.replaying import Wanted, replay_all  # noqa: PLC0415 - as above

    root = context.obj.settings().spool_path
    wanted = Wanted(destination, reason, since, before)
    if dry_run or not _has(root, wanted):
        _say_wanted(root, wanted)
        return
    done = replay_all(root, wanted)
    click.echo(f"{done.taken:,} dead letters are back in the spool.")
    if done.left:
        remark(f"{done.left:,} stay dead letters: the disk did not take them. Free space and run this again.")
        context.exit(_LEFT)
    nudge(root)
    remark("A running service delivers them now; without one run: certtrace spool drain")


@spool.command()
@click.option("--destination", metavar="NAME", help="Only what this destination is owed, or refused.")
@click.option("--dead-letters", is_flag=True, help="The dead letters instead of what is owed.")
@click.option("--scores", is_flag=True, help="The scores, as JSON lines, instead of the spans.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "protobuf"]),
    default="jsonl",
    show_default=True,
    help="OTLP JSON, one unit a line, or one OTLP TracesData message.",
)
@click.option(
    "--output", "file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="A new file; else stdout."
)
@click.pass_obj
def export(
    home: ChosenHome, *, destination: str | None, dead_letters: bool, scores: bool, form: str, file: Path | None
) -> None:
    """Write what is owed, or the dead letters, as OTLP. Changes nothing in the spool.

    What it writes is redacted, as everything in the spool is.
    """
    from certtrace.cli.spool_export import Export, write  # noqa: PLC0415 - help must be quick

    wanted = Export(home.settings().spool_path, destination, dead_letters, scores, form)
    done = write(wanted, file)
    remark(f"{done.written:,} {'lists of scores' if scores else 'units'} written.")
    if done.others:
        remark(f"{done.others:,} {'units of spans' if scores else 'lists of scores'} were passed over.")
    if done.unreadable:
        remark(f"{done.unreadable:,} could not be decoded and were passed over; --format protobuf writes them as is.")


class _Progress:
    """Says now and then what is left: in place on a terminal, as lines elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._said = ""

    def show(self, left: Mapping[str, int]) -> None:
        line = ", ".join(f"{units:,} for {name}" for name, units in sorted(left.items()))
        if self._quiet or line == self._said or not line:
            return
        self._said = line
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[KLeft: {line}", err=True, nl=False)

    @staticmethod
    def end() -> None:
        """Leave the line to what comes next."""
        if sys.stderr.isatty():
            click.echo("\r\x1b[K", err=True, nl=False)


def _say_drained(settings: "Settings", done: "Drained | None", *, as_json: bool) -> bool:
    """Print what a drain did; return whether something is left."""
    from certtrace.cli.spool_report import drained_json, drained_lines, left_of  # noqa: PLC0415 - help must be quick

    _Progress.end()
    left = left_of(settings, done)
    if as_json:
        print_json(drained_json(done, left))
    else:
        for line in drained_lines(done, left):
            click.echo(line)
    return bool(left)


def _has(root: Path, wanted: "Wanted") -> bool:
    from certtrace.delivery.replaying import wanted_letters  # noqa: PLC0415 - help must be quick
    from certtrace.delivery.survey import is_there  # noqa: PLC0415 - as above

    return is_there(root) and next(iter(wanted_letters(root, wanted)), None) is not None


def _say_wanted(root: Path, wanted: "Wanted") -> None:
    from certtrace.cli.spool_report import letter_lines, letters_of  # noqa: PLC0415 - help must be quick

    found = letters_of(root, wanted)
    if not found:
        remark(f"No such dead letter under {root}.")
        return
    console = output()
    print_lines(console, letter_lines(found, console.width))
