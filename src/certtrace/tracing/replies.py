"""The keep signal: a process that is certain to keep its part of a trace tells the others.

It travels forward in the tracestate of calls and messages, and back in the headers of their replies.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from certtrace import semconv

REPLY_HEADER: Final = "certtrace-keep"
"""Header of an HTTP reply; messages carry the tracestate itself."""
_OWN: Final = f"{semconv.TRACESTATE_OWN_KEY}="
_KEEP: Final = re.compile(r"(?:^|;)k:1(?:;|$)")


def says_keep(trace_state: str) -> bool:
    """Return whether a tracestate, in header form, says that the trace is kept."""
    members = (member.strip() for member in trace_state.split(","))
    return any(member.startswith(_OWN) and _KEEP.search(member[len(_OWN) :]) is not None for member in members)


def signalling(trace_state: str, *, keep: bool) -> str:
    """Return a tracestate, in header form, that says what this process has to say, in place of what one above said."""
    others = [member.strip() for member in trace_state.split(",") if member.strip()]
    others = [member for member in others if not member.startswith(_OWN)]
    return ",".join([f"{_OWN}{'t:1;k:1' if keep else 't:1'}", *others])


def asks_to_keep(headers: Mapping[Any, Any]) -> bool:
    """Return whether the headers of a reply say that its sender keeps the trace."""
    for key, value in headers.items():
        name = key.decode("latin-1") if isinstance(key, bytes) else str(key)
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if name.lower() == REPLY_HEADER and text.strip() == "1":
            return True
        if name.lower() == "tracestate" and says_keep(text):
            return True
    return False
