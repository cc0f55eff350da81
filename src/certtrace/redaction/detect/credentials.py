"""Examine what looks like a key, a token or a password: where it ends, and whether it is one."""

import re
from base64 import b64decode
from binascii import Error as BinasciiError
from typing import Final

from certtrace.redaction.detect.pattern import Spans
from certtrace.redaction.text.engine import Groups

_TOKEN_TAIL: Final = re.compile(rb"[A-Za-z0-9_+/=-]*(?:\.[A-Za-z0-9_+/=-]+)*")
_JWT: Final = re.compile(rb"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)+")
_PEM_END: Final = re.compile(rb"-----END [A-Z0-9 ]{0,60}-----")
_PEM_BODY: Final = re.compile(rb"(?:[A-Za-z0-9+/=\s:,\\-]|KEY)*")
_BEARER_VALUE: Final = re.compile(rb"[A-Za-z0-9+/_~.=-]+")
_QUOTED: Final = re.compile(rb"(\\?[\"'`])([^\"'`\n\\]{1,16384})")
_BARE: Final = re.compile(rb"[^\s\"'`,;<>&(){}\\]{1,16384}")
_COOKIE_NAME: Final = re.compile(rb"(?i)(?:set-)?cookie[\"']{0,2}[ \t]{0,2}[:=][ \t\"']{0,4}")
_COOKIE_LINE: Final = re.compile(rb"[^\r\n\"'<>]{1,16384}")
_SCHEME: Final = re.compile(rb"(?i)(?:bearer|basic|digest|token|apikey|negotiate|ssws|key)[ \t]+")
_WORD: Final = re.compile(rb"[A-Za-z]+(?:['-][A-Za-z]+)*[.:!?]?")
_PLACEHOLDER_WORDS: Final = b"""
    none null nil true false undefined string str int integer number boolean bool text char varchar object array any
    required optional empty changeme example password secret token key value env todo xxx your my the a an is was
    are not no yes function lambda self bytes default hidden redacted masked
"""
_PLACEHOLDERS: Final = frozenset(_PLACEHOLDER_WORDS.split())
_WHOLE_WORDS: Final = (b"passw", b"passp", b"passc", b"pwd")
_LOOSE_WORDS: Final = (b"token", b"credential", b"authorization")
_SOURCE_SIGNS: Final = (
    b"$",
    b"{{",
    b"%(",
    b"<",
    b"os.",
    b"env.",
    b"process.",
    b"self.",
    b"getenv",
    b"config.",
    b"settings.",
    b"[",
)


def token(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take a token of a known issuer to its end."""
    start, end = groups[0]
    tail = _TOKEN_TAIL.match(data, end)
    end = tail.end() if tail else end
    if start and (data[start - 1 : start].isalnum() or data[start - 1] in b"_-") and data[start : start + 1] != b".":
        return [], end
    if data[start : start + 3] == b"eyJ" and not _is_jwt(data[start:end]):
        return [], end
    return [(_begin(data, start), end, "SECRET")], end


def _begin(data: bytes, start: int) -> int:
    """Take the part before a pattern that names the middle of a token, such as `xyz.atlasv1.abc`."""
    if data[start : start + 1] != b".":
        return start
    before = data[max(0, start - 32) : start]
    return start - len(before) + len(before.rstrip(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))


def _is_jwt(run: bytes) -> bool:
    """Tell whether the run is a JSON web token, or the head of one: base64 of a JSON object."""
    head, dot, _ = run.partition(b".")
    try:
        decoded = b64decode(head + b"=" * (-len(head) % 4), altchars=b"-_")
    except (BinasciiError, ValueError):
        return False
    return decoded.startswith(b'{"') and (bool(dot) or b'"alg"' in decoded or b'"kid"' in decoded)


def pem(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take a private key to its end line, or as far as it looks like one."""
    start, end = groups[0]
    closing = _PEM_END.search(data, end, end + 65_536)
    if closing is not None:
        return [(start, closing.end(), "SECRET")], closing.end()
    body = _PEM_BODY.match(data, end)
    end = body.end() if body else end
    return [(start, end, "SECRET")], end


def bearer(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take the value of an `Authorization` scheme, unless it reads as words: "basic authentication"."""
    start = groups[0][1] - 12
    value = _BEARER_VALUE.match(data, start)
    end = value.end() if value else groups[0][1]
    if groups[0][0] and data[groups[0][0] - 1 : groups[0][0]].isalpha():
        return [], end
    return ([(start, end, "SECRET")] if looks_random(data[start:end]) else []), end


def cookie(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take all the values of a `Cookie` header with their names."""
    start, end = groups[0]
    first = start + len(_COOKIE_NAME.match(data, start)[0])  # type: ignore[index]  # the pattern has matched this far
    line = _COOKIE_LINE.match(data, first)
    last = line.end() if line else end
    return [(first, last, "SECRET")], last


def assignment(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take the value in `password=…`, `"api_key": "…"`, unless it is plainly no value."""
    start, end = groups[0]
    at = end - 1
    if data[at - 1 : at] == b"\\":
        at -= 1
    name = data[start:at].lower()
    if name.startswith(b"p") and start and data[start - 1 : start].isalpha() and not name.startswith(_WHOLE_WORDS):
        return [], groups[0][0] + 1  # `p`, `pw` and `ps` are only words when nothing stands before them
    quoted = _QUOTED.match(data, at)
    if quoted is not None:
        first, last = quoted.span(2)
        scheme = _SCHEME.match(data, first, last)
        first = scheme.end() if scheme else first
        is_value = _is_quoted_value(data[first:last], name)
    else:
        scheme = _SCHEME.match(data, at)
        bare = _BARE.match(data, scheme.end() if scheme else at)
        if bare is None:
            return [], end
        first, last = bare.span()
        last -= len(bare[0]) - len(bare[0].rstrip(b".:!?"))
        is_value = _is_bare_value(data[first:last], name) and data[last : last + 1] != b"("
    return ([(first, last, "SECRET")] if is_value else []), max(last, end)


def _is_quoted_value(value: bytes, name: bytes) -> bool:
    if _is_placeholder(value) or any(value.startswith(sign) for sign in _SOURCE_SIGNS):
        return False
    if b" " in value.strip():
        return b"phrase" in name
    return len(value) >= 8 and looks_random(value) if name.startswith(_LOOSE_WORDS) else len(value) >= 4


def _is_bare_value(value: bytes, name: bytes) -> bool:
    if _is_placeholder(value) or any(sign in value for sign in _SOURCE_SIGNS):
        return False
    if name.startswith(_LOOSE_WORDS):
        return looks_random(value)
    return len(value) >= 4 and not value.isdigit() and _WORD.fullmatch(value) is None


def _is_placeholder(value: bytes) -> bool:
    word = value.strip().lower()
    return word in _PLACEHOLDERS or len(set(word)) < 3 or word.startswith((b"<", b"http:", b"https:"))


def looks_random(value: bytes) -> bool:
    """Tell whether a value is a token rather than words: long enough, letters and digits mixed."""
    if len(value) < 12:
        return False
    has_digit = any(0x30 <= byte <= 0x39 for byte in value)
    has_letter = any(0x41 <= byte <= 0x5A or 0x61 <= byte <= 0x7A for byte in value)
    upper = sum(0x41 <= byte <= 0x5A for byte in value)
    mixed = 3 <= upper <= len(value) - 3 and len(value) >= 20
    return has_letter and (has_digit or mixed or value.endswith(b"="))
