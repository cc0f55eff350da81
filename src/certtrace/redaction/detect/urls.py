"""Credentials and secret parameters in addresses."""

import re
from typing import Final

from certtrace.redaction.detect.pattern import Pattern, Spans
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_AUTHORITY: Final = lazy(rb"[^\s/?#\"'<>\\]{1,2048}")
_LOOSE_USER: Final = lazy(rb"([^\s/?#\"'<>\\@:.]{1,64}):([^\s/\"'<>\\@]{1,256})@")
"""A password with `#` or `?` in it, which should be escaped there and often is not."""
_QUERY_VALUE: Final = lazy(rb"[^\s&#\"'<>;]{1,16384}")
_HARMLESS_USERS: Final = frozenset({b"git", b"svn", b"hg"})

_QUERY_WORD: Final = (
    r"(?:[a-z0-9_.-]{0,16}(?:token|secret|passw(?:or)?d|signature|api[_-]?key|credential|session[_-]?id|jwt)|"
    r"sig|key|code|pwd|pass|auth|sid|otp|assertion|awsaccesskeyid)"
)


def _url(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Find `user:password@` of a URL; the rest of the URL stays readable."""
    start = groups[0][1] - 1
    authority = _AUTHORITY.match(data, start)
    user, at, _ = authority[0].rpartition(b"@") if authority else (b"", b"", b"")
    loose = None if at else _LOOSE_USER.match(data, start)
    if loose is not None and not re.match(rb"[0-9]{1,5}[?#]", loose[2]):
        return [(start, loose.end() - 1, "SECRET")], loose.end() - 1
    if not at or not user or user in _HARMLESS_USERS:
        return [], groups[0][1]
    return [(start, start + len(user), "SECRET")], start + len(user)


def _query(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Find the value of a query parameter whose name says secret."""
    start = groups[0][1] - 1
    value = _QUERY_VALUE.match(data, start)
    end = value.end() if value else start + 1
    return [(start, end, "SECRET")], end


PATTERNS: Final = (
    Pattern("URL", "url.user", rb"[A-Za-z0-9]://[^ \t-\r/]", (b"://",), _url),
    Pattern("URL", "url.parameter", f"(?i)[?&;#]{_QUERY_WORD}=[^ \\t-\\r&#\"'<>;]".encode(), (b"=",), _query),
)
