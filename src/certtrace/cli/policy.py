"""`certtrace policy`: what redaction and sampling do here, and the keys of the pseudonyms."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from certtrace.cli.home import ChosenHome
from certtrace.cli.policy_compile import compile_for_fleet
from certtrace.cli.policy_sampling import parts_of, policy_in, try_on_traces
from certtrace.cli.terminal import print_json, remark
from certtrace.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from certtrace.assembly.keys import KeyEntry
    from certtrace.sampling.model import SamplingPolicy


@click.group()
def policy() -> None:
    """Show, check, try and compile the policies of redaction and sampling; manage the keys of the pseudonyms."""


policy.add_command(compile_for_fleet)
policy.add_command(try_on_traces)


@policy.command()
@click.option("--profile", type=click.Choice(["standard", "strict", "open"]), help="Show this profile.")
@click.option("--policy", "file", type=click.Path(path_type=Path), metavar="FILE", help="Show the policy in this file.")
@click.option("--destination", metavar="NAME", help="As it holds for this destination: store, langfuse or others.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def show(home: ChosenHome, profile: str | None, file: Path | None, destination: str | None, *, as_json: bool) -> None:
    """Print the policies of redaction and sampling in force, defaults worked out, as one TOML file for both."""
    from certtrace.assembly.redaction import policy_of  # noqa: PLC0415 - help must be quick
    from certtrace.redaction.policy.printing import policy_to_toml  # noqa: PLC0415 - as above
    from certtrace.sampling.printing import sampling_to_toml  # noqa: PLC0415 - as above

    if file is not None:
        parts_of(file)  # a file that is named here is complained about as such, not as a variable
    found = policy_of(home.settings(redaction_profile=profile, redaction_policy=file))
    found = found.for_destination(destination) if destination is not None else found
    sampling = policy_in(home, file)
    if as_json:
        of_sampling = {"version": sampling.version, **sampling.canonical()}
        print_json({"version": found.version, **found.canonical(), "sampling": of_sampling})
    else:
        click.echo(policy_to_toml(found) + "\n" + sampling_to_toml(sampling), nl=False)


@policy.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def check(home: ChosenHome, file: Path) -> None:
    """Check a policy FILE: prints the version of each policy it holds, or what is wrong and on which line."""
    from certtrace.assembly.redaction import policy_of  # noqa: PLC0415 - help must be quick
    from certtrace.assembly.sampling import read_policy  # noqa: PLC0415 - as above

    parts, problems = parts_of(file), []
    if "redaction" in parts:
        try:
            found = policy_of(home.settings(redaction_policy=file))
            click.echo(f"{file}: redaction profile {found.profile}, {len(found.rules)} rules, version {found.version}")
        except ConfigurationError as error:
            problems.append(str(error))
    if "sampling" in parts:
        try:
            _say(file, read_policy(file))
        except ConfigurationError as error:
            problems.append(str(error))
    if problems:
        raise ConfigurationError("\n".join(problems))


def _say(file: Path, sampling: "SamplingPolicy | None") -> None:
    if sampling is not None:
        limited = f", {len(sampling.limits())} limits" if sampling.limits() else ""
        what = f"baseline {sampling.baseline}, {len(sampling.own_rules)} rules{limited}, version {sampling.version}"
        click.echo(f"{file}: sampling {what}")


@policy.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object per key.")
@click.pass_obj
def keys(home: ChosenHome, *, as_json: bool) -> None:
    """List the keys of the pseudonyms: the current one and those retired. No key is shown."""
    found = _entries(home)
    if not found and not as_json:
        click.echo("There is no key yet: it is made when certtrace is first used with this home.")
    for entry in found:
        if as_json:
            print_json({"name": entry.name, "made": _moment(entry), "fingerprint": entry.fingerprint})
        else:
            click.echo(f"{entry.name:18} made {_moment(entry)}  fingerprint {entry.fingerprint}")


@policy.command()
@click.pass_obj
def rotate(home: ChosenHome) -> None:
    """Make a new key: a new period begins, in which everybody has another pseudonym.

    The retired key stays beside it, so that old pseudonyms can still be linked, until it is destroyed.
    Running services go on with the old key until they are restarted.
    """
    from certtrace.assembly import keys as ring  # noqa: PLC0415 - help must be quick

    retired, current = ring.rotate(_folder(home))
    click.echo(f"New key {current.fingerprint}. The old one, {retired.fingerprint}, is kept as {retired.name}.")
    remark("Restart the services that use this home: until then they go on with the old key.")


@policy.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def destroy(home: ChosenHome, name: str, *, yes: bool) -> None:
    """Destroy the retired key NAME: its pseudonyms can never be linked to anybody again."""
    from certtrace.assembly import keys as ring  # noqa: PLC0415 - help must be quick

    if not yes:
        click.confirm(f"Destroy the key {name}? Its pseudonyms can never be linked to a person again.", abort=True)
    gone = ring.destroy(_folder(home), name)
    click.echo(f"Destroyed {gone.name} ({gone.fingerprint}). Destroy its backups as well.")


@policy.command()
@click.option("--type", "kind", default="person", show_default=True, help="person, email, phone, username or id.")
@click.pass_obj
def pseudonym(home: ChosenHome, kind: str) -> None:
    """Print the pseudonyms of the name on standard input, one for each key there is.

    The name is not taken from the command line, where others could read it.
    """
    from certtrace.assembly import redaction  # noqa: PLC0415 - help must be quick
    from certtrace.assembly.keys import read  # noqa: PLC0415 - as above

    name = (click.prompt("Name", err=True) if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if not name:
        msg = "Standard input holds no name. Give one: `certtrace policy pseudonym < file-with-the-name`."
        raise InputError(msg)
    settings = home.settings()
    held = redaction.policy_of(settings)
    given = settings.redaction_key is not None or settings.redaction_key_file is not None
    found = [] if given else _entries(home)
    ring = {entry.name: read(entry.path) for entry in found} or {"current": redaction.key_of(settings)}
    for label, key in ring.items():
        click.echo(f"{label:18} {redaction.redactor_of(held, key).pseudonym(name, kind)}")


def _folder(home: ChosenHome) -> Path:
    settings: Any = home.settings()
    if settings.redaction_key is not None or settings.redaction_key_file is not None:
        msg = (
            "The key of the pseudonyms is given by CERTTRACE_REDACTION_KEY or CERTTRACE_REDACTION_KEY_FILE. "
            "Rotate and destroy it where it comes from."
        )
        raise ConfigurationError(msg)
    folder: Path = settings.keys_path
    return folder


def _entries(home: ChosenHome) -> "list[KeyEntry]":
    from certtrace.assembly import keys as ring  # noqa: PLC0415 - help must be quick

    return ring.entries(_folder(home))


def _moment(entry: "KeyEntry") -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(entry.made))
