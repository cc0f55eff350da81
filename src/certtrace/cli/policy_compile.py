"""`certtrace policy compile`: the sampling policy for a fleet of OpenTelemetry Collectors."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from certtrace.cli.home import ChosenHome
from certtrace.cli.terminal import print_json, remark
from certtrace.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from certtrace.sampling.compile import Compiled

TIER_1: Final = "otelcol-tier1.yaml"
TIER_2: Final = "otelcol-tier2.yaml"
_MADE_BY_US: Final = "# Made by `certtrace policy compile`"
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


@click.command("compile")
@click.option(
    "--to",
    type=click.Choice(["otel-collector"]),
    required=True,
    expose_value=False,
    help="For what; there is one so far.",
)
@click.option(
    "--policy",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Policy; default CERTTRACE_SAMPLING_POLICY.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FOLDER", help="Write two files there; default stdout.")
@click.option("--langfuse-url", metavar="URL", help="Where tier 2 sends; default LANGFUSE_BASE_URL.")
@click.option("--tail-host", metavar="NAME", help="Name of all collectors of tier 2.  [default: otelcol-tail]")
@click.option("--tail-ca", "tail_ca_file", metavar="FILE", help="Certificate authority of tier 2, as tier 1 finds it.")
@click.option("--tail-instances", type=click.IntRange(1, 1000), metavar="N", help="Collectors of tier 2.  [default: 1]")
@click.option(
    "--traces-per-second", type=click.FloatRange(0, 1e6, min_open=True), metavar="X", help="New traces at each of them."
)
@click.option("--spans-per-trace", type=click.FloatRange(1, 1e6), metavar="X", help="Average, for limits.")
@click.option(
    "--decision-wait",
    "decision_wait_seconds",
    type=click.IntRange(1, 86_400),
    metavar="SECONDS",
    help="Default from the policy.",
)
@click.option("--queue-folder", "queue_directory", metavar="PATH", help="Of the persistent queues, in the collectors.")
@click.option("--json", "as_json", is_flag=True, help="The report, and without --out both texts, as one JSON object.")
@click.pass_obj
def compile_for_fleet(
    home: ChosenHome, /, file: Path | None, out: Path | None, *, as_json: bool, **options: Any
) -> None:
    """Write the sampling policy as two configurations of the OpenTelemetry Collector.

    Tier 1 sends every trace to one collector of tier 2, which decides and sends to Langfuse.
    A report says what is not the same there, and what remains to do.
    """
    from certtrace.assembly.sampling import sampling_policy_of  # noqa: PLC0415 - help must be quick
    from certtrace.sampling.compile import Target, compile_policy  # noqa: PLC0415 - as above

    settings = home.settings(sampling_policy=file)
    given: dict[str, Any] = {
        **options,
        "langfuse_url": _address(options["langfuse_url"] or settings.langfuse_base_url),
        "tail_host": _host(options["tail_host"]),
    }
    chosen = Target(**{name: value for name, value in given.items() if value is not None})
    made = compile_policy(sampling_policy_of(settings), chosen)
    written = _write(out, made) if out is not None else []
    if as_json:
        texts = {} if written else {"tier1": made.tier1, "tier2": made.tier2}
        print_json({**made.report.as_json(), "files": [str(path) for path in written], **texts})
        return
    if not written:
        click.echo(f"{made.tier1}---\n{made.tier2}", nl=False)
    for path in written:
        remark(f"Written: {path}")
    for line in made.report.lines():
        remark(line)


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.username or parts.password:
        msg = "The address of Langfuse holds credentials, which would be written down. Leave them out of it."
        raise ConfigurationError(msg)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        msg = "The address of Langfuse is not usable. Give --langfuse-url or LANGFUSE_BASE_URL as https://HOST."
        raise ConfigurationError(msg)
    return url


def _host(name: str | None) -> str | None:
    if name is not None and not _HOST.fullmatch(name):
        msg = f"--tail-host {name!r} is no host name. Give a name that resolves to every collector of tier 2."
        raise InputError(msg)
    return name


def _write(folder: Path, made: "Compiled") -> list[Path]:
    texts = {folder / TIER_1: made.tier1, folder / TIER_2: made.tier2}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in texts:
            _refuse_foreign(path)
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"--out {folder} cannot be written: {error.strerror or type(error).__name__}. Choose another folder."
        raise InputError(msg) from None
    return list(texts)


def _refuse_foreign(path: Path) -> None:
    if path.exists() and not path.read_bytes().startswith(_MADE_BY_US.encode()):
        msg = f"{path} is there and was not made by this command. Move it away, or choose another --out."
        raise InputError(msg)
