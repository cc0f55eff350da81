"""Secrets by the name before them: assignments, fields, headers, elements, calls, flags and sentences."""

import re
from typing import Final

from certtrace.redaction.detect.names import Promise, promise
from certtrace.redaction.detect.pattern import Pattern, Spans
from certtrace.redaction.detect.values import is_secret, is_strong, stands_in
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_NAME_SIGNS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
_NAME: Final = lazy(rb"[A-Za-z0-9_.-]+(?: (?=(?i:key|id\b|by\b|code|phrase|secret|token)))?[A-Za-z0-9_.-]*")
_OWNER: Final = lazy(
    rb"(?i)(?:api|secret|access|private|auth|account|shared|encryption|signing|license|subscription|security|master|"
    rb"app|activation|product|serial)[ ]$"
)
_COUNT: Final = lazy(rb"[ \t]{0,4}[0-9]{1,3}(?:\.[0-9]{1,3})?[ \t]{0,4}(?:[,}\]\r\n]|$)")
"""A value that counts: `"pass": 2,`. It is a secret no more often than what stands behind it in the line."""
_LONGEST_NAME: Final = 64
_CLOSERS: Final = rb"(?:\\{0,3}[\"'`\])]|\[[0-9]{0,4}\]){0,4}[ \t]{0,16}"
_SEPARATOR: Final = lazy(
    _CLOSERS + rb"(?:"
    rb"(?P<pair>[\s,;\"'/|-]{1,24}(?:value|val|content|default|text)\\?[\"']?[ \t]{0,4}[=:>])|"
    rb"(?P<typed>(?:const[ \t]+)?(?:[Ss]tring|str|char|byte|\[\]byte|text|varchar|NSString)[ \t*]{0,4}:?=)|"
    rb"(?P<operator>:{0,3}=(?![=>])|={2,3}|!={1,2}|[=-]>|<-|\?=|\|\|=|\+=|:(?!:)|>|,(?=[ \t]{0,4}\\?[\"'`]))|"
    rb"(?P<call>\([ \t]{0,4}(?=[\"'`@]))|"
    rb"(?P<space>(?=\\?[\"'`]|\{[ \t]{0,4}0)))"
)
_GAP: Final = lazy(
    rb"[ \t]{0,16}(?:\r?\n[ \t]{1,32}(?=[\"'])|\r?\n[ \t\r\n]{0,64}(?=[^\s<]{4,256}[\s]{0,64}</))?[ \t]{0,16}"
)
_ANNOTATION: Final = lazy(rb"[A-Za-z&*][\w.<>\[\]|*&' ]{0,40}=[ \t]{0,4}(?=[\"'`brfu@L])")
_QUOTED: Final = lazy(
    rb"(?:[brfuBRFULN@]{1,2}(?=[\"']))?(?:"
    rb"\\{1,3}\"(?P<escaped>[^\"\\]{1,8192})\\{1,3}\"|\\{1,3}'(?P<escaped1>[^'\\]{1,8192})\\{1,3}'|"
    rb"[\"'](?P<lines>[A-Za-z0-9+/]{20,100}(?:[ \t\r\n]{1,32}[A-Za-z0-9+/=]{1,100}){1,256}[ \t\r\n]{0,32})[\"']|"
    rb"\"{3}(?P<long>[^\"]{1,8192})\"{3}|\"(?P<double>(?:[^\"\\\r\n]|\\.){1,8192})\"|"
    rb"'(?P<single>(?:[^'\\\r\n]|\\.){1,8192})'|"
    rb"`(?P<back>[^`\r\n]{1,8192})`)"
)
_BARE: Final = lazy(rb"(?:[^\s\"'`,;<>&(){}\\]|&(?![A-Za-z0-9_.\[\]-]{0,32}=)){1,4096}")
_SCHEME: Final = lazy(
    rb"(?i)(?:bearer|basic|digest|token|apikey|negotiate|ssws|key|aws4-hmac-sha256|splunk|genie-?key|bot)[ \t]+"
)
_LITERAL: Final = lazy(rb"\"([^\"\\\r\n]{6,256})\"|'([^'\\\r\n]{6,256})'|`([^`\r\n]{6,256})`")
_NUMBERS: Final = lazy(
    rb"(?:\[\]byte|(?:new )?byte\[\]|bytes|bytearray|\[\]uint8|vec!)?[ \t]{0,4}"
    rb"[\[({]{1,2}((?:[ \t\r\n\\]{0,16}(?:0x)?[0-9A-Fa-f]{1,4}[ \t\r\n]{0,16},){8,1024}"
    rb"[ \t\r\n\\]{0,16}(?:0x)?[0-9A-Fa-f]{0,4})"
)
_LINE_START: Final = lazy(
    rb"(?:^|[\r\n])[ \t]*(?:[-*#;/]{0,2}[ \t]*)(?:export[ \t]+|set[ \t]+|setx[ \t]+|ENV[ \t]+|ARG[ \t]+|-[eD][ \t]*)?$"
)
_LINE_END: Final = lazy(rb"[ \t,;]*(?:#[^\r\n]*|//[^\r\n]*)?(?:[\r\n]|$)")
_ASKS: Final = lazy(
    rb"(?i)(?:^|[._])(?:get|check|verify|validate|hash|is|has|find|request|generate|reset|read|load|fetch|lookup|"
    rb"contains|remove|delete)"
)
_SETS: Final = lazy(rb"(?i)(?:#define|%global|%define|set|setx|setenv|export|-{1,2}|user|with|encrypted|by)[ \t]*$")
_BEFORE_NAME: Final = frozenset({b";", b"&", b" ", b","})
_MNEMONIC: Final = lazy(rb"[a-z]{3,8}(?:[ ,]{1,2}[a-z]{3,8}){11,23}")
_IS_KEY: Final = lazy(rb"[ \t]{0,8}(?::|=>)[ \t]{0,8}[\"'{\[0-9]")
_LINE: Final = 200


def _assignment(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take the value behind a name that promises a secret, unless it is plainly no value."""
    if data[groups[0][1] - 1] in b":=" and _COUNT.match(data, groups[0][1]) is not None:
        return [], groups[0][1]
    begin, name_end = _name_around(data, groups[0][0])
    name = data[begin:name_end]
    hope = promise(name)
    separator = _SEPARATOR.match(data, name_end) if hope is not Promise.NOTHING else None
    if separator is None:
        return [], max(name_end, groups[0][0] + 1)
    place = _value_place(data, separator)
    strict = separator["space"] is not None and b" " not in name and not _is_flagged(data, begin)
    strict = (
        strict or (separator["call"] is not None and _ASKS.search(name) is not None) or separator["operator"] == b","
    )
    spans, last = _value(data, place, name, hope, begin=begin, strict=strict)
    return spans, max(last, name_end)


def _name_around(data: bytes, place: int) -> tuple[int, int]:
    before = data[max(0, place - _LONGEST_NAME) : place]
    begin = place - len(before) + len(before.rstrip(_NAME_SIGNS))
    begin += len(data[begin:place]) - len(data[begin:place].lstrip(b".-"))
    name = _NAME.match(data, begin)
    owner = _OWNER.search(data, max(0, begin - 16), begin)
    begin = owner.start() if owner else begin
    end = name.end() if name else place + 1
    while end > place + 1 and data[end - 1] in b".-:":
        end -= 1
    return begin, end


def _value_place(data: bytes, separator: re.Match[bytes]) -> int:
    gap = _GAP.match(data, separator.end())
    place = gap.end() if gap else separator.end()
    if separator["operator"] == b":":
        annotation = _ANNOTATION.match(data, place)
        place = annotation.end() if annotation else place
    return place


def _is_flagged(data: bytes, begin: int) -> bool:
    """Tell whether a name follows `#define`, `SET`, `--`: then what follows the space is its value."""
    return _SETS.search(data, max(0, begin - 16), begin) is not None


def _value(data: bytes, place: int, name: bytes, hope: Promise, *, begin: int, strict: bool) -> tuple[Spans, int]:
    quoted = _QUOTED.match(data, place)
    if quoted is not None:
        first, last = quoted.span(quoted.lastgroup or 0)
        scheme = _SCHEME.match(data, first, last)
        first = scheme.end() if scheme else first
        good = bool(quoted["lines"]) or _is_quoted_secret(data[first:last], name, hope, strict=strict)
        good = good and _IS_KEY.match(data, quoted.end()) is None
        if good:
            return [(first, last, "")], quoted.end()
        spans, behind = _behind(data, quoted.end(), hope)
        return spans, behind if spans else first  # what is no value may hold the next name
    numbers = _NUMBERS.match(data, place)
    if numbers is not None:
        return [(*numbers.span(1), "")], numbers.end()
    return ([], place) if strict else _bare(data, place, hope, begin=begin)


def _is_quoted_secret(value: bytes, name: bytes, hope: Promise, *, strict: bool) -> bool:
    if value.lower() == name.lower() or (strict and hope is Promise.PASSWORD and not is_strong(value)):
        return False
    return is_secret(value, hope, quoted=True, assigned=True, phrase=_allows_words(name))


def _allows_words(name: bytes) -> bool:
    low = name.lower()
    return b"phrase" in low or b"mnemonic" in low


def _bare(data: bytes, place: int, hope: Promise, *, begin: int) -> tuple[Spans, int]:
    scheme = _SCHEME.match(data, place)
    first = scheme.end() if scheme else place
    opening = data[first : first + 3]
    first += len(opening) - len(opening.lstrip(b"\"'`"))
    bare = _BARE.match(data, first)
    if bare is None:
        return [], place
    if _allows_words(data[begin:place]) and (words := _MNEMONIC.match(data, first)) is not None:
        return [(*words.span(), "")], words.end()
    last = bare.end() - len(bare[0]) + len(bare[0].rstrip(b".:!?"))
    value = data[first:last]
    if data[bare.end() : bare.end() + 1] == b"(" or stands_in(value):
        return _behind(data, bare.end(), hope)
    assigned = data[place - 1 : place] == b"=" or _fills_line(data, begin, bare.end())
    if is_secret(value, hope, quoted=False, assigned=assigned):
        return [(first, last, "")], last
    return [], first if len(value) <= _LONGEST_NAME else last  # what is no value may be the next name


def _fills_line(data: bytes, begin: int, end: int) -> bool:
    """Tell whether a name and its value are all there is in a line, as in a file of settings."""
    if data[begin : begin + 1].isupper() or _LINE_END.match(data, end) is None:
        return False
    return data[begin - 1 : begin] in _BEFORE_NAME or _LINE_START.search(data, max(0, begin - 64), begin) is not None


def _behind(data: bytes, place: int, hope: Promise) -> tuple[Spans, int]:
    """Look for a default in the rest of the line: `getenv("X", "default")`, `input() or "default"`."""
    end = data.find(b"\n", place, place + _LINE)
    end = end if end >= 0 else min(len(data), place + _LINE)
    for match in _LITERAL.finditer(data, max(0, place - 1), end):
        value = match[match.lastindex or 0]
        if is_strong(value) and is_secret(value, hope, quoted=True, assigned=True):
            return [(*match.span(match.lastindex or 0), "")], match.end()
    return [], place


_WORDS: Final = (
    r"(?:pass|p[a4]?s{1,2}w(?:o?r?)?d|psw|pwd|pw|secret|token|key|cred|auth|jwt|salt|nonce|seed|otp|session|licen[sc]e|"
    r"(?:seed|recovery)[ _-]phrase|mnemonic|psk|signature|mot de passe|"
    r"api|csrf|login|serial|pat[_ ]|kennwort|senha|contrase|wachtwoord|haslo|identified by)"
)
_LITERALS: Final = tuple(
    b"""
    pas p4s psw pssw pwd pw secret token key cred auth jwt salt nonce seed otp session licen api csrf login serial pat
    phrase mnemonic psk signature passe kennwort senha contrase wachtwoord haslo identified
    """.split()
)

PATTERNS: Final = (
    Pattern(
        "SECRET",
        "secret.assignment",
        (
            rf"(?i){_WORDS}[a-z0-9_.-]{{0,24}}(?:[\\\"'`\])]|\[[0-9]{{0,4}}\]){{0,4}}[ \t]{{0,8}}"
            r"(?:[=:>]|[ \t]\{[ \t]{0,4}0|[!?+|]{1,2}=|->|<-|,[ \t]{0,4}\\?[\"'`]|\([ \t]{0,4}[\"'`@]|[ \t][\"'`]|"
            r"[ \t-\r,;\"'/|-]{1,24}(?:value|val|content|default|text)[\\\"']{0,2}[ \t]{0,4}[=:>]|"
            r"(?:const[ \t])?(?:string|str|char|byte|\[\]byte|text)[ \t*]{0,4}:?=)"
        ).encode(),
        _LITERALS,
        _assignment,
    ),
)
