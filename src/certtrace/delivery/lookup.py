"""Name resolution with a deadline.

`getaddrinfo` cannot be interrupted, and a resolver that does not answer holds it for half a minute or more. So it runs
on a thread that can be left behind: one per destination, however often that is tried while the resolver hangs.
"""

import errno
import socket
import threading
import time
from typing import Any, Final, TypeAlias

Addresses: TypeAlias = list[tuple[Any, ...]]
"""What `socket.getaddrinfo` returns."""

_FRESH_SECONDS: Final = 30.0
"""How long an answer that nobody waited for any more can be used by the next attempt."""


class Lookup:
    """Resolves one host. Thread-safe; a forked child makes its own."""

    def __init__(self, host: str, port: int) -> None:
        """Take what to look up."""
        self._host = host
        self._port = port
        self._lock = threading.Lock()
        self._running: _Query | None = None

    def addresses(self, deadline: float) -> Addresses:
        """Return the host's addresses.

        Args:
            deadline: `time.monotonic()` value by which this returns or raises.

        Raises:
            TimeoutError: The resolver did not answer in time.
            OSError: The host has no address.
        """
        try:
            return socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            pass  # a name
        if time.monotonic() >= deadline:
            raise TimeoutError
        query, is_new = self._query()
        if is_new:
            query.start()  # not under the lock: under gevent it lets others run, who would wait for the lock
        if not query.ended.wait(max(deadline - time.monotonic(), 0.0)):
            raise TimeoutError
        with self._lock:
            if self._running is query:
                self._running = None
        if query.error is not None:
            raise query.error
        return query.found

    def _query(self) -> "tuple[_Query, bool]":
        with self._lock:
            query = self._running
            if query is not None and not query.is_stale():
                return query, False
            self._running = _Query(self._host, self._port)
            return self._running, True


class _Query:
    """One call of `getaddrinfo`."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self.ended = threading.Event()
        self.found: Addresses = []
        self.error: OSError | None = None
        self._ended_at = 0.0

    def start(self) -> None:
        """Begin on a thread of its own; at the interpreter's end, when there are no new threads, on this one."""
        try:
            threading.Thread(target=self._run, name="certtrace-lookup", daemon=True).start()
        except RuntimeError:
            # This is a delivery thread, or an operator's command: neither holds up the end of a host's process.
            self._run()

    def is_stale(self) -> bool:
        """Whether it ended too long ago for its answer to be used."""
        return self.ended.is_set() and time.monotonic() - self._ended_at > _FRESH_SECONDS

    def _run(self) -> None:
        try:
            self.found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except OSError as error:
            self.error = error
        except UnicodeError:
            self.error = OSError(errno.EINVAL, "the host's name cannot be one")
        finally:
            self._ended_at = time.monotonic()
            self.ended.set()
