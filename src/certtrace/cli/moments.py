"""Points in time as people type them."""

import re
import time
from datetime import UTC, datetime
from typing import Any, Final

import click

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LATEST: Final = 2**63 - 1
_AGO: Final = re.compile(r"(\d{1,9})\s*([smhdw])", re.IGNORECASE | re.ASCII)


class Moment(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic only since click 8.4
    """`2h` or `3d` ago, or an ISO 8601 date or time (UTC where no zone is given), as nanoseconds since the epoch."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the nanoseconds; see `click.ParamType`."""
        text = str(value).strip()
        ago = _AGO.fullmatch(text)
        if ago:
            return max(time.time_ns() - int(ago[1]) * _UNITS[ago[2].lower()] * 1_000_000_000, 0)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is no time. Use 2h, 3d, 2026-11-22 or 2026-11-22T19:30.", param, ctx)
        return _since_epoch(moment)


class Until(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic only since click 8.4
    """A time to come: in `2h` or `90d`, or an ISO 8601 date or time (UTC where no zone is given), as nanoseconds."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the nanoseconds since the epoch; see `click.ParamType`."""
        text = str(value).strip()
        ahead = _AGO.fullmatch(text)
        if ahead:
            return min(time.time_ns() + int(ahead[1]) * _UNITS[ahead[2].lower()] * 1_000_000_000, _LATEST)
        try:
            until = _since_epoch(datetime.fromisoformat(text))
        except ValueError:
            self.fail(f"{text!r} is no time. Use 2h, 90d, 2027-11-22 or 2027-11-22T19:30.", param, ctx)
        if until <= time.time_ns():
            self.fail(f"{text!r} is past. Give a time to come.", param, ctx)
        return until


def _since_epoch(moment: datetime) -> int:
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(int(zoned.timestamp() * 1000) * 1_000_000, 0), _LATEST)
