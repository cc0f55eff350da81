"""Moments given as text or number."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from certtrace.records.mapping.values import clamped_ns

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST: Final = 64


def iso_to_ns(given: object) -> int | None:
    """Return an ISO 8601 time in nanoseconds since the epoch; without a zone it is UTC. None when it is no time."""
    if not isinstance(given, str):
        return None
    try:
        return _ns(datetime.fromisoformat(given))
    except (ValueError, OverflowError):
        return None


def moment_ns(given: object) -> int | None:
    """Return a moment as Langfuse's server reads it: ISO 8601, the form of mail headers, or milliseconds."""
    if isinstance(given, bool):
        return None
    if isinstance(given, (int, float)):
        return clamped_ns(given * 1_000_000) if abs(given) < float("inf") else None
    found = iso_to_ns(given)
    if found is not None or not isinstance(given, str) or not given[:1].isalpha() or len(given) > _LONGEST:
        return found
    try:
        return _ns(parsedate_to_datetime(given))
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def _ns(moment: datetime) -> int:
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return clamped_ns((moment - _EPOCH) // timedelta(microseconds=1) * 1000)
