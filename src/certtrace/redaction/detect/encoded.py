"""Base64 that reads as text: no finding, but a place to look into."""

import re
from base64 import b64decode
from binascii import Error as BinasciiError
from typing import Final

from certtrace.redaction.detect.pattern import Pattern, Spans
from certtrace.redaction.text.engine import Groups

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]+={0,2}")
_READABLE: Final = re.compile("[^\\x00-\\x08\\x0e-\\x1f\\x7f-\\x9f\\ufffd]*")
_MIN_ENCODED: Final = 10
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


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
        text = b64decode(solid[: len(solid) - (len(solid) % 4 == 1)] + b"==").decode("utf-8", "replace")
    except BinasciiError:
        return ""
    readable = _READABLE.match(text)
    return readable[0] if readable and len(readable[0]) >= _MIN_ENCODED else ""


PATTERNS: Final = (Pattern("BASE64", "base64", rb"[A-Za-z0-9+/_-]{20}", (), _base64),)
