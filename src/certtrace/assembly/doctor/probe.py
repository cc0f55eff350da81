"""One harmless request, step by step: which step fails says what is to be mended."""

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from certtrace.delivery.address import Address
from certtrace.delivery.lookup import Lookup

_MAX_BODY: Final = 4 * 1024 * 1024


class ProbeError(Exception):
    """A request failed: what, and what to do. Quotes nothing that the other side sent."""

    def __init__(self, what: str, remedy: str) -> None:
        """Take both."""
        super().__init__(what)
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    skew_seconds: float | None = None
    """How far our clock is ahead of the server's `Date`, as far as the answer took; None where it has none."""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def json(self) -> Any:
        """Return the body's content; None where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def is_web_page(self) -> bool:
        """Whether this is for a browser."""
        kind = self.headers.get("content-type", "").lower()
        return kind.startswith(("text/html", "application/xhtml")) or self.body.lstrip()[:9].lower() == b"<!doctype"


def get(address: Address, path: str, headers: Mapping[str, str], deadline: float) -> Answer:
    """Send one GET, without proxies, as delivery does; return before the deadline whatever the other side does.

    Raises:
        ProbeError: There was no answer.
    """
    done: list[Answer | ProbeError] = []
    request = _Request(address, path, headers, deadline)

    def run() -> None:
        try:
            done.append(request.send())
        except ProbeError as error:
            done.append(error)

    thread = threading.Thread(target=run, name="certtrace-doctor", daemon=True)
    thread.start()
    thread.join(max(deadline - time.monotonic(), 0.0))
    result = done[0] if done else None
    if result is None:
        request.abort()
        raise _too_slow(address)
    if isinstance(result, ProbeError):
        raise result
    return result


class _Request:
    def __init__(self, address: Address, path: str, headers: Mapping[str, str], deadline: float) -> None:
        self._address = address
        self._path = path
        self._headers = headers
        self._deadline = deadline
        self._socket: socket.socket | None = None

    def abort(self) -> None:
        """Let go of a thread that waits for an answer."""
        raw = self._socket
        if raw is not None:
            with suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)

    def send(self) -> Answer:
        raw = self._secured(self._connected())
        self._socket = raw
        try:
            return self._exchange(raw)
        except TimeoutError:
            raise _too_slow(self._address) from None
        except (OSError, http.client.HTTPException) as error:
            msg = f"{_name(self._address)} took the request and broke off ({type(error).__name__})"
            raise ProbeError(msg, "Is the port one of HTTP? For https the address begins with https://.") from None
        finally:
            raw.close()

    def _connected(self) -> socket.socket:
        address = self._address
        try:
            found = Lookup(address.host, address.port).addresses(self._deadline)
        except TimeoutError:
            msg = f"no name server answers for {address.host}"
            raise ProbeError(msg, "Check the resolver of this machine and the network.") from None
        except OSError:
            msg = f"the name {address.host} is unknown"
            raise ProbeError(msg, "Check the address for typing errors, and the name server.") from None
        failure: OSError = OSError("no address")
        for family, kind, protocol, _, place in found:
            raw = socket.socket(family, kind, protocol)
            try:
                raw.settimeout(_left(self._deadline) / len(found))
                raw.connect(place)
            except OSError as error:
                raw.close()
                failure = error
            else:
                return raw
        raise _no_connection(address, failure)

    def _secured(self, raw: socket.socket) -> socket.socket:
        if not self._address.secure:
            return raw
        try:
            raw.settimeout(_left(self._deadline))
            return ssl.create_default_context().wrap_socket(raw, server_hostname=self._address.host)
        except ssl.SSLCertVerificationError as error:
            raw.close()
            msg = f"the certificate of {self._address.host} is not trusted: {error.verify_message}"
            remedy = "Renew it, mend the address, or install its authority (SSL_CERT_FILE)."
            raise ProbeError(msg, remedy) from None
        except TimeoutError:
            raw.close()
            raise _too_slow(self._address) from None
        except (ssl.SSLError, OSError):
            raw.close()
            msg = f"{_name(self._address)} does not speak TLS"
            raise ProbeError(msg, "Use http:// if that is meant, or the right port.") from None

    def _exchange(self, raw: socket.socket) -> Answer:
        raw.settimeout(_left(self._deadline))
        connection = http.client.HTTPConnection(self._address.host, self._address.port)
        connection.sock = raw
        sent = time.time()
        headers = {"Host": self._address.host_header, "Accept": "application/json", "Connection": "close"}
        connection.request("GET", self._address.path + self._path, headers={**headers, **self._headers})
        response = connection.getresponse()
        received = time.time()
        body = response.read(_MAX_BODY)
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, body, _skew(names.get("date", ""), sent, received))


def _no_connection(address: Address, failure: OSError) -> ProbeError:
    name = _name(address)
    if isinstance(failure, ConnectionRefusedError):
        return ProbeError(f"{name} refuses the connection", "Is the server running, and the port right?")
    if isinstance(failure, TimeoutError):
        return ProbeError(f"{name} cannot be reached in time", "A firewall swallows it, or the address is wrong.")
    return ProbeError(f"{name} cannot be reached: {failure.strerror or 'no way'}", "Check network and address.")


def _too_slow(address: Address) -> ProbeError:
    return ProbeError(f"{_name(address)} took the request and does not answer", "Is the server overloaded, or hanging?")


def _name(address: Address) -> str:
    return f"{address.host}:{address.port}"


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _skew(date: str, sent: float, received: float) -> float | None:
    """Return how far our clock is off the server's; a `Date` has whole seconds and was made between two moments."""
    try:
        told = parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError):
        return None
    if sent > told + 1.0:
        return sent - told - 1.0
    return min(received - told, 0.0)


def redirect_target(answer: Answer) -> str:
    """Return where an answer redirects to, without path and query, which may hold anything."""
    parts = urlsplit(answer.headers.get("location", ""))
    return f"{parts.scheme}://{parts.hostname}" if parts.scheme and parts.hostname else "another path"
