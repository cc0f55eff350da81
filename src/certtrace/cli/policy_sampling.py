"""`certtrace policy try`, and what `show` and `check` say of the sampling policy."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

import click

from certtrace.cli.home import ChosenHome
from certtrace.cli.moments import Moment
from certtrace.cli.terminal import output, print_json, print_lines
from certtrace.errors import ConfigurationError

if TYPE_CHECKING:
    from certtrace.assembly.trial import Trial
    from certtrace.records.model import Trace
    from certtrace.records.source import StoreSource, TraceFilter
    from certtrace.sampling.model import SamplingPolicy

_PAGE: Final = 500
_SHORT_ID: Final = 8
_AN_HOUR: Final = 1 / 24
"""Shortest time, in days, that says something about a day."""
TABLE: Final = "sampling"


def parts_of(path: Path) -> frozenset[str]:
    """Return which policies a file holds: `redaction`, `sampling` or both.

    Raises:
        ConfigurationError: The file cannot be read, or is no TOML.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        msg = f"The policy {path} cannot be read: {reason}. Check its path and permissions."
        raise ConfigurationError(msg) from None
    except UnicodeDecodeError:
        msg = f"The policy {path} cannot be read: it is no text in UTF-8. Give a TOML file."
        raise ConfigurationError(msg) from None
    except tomllib.TOMLDecodeError as error:
        msg = f"The policy {path} is not valid TOML: {error}. Mend the line, or see `certtrace policy show`."
        raise ConfigurationError(msg) from None
    others = {"redaction"} if content.keys() - {TABLE} or TABLE not in content else set()
    return frozenset(others | ({TABLE} if TABLE in content else set()))


def policy_in(home: ChosenHome, file: Path | None) -> "SamplingPolicy":
    """Return the sampling policy of a file that has one, else the one in force."""
    from certtrace.assembly.sampling import read_policy, sampling_policy_of  # noqa: PLC0415 - help must be quick

    given = read_policy(file) if file is not None and TABLE in parts_of(file) else None
    return given if given is not None else sampling_policy_of(home.settings())


@click.command("try")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--since", type=Moment(), metavar="WHEN", help="Only traces from then on: 2h, 3d, an ISO date or time (UTC)."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def try_on_traces(home: ChosenHome, file: Path | None, since: int | None, *, as_json: bool) -> None:
    """Say what the sampling policy in FILE would have kept and dropped of the traces recorded here.

    Without FILE the policy in force is tried. Nothing is changed or deleted.
    """
    from certtrace.assembly.trial import try_policy  # noqa: PLC0415 - help must be quick
    from certtrace.ledger import all_entries  # noqa: PLC0415 - as above
    from certtrace.records.source import StoreSource, TraceFilter  # noqa: PLC0415 - as above

    if file is not None and TABLE not in parts_of(file):
        msg = f"{file} holds no sampling policy. Give a file with a table [sampling]."
        raise ConfigurationError(msg)
    policy = policy_in(home, file)
    decided = (entry for entry in all_entries(home.settings().ledger_path) if entry.time_ns >= (since or 0))
    trial = try_policy(policy, _traces(StoreSource(home.store), TraceFilter(since_ns=since)), decided)
    unknown = list(unknowable(policy, trial))
    if as_json:
        print_json({**_as_json(trial), "unknown": unknown})
    else:
        console = output()
        notes = (line for each in unknown for line in wrap(f"- {each}", console.width, subsequent_indent="  "))
        print_lines(console, [*_lines(trial), "", "What cannot be known:", *notes])


def _traces(source: "StoreSource", matching: "TraceFilter") -> Iterator["Trace"]:
    cursor = None
    while True:
        page = source.list_traces(matching, limit=_PAGE, cursor=cursor)
        for summary in page.traces:
            yield source.get_trace(summary.trace_id)
        cursor = page.cursor
        if cursor is None:
            return


def unknowable(policy: "SamplingPolicy", trial: "Trial") -> Iterator[str]:
    """Say what stored traces cannot tell about a policy."""
    if trial.gone:
        by_rule = ", ".join(f"{rule} {number}" for rule, number in sorted(trial.gone.items()))
        yield f"Units that were dropped when they ended cannot be tried: {sum(trial.gone.values())} ({by_rule})."
    yield (
        "Kinds of units that are always dropped (at their start, by a drop rule, with a probability of 0) are missing "
        "from every number. A dry run (CERTTRACE_SAMPLING_DRY_RUN=true) keeps all."
    )
    if trial.all_units.sampled:
        yield f"Stored units that stand for more than themselves: {trial.all_units.sampled}; the estimates weigh them."
    if trial.uncounted:
        yield f"Stored units that stand for no others (kept for context only): {trial.uncounted}; nothing counts them."
    if policy.limits():
        yield "Limits were tried on the stored units alone: where more happened than is stored, they drop more."
    if policy.parent != "ignore":
        yield "What a parent in another process had decided is not stored: it counts as if it had said nothing."
    if any(rule.where for rule in policy.rules):
        yield "Values are compared as they are stored, redacted: a condition on a redacted value finds the replacement."
    for rule, number in sorted(trial.faults.items()):
        yield f"The rule {rule} failed {number} times: values that cannot be compared keep their units."


def _as_json(trial: "Trial") -> dict[str, Any]:
    return {
        "policy": trial.version,
        "traces": trial.traces,
        "units": trial.units,
        "kept": trial.kept,
        "dropped": trial.units - trial.kept,
        "share_kept": _share(trial.kept, trial.units),
        "spans": trial.spans,
        "spans_kept": trial.spans_kept,
        "days": round(trial.days, 6),
        "rules": {
            name: {"kept": rule.kept, "dropped": rule.dropped, "examples": rule.examples}
            for name, rule in sorted(trial.rules.items())
        },
        "estimated": {
            "units": _estimated(trial.all_units),
            "kept": _estimated(trial.all_kept),
            "share_kept": _share(trial.all_kept.value, trial.all_units.value),
        },
        "dropped_before": dict(sorted(trial.gone.items())),
        "faults": trial.faults,
    }


def _estimated(estimate: Any) -> dict[str, float]:
    return {"value": round(estimate.value, 3), "standard_error": round(estimate.standard_error, 3)}


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 6) if whole else None


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _lines(trial: "Trial") -> Iterator[str]:
    yield f"Sampling policy, version {trial.version}, tried on {trial.traces} stored traces with {trial.units} units."
    if not trial.units:
        return
    yield (
        f"It keeps {trial.kept} of these units ({_percent(trial.kept, trial.units)}) "
        f"and {trial.spans_kept} of {trial.spans} spans ({_percent(trial.spans_kept, trial.spans)})."
    )
    yield ""
    width = max(len("rule"), *map(len, trial.rules))
    yield f"{'rule':{width}} {'kept':>8} {'dropped':>8}  examples"
    for name, rule in sorted(trial.rules.items(), key=lambda item: (-item[1].kept - item[1].dropped, item[0])):
        examples = " ".join(each[:_SHORT_ID] for each in rule.examples)
        yield f"{name:{width}} {rule.kept:8} {rule.dropped:8}  {examples}"
    yield ""
    yield (
        f"Of about {_about(trial.all_units)} units there were it keeps about "
        f"{_about(trial.all_kept)} ({_percent(trial.all_kept.value, trial.all_units.value)})"
        + (f", {trial.all_kept.value / trial.days:.0f} a day." if trial.days >= _AN_HOUR else ".")
    )


def _about(estimate: Any) -> str:
    error = f" ± {estimate.standard_error:.3g}" if estimate.standard_error else ""
    return f"{estimate.value:.0f}{error}"
