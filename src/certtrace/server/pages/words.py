"""Values as pages word them."""

from certtrace.records.langfuse_json import iso
from certtrace.records.notes import short_number

_SMALLEST_SHOWN = 0.0001


def iso_time(time_ns: int) -> str:
    """Return a time for programs: ISO 8601."""
    return iso(time_ns)


def moment(time_ns: int) -> str:
    """Return a time in full, such as `2026-11-23 04:08:57.208`, in UTC."""
    return iso(time_ns)[:-1].replace("T", " ")


def short_moment(time_ns: int) -> str:
    """Return a time without year and fraction, such as `11-23 04:08:57`, in UTC."""
    return iso(time_ns)[5:19].replace("T", " ")


def money(dollars: float) -> str:
    """Return a cost in US dollars; small ones with as many digits as they need."""
    if dollars and abs(dollars) < _SMALLEST_SHOWN:
        return f"${dollars:.2g}"
    return f"${dollars:,.4f}" if abs(dollars) < 1 else f"${dollars:,.2f}"


def thousands(value: float) -> str:
    """Return a number with its thousands apart."""
    if abs(value) >= 1e15:
        return short_number(value)
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"
