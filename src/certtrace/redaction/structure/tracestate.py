"""Keep of a W3C tracestate what is well formed and says nothing personal."""

from collections.abc import Callable
from typing import Final

from certtrace import semconv
from certtrace.redaction.text.lazy import lazy

_KEY: Final = lazy(r"[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}")
_VALUE: Final = lazy(r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")
_OT_VALUE: Final = lazy(r"[a-z][a-z0-9]*:[A-Za-z0-9._-]*(?:;[a-z][a-z0-9]*:[A-Za-z0-9._-]*)*")
_MAX_MEMBERS: Final = 32


def clean(state: str, redact: Callable[[str], str]) -> str:
    """Return the members that are valid (W3C Trace Context, section 3.3) and that `redact` leaves as they are."""
    members = [member.strip(" \t") for member in state.split(",")[:_MAX_MEMBERS]]
    return ",".join(member for member in members if _is_kept(member, redact))


def _is_kept(member: str, redact: Callable[[str], str]) -> bool:
    key, separator, value = member.partition("=")
    if not separator:
        return False
    if key == semconv.TRACESTATE_KEY:
        return _OT_VALUE.fullmatch(value) is not None
    return _KEY.fullmatch(key) is not None and _VALUE.fullmatch(value) is not None and redact(member) == member
