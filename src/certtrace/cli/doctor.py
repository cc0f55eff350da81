"""`certtrace doctor`: whether this installation works, and what to do where it does not."""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click
from rich.text import Text

from certtrace.cli.home import ChosenHome
from certtrace.cli.terminal import output, print_json
from certtrace.errors import ConfigurationError
from certtrace.records.safe_text import one_line

if TYPE_CHECKING:
    from rich.console import Console

    from certtrace.assembly.doctor import Finding

_STYLES: Final = {"ok": "green", "warning": "yellow", "wrong": "bold red"}
_STATE_WIDTH: Final = 9
_AREA_WIDTH: Final = 15
_WRONG: Final = 1


@click.command()
@click.option("--no-canary", is_flag=True, help="Send nothing: only look.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1, max=600.0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Longest time for each destination to answer, to take the canary and to show it.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@click.pass_context
def doctor(ctx: click.Context, *, no_canary: bool, timeout: float, as_json: bool) -> None:
    """Check configuration, keys, clocks, disk, spool and destinations, and send a canary the whole way.

    The canary is a trace with an invented person in it, named certtrace.canary. It is read back from each destination,
    where nothing of the person may have arrived, and removed from the store afterwards.
    """
    # The findings say the same, in order and with a remedy.
    logging.getLogger("certtrace").addHandler(logging.NullHandler())
    findings = []
    console = output()
    for finding in _findings(ctx.obj, canary=not no_canary, timeout=timeout):
        findings.append(finding)
        if not as_json:
            _print(console, finding)
    counts = Counter[str](finding.state for finding in findings)
    healthy = not counts["wrong"]
    if as_json:
        print_json({"healthy": healthy, "findings": [_json(finding) for finding in findings]})
    else:
        click.echo()
        console.print(_summary(counts))
    if not healthy:
        ctx.exit(_WRONG)


def _findings(home: ChosenHome, *, canary: bool, timeout: float) -> "Iterator[Finding]":
    from certtrace.assembly.doctor import Examination, Finding, examine  # noqa: PLC0415 - help must be quick

    try:
        settings = home.settings()
    except ConfigurationError as error:
        # Without settings nothing else can be looked at: not even where the data is.
        yield Finding("configuration", "wrong", str(error), "Mend it, and run certtrace doctor again.")
        return
    given = {"home": home.given} if home.given is not None else {}
    yield from examine(Examination(settings, given, canary=canary and settings.enabled, timeout_seconds=timeout))


def _json(finding: "Finding") -> dict[str, Any]:
    return {**asdict(finding), "facts": dict(finding.facts)}


def _print(console: "Console", finding: "Finding") -> None:
    """Print state and area in columns, and beside them what was found; on a narrow terminal below them."""
    head = Text(f"{finding.state:<{_STATE_WIDTH}}", _STYLES[finding.state]) + Text(
        f"{finding.area:<{_AREA_WIDTH}}", "dim"
    )
    lines = [Text(one_line(finding.what))]
    if finding.remedy and finding.state != "ok":
        lines.append(
            Text(f"→ {one_line(finding.remedy)}" if not console.options.ascii_only else one_line(finding.remedy))
        )
    margin = _STATE_WIDTH + _AREA_WIDTH
    beside = console.width >= 2 * margin + 10
    if not beside:
        head.rstrip()
        console.print(head, soft_wrap=True)
        margin = 2
    for number, line in enumerate(lines):
        for row, part in enumerate(line.wrap(console, console.width - margin)):
            part.rstrip()
            begin = head if beside and not number and not row else Text(" " * margin)
            console.print(begin + part, soft_wrap=True)


def _summary(counts: Counter[str]) -> Text:
    if counts["wrong"]:
        return Text(
            f"{counts['wrong']} wrong, {counts['warning']} to look at, {counts['ok']} in order.", _STYLES["wrong"]
        )
    if counts["warning"]:
        return Text(f"Works. {counts['warning']} to look at, {counts['ok']} in order.", _STYLES["warning"])
    return Text(f"Works. All {counts['ok']} checks are in order.", _STYLES["ok"])
