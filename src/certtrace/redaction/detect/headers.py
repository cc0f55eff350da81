"""Secrets in HTTP headers: authorization and cookies."""

from base64 import b64decode
from binascii import Error as BinasciiError
from typing import Final

from certtrace.redaction.detect.pattern import Pattern, Spans
from certtrace.redaction.detect.randomness import looks_random
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_VALUE: Final = lazy(rb"[A-Za-z0-9+/_~.=|:!-]+")
_COOKIE_NAME: Final = lazy(rb"(?i)(?:set-)?cookie[\"']{0,2}[ \t]{0,2}[:=][ \t\"']{0,4}")
_COOKIE_LINE: Final = lazy(rb"[^\r\n\"'<>]{1,16384}")
_LEAST: Final = 8


def _authorization(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take the value of an `Authorization` scheme, unless it reads as words: "basic authentication"."""
    start = groups[0][1] - _LEAST
    value = _VALUE.match(data, start)
    end = value.end() if value else groups[0][1]
    end -= len(data[start:end]) - len(data[start:end].rstrip(b".:!|-"))
    if groups[0][0] and data[groups[0][0] - 1 : groups[0][0]].isalpha():
        return [], end
    run = data[start:end]
    return ([(start, end, "")] if looks_random(run) or run.endswith(b"=") or _is_login(run) else []), end


def _is_login(run: bytes) -> bool:
    """Tell whether a run is base64 of `user:password`."""
    if len(run) % 4 or not any(0x41 <= sign <= 0x5A for sign in run[1:]):
        return False
    try:
        decoded = b64decode(run, validate=True)
    except BinasciiError:
        return False
    return b":" in decoded and decoded.isascii() and decoded.decode("ascii").isprintable()


def _cookie(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take all the values of a `Cookie` header with their names."""
    start, end = groups[0]
    first = start + len(_COOKIE_NAME.match(data, start)[0])  # type: ignore[index]  # the pattern has matched this far
    line = _COOKIE_LINE.match(data, first)
    last = line.end() if line else end
    return [(first, last, "")], last


PATTERNS: Final = (
    Pattern(
        "SECRET",
        "secret.bearer",
        rb"(?i)(?:bearer|basic|token|ntlm|negotiate)[ \t]{1,4}[A-Za-z0-9+/_~.=-]{8}",
        (b"bearer", b"basic", b"token", b"ntlm", b"negotiate"),
        _authorization,
    ),
    Pattern(
        "SECRET",
        "secret.cookie",
        rb"(?i)(?:set-)?cookie[\"']{0,2}[ \t]{0,2}[:=][ \t]{0,4}[^ \t-\r;,=]{1,64}=",
        (b"cookie",),
        _cookie,
    ),
)
