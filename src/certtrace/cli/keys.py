"""`certtrace keys`: who may use `certtrace serve`, and who read what."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from certtrace.cli.home import ChosenHome
from certtrace.cli.moments import Moment, Until
from certtrace.cli.server_extra import open_access, require_server
from certtrace.cli.terminal import output, print_json, print_lines, remark
from certtrace.errors import InputError, TraceNotFoundError
from certtrace.records.safe_text import one_line

if TYPE_CHECKING:
    from certtrace.server.access import Access, KeyEntry, NewKey, Project
    from certtrace.server.access.reads import Read

_ROLES: Final = ("writer", "reader", "auditor", "admin")
_USUAL_ROLES: Final = ("writer", "reader")
_PAGE: Final = 500
_SHOWN_OF_KEY: Final = 14
"""As much of a public key as tells it from the others; the list of keys has the whole of it."""


@click.group()
def keys() -> None:
    """Make, list and revoke the keys of `certtrace serve`; show who read which trace."""


@keys.command()
@click.option("--project", default="default", show_default=True, metavar="NAME", help="Project; made where needed.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(_ROLES),
    help="What the key may do; several add up. Default: writer and reader.",
)
@click.option("--note", metavar="TEXT", help="Whose key it is, or what for; readers of traces are listed by it.")
@click.option(
    "--expires", type=Until(), metavar="WHEN", help="When it ends by itself: in 90d, an ISO date or time (UTC)."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def create(
    home: ChosenHome, /, *, project: str, roles: tuple[str, ...], note: str | None, expires: int | None, as_json: bool
) -> None:
    """Make a key and show it, for the only time with its secret."""
    with _opened(home) as access:
        new, made = _created(access, project, roles or _USUAL_ROLES, note, expires)
    given = sorted(set(roles or _USUAL_ROLES))
    if as_json:
        print_json(
            {
                "id": new.id,
                "project": made.name,
                "project_id": made.id,
                "roles": given,
                "public_key": new.public_key,
                "secret_key": new.secret_key,
            }
        )
        return
    remark(f"A key of project {one_line(made.name)}, {' and '.join(given)}. It is shown now and never again:")
    click.echo(f"export LANGFUSE_PUBLIC_KEY={new.public_key}")
    click.echo(f"export LANGFUSE_SECRET_KEY={new.secret_key}")


@keys.command(name="list")
@click.option("--project", metavar="NAME", help="Only this project's.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def list_keys(home: ChosenHome, /, *, project: str | None, as_json: bool) -> None:
    """List keys, oldest first, revoked ones too; never their secrets."""
    with _opened(home) as access:
        entries = access.entries(None if project is None else _project(access, project))
    if as_json:
        for entry in entries:
            print_json(_entry_json(entry))
        return
    if not entries:
        remark("No keys yet. `certtrace serve` makes the first one, or make one with: certtrace keys create")
    print_lines(output(), [line for entry in entries for line in _entry_lines(entry)])


@keys.command()
@click.argument("key", metavar="KEY")
@click.pass_obj
def revoke(home: ChosenHome, /, *, key: str) -> None:
    """Revoke a key by its id or public key. Running servers refuse it from their next request on."""
    with _opened(home) as access:
        if access.revoke(key):
            click.echo(f"Revoked {one_line(key)}.")
            return
        known = any(key in (entry.id, entry.public_key) for entry in access.entries())
    if known:
        click.echo(f"{one_line(key)} was revoked before.")
        return
    # Not repeated: what was pasted may be the secret.
    msg = "No key has this id or public key. See: certtrace keys list"
    raise TraceNotFoundError(msg)


@keys.command()
@click.option("--project", metavar="NAME", default="default", show_default=True, help="Project of the traces.")
@click.option("--trace", "trace_id", metavar="ID", help="Only reads of this trace.")
@click.option("--since", type=Moment(), metavar="WHEN", help="Only from then on: 2h, 3d, an ISO date or time (UTC).")
@click.option("--before", type=Moment(), metavar="WHEN", help="Only before then.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most this many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def reads(home: ChosenHome, /, *, project: str, as_json: bool, **wanted: Any) -> None:
    """Show who read which trace through the server, the latest first."""
    with _opened(home) as access:
        found = list(_reads(access, _project(access, project), **wanted))
    if as_json:
        for read in found:
            print_json(_read_json(read))
        return
    if not found:
        remark("Nobody read such traces.")
    print_lines(output(), [line for read in found for line in _read_lines(read)])


@contextmanager
def _opened(home: ChosenHome) -> Iterator["Access"]:
    require_server("keys")
    with closing(open_access(home.settings())) as access:
        yield access


def _created(
    access: "Access", project: str, roles: tuple[str, ...], note: str | None, expires: int | None
) -> "tuple[NewKey, Project]":
    from certtrace.server.access import Role  # noqa: PLC0415 - the extra `server` may be missing

    made = access.project(project)
    return access.create(made, [Role(role) for role in roles], note, expires_at_ns=expires), made


def _project(access: "Access", name: str) -> "Project":
    found = next((project for project in access.projects() if name in (project.name, project.id)), None)
    if found is None:
        known = ", ".join(one_line(project.name) for project in access.projects()) or "none yet"
        msg = f"There is no project {name!r}. Known are: {known}."
        raise InputError(msg)
    return found


def _reads(
    access: "Access", project: "Project", *, trace_id: str | None, since: int | None, before: int | None, limit: int
) -> Iterator["Read"]:
    for offset in range(0, limit, _PAGE):
        most = min(_PAGE, limit - offset)
        found, _ = access.reads.page(
            project.id, trace_id=trace_id, from_ns=since, to_ns=before, offset=offset, limit=most
        )
        yield from found
        if len(found) < most:
            return


def _state(entry: "KeyEntry") -> str:
    from time import time_ns  # noqa: PLC0415 - help must be quick

    if entry.revoked_at_ns is not None:
        return f"revoked {_minute(entry.revoked_at_ns)}"
    if entry.expires_at_ns is not None and entry.expires_at_ns <= time_ns():
        return f"expired {_minute(entry.expires_at_ns)}"
    return "valid" if entry.expires_at_ns is None else f"valid until {_minute(entry.expires_at_ns)}"


def _entry_lines(entry: "KeyEntry") -> Iterator[str]:
    used = "never used" if entry.used_at_ns is None else f"used {_minute(entry.used_at_ns)}"
    note = f"  {one_line(entry.note)}" if entry.note else ""
    yield f"{entry.public_key}  {one_line(entry.project.name)}  {', '.join(sorted(entry.roles))}"
    yield f"  {_state(entry)}, {used}, made {_minute(entry.created_at_ns)}"
    yield f"  secret {entry.shown_secret}{note}"


def _entry_json(entry: "KeyEntry") -> dict[str, Any]:
    return {
        "id": entry.id,
        "public_key": entry.public_key,
        "shown_secret": entry.shown_secret,
        "project": entry.project.name,
        "roles": sorted(entry.roles),
        "note": entry.note,
        "created_at": _moment(entry.created_at_ns),
        "expires_at": _moment(entry.expires_at_ns),
        "last_used_at": _moment(entry.used_at_ns),
        "revoked_at": _moment(entry.revoked_at_ns),
    }


def _read_lines(read: "Read") -> Iterator[str]:
    times = f"{read.times} times since {_minute(read.first_at_ns)[5:10]}" if read.times > 1 else "once"
    note = f"  {one_line(read.note)}" if read.note else ""
    yield f"{_minute(read.last_at_ns)}  {one_line(read.trace_id)}  {read.how} {times}"
    yield f"  {read.route}  {read.public_key[:_SHOWN_OF_KEY]}…{note}"


def _read_json(read: "Read") -> dict[str, Any]:
    return {
        "trace_id": read.trace_id,
        "how": read.how,
        "route": read.route,
        "key_id": read.key_id,
        "public_key": read.public_key,
        "note": read.note,
        "first_time": _moment(read.first_at_ns),
        "last_time": _moment(read.last_at_ns),
        "times": read.times,
    }


def _moment(time_ns: int | None) -> str | None:
    from certtrace.records.langfuse_json import iso  # noqa: PLC0415 - help must be quick

    return None if time_ns is None else iso(time_ns)


def _minute(time_ns: int) -> str:
    """Return a time as people read it; JSON has it to the millisecond."""
    from certtrace.records.langfuse_json import iso  # noqa: PLC0415 - help must be quick

    return iso(time_ns)[:16].replace("T", " ")
