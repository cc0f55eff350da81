"""Tokens of known issuers: one expression finds long runs of token characters, a table tells whose they are.

Asking the table only at such runs costs plain text nothing, however many issuers it names.
"""

import re
from base64 import b64decode
from binascii import Error as BinasciiError
from collections.abc import Iterator
from typing import Final

from certtrace.redaction.detect.issuers import DISTINCT, PLAUSIBLE
from certtrace.redaction.detect.pattern import Pattern, Spans, touches_word
from certtrace.redaction.detect.randomness import looks_random
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_BODIES_IN_BASE64: Final = frozenset(
    {
        "aws-session",
        "aws-bedrock",
        "azure-key",
        "azure-service",
        "grafana",
        "sentry",
        "stripe",
        "elastic",
        "fly",
        "docker",
    }
)
_RUN: Final = lazy(rb"[A-Za-z0-9_-]+")
_WORDS: Final = lazy(
    rb"[-_]*(?:(?:[A-Z]?[a-z]{1,15}|[A-Z]{1,12}|[0-9]{1,4})[-_]+)+(?:[A-Z]?[a-z]{1,15}|[A-Z]{1,12}|[0-9]{1,4})?|-+|_+"
)
"""Runs that are no token: words and numbers with hyphens between them, lines of hyphens."""
_TAIL: Final = lazy(rb"[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]{16,})*(?:\\?=[0-9A-Fa-f]{8}|={1,2})?")
_BASE64_TAIL: Final = lazy(rb"[A-Za-z0-9_+/-]*={0,2}(?:(?<==)_?[A-Za-z0-9_+/-]{20,}={0,2})?")
_KEY_TAIL: Final = lazy(rb"(?:[A-Za-z0-9+/=]|\\[nr]|[\r\n][ \t]{0,32})*")
_JWT: Final = lazy(rb"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)+")
_ACCESS_KEY: Final = lazy(rb"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=])")
_ALIBABA_SECRET: Final = lazy(rb"(?<![A-Za-z0-9])[A-Za-z0-9]{30}(?![A-Za-z0-9])")
_KEY_ID: Final = 20
_NEAR: Final = 256
_JOINTS: Final = b".!|:/+$~"
_RUN_OR_JOINT: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-" + _JOINTS
_REACH: Final = 64
_MOST_STARTS: Final = 5


def _any(rows: tuple[tuple[str, str], ...]) -> re.Pattern[bytes]:
    # Without groups: with them `re` is fifty times slower, and which row it was matters only once one has matched.
    return re.compile("|".join(f"(?:{expression})" for _, expression in rows).encode())


_DISTINCT: Final = _any(DISTINCT)
_PLAUSIBLE: Final = _any(PLAUSIBLE)


def issuer(token: bytes) -> str:
    """Return whose token this is, such as `github`; empty when nobody's is known to look like this."""
    for name, expression in (*DISTINCT, *PLAUSIBLE):
        if re.match(expression.encode(), token):
            return name
    return ""


def _token(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take a run of token characters to its end when an issuer is known for what it looks like."""
    start = groups[0][0]
    run = _RUN.match(data, start)
    end = run.end() if run else groups[0][1]
    if _WORDS.fullmatch(data, start, end):
        return [], end
    if data[start : start + 3] == b"eyJ" and not data.startswith(b"eyJrIjoi", start):
        return _jwt(data, start, end)
    for first in _starts(data, start):
        match = _DISTINCT.match(data, first)
        if match is not None and match.end() > start:
            last = _end(data, match.end(), issuer(match[0]))
            if _is_filler(data[first:last]):
                return [], last
            return [(first, last, ""), *_partner(data, match[0], last)], last
    for first in _starts(data, start)[:2]:
        match = _PLAUSIBLE.match(data, first)
        if match is not None and match.end() > start:
            last = _end(data, match.end(), "")
            body = data[first:last].partition(b"_" if b"_" in match[0][:5] else b"-")[2] or match[0]
            if looks_random(body, 20):
                return [(first, last, "")], last
    return [], end


def _starts(data: bytes, start: int) -> list[int]:
    """Return where a token that this run belongs to may begin: at the run, or behind a joint not far before it."""
    if start == 0 or data[start - 1] not in _JOINTS:
        return [start]
    window = data[max(0, start - _REACH) : start]
    first = start - len(window) + len(window.rstrip(_RUN_OR_JOINT))
    return [start, *_behind_joints(data, first, start)][:_MOST_STARTS]


def _behind_joints(data: bytes, first: int, start: int) -> Iterator[int]:
    for place in range(start - 1, first, -1):
        if data[place - 1] in _JOINTS and data[place] not in _JOINTS:
            yield place
    yield first


def _end(data: bytes, place: int, name: str) -> int:
    tail = _KEY_TAIL if name == "private-key" else _BASE64_TAIL if name in _BODIES_IN_BASE64 else _TAIL
    match = tail.match(data, place)
    return match.end() if match else place


def _partner(data: bytes, key_id: bytes, place: int) -> Spans:
    """Find the secret that stands near the id of an access key."""
    if len(key_id) != _KEY_ID or not key_id.isupper():
        return []
    return [
        (*match.span(), "")
        for match in _ACCESS_KEY.finditer(data, place, place + _NEAR)
        if looks_random(match[0], _KEY_ID)
    ]


def _is_filler(token: bytes) -> bool:
    """Tell whether a token is only a picture of one: `ghp_xxxxxxxxxxxxxxxx`."""
    body = token[-20:]
    return len(set(body)) < 4


def _jwt(data: bytes, start: int, end: int) -> tuple[Spans, int]:
    match = _JWT.match(data, start)
    end = match.end() if match else end
    return ([(start, end, "")] if _is_jwt(data[start:end]) else []), end


def _is_jwt(run: bytes) -> bool:
    """Tell whether the run is a JSON web token, or the head of one: base64 of a JSON object."""
    head, dot, _ = run.partition(b".")
    head = head[: len(head) - (len(head) % 4 == 1)]
    try:
        decoded = b64decode(head + b"=" * (-len(head) % 4), altchars=b"-_")
    except (BinasciiError, ValueError):
        return False
    return decoded.startswith(b'{"') and (bool(dot) or b'"alg"' in decoded or b'"kid"' in decoded)


def _alibaba(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take the short id of an Alibaba access key, and the secret beside it."""
    start, end = groups[0]
    run = _RUN.match(data, start)
    end = run.end() if run else end
    if touches_word(data, start - 1):
        return [], end
    beside = _ALIBABA_SECRET.search(data, end, end + _NEAR)
    secret = [(*beside.span(), "")] if beside and looks_random(beside[0], _KEY_ID) else []
    return [(start, end, ""), *secret], end


PATTERNS: Final = (
    Pattern("SECRET", "secret.token", rb"[A-Za-z0-9_-]{20}", (), _token),
    Pattern("SECRET", "secret.alibaba", rb"LTAI[A-Za-z0-9]{12}", (b"ltai",), _alibaba),
)
