"""`certtrace traces recall`: send what was not kept after all."""

import re
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from certtrace.cli.home import ChosenHome
from certtrace.cli.terminal import print_json, remark

if TYPE_CHECKING:
    from certtrace.assembly.recall import Recalled, RecallResult
    from certtrace.settings import Settings

_HEX: Final = re.compile(r"[0-9a-f]{32}")
_INCOMPLETE: Final = 1
_WHY: Final = {
    "on_purpose": "on purpose, never recorded",
    "under_pressure": "refused under pressure, never recorded",
    "expired": "older than the recorder reaches",
    "displaced": "the recorder was off, or others needed its room",
}


class _TraceId(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic only since click 8.4
    """A whole trace id: of a trace that is not stored there is no prefix to complete."""

    name = "trace id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = str(value).strip().lower()
        if not _HEX.fullmatch(text) or not int(text, 16):
            self.fail(f"{str(value)[:80]!r} is no trace id: give all 32 hex digits.", param, ctx)
        return int(text, 16)


@click.command()
@click.argument("trace_ids", metavar="TRACE_ID...", type=_TraceId(), nargs=-1, required=True)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Longest time to wait for the destinations; what they do not take stays in the spool.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a trace.")
@click.pass_context
def recall(ctx: click.Context, trace_ids: tuple[int, ...], *, timeout: float, as_json: bool) -> None:
    """Send dropped traces that the flight recorder still has.

    Other processes and machines are told to send theirs, and later parts of the traces are kept.
    """
    from certtrace.assembly.recall import recall as recall_traces  # noqa: PLC0415 - help must be quick

    home: ChosenHome = ctx.obj
    settings = home.settings()
    result = recall_traces(settings, tuple(dict.fromkeys(trace_ids)), timeout_seconds=timeout)
    for trace in result.traces:
        if as_json:
            print_json(_json(trace, result))
        else:
            click.echo("\n".join(_lines(trace)))
    _remark(settings, result)
    if result.undelivered or not all(trace.is_complete for trace in result.traces):
        ctx.exit(_INCOMPLETE)


def _json(trace: "Recalled", result: "RecallResult") -> dict[str, Any]:
    gone = [asdict(unit) for unit in trace.gone]
    return {
        **asdict(trace),
        "gone": gone,
        "known": trace.is_known,
        "complete": trace.is_complete,
        "undelivered": dict(result.undelivered),
    }


def _lines(trace: "Recalled") -> list[str]:
    if not trace.is_known:
        return [f"{trace.trace_id}  not found: no recorder and no ledger of this home knows it"]
    sent = [
        f"{_number(trace.promoted, 'unit')} sent now ({_number(trace.spans, 'span')})" if trace.promoted else "",
        f"{_number(trace.promoted_before, 'unit')} sent before" if trace.promoted_before else "",
        f"{_number(trace.kept, 'unit')} kept from the start" if trace.kept else "",
    ]
    state = "complete" if trace.is_complete else "incomplete"
    return [f"{trace.trace_id}  {state}: {', '.join(filter(None, sent)) or 'nothing is left of it'}", *_lacking(trace)]


def _lacking(trace: "Recalled") -> list[str]:
    """Say what is missing, and why as far as that can be known."""
    lines = []
    for (rule, why), units in sorted(Counter((unit.rule, unit.why) for unit in trace.gone).items()):
        spans = sum(unit.spans for unit in trace.gone if (unit.rule, unit.why) == (rule, why))
        lines.append(f"  gone: {_number(units, 'unit')} dropped by {rule} ({_number(spans, 'span')}): {_WHY[why]}")
    if trace.refused:
        lines.append(
            f"  {_number(trace.refused, 'unit')} found that the spool did not take: free space and recall again"
        )
    if trace.orphans:
        lines.append(
            f"  {_number(trace.orphans, 'span')} below a parent that nobody here has: another machine, or untraced"
        )
    if trace.orphans is None:
        lines.append("  whether every parent is there cannot be told: the kept units are on a server")
    return lines


def _number(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _remark(settings: "Settings", result: "RecallResult") -> None:
    if not settings.recorder_max_bytes:
        remark("The recorder is off in these settings: CERTTRACE_RECORDER_MAX_BYTES switches it on for a service.")
    for name, units in result.undelivered.items():
        remark(f"Waiting in the spool for {name}: {_number(units, 'unit')}. See: certtrace spool status")
    if not result.told:
        remark(
            f"The folder of signals {settings.signals_path} cannot be used, so that other processes were not told. "
            "Mend it or set CERTTRACE_RECORDER_SIGNALS."
        )
