"""`certtrace demo`: the grading services in small, run for real and traced."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from certtrace import assembly
from certtrace.assembly import FlushResult, Status
from certtrace.cli import demo_report
from certtrace.cli.demo_progress import Progress
from certtrace.cli.home import ChosenHome
from certtrace.cli.terminal import output, print_json, remark
from certtrace.demo import sample, summary
from certtrace.demo.faults import FaultLevel
from certtrace.demo.runner import Demo, DemoOptions, Outcome
from certtrace.demo.serving import Endpoint
from certtrace.errors import InputError

SERVICE_NAME: Final = "softarch-cert-demo"
_FLUSH_SECONDS: Final = 5.0
_MANY_PASSES: Final = 25
_MANY_WORKERS: Final = 64


@click.command(
    epilog="What fails in the graded answers is the demo's doing: the exit code is 0 when the run itself went well."
)
@click.option("--answers", type=click.Path(path_type=Path), metavar="FILE", help="Short answers: JSONL, plain or .gz.")
@click.option(
    "--case-studies", type=click.Path(path_type=Path), metavar="FILE", help="Case studies: JSONL, plain or .gz."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N answers and N case studies.")
@click.option(
    "--faults",
    type=click.Choice([level.value for level in FaultLevel]),
    default=FaultLevel.FEW.value,
    show_default=True,
    help="How much goes wrong in gateway, provider and queue. An outside provider is left alone.",
)
@click.option("--passes", type=click.IntRange(1, _MANY_PASSES), default=3, show_default=True, help="Passes per answer.")
@click.option("--workers", type=click.IntRange(1, _MANY_WORKERS), default=4, show_default=True, help="Grading workers.")
@click.option(
    "--threshold",
    type=click.FloatRange(0.0, 1.0),
    default=0.7,
    show_default=True,
    help="Confidence below which an expert reviews the draft.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed: same faults, same grades.")
@click.option("--llm-base-url", metavar="URL", help="Grade with an OpenAI-compatible endpoint: its address with /v1.")
@click.option("--model", metavar="NAME", help="Model of that endpoint.")
@click.option("--llm-api-key", envvar="OPENAI_API_KEY", metavar="KEY", help="Its key; better given as OPENAI_API_KEY.")
@click.option(
    "--gateway", "only_gateway", is_flag=True, help="Serve the LLM gateway alone, for programs of yours, until Ctrl-C."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, for programs.")
@click.pass_obj
def demo(home: ChosenHome, /, **chosen: Any) -> None:
    """Run the SoftArch Cert AI services in small and trace them.

    Capture, queue, grading workers, LLM gateway and expert review run for real in this process.
    Without --answers or --case-studies the sample exam is graded; its candidates are invented.
    """
    as_json = chosen.pop("as_json")
    if chosen.pop("only_gateway"):
        from certtrace.cli.demo_gateway import serve_gateway  # noqa: PLC0415 - a run of the demo needs nothing of it

        serve_gateway(home, as_json=as_json)
        return
    options = _options(chosen)
    with Progress(total=_total(options), terminal=not as_json) as progress:
        run = Demo(options, on_bad_line=progress.bad_line, on_result=progress.result)
        assembly.configure(home=home.given, service_name=SERVICE_NAME)
        started = time.monotonic()
        outcome = run.run()
        seconds = time.monotonic() - started
    flushed = _deliver()
    status = assembly.status()
    if status is None:
        remark("Recording is switched off (CERTTRACE_ENABLED, OTEL_SDK_DISABLED): nothing was traced.")
    elif not flushed:
        owed = ", ".join(f"{name} {units}" for name, units in flushed.undelivered.items()) or "units in work"
        remark(f"Not everything is delivered yet ({owed}). It is kept on disk for the next process.")
    _print(options, outcome, status, seconds, as_json=as_json)
    assembly.shutdown()


def _deliver() -> FlushResult:
    """Deliver for as long as less is owed each time: a big run takes its time, a dead backend does not hold us up."""
    owed: tuple[int, int] | None = None
    while True:
        flushed = assembly.force_flush(_FLUSH_SECONDS)
        now = flushed.waiting, sum(flushed.undelivered.values())
        if flushed or (owed is not None and now >= owed):
            return flushed
        owed = now


def _options(chosen: dict[str, Any]) -> DemoOptions:
    base_url, model, api_key = (chosen.pop(name) for name in ("llm_base_url", "model", "llm_api_key"))
    if model and not base_url:
        msg = f"--model {model!r} stands alone. Give the endpoint that serves it with --llm-base-url."
        raise InputError(msg)
    endpoint = Endpoint(base_url=base_url, model=model or "", api_key=api_key or "") if base_url else None
    return DemoOptions(**{**chosen, "faults": FaultLevel(chosen["faults"])}, endpoint=endpoint)


def _total(options: DemoOptions) -> int | None:
    """Return how many subjects there are, if that is known without reading a file."""
    if options.answers or options.case_studies:
        return None
    kinds = (sum(1 for _ in sample.answers()), sum(1 for _ in sample.case_studies()))
    return sum(min(number, options.limit or number) for number in kinds)


def _print(options: DemoOptions, outcome: Outcome, status: Status | None, seconds: float, *, as_json: bool) -> None:
    graded = {**summary.graded(outcome), "passes": options.passes, "seconds": round(seconds, 2)}
    failed = summary.failed(outcome)
    if as_json:
        print_json({**graded, **_traced(status), "failed_traces": [result.trace_id for result in failed]})
        return
    console = output()
    demo_report.print_graded(console, graded)
    if status is not None:
        troubled = summary.troubled(outcome)
        shown, what = (failed, "failed gradings") if failed else (troubled, "gradings that lost passes")
        demo_report.print_tree(console, shown, what, status.store)
        demo_report.print_account(console, status)
        demo_report.print_next_steps(console, shown, status)


def _traced(status: Status | None) -> dict[str, Any]:
    if status is None:
        return {"account": None}
    return {
        "account": asdict(status.account),
        "redactions": demo_report.by_number(status.redaction),
        "withheld": status.withheld,
        "spans": status.spans,
        "delivered": dict(status.delivered),
        "pending": dict(status.pending),
        "tracer_faults": dict(status.faults),
        "home": str(status.home),
        "store": str(status.store) if status.store else None,
    }
