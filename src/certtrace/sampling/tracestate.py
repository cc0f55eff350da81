"""The tracestate's `ot` entry: the randomness R that a trace brings along, the threshold T that a span carries.

References:
    OpenTelemetry specification, "TraceState: Probability Sampling": keep iff R >= T; R comes from `rv` or the low 56
    bits of the trace id; `th` is T in hex with trailing zeros cut.
    W3C Trace Context, 3.3.1: 32 entries at most; who changes an entry moves it to the front.
"""

import re
from functools import lru_cache
from typing import Final

from certtrace.sampling.verdict import NEVER
from certtrace.semconv import TRACESTATE_KEY

_RV: Final = re.compile(r"(?:^|;)rv:([0-9a-f]{14})(?:;|$)")
_TH: Final = re.compile(r"(?:^|;)th:([0-9a-f]{1,14})(?:;|$)")
_DIGITS: Final = 14
_MAX_MEMBERS: Final = 32
_MAX_CACHED: Final = 512
"""Longest tracestate that is remembered: whoever calls us chooses its length."""


def randomness_of(trace_id: int, trace_state: str) -> int:
    """Return R: `rv` of the tracestate's `ot` entry if it is there and well formed, else the low 56 bits of the id."""
    found = _RV.search(_entry(trace_state)) if trace_state else None
    return int(found[1], 16) if found else trace_id & (NEVER - 1)


def threshold_of(trace_state: str) -> int | None:
    """Return T as the tracestate's `ot` entry says it; None if it does not, or not well formed."""
    found = _TH.search(_entry(trace_state)) if trace_state else None
    return int(found[1].ljust(_DIGITS, "0"), 16) if found else None


def threshold_hex(threshold: int) -> str:
    """Return T as `th` writes it: 14 hex digits, trailing zeros cut, `0` for certain."""
    return f"{threshold:014x}".rstrip("0") or "0"


def threshold_for(probability: float) -> int:
    """Return the T that keeps a unit with this probability, 0.0 to 1.0 inclusive."""
    return round((1.0 - probability) * NEVER)


def tracestate_with(trace_state: str, threshold: int | None) -> str:
    """Return the tracestate with `ot=th:` set to the threshold; other entries and vendors stay as they are.

    Args:
        trace_state: Header form; empty for none.
        threshold: T; None, and one that never keeps, erase `th`: nothing is said about the probability.
    """
    set_in = _with if len(trace_state) <= _MAX_CACHED else _with.__wrapped__
    return set_in(trace_state, threshold)


@lru_cache(maxsize=1_024)
def _with(trace_state: str, threshold: int | None) -> str:
    others = [member.strip() for member in trace_state.split(",") if member.strip()]
    others = [member for member in others if member.partition("=")[0].strip() != TRACESTATE_KEY]
    # A malformed `th` goes as well: beside ours it would make the entry say two things.
    kept = [part for part in _entry(trace_state).split(";") if part and not part.startswith("th:")]
    if threshold is not None and threshold < NEVER:
        kept.insert(0, f"th:{threshold_hex(threshold)}")
    own = [f"{TRACESTATE_KEY}={';'.join(kept)}"] if kept else []
    return ",".join([*own, *others][:_MAX_MEMBERS])


def _entry(trace_state: str) -> str:
    for member in trace_state.split(","):
        key, _, value = member.strip().partition("=")
        if key.strip() == TRACESTATE_KEY:
            return value
    return ""
