"""One HTTP request with one deadline over everything: connect, TLS, send, headers and body.

`http.client`, not httpx: no instrumentation patches it, its import costs nothing here, and its socket is ours, so that
every single read can be given what is left of the deadline. A client's own timeout holds per read: a peer that sends
one byte a second keeps it busy for as long as it likes.
"""

import http.client
import io
import os
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from certtrace.delivery.address import Address
from certtrace.ports import DeliveryError, DestinationPausedError

_MAX_RESPONSE_BYTES: Final = 64 * 1024


@dataclass(slots=True, frozen=True)
class Response:
    """What came back, as far as it was read."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Wire:
    """A persistent connection to one origin, for one thread at a time. Survives a fork by starting anew."""

    def __init__(self, address: Address) -> None:
        """Take the origin and the path that all requests begin with."""
        self._address = address
        self._tls: ssl.SSLContext | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._socket: _DeadlineSocket | None = None
        self._pid = os.getpid()

    def post(self, path: str, body: bytes, headers: Mapping[str, str], deadline: float) -> Response:
        """Send one request and read the answer.

        Args:
            path: Appended to the base path.
            body: Sent as it is.
            headers: Sent as they are, besides `Host` and `Content-Length`.
            deadline: `time.monotonic()` value by which this returns or raises.

        Raises:
            DeliveryError: Nothing usable came back in time.
            DestinationPausedError: The certificate is not trusted.
        """
        if self._pid != os.getpid():
            self._forget_after_fork()
        try:
            connection = self._connect(deadline)
            connection.request(
                "POST", self._address.path + path, body=body, headers={"Host": self._address.host_header, **headers}
            )
            return self._read(connection.getresponse())
        except ssl.SSLCertVerificationError as error:
            self.close()
            msg = f"The certificate is not trusted: {error.verify_message}. Install its authority or mend the address."
            raise DestinationPausedError(msg) from None
        except (OSError, http.client.HTTPException) as error:
            self.close()
            msg = f"No answer: {_describe(error)}."
            raise DeliveryError(msg) from None

    def close(self) -> None:
        """Drop the connection; a request that another thread waits for ends at once."""
        connection, self._connection = self._connection, None
        bounded, self._socket = self._socket, None
        if connection is not None:
            connection.close()
        if bounded is not None:
            with suppress(OSError):
                bounded.raw.shutdown(socket.SHUT_RDWR)
            bounded.raw.close()

    def _forget_after_fork(self) -> None:
        """Close the inherited descriptor only: the connection is the parent's, `shutdown` would end it there too."""
        self._pid = os.getpid()
        bounded, self._socket, self._connection = self._socket, None, None
        if bounded is not None:
            bounded.raw.close()

    def _connect(self, deadline: float) -> http.client.HTTPConnection:
        connection = self._connection
        if connection is not None and self._socket is not None and not _has_ended(self._socket.raw):
            self._socket.deadline = deadline
            return connection
        self.close()
        raw = _open_socket(self._address.host, self._address.port, deadline)
        if self._address.secure:
            raw = self._secured(raw, deadline)
        connection = http.client.HTTPConnection(self._address.host, self._address.port)
        self._socket = connection.sock = _DeadlineSocket(raw, deadline)
        self._connection = connection
        return connection

    def _secured(self, raw: socket.socket, deadline: float) -> socket.socket:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        raw.settimeout(_left(deadline))
        return self._tls.wrap_socket(raw, server_hostname=self._address.host)

    def _read(self, answer: http.client.HTTPResponse) -> Response:
        body = answer.read(_MAX_RESPONSE_BYTES + 1)
        if len(body) > _MAX_RESPONSE_BYTES or answer.will_close:
            self.close()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, headers, body[:_MAX_RESPONSE_BYTES])


class _DeadlineSocket:
    """The part of a socket that `http.client` uses, each step bounded by what is left of the deadline."""

    def __init__(self, raw: socket.socket, deadline: float) -> None:
        self.raw = raw
        self.deadline = deadline

    def sendall(self, data: Any) -> None:
        # Not the socket's own `sendall`: with TLS it grants the timeout anew for every part.
        rest = memoryview(data)
        while rest:
            self.raw.settimeout(_left(self.deadline))
            rest = rest[self.raw.send(rest) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self, self.raw))

    def close(self) -> None:
        """Leave the socket open: `http.client` closes before the body is read; `Wire.close` closes for good."""


class _DeadlineReader(io.RawIOBase):
    def __init__(self, owner: _DeadlineSocket, raw: socket.socket) -> None:
        self._owner = owner
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._raw.settimeout(_left(self._owner.deadline))
        return self._raw.recv_into(buffer)


def _open_socket(host: str, port: int, deadline: float) -> socket.socket:
    """Connect to the first address that answers, all attempts within the deadline."""
    failure: OSError = OSError("The host has no address.")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        raw = socket.socket(family, kind, protocol)
        try:
            raw.settimeout(_left(deadline))
            raw.connect(address)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raw.close()
            failure = error
        else:
            return raw
    raise failure


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        msg = "The deadline has passed."
        raise TimeoutError(msg)
    return left


def _has_ended(raw: socket.socket) -> bool:
    """Whether the other side closed the idle connection, or sent what nobody asked for."""
    try:
        raw.settimeout(0)
        # Not MSG_PEEK: TLS sockets refuse flags. An idle HTTP connection has nothing to say, so nothing is lost.
        raw.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    return True


def _describe(error: Exception) -> str:
    """Name the failure without anything the other side sent."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
