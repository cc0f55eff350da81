"""`certtrace serve`: a Langfuse-compatible API and the web page over the store."""

import logging
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from certtrace.cli.home import ChosenHome
from certtrace.cli.server_extra import open_access, require_server
from certtrace.cli.terminal import print_json, remark
from certtrace.errors import ConfigurationError

if TYPE_CHECKING:
    import socket

    from certtrace.server.access import Access, NewKey, Project
    from certtrace.server.box import Box
    from certtrace.server.running import Tls
    from certtrace.settings import Settings

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--host", metavar="ADDRESS", help="Address to listen on. Default: CERTTRACE_SERVER_HOST, else 127.0.0.1.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="Port to listen on, 0 for any free one. Default: CERTTRACE_SERVER_PORT, else 3000.",
)
@click.option("--project", metavar="NAME", help="Project to make a first key for, if it has none. Default: default.")
@click.option("--base-url", metavar="URL", help="Where clients reach the server, if not where it listens.")
@click.option("--tls-certificate", type=_FILE, metavar="FILE", help="PEM file: serve HTTPS with this certificate.")
@click.option("--tls-key", type=_FILE, metavar="FILE", help="PEM file with its private key.")
@click.option("--insecure-http", is_flag=True, help="Listen beyond this machine without TLS.")
@click.option("--json", "as_json", is_flag=True, help="When ready, one JSON object: url, project, a new key.")
@click.pass_obj
def serve(home: ChosenHome, /, *, project: str | None, insecure_http: bool, as_json: bool, **options: Any) -> None:
    """Serve a Langfuse-compatible API and the web page over the store of this data folder.

    On the first start a project and an admin key are made; the key is shown then and never again.
    """
    require_server("serve")
    with _ended_at_once():
        _serve(home, options, project, insecure_http=insecure_http, as_json=as_json)


def _serve(
    home: ChosenHome, options: dict[str, Any], project: str | None, *, insecure_http: bool, as_json: bool
) -> None:
    from certtrace.server.running import listen, run, server_of  # noqa: PLC0415 - the extra `server` may be missing

    settings = home.settings(**{f"server_{name}": value for name, value in options.items()})
    tls = _tls_of(settings)
    _refuse_open_http(settings.server_host, tls, insecure_http=insecure_http)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    listening = listen(settings.server_host, settings.server_port)
    with listening:
        box = _box(settings, listening, tls)
        try:
            server = server_of(_app(box), tls=tls, ready=lambda: _say_ready(box, settings, project, as_json=as_json))
            with _upkeep(box, settings):
                run(server, listening)
        finally:
            box.store.close()
            box.access.close()


@contextmanager
def _ended_at_once() -> Iterator[None]:
    """End with exit code 0 by a signal that comes before requests are answered: there is nothing to finish yet."""
    before = {each: signal.signal(each, lambda *_: sys.exit(0)) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _tls_of(settings: "Settings") -> "Tls | None":
    from certtrace.server.running import Tls  # noqa: PLC0415 - the extra `server` may be missing

    certificate, key = settings.server_tls_certificate, settings.server_tls_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        given, missing = ("--tls-certificate", "--tls-key") if key is None else ("--tls-key", "--tls-certificate")
        msg = f"{given} is given without {missing}. Give both, or neither for plain HTTP."
        raise ConfigurationError(msg)
    return Tls(certificate, key)


def _refuse_open_http(host: str, tls: "Tls | None", *, insecure_http: bool) -> None:
    from certtrace.server.running import is_loopback  # noqa: PLC0415 - the extra `server` may be missing

    if tls is None and not insecure_http and not is_loopback(host):
        msg = (
            f"--host {host} is reached from other machines, and without TLS keys and traces would cross the network "
            "unencrypted. Give --tls-certificate and --tls-key, or say --insecure-http where something else encrypts."
        )
        raise ConfigurationError(msg)


def _box(settings: "Settings", listening: "socket.socket", tls: "Tls | None") -> "Box":
    from certtrace.assembly.redaction import key_of, policy_of, recognizers_of, redactor_of  # noqa: PLC0415 - as above
    from certtrace.records.database import Database  # noqa: PLC0415 - as above
    from certtrace.server.box import Box, Limits  # noqa: PLC0415 - as above
    from certtrace.server.running import address_of  # noqa: PLC0415 - as above
    from certtrace.settings import DESTINATIONS  # noqa: PLC0415 - as above

    policy = policy_of(settings)
    own = {policy.for_destination(name).version for name in (None, *DESTINATIONS)}
    store = Database(settings.store_path)
    with store.writing():
        pass  # made or migrated now: what is wrong with it is said before the first request
    base_url = settings.server_base_url or address_of(listening, settings.server_host, tls=tls is not None)
    return Box(
        store=store,
        access=open_access(settings),
        redactor=redactor_of(policy, key_of(settings), destination="store", foreign=recognizers_of(settings)),
        trusted_policies=frozenset(own | settings.server_trusted_policies),
        media_folder=settings.home / "media",
        base_url=base_url.rstrip("/"),
        hosts=settings.server_allowed_hosts | {settings.server_host},
        limits=Limits(
            body_bytes=settings.server_max_body_bytes,
            packed_bytes=settings.server_max_packed_bytes,
            requests=settings.server_max_requests,
        ),
        secure_cookies=base_url.startswith("https:"),
    )


def _app(box: "Box") -> Any:
    from certtrace.server.app import create_app  # noqa: PLC0415 - the extra `server` may be missing

    return create_app(box)


@contextmanager
def _upkeep(box: "Box", settings: "Settings") -> Iterator[None]:
    from certtrace.server.chores import chores_of, indexing_of, retention_of  # noqa: PLC0415 - the extra `server` may be missing
    from certtrace.server.upkeep import Upkeep  # noqa: PLC0415 - as above

    kept = retention_of(settings.server_retention_days)
    with indexing_of(box) as indexing:
        chores = chores_of(box, indexing.look_after, reads_kept_days=settings.server_reads_kept_days, kept=kept)
        with Upkeep(chores):
            yield


def _first_key(access: "Access", wanted: str | None) -> "tuple[Project, NewKey | None]":
    """Make a key where there is none: at all, or in the project that was asked for."""
    from certtrace.server.access import Role  # noqa: PLC0415 - the extra `server` may be missing

    if wanted is None and access.has_keys():
        return access.projects()[0], None
    project = access.project(wanted or "default")
    if access.has_keys(project):
        return project, None
    return project, access.create(project, [Role.ADMIN], note="made by the first start")


def _say_ready(box: "Box", settings: "Settings", wanted: str | None, *, as_json: bool) -> None:
    # The key is made when nothing can go wrong any more: one that nobody was shown would be of no use.
    project, key = _first_key(box.access, wanted)
    if as_json:
        keys = {"public_key": key.public_key, "secret_key": key.secret_key} if key is not None else {}
        print_json({"url": box.base_url, "project": project.name, "project_id": project.id, **keys})
        return
    if key is None:
        remark(f"Sign in with a key. To make another: certtrace --home {shlex.quote(str(settings.home))} keys create")
    else:
        remark(f"First key of project {project.name}, role admin. It is shown now and never again:")
        click.echo(f"export LANGFUSE_BASE_URL={box.base_url}")
        click.echo(f"export LANGFUSE_PUBLIC_KEY={key.public_key}")
        click.echo(f"export LANGFUSE_SECRET_KEY={key.secret_key}")
    remark(f"Serving {settings.home} at {box.base_url}. Stop it with Ctrl-C.")
