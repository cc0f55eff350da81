"""Run the server: where it listens, how long it waits, how it ends."""

import asyncio
import errno
import ipaddress
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from certtrace.errors import ConfigurationError

GRACE_SECONDS: Final = 10
"""How long requests under way may take after the server was told to end."""
_AND_THEN_SECONDS: Final = 5.0
"""How long handlers that still run may hold the process up after that."""
_BACKLOG: Final = 512
_HEAD_SECONDS: Final = 20.0
"""Longest time that a client may take for the head of a request."""
_HEAD_BYTES: Final = 65_536
_CONNECTIONS: Final = 800
"""Open connections; further ones take the place of those that ask nothing. Below the usual limit of 1024 open files."""


@dataclass(frozen=True, slots=True)
class Tls:
    """The files of a certificate and its key."""

    certificate: Path
    key: Path


def is_loopback(host: str) -> bool:
    """Tell whether an address or name stands for this machine only."""
    try:
        return all(ipaddress.ip_address(each[4][0]).is_loopback for each in _resolved(host, 0))
    except OSError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes any free one.

    Raises:
        ConfigurationError: The address is not of this machine, is in use, or may not be used.
    """
    try:
        family, _, _, _, address = _resolved(host, port)[0]
        listening = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
        # asyncio sets this only where the socket names its protocol; without it small answers wait 40 ms for an ACK.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise ConfigurationError(_cannot_listen(host, port, error)) from None
    return listening


def address_of(listening: socket.socket, host: str, *, tls: bool) -> str:
    """Return the address of the server for clients on this machine."""
    taken = listening.getsockname()[:2]
    shown = host
    try:
        if ipaddress.ip_address(host).is_unspecified:
            shown = "::1" if ":" in host else "127.0.0.1"
    except ValueError:
        pass
    return f"{'https' if tls else 'http'}://{f'[{shown}]' if ':' in shown else shown}:{taken[1]}"


def server_of(app: FastAPI, *, tls: Tls | None = None, ready: Callable[[], None] = lambda: None) -> uvicorn.Server:
    """Return the server of an application; `run` serves it, or `server.run(sockets=[…])` on another thread.

    Args:
        app: The application.
        tls: Certificate and key, if it serves HTTPS.
        ready: Called when requests are answered.

    Raises:
        ConfigurationError: Certificate or key cannot be used.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        http=_Connection,
        h11_max_incomplete_event_size=_HEAD_BYTES,
        loop="asyncio",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )
    try:
        config.load()
    except (OSError, ValueError) as error:
        raise ConfigurationError(_unusable(tls, error)) from None
    return _Server(config, ready)


def _unusable(tls: Tls | None, error: Exception) -> str:
    files = f"certificate {tls.certificate} with key {tls.key}" if tls else "configuration"
    reason = _unreadable(tls) or type(error).__name__
    return f"The TLS {files} cannot be used: {reason}. Give PEM files that this user can read and that belong together."


def _unreadable(tls: Tls | None) -> str:
    """Return which file cannot be read, and why; TLS itself names none."""
    for path in (tls.certificate, tls.key) if tls else ():
        try:
            path.open("rb").close()
        except OSError as error:
            return f"{path}: {error.strerror}"
    return ""


def run(server: uvicorn.Server, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT. Requests under way are finished, but do not hold the end up for long.

    Args:
        server: What `server_of` returned.
        listening: What `listen` returned; it is closed at the end.
    """
    with _ended_by_signals():
        server.run(sockets=[listening])


class _Connection(H11Protocol):
    """A connection that does not wait for ever: uvicorn bounds the time between requests, not that of their heads."""

    _head: asyncio.TimerHandle | None = None
    idle_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self.idle_since = self.loop.time()
        if len(self.connections) > _CONNECTIONS:
            # Whoever holds hundreds of connections open without asking anything is to lock out nobody else.
            _longest_idle(self.connections).transport.abort()
        if not transport.is_closing():
            self._await_head()

    @property
    def is_idle(self) -> bool:
        """Tell whether no request is under way; one whose head is not whole yet is none."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.idle_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._head_came()
        elif self._head is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._head = self.loop.call_later(_HEAD_SECONDS, self.transport.close)

    def _head_came(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


def _longest_idle(connections: Iterable[Any]) -> "_Connection":
    """Return the connection to close: the one that has been idle for longest, the newest where all are busy."""
    ours = [each for each in connections if isinstance(each, _Connection) and not each.transport.is_closing()]
    idle = [each for each in ours if each.is_idle]
    return min(idle, key=lambda each: each.idle_since) if idle else max(ours, key=lambda each: each.idle_since)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            _end_at_the_latest(GRACE_SECONDS + _AND_THEN_SECONDS)
        super().handle_exit(sig, frame)


def _end_at_the_latest(seconds: float) -> None:
    # A thread cannot be stopped from outside; the stores outlive the end of a process at any moment.
    timer = threading.Timer(seconds, os._exit, [0])
    timer.daemon = True
    timer.start()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Have uvicorn's repetition of the signal after its clean end mean nothing: a clean end is exit code 0."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, lambda *_: None) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _resolved(host: str, port: int) -> list[tuple[int, int, int, str, tuple[str, int]]]:
    found: list[tuple[int, int, int, str, tuple[str, int]]] = socket.getaddrinfo(  # type: ignore[assignment]  # flow label and scope id of IPv6 are of no use here
        host, port, type=socket.SOCK_STREAM
    )
    return found


def _cannot_listen(host: str, port: int, error: OSError) -> str:
    where = f"Cannot listen on {host}, port {port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where}: it is in use. Give another port with --port, or 0 for any free one."
    if error.errno == errno.EACCES:
        return f"{where}: this user may not. Ports below 1024 are for root; give another with --port."
    return f"{where}: {error.strerror or error}. Give an address of this machine with --host."
