"""Addresses that are secrets themselves: who knows the webhook may post to it."""

from typing import Final

from certtrace.redaction.detect.pattern import Pattern, Spans
from certtrace.redaction.detect.randomness import is_uuid, letters_in_words, looks_random
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_ADDRESS_SIGNS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/_-@"
_ADDRESS: Final = lazy(rb"[A-Za-z0-9._~%/?=&+@:-]*")
_SEGMENTS: Final = lazy(rb"[/=]")
_USER: Final = lazy(rb"[^\s/@\"'<>:]{0,64}:([^\s/@\"'<>]{1,256})@")
_ORACLE: Final = lazy(rb"([^\s/@\"'<>]{1,64}/[^\s/@\"'<>]{1,64})@")
_PORT: Final = lazy(rb"[0-9]{1,5}[?#]")
_REACH: Final = 96
_SHORTEST: Final = 16


def _webhook(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take the whole address when a part of its path looks random."""
    start, end = groups[0]
    before = data[max(0, start - _REACH) : start]
    first = start - len(before) + len(before.rstrip(_ADDRESS_SIGNS))
    scheme = data.rfind(b"http", first, start)
    first = scheme if scheme >= 0 else first
    match = _ADDRESS.match(data, start)
    last = match.end() if match else end
    last -= len(data[first:last]) - len(data[first:last].rstrip(b".:"))
    parts = _SEGMENTS.split(data[start:last])
    good = any(_is_key(part) for part in parts)
    return ([(first, last, "")] if good else []), last


def _is_key(part: bytes) -> bool:
    if looks_random(part, _SHORTEST) or is_uuid(part[:36]):
        return True
    return len(part) >= _SHORTEST and part.isalnum() and letters_in_words(part) < 0.5 * len(part)


def _login(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take `user:password` of an address whose password holds a sign that ought to be escaped: `redis://:a#b@cache`."""
    start, end = groups[0]
    before = data[max(0, start - _REACH) : start]
    scheme = before.rfind(b"://")
    first = start - len(before) + scheme + 3
    match = _USER.fullmatch(data, first, end - 1) if scheme >= 0 else None
    if match is None or _PORT.match(match[1]) is not None:
        return [], end
    return [(first, match.end() - 1, "")], end


def _oracle(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take `user/password` of `jdbc:oracle:thin:user/password@host`."""
    end = groups[0][1]
    login = _ORACLE.match(data, end)
    return ([(*login.span(1), "")], login.end()) if login else ([], end)


PATTERNS: Final = (
    Pattern("SECRET", "secret.url", rb"(?i)oracle:thin:", (b"oracle:thin:",), _oracle),
    Pattern(
        "SECRET",
        "secret.url",
        rb"[#?][^ \t-\r/@\"'<>]{0,32}@[A-Za-z0-9]",
        (b"@",),
        _login,
    ),
    Pattern(
        "SECRET",
        "secret.webhook",
        rb"(?i)hooks?\.(?:slack|zapier|[a-z0-9]{1,8}\.make|microsoft)[a-z0-9.-]{0,24}/|discord(?:app)?\.com/api/webhooks/|"
        rb"outlook\.office(?:365)?\.com/webhook|webhook\.office\.com/webhook|maker\.ifttt\.com/|/with/key/|"
        rb"/robot/send|/bot/v2/hook/|/cgi-bin/webhook/|chat\.googleapis\.com/v1/spaces/|logic\.azure\.com|hc-ping\.com/|"
        rb"api\.telegram\.org/bot|integrations\.mattermost|thingsboard[a-z0-9.:-]{0,24}/api/v1/|/hooks/[a-z0-9]{20}|/webhooks?/[a-z0-9]{20}|hooks\.[a-z0-9.-]{1,32}/[a-z0-9/]{20}",
        (
            b"hook",
            b"ifttt",
            b"/with/key/",
            b"/robot/send",
            b"chat.googleapis",
            b"logic.azure",
            b"hc-ping",
            b"thingsboard",
            b"telegram.org",
        ),
        _webhook,
    ),
)
