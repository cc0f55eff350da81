"""E-mail addresses."""

import re
from typing import Final

from certtrace.redaction.detect.pattern import Pattern, Spans
from certtrace.redaction.text.engine import Groups

_LOCAL: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+/=?^_{|}~.-"
_LOCAL_NEVER_FIRST: Final = b"!#$%&'*/=?^{|}~.-+"
_DOMAIN: Final = re.compile(rb"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})\.){1,8}(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,40})")
_MAX_LOCAL: Final = 254


def _email(data: bytes, groups: Groups) -> tuple[Spans, int]:
    at = groups[0][0]
    before = data[max(0, at - _MAX_LOCAL) : at]
    local = before[len(before.rstrip(_LOCAL)) :].lstrip(_LOCAL_NEVER_FIRST)
    # `user=jane@…` and `to:/jane@…`: the address begins behind the last sign that separates.
    for separator in (b"=", b"/", b"?", b"&", b"|"):
        local = local.rpartition(separator)[2]
    local = local.lstrip(_LOCAL_NEVER_FIRST)
    domain = _DOMAIN.match(data, at + 1)
    if not local or domain is None:
        return [], at + 1
    end = domain.end()
    if local == b"git" and data[end : end + 1] in {b":", b"/"}:
        return [], end
    return [(at - len(local), end, "EMAIL")], end


PATTERNS: Final = (Pattern("EMAIL", "email", rb"@[A-Za-z0-9]", (b"@",), _email),)
