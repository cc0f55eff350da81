"""`certtrace show`: one trace as a tree."""

import click

from certtrace.cli.home import ChosenHome
from certtrace.cli.terminal import output, print_json, print_lines, remark
from certtrace.records.langfuse_json import trace_json
from certtrace.records.render import View, trace_lines
from certtrace.records.source import StoreSource


@click.command()
@click.argument("trace_or_submission", metavar="ID")
@click.option("--full", is_flag=True, help="Show inputs, outputs, messages and metadata whole.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with Langfuse's field names.")
@click.pass_obj
def show(home: ChosenHome, trace_or_submission: str, *, full: bool, as_json: bool) -> None:
    """Show one trace as a tree: passes, grades, errors, scores, redaction.

    ID is a trace id, the first digits of one, or a submission id.
    A submission may have several traces (redelivery, review, appeal): all are shown, oldest first. As JSON the oldest
    is the object itself, the later ones are its `later_traces`.
    """
    source = StoreSource(home.store)
    trace_ids = source.resolve(trace_or_submission)
    if len(trace_ids) > 1:
        remark(f"{trace_or_submission!r} has {len(trace_ids)} traces, oldest first.")
    if as_json:
        first, *later = [trace_json(source.get_trace(trace_id)) for trace_id in reversed(trace_ids)]
        print_json({**first, "later_traces": later} if later else first)
        return
    console = output()
    view = View(width=console.width, full=full, ascii_only=console.options.ascii_only)
    for number, trace_id in enumerate(reversed(trace_ids)):
        trace = source.get_trace(trace_id)
        print_lines(console, ["", "─" * view.width if not view.ascii_only else "-" * view.width, ""] if number else [])
        print_lines(console, trace_lines(trace, view))
