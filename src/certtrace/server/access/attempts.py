"""Failed logins, counted: whoever guesses has to wait."""

import hashlib
import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from certtrace.server.errors import ApiError

WINDOW_SECONDS: Final = 60.0
_REMEMBERED: Final = 4_096
"""Guessers, and accepted credentials, held in memory; the oldest give way."""
_ADDRESS_FACTOR: Final = 2


class TooManyFailuresError(ApiError):
    """Too many wrong secrets: 429, and when to try again."""

    def __init__(self, seconds: float) -> None:
        """Take the seconds to wait."""
        self.retry_after_seconds = max(1, int(seconds) + 1)
        super().__init__(
            429,
            f"Too many failed logins. Try again in {self.retry_after_seconds} seconds.",
            "RateLimitError",
            {"Retry-After": str(self.retry_after_seconds)},
        )


class FailedLogins:
    """Failures within a sliding window, by address and public key together and by address alone. Safe between threads.

    What was accepted once from an address is never made to wait there: it is no guess, and a service with a wrong
    secret must not lock out its neighbours on the same machine.
    """

    def __init__(self, per_minute: int = 50, clock: Callable[[], float] = time.monotonic) -> None:
        """Take how many failures a key may have from one address; all keys together may have twice as many.

        Args:
            per_minute: Failures of one public key from one address.
            clock: Seconds, never going back.
        """
        self._limit = per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[tuple[str, ...], deque[float]] = OrderedDict()
        self._accepted: OrderedDict[bytes, None] = OrderedDict()
        self._salt = os.urandom(16)

    def check(self, address: str, public_key: str, secret_key: str) -> None:
        """Let a login be tried.

        Raises:
            TooManyFailuresError: Not now.
        """
        with self._lock:
            if self._digest(address, public_key, secret_key) in self._accepted:
                return
            wait = max(
                self._wait((address, public_key), self._limit),
                self._wait((address,), self._limit * _ADDRESS_FACTOR),
            )
        if wait > 0:
            raise TooManyFailuresError(wait)

    def failed(self, address: str, public_key: str, secret_key: str) -> None:
        """Count a failure; what was accepted before, and was revoked since, is a guess from now on."""
        now = self._clock()
        with self._lock:
            self._accepted.pop(self._digest(address, public_key, secret_key), None)
            for guesser, limit in (((address, public_key), self._limit), ((address,), self._limit * _ADDRESS_FACTOR)):
                times = self._failures.setdefault(guesser, deque(maxlen=limit))
                times.append(now)
                self._failures.move_to_end(guesser)
            while len(self._failures) > _REMEMBERED:
                self._failures.popitem(last=False)

    def accepted(self, address: str, public_key: str, secret_key: str) -> None:
        """Remember what was accepted, as a keyed digest."""
        digest = self._digest(address, public_key, secret_key)
        with self._lock:
            self._accepted[digest] = None
            self._accepted.move_to_end(digest)
            while len(self._accepted) > _REMEMBERED:
                self._accepted.popitem(last=False)

    def _wait(self, guesser: tuple[str, ...], limit: int) -> float:
        times = self._failures.get(guesser)
        if times is None or len(times) < limit:
            return 0.0
        return times[0] + WINDOW_SECONDS - self._clock()

    def _digest(self, *parts: str) -> bytes:
        text = "\0".join(parts).encode(errors="surrogatepass")
        return hashlib.blake2b(text, key=self._salt, digest_size=16).digest()
