"""Base64 that reads as text: no finding, but a place to look into."""

from binascii import Error as BinasciiError
from binascii import a2b_base64
from typing import Final

from certtrace.redaction.detect.pattern import Pattern, Spans
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_BASE64: Final = lazy(rb"[A-Za-z0-9+/_-]+={0,2}")
_READABLE: Final = lazy("[^\\x00-\\x08\\x0e-\\x1f\\x7f-\\x9f\\ufffd]*")
_MIN_ENCODED: Final = 10
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_HEAD: Final = 16
_NEVER_READABLE: Final = bytes((*range(9), *range(14, 32), 0x7F, 0xC0, 0xC1, *range(0xF5, 0x100)))
"""Bytes that no readable text holds: control characters, and what UTF-8 does not use."""


def _base64(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Find a run that reads as text when it is decoded; what it says is for others to judge."""
    start = groups[0][0]
    run = _BASE64.match(data, start)
    end = run.end() if run else groups[0][1]
    return ([(start, end, "BASE64")] if base64_text(data[start:end]) else []), end


def base64_text(run: bytes) -> str:
    """Return the text that a run of base64 begins with, or an empty text when it begins with something else."""
    solid = run.rstrip(b"=").translate(_URL_SAFE)
    try:
        # Most long runs are words, paths and ids: their first bytes decode to what no text begins with.
        head = a2b_base64(solid[:_HEAD])[:_MIN_ENCODED]
        if len(head.translate(None, _NEVER_READABLE)) < _MIN_ENCODED:
            return ""
        text = a2b_base64(solid[: len(solid) - (len(solid) % 4 == 1)] + b"==").decode("utf-8", "replace")
    except BinasciiError:
        return ""
    readable = _READABLE.match(text)
    return readable[0] if readable and len(readable[0]) >= _MIN_ENCODED else ""


PATTERNS: Final = (Pattern("BASE64", "base64", rb"[A-Za-z0-9+/_-]{20}", (), _base64),)
