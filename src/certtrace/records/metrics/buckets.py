"""The times that a series is made of."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

_HOUR_MS: Final = 3_600_000
_CHOICE: Final = ((2, "minute"), (72, "hour"), (1440, "day"), (8760, "week"))
"""Up to how many hours which granularity gives about fifty buckets."""
_SECONDS: Final = {"minute": 60, "hour": 3600}
_DAY_NS: Final = 86_400_000_000_000
_FIRST_MONDAY: Final = date(1970, 1, 5)
_LAST_DAY: Final = (date.max - date(1970, 1, 1)).days
_FIRST_DAY: Final = (date.min - date(1970, 1, 1)).days


def chosen(granularity: str, from_ns: int, to_ns: int) -> str:
    """Return a granularity, with `auto` replaced by what suits the stretch of time."""
    if granularity != "auto":
        return granularity
    hours = (to_ns - from_ns) / 1_000_000 / _HOUR_MS
    return next((name for most, name in _CHOICE if hours < most), "month")


def label(granularity: str, bucket: int | str) -> str:
    """Return a bucket as results show it: the time, or the day, that it begins with."""
    if isinstance(bucket, str):
        return bucket
    if granularity in _SECONDS:
        moment = datetime.fromtimestamp(0, UTC) + timedelta(seconds=bucket * _SECONDS[granularity])
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    if granularity == "week":
        return (_FIRST_MONDAY + timedelta(weeks=bucket - 1)).isoformat()
    return (date(1970, 1, 1) + timedelta(days=bucket)).isoformat()


def all_labels(granularity: str, from_ns: int, to_ns: int) -> Iterator[str]:
    """Yield the buckets from the first moment's on, before the last moment's."""
    if granularity == "month":
        yield from _months(from_ns, to_ns)
        return
    first, last = (_bucket(granularity, at) for at in (from_ns, to_ns))
    for bucket in range(first, last):
        yield label(granularity, bucket)


def count(granularity: str, from_ns: int, to_ns: int) -> int:
    """Return about how many buckets there are."""
    unit = {"month": 30 * _DAY_NS, "week": 7 * _DAY_NS, "day": _DAY_NS}.get(granularity)
    return (to_ns - from_ns) // (unit or _SECONDS[granularity] * 1_000_000_000)


def _bucket(granularity: str, at_ns: int) -> int:
    if granularity in _SECONDS:
        return at_ns // (_SECONDS[granularity] * 1_000_000_000)
    days = at_ns // _DAY_NS
    return (days + 3) // 7 if granularity == "week" else days


def _months(from_ns: int, to_ns: int) -> Iterator[str]:
    at, last = (
        (date(1970, 1, 1) + timedelta(days=max(min(each // _DAY_NS, _LAST_DAY), _FIRST_DAY))).replace(day=1)
        for each in (from_ns, to_ns)
    )
    while at < last:
        yield at.isoformat()
        at = (at + timedelta(days=32)).replace(day=1)
