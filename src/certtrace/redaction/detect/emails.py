"""E-mail addresses."""

import re
from typing import Final

from certtrace.redaction.detect.pattern import Pattern, Spans, touches_word
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_LOCAL: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+/=?^_{|}~.-"
_LOCAL_NEVER_FIRST: Final = b"!#$%&'*/=?^{|}~.-+"
_SEPARATORS: Final = (b"=", b"/", b"?", b"&", b"|")
_LABEL: Final = rb"(?:(?:[A-Za-z0-9_][A-Za-z0-9_-]{0,62}|\?{2,62})\.)"
"""Letters of other scripts fold to `?`; one alone is a question mark."""
_DOMAIN: Final = lazy(
    _LABEL + rb"{1,8}(?:xn--[A-Za-z0-9-]{2,40}|[A-Za-z]{2,24}|\?{2,24})"
    rb"|\[(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|IPv6:[0-9A-Fa-f:.]{2,45})\]"
)
_QUOTED: Final = lazy(rb"\"[^\"@\r\n]{1,64}\"\Z")
_OTHER_SCRIPT: Final = lazy(rb"\?{2,64}\Z")
_FILE: Final = lazy(
    rb".*\.(?:[jt]sx?|json|css|html|png|jpe?g|gif|svg|webp|ya?ml|toml|lock|exe|dll)\Z", re.IGNORECASE | re.DOTALL
)
"""Endings of files that no domain has: `logo@2x.png`, `vue@next.js`."""
_USERINFO: Final = lazy(rb"://[^\s/?#@]{0,256}:\Z")
_MAX_LOCAL: Final = 254
_MIN_CALLED: Final = 3

_DOT: Final = rb"(?:\.|[ ]{0,2}[\[({<][ ]?(?:dot|DOT|Dot|\.)[ ]?[\])}>][ ]{0,2}|[ ](?:dot|DOT)[ ])"
_SPELLED_DOMAIN: Final = lazy(
    rb"[ ]{0,2}([A-Za-z0-9][A-Za-z0-9-]{0,62}(?:"
    + _DOT
    + rb"[A-Za-z0-9][A-Za-z0-9-]{0,62}){0,4}"
    + _DOT
    + rb"[A-Za-z]{2,24})"
)
_SPELLED_LOCAL: Final = lazy(rb"[A-Za-z0-9_+-]{1,40}(?:" + _DOT + rb"[A-Za-z0-9_+-]{1,40}){0,3}\Z")
_MAX_SPELLED: Final = 96


def _email(data: bytes, groups: Groups) -> tuple[Spans, int]:
    at = groups[0][0]
    domain = _DOMAIN.match(data, at + 1)
    if domain is None:
        return [], at + 1
    start, end = _local_start(data, at), domain.end()
    local, behind = data[start:at], data[end : end + 1]
    if not local or _FILE.match(domain[0]) or (local == b"git" and behind in {b":", b"/"}):
        return [], end
    if behind == b"(" and len(local) < _MIN_CALLED:
        return [], end  # `x@w.sum()` multiplies matrices
    if _USERINFO.search(data, max(0, start - _MAX_LOCAL), start):
        return [], end  # the password in front of a host; it is a credential, the host is not
    return [(start, end, "EMAIL")], end


def _local_start(data: bytes, at: int) -> int:
    """Return where the part in front of the `@` begins."""
    before = data[max(0, at - _MAX_LOCAL) : at]
    quoted = _QUOTED.search(before) if before.endswith(b'"') else None
    if quoted is not None:
        return at - len(quoted[0])
    other = _OTHER_SCRIPT.search(before)
    if other is not None:
        return at - len(other[0])
    local = before[len(before.rstrip(_LOCAL)) :].lstrip(_LOCAL_NEVER_FIRST)
    # `user=jane@…` and `to:/jane@…`: the address begins behind the last sign that separates.
    for separator in _SEPARATORS:
        local = local.rpartition(separator)[2]
    return at - len(local.lstrip(_LOCAL_NEVER_FIRST))


def _spelled(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Find `jane (at) example (dot) com` and `jane at example dot com`."""
    begin, end = groups[0]
    end = begin + len(b" at ") if data[begin : begin + 1] == b" " else end
    head = data[max(0, begin - _MAX_SPELLED) : begin].rstrip(b" ")
    local = _SPELLED_LOCAL.search(head)
    domain = _SPELLED_DOMAIN.match(data, end)
    if local is None or domain is None or touches_word(data, domain.end(1)) or touches_word(head, local.start() - 1):
        return [], end
    start = max(0, begin - _MAX_SPELLED) + local.start()
    return [(start, domain.end(1), "EMAIL")], domain.end(1)


PATTERNS: Final = (
    Pattern("EMAIL", "email", rb"@[A-Za-z0-9_\[?]", (b"@",), _email),
    Pattern(
        "EMAIL",
        "email.spelled",
        rb"(?i)[\[({<][ ]?at[ ]?[\])}>]|[ ]at[ ][a-z0-9-]{1,40}[ ]dot[ ](?:com|org|net|edu|gov|info|io|de|fr|uk)",
        (b"(at", b"( at", b"[at", b"[ at", b"{at", b"{ at", b"<at", b"< at", b" dot "),
        _spelled,
    ),
)
