"""The command `certtrace`. A command's module is imported when the command is called, so that `--help` is quick."""

import importlib
import sys
from pathlib import Path
from typing import Any, Final

import click

from certtrace.cli.home import ChosenHome
from certtrace.errors import CerttraceError, TraceNotFoundError

COMMANDS: Final = {
    "demo": ("certtrace.cli.demo:demo", "Run the grading services in small and trace them."),
    "traces": ("certtrace.cli.traces:traces", "List recorded traces, newest first."),
    "redact": ("certtrace.cli.redact:redact", "Try the redaction policy on text, JSON or JSONL."),
    "policy": ("certtrace.cli.policy:policy", "Show, check, try and compile the policies; manage keys."),
    "doctor": ("certtrace.cli.doctor:doctor", "Check whether this installation works; send a canary trace."),
    "spool": ("certtrace.cli.spool:spool", "Show what is not delivered yet; deliver, retry or export it."),
    "show": ("certtrace.cli.show:show", "Show one trace as a tree."),
    "store": ("certtrace.cli.store:store", "Check the embedded store, back it up, give free space back."),
    "keys": ("certtrace.cli.keys:keys", "Make, list and revoke the server's keys; show who read which trace."),
    "serve": ("certtrace.cli.serve:serve", "Serve a Langfuse-compatible API and the web page over the store."),
}
"""Where each command lives and what it does, in the order of the help page."""

_NOT_FOUND: Final = 1
_WRONG_INPUT: Final = 2


class _Commands(click.Group):
    """The commands of the table, imported on demand; our own errors become a message and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CerttraceError as error:
            _complain(error)
            ctx.exit(_NOT_FOUND if isinstance(error, TraceNotFoundError) else _WRONG_INPUT)


def _complain(error: CerttraceError) -> None:
    from certtrace.records.safe_text import lines  # noqa: PLC0415 - help and version need nothing of the records room

    click.echo("\n".join(lines(f"certtrace: {error}")), err=True)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 not found, not whole or not delivered, 2 wrong input or configuration.",
)
@click.version_option(package_name="certtrace", prog_name="certtrace", message="%(prog)s %(version)s")
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Data folder: store, spool, ledger, keys. Default: CERTTRACE_HOME, else the user's data folder.",
)
@click.pass_context
def root(ctx: click.Context, home: Path | None) -> None:
    """Trace AI grading services, and find out why a grading failed."""
    ctx.obj = ChosenHome(home)


def main() -> None:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets an escape, not a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    root(prog_name="certtrace")
