"""Secrets that a flag, a sentence or a file of logins announces with a space instead of a sign."""

from typing import Final

from certtrace.redaction.detect.names import Promise, promise
from certtrace.redaction.detect.pattern import Pattern, Spans, touches_word
from certtrace.redaction.detect.values import is_secret, is_strong
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_FLAG: Final = lazy(rb"(--?|/)([A-Za-z][A-Za-z0-9_-]*)[\"',]{0,3}[ \t]+")
_VALUE: Final = lazy(
    rb"\\?\"([^\"\r\n\\]{1,4096})|\\?'([^'\r\n\\]{1,4096})|`([^`\r\n]{1,4096})`|([^\s\"'`;|<>]{1,4096})"
)
_IS: Final = lazy(
    rb"(?i)(?:[ \t]+(?:for|of|to|on|in)\b[^\r\n.;:=]{1,64}?)??(?:[ \t]{0,4}[:=]|"
    rb"[ \t]{1,4}(?:is now|is|was|are|will be|should be|must be|to be|set to|changed to|ist|lautet|est|es))"
    rb"[ \t:=>]{0,4}"
)
_KIND: Final = lazy(rb"[ \t]{1,4}(?:[0-9]{1,2}[ \t]{1,4})?")
_LOGIN: Final = lazy(rb"(?i)(?:machine[ \t\r\n]+\S{1,256}|default)[ \t\r\n]+login[ \t\r\n]+(\S{1,256})[ \t\r\n]+$")
_CODE: Final = lazy(
    rb"[\"']?[ \t]{0,4}(?:is|was|are|[:=#-])?[ \t\"']{0,4}"
    rb"([0-9]{3}[ -]?[0-9]{1,5}|[A-Z0-9]{2,5}-[A-Z0-9]{3,6})(?![\w.])"
)
_WIFI: Final = lazy(rb"WIFI:(?:[STHRE]:(?:[^;\\]|\\.){0,128};){0,6}P:((?:[^;\\]|\\.){1,128})")
_USER_THEN: Final = lazy(
    rb"[\"'][^\"'\r\n]{1,64}[\"'][ \t]{0,4},[ \t]{0,4}(?=[\"'])|[ \t]{1,4}[A-Za-z0-9._@-]{1,64}[ \t]{0,2}/[ \t]{0,2}"
)
_REACH: Final = 640


def _flag(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take what follows `--password`, `-vaultToken`."""
    start, end = groups[0]
    flag = _FLAG.match(data, start)
    if flag is None or touches_word(data, start - 1):
        return [], start + 1
    hope = promise(flag[2])
    value = _VALUE.match(data, flag.end()) if hope in {Promise.KEY, Promise.PASSWORD} else None
    if value is None or value[0].startswith((b"-", b"=")):
        return [], max(end - 1, start + 1)
    first, last = value.span(value.lastindex or 0)
    good = is_secret(data[first:last], hope, quoted=value.lastindex != 4, assigned=True)
    return ([(first, last, "")] if good else []), last


def _sentence(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take the value of "the password for the lab is Sommer2024!", `login x password y`, `requirepass y`."""
    start, end = groups[0]
    name_end = end - 1
    begin = max(0, start - _REACH)
    login = _LOGIN.search(data, begin, start) if b"login" in data[begin:start].lower() else None
    if login is not None:
        value = _VALUE.match(data, name_end + 1)
        return ([(login.start(), value.end(), "")], value.end()) if value else ([], end)
    says = _IS.match(data, name_end)
    gap = _KIND.match(data, name_end)
    place = says.end() if says else gap.end() if gap else end
    value = _VALUE.match(data, place)
    if value is None:
        return [], end
    first, last = value.span(value.lastindex or 0)
    bare = value.lastindex == 4
    last -= len(data[first:last]) - len(data[first:last].rstrip(b".,:!?)]")) if bare else 0
    word = data[first:last]
    if is_strong(word) or (
        says is not None and not bare and is_secret(word, Promise.PASSWORD, quoted=True, assigned=True)
    ):
        return [(first, last, "")], last
    return [], end


def _code(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take the digits of "your verification code is 123 456"."""
    code = _CODE.match(data, groups[0][1] - 1)
    return ([(*code.span(1), "")], code.end()) if code else ([], groups[0][1])


def _pair(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take the password of `login("user", "password")`, `auth=("user", "password")`, `credentials: user / password`."""
    end = groups[0][1]
    user = _USER_THEN.match(data, end - 1)
    value = _VALUE.match(data, user.end()) if user else None
    if value is None:
        return [], end
    first, last = value.span(value.lastindex or 0)
    last -= len(data[first:last]) - len(data[first:last].rstrip(b".,:)")) if value.lastindex == 4 else 0
    return ([(first, last, "")] if is_strong(data[first:last]) else []), end


def _wifi(data: bytes, groups: Groups) -> tuple[Spans, int]:
    key = _WIFI.match(data, groups[0][0])
    return ([(*key.span(1), "")], key.end()) if key else ([], groups[0][1])


PATTERNS: Final = (
    Pattern(
        "SECRET",
        "secret.login",
        rb"(?i)(?:auth|login|credential|connect|sign_?in)[a-z0-9_]{0,24}[ \t]{0,2}=?[ \t]{0,2}\([ \t]{0,4}[\"']|"
        rb"(?:credentials?|logins?|user/pass(?:word)?):[ \t]",
        (b"auth", b"login", b"credential", b"connect", b"sign", b"user/pass"),
        _pair,
    ),
    Pattern("SECRET", "secret.wifi", rb"WIFI:[STPHR]:", (b"wifi:",), _wifi),
    Pattern(
        "SECRET",
        "secret.flag",
        rb"(?i)--?[a-z0-9_-]{0,24}(?:pass|pw|secret|token|key|cred|auth)[a-z0-9_-]{0,16}[\"',]{0,3}[ \t]",
        (b"-",),
        _flag,
    ),
    Pattern(
        "SECRET",
        "secret.sentence",
        rb"(?i)(?:password|passwd|pwd|passphrase|passcode|kennwort|passwort|contrasena|requirepass|"
        rb"masterauth|enable secret|rootpw|auth_pass|snmp-server community|"
        rb"key-string|pre-shared-key|securestring(?: -string)?)[ \t]",
        (
            b"pass",
            b"pwd",
            b"kennwort",
            b"contras",
            b"masterauth",
            b"enable secret",
            b"rootpw",
            b"community",
            b"key",
            b"securestring",
        ),
        _sentence,
    ),
    Pattern(
        "SECRET",
        "secret.code",
        rb"(?i)(?:verification|security|one[ -]time|2fa|mfa|otp|login|auth(?:entication|enticator)?|access|"
        rb"confirmation|recovery|backup|sms|passcode)[ _-](?:code|password|pin|otp)[\"' \t:=#]|otp[ \t]{0,2}[:=]",
        (b"code", b"password", b"pin", b"otp"),
        _code,
    ),
)
