"""Points in time as a form sends them and as people type them. Always UTC."""

import re
import time
from datetime import UTC, datetime
from typing import Final

_UNITS: Final = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO: Final = re.compile(r"(\d{1,6})\s*([mhdw])", re.IGNORECASE | re.ASCII)
_LATEST_NS: Final = 2**63 - 1


def time_ns_of(text: str) -> int | None:
    """Return nanoseconds since the epoch of `2h` ago or of an ISO 8601 date or time; None where it is no time."""
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return max(time.time_ns() - int(ago[1]) * _UNITS[ago[2].lower()] * 1_000_000_000, 0)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        milliseconds = int(zoned.timestamp() * 1000)
    except (OverflowError, ValueError):  # year 1 in a zone east of Greenwich
        return 0
    return min(max(milliseconds * 1_000_000, 0), _LATEST_NS)
