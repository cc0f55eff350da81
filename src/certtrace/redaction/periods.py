"""Pseudonyms that last for a month, a quarter or a year: each period has a key of its own, derived from the one."""

import hashlib
import hmac
import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, Final

from certtrace.ports import Receipt, SpanRecord
from certtrace.redaction.explaining import Explained
from certtrace.redaction.policy.model import Period, RedactionPolicy
from certtrace.redaction.redactor import Redactor

_KEPT: Final = 2
"""Spans of two periods meet around the turn from one to the next."""


def period_key(key: bytes, label: str) -> bytes:
    """Return the key of one period; equal keys give equal period keys in every service."""
    return hmac.new(key, b"period\0" + label.encode(), hashlib.sha256).digest()


def period_label(period: Period, seconds: float) -> str:
    """Return the name of the period that a moment (seconds since 1970, UTC) lies in: `2026`, `2026-Q4`, `2026-11`."""
    try:
        moment = time.gmtime(seconds)
    except (OverflowError, ValueError, OSError):  # a span may claim any time
        moment = time.gmtime(0)
    if period == "month":
        return f"{moment.tm_year}-{moment.tm_mon:02d}"
    if period == "quarter":
        return f"{moment.tm_year}-Q{(moment.tm_mon + 2) // 3}"
    return str(moment.tm_year) if period == "year" else ""


def _begin(spans: Sequence[SpanRecord]) -> float:
    return min((span.start_time_ns for span in spans), default=0) / 1e9


class PeriodicRedactor:
    """Implements `ports.UnitRedactor` with one redactor for each period. Safe to share between threads."""

    def __init__(
        self, make: Callable[[bytes], Redactor], key: bytes, period: Period, clock: Callable[[], float] = time.time
    ) -> None:
        """Take what makes a redactor of a key.

        Args:
            make: Called for the key of each period.
            key: The key that the keys of the periods are derived from.
            period: How long a pseudonym lasts.
            clock: Seconds since 1970.
        """
        self._make = make
        self._key = key
        self._period = period
        self._clock = clock
        self._lock = Lock()
        self._redactors: dict[str, Redactor] = {}
        self._failures_before = 0
        self._at(clock())

    @property
    def failures(self) -> int:
        """How many values were withheld because redaction itself failed."""
        with self._lock:
            return self._failures_before + sum(redactor.failures for redactor in self._redactors.values())

    def redact_unit(
        self, spans: Sequence[SpanRecord], identities: Sequence[object], go_on: Callable[[], bool] | None = None
    ) -> list[SpanRecord]:
        """See `ports.UnitRedactor`; the period is that of the earliest span."""
        return self._at(_begin(spans)).redact_unit(spans, identities, go_on)

    def look_ahead(self, units: Sequence[Sequence[SpanRecord]], go_on: Callable[[], bool] | None = None) -> None:
        """See `Redactor.look_ahead`; units of another period than the first are looked at when they come."""
        with self._lock:
            kept = list(self._redactors.values())
        for redactor in kept:
            redactor.look_ahead(())
        if units:
            first = self._at(_begin(units[0]))
            label = period_label(self._period, _begin(units[0]))
            first.look_ahead([spans for spans in units if period_label(self._period, _begin(spans)) == label], go_on)

    def redact_value(self, value: object, identities: Sequence[object] = ()) -> tuple[Any, Receipt]:
        """See `ports.UnitRedactor`."""
        return self._at(self._clock()).redact_value(value, identities)

    def redact_text(self, text: str) -> str:
        """See `ports.UnitRedactor`."""
        return self._at(self._clock()).redact_text(text)

    def explain(self, text: str, identities: Sequence[object] = ()) -> Explained:
        """See `Redactor.explain`."""
        return self._at(self._clock()).explain(text, identities)

    @property
    def policy(self) -> RedactionPolicy:
        """The policy."""
        return self._at(self._clock()).policy

    def pseudonym(self, value: str, kind: str = "person") -> str:
        """See `ports.UnitRedactor`."""
        return self._at(self._clock()).pseudonym(value, kind)

    def _at(self, seconds: float) -> Redactor:
        label = period_label(self._period, seconds)
        with self._lock:
            redactor = self._redactors.get(label)
            if redactor is None:
                redactor = self._redactors[label] = self._make(period_key(self._key, label))
                while len(self._redactors) > _KEPT:
                    oldest = self._redactors.pop(min(self._redactors))
                    self._failures_before += oldest.failures
            return redactor
