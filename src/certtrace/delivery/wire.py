"""One HTTP request with one deadline over everything: name lookup, connect, TLS, send, headers and body.

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
from certtrace.delivery.lookup import Lookup
from certtrace.ports import DeliveryError, DestinationPausedError

_MAX_RESPONSE_BYTES: Final = 64 * 1024
_MAX_RECEIVED_BYTES: Final = 3 * _MAX_RESPONSE_BYTES
"""Headers and body of one answer: `http.client` alone would take a hundred headers of 64 KiB."""


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
        self._closings = 0
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lookup = Lookup(self._address.host, self._address.port)
        self._connection: http.client.HTTPConnection | None = None
        self._socket: _DeadlineSocket | None = None
        self._doing = ""

    def post(self, path: str, body: bytes, headers: Mapping[str, str], deadline: float) -> Response:
        """Send one request and read the answer.

        Args:
            path: Appended to the base path.
            body: Sent as it is.
            headers: Sent as they are, besides `Host` and `Content-Length`.
            deadline: `time.monotonic()` value by which this returns or raises.

        Raises:
            DeliveryError: Nothing usable came back in time.
            DestinationPausedError: The other side is not who the address says, or speaks no TLS.
        """
        if self._pid != os.getpid():
            self._forget_after_fork()
        closings = self._closings
        try:
            connection, bounded = self._connect(deadline, closings)
            self._doing = "sending"
            connection.request(
                "POST", self._address.path + path, body=body, headers={"Host": self._address.host_header, **headers}
            )
            self._doing = "waiting for the answer"
            answer = connection.getresponse()
            bounded.in_head = False
            return self._read(answer)
        except _NoTlsError as error:
            self._drop()
            raise DestinationPausedError(str(error)) from None
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            msg = "No answer: closed." if closings != self._closings else f"No answer: {self._describe(error)}."
            raise DeliveryError(msg) from None

    def close(self) -> None:
        """Drop the connection; a request that another thread waits for ends at once, or before it sends anything."""
        self._closings += 1
        self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        bounded, self._socket = self._socket, None
        if bounded is not None:
            # First of all: whoever reads holds a lock of `io` that `HTTPConnection.close` waits for.
            with suppress(OSError):
                bounded.raw.shutdown(socket.SHUT_RDWR)
        if connection is not None:
            connection.close()
        if bounded is not None:
            bounded.raw.close()

    def _forget_after_fork(self) -> None:
        """Close the inherited descriptor only: the connection is the parent's, `shutdown` would end it there too."""
        bounded = self._socket
        self._begin()
        if bounded is not None:
            bounded.raw.close()

    def _connect(self, deadline: float, closings: int) -> "tuple[http.client.HTTPConnection, _DeadlineSocket]":
        connection, bounded = self._connection, self._socket
        if connection is not None and bounded is not None and not _has_ended(bounded.raw):
            bounded.begin(deadline)
            return connection, bounded
        self._drop()
        raw = self._open(deadline)
        try:
            if self._address.secure:
                raw = self._secured(raw, deadline)
            if closings != self._closings:
                # Closed while a resolver or a handshake hung: whoever closed must be able to rely on it.
                raise ConnectionAbortedError
        except OSError:
            raw.close()
            raise
        connection = http.client.HTTPConnection(self._address.host, self._address.port)
        self._socket = connection.sock = bounded = _DeadlineSocket(raw, deadline)
        self._connection = connection
        return connection, bounded

    def _open(self, deadline: float) -> socket.socket:
        """Connect to the first address that answers, all attempts within the deadline."""
        self._doing = "looking up the host"
        addresses = self._lookup.addresses(deadline)
        self._doing = "connecting"
        failure: OSError = OSError("the host has no address")
        for index, (family, kind, protocol, _, address) in enumerate(addresses):
            raw = socket.socket(family, kind, protocol)
            try:
                # A share each: behind one address that swallows everything may stand one that answers.
                raw.settimeout(_left(deadline) / (len(addresses) - index))
                raw.connect(address)
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                raw.close()
                failure = error
            else:
                return raw
        raise failure

    def _secured(self, raw: socket.socket, deadline: float) -> socket.socket:
        self._doing = "agreeing on TLS"
        if self._tls is None:
            self._tls = ssl.create_default_context()
        raw.settimeout(_left(deadline))
        try:
            return self._tls.wrap_socket(raw, server_hostname=self._address.host)
        except ssl.SSLCertVerificationError as error:
            reason = str(error.verify_message).rstrip(".")
            msg = f"The certificate is not trusted: {reason}. Renew it, install its authority or mend the address."
            raise _NoTlsError(msg) from None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError):
            raise  # cut off amid the handshake: a restart, or the network
        except ssl.SSLError as error:
            msg = f"No TLS at the other side ({error.reason}). Check scheme and port of the address."
            raise _NoTlsError(msg) from None

    def _read(self, answer: http.client.HTTPResponse) -> Response:
        self._doing = "reading the answer"
        body = answer.read(_MAX_RESPONSE_BYTES + 1)
        if len(body) > _MAX_RESPONSE_BYTES or answer.will_close:
            self._drop()
        elif answer.length:
            # Cut off: what was said about rejected spans may be missing. A repetition is stored once.
            raise http.client.IncompleteRead(body)
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, headers, body[:_MAX_RESPONSE_BYTES])

    def _describe(self, error: Exception) -> str:
        """Name the failure without anything the other side sent."""
        if isinstance(error, TimeoutError):
            return f"timed out while {self._doing}"
        if isinstance(error, OSError) and error.strerror:
            return error.strerror
        return type(error).__name__


class _NoTlsError(OSError):
    """The other side is not who the address says, or speaks no TLS: an operator's business."""


class _DeadlineSocket:
    """The part of a socket that `http.client` uses, each step bounded by what is left of the deadline."""

    def __init__(self, raw: socket.socket, deadline: float) -> None:
        self.raw = raw
        self.begin(deadline)

    def begin(self, deadline: float) -> None:
        """Start one more request."""
        self.deadline = deadline
        self.received = 0
        self.in_head = True

    def sendall(self, data: Any) -> None:
        # Not the socket's own `sendall`: with TLS it grants the timeout anew for every part.
        rest = memoryview(data)
        while rest:
            self.raw.settimeout(_left(self.deadline))
            rest = rest[self.raw.send(rest) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self, self.raw))

    def close(self) -> None:
        """Leave the socket open: `http.client` closes before the body is read; `Wire` closes for good."""


class _DeadlineReader(io.RawIOBase):
    def __init__(self, owner: _DeadlineSocket, raw: socket.socket) -> None:
        self._owner = owner
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._owner.received > _MAX_RECEIVED_BYTES:
            msg = "The answer is too large."
            raise http.client.HTTPException(msg)
        self._raw.settimeout(_left(self._owner.deadline))
        size = self._raw.recv_into(buffer)
        if not size and self._owner.in_head:
            # `http.client` takes headers that break off for whole ones: half an answer must not be a success.
            msg = "The answer broke off."
            raise http.client.HTTPException(msg)
        self._owner.received += size
        return size


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
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
