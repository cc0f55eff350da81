"""Streets with a number, in the order of English, Germanic, Romance and Slavic languages."""

import re
from typing import Final

from certtrace.redaction.detect.addresses.forms import (
    DETECTOR,
    LINK,
    NAME,
    cased,
    cased_or_lower,
    counts_something_else,
    goes_on,
    one_of,
    with_building,
)
from certtrace.redaction.detect.addresses.lines import extended
from certtrace.redaction.detect.addresses.words import (
    ENDINGS,
    FRENCH,
    NOT_STREETS,
    PREFIXES,
    STREETS,
    STREETS_PERHAPS,
    STREETS_TOO,
)
from certtrace.redaction.detect.pattern import DIGITS, Pattern, Spans, touches_word
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_WORD: Final = rb"[A-Z0-9?][A-Za-z0-9'.?-]{0,19}"
_OF: Final = rb"(?:(?:d[aeiou](?:l|lla|lle|gli|i|s)?|la|le|les|el|y|e|al) ){0,3}"
_OPEN: Final = _OF + rb"(?:[A-Z?][A-Za-z?'.-]{1,20},? " + _OF + rb"){1,4}"
_KINDS: Final = cased((*STREETS, *STREETS_TOO, *STREETS_PERHAPS))
_ENGLISH: Final = rb"[0-9]{1,6}[A-Za-z]?,? ((?:%s,? ){1,4})(%s)" % (_WORD, _KINDS)
_ENGLISH_WHOLE: Final = lazy(_ENGLISH + rb"(?![A-Za-z0-9_])")
_LOWER: Final = rb"[0-9]{1,6}[a-z]? ((?:[a-z'-]{3,16} ){1,2})(street|avenue|boulevard|crescent|terrace)"
_LOWER_WHOLE: Final = lazy(_LOWER + rb"(?![A-Za-z0-9_])")
_NAME_BEFORE: Final = lazy(
    rb"(?<![A-Za-z0-9])(?:%s ){0,2}(?:[A-Za-z?'-]{2,24}|[A-Z?][A-Za-z?'-]{1,24}(?: fejedelem)? )\Z" % NAME
)
_NAMES_BEHIND: Final = lazy(rb"(?:[ -](?:%s ){0,2}%s){1,5}" % (LINK, NAME))
_BEFORE_CODE: Final = rb"[0-9]{1,4}[a-z]?(, ?\n?|\n) ?(?:[A-Z]{1,2}-)?([0-9]{3} [0-9]{2}|[0-9]{4,5}) [A-Z]"
_STREET_BEFORE: Final = lazy(rb"(?<![A-Za-z0-9])(?:(?:%s|%s) ){0,2}(?:%s ){1,3}\Z" % (LINK, NAME, NAME))
_RANGE: Final = lazy(rb"[/-][0-9]{1,4}[a-z]?(?![0-9A-Za-z])")
_UNIT_BEFORE: Final = lazy(rb"(?<![0-9A-Za-z/])[0-9]{1,4}/\Z")
_GATES: Final = frozenset({b"AND", b"OR", b"NOT", b"And", b"Or", b"Not"})
_YEAR: Final = 4
_ON_NAME_BEFORE: Final = lazy(rb"(?<![A-Za-z0-9])(?:on|at) ([A-Z][a-z?'-]{2,16}(?: [A-Z][a-z?'-]{2,16}){0,2})\Z")
_CAPITAL_BEHIND: Final = lazy(rb"(?:'s)? [A-Z]")
_TIED: Final = frozenset({b".", b",", b"/", b"-", b":"})


def _english(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Judge `12 Name Street`."""
    match = _ENGLISH_WHOLE.match(data, groups[0][0])
    return _judged(data, match, groups[0][0])


def _lower(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Judge `12 name street`."""
    match = _LOWER_WHOLE.match(data, groups[0][0])
    return _judged(data, match, groups[0][0])


def _judged(data: bytes, match: re.Match[bytes] | None, start: int) -> tuple[Spans, int]:
    before = data[max(0, start - 1) : start]
    if (
        match is None
        or touches_word(data, start - 1)
        or (before in _TIED and not _UNIT_BEFORE.search(data[max(0, start - 6) : start]))
    ):
        return [], start + 1
    if not NOT_STREETS.isdisjoint(match[1].lower().decode("latin-1").replace(",", "").split()):
        return [], start + 1
    behind = extended(data, match.end())
    kind = match[2].lower().decode()
    is_bare = behind == match.end()
    if is_bare and (kind in STREETS_PERHAPS or (kind in STREETS_TOO and not data[start + 1 : start + 2].isdigit())):
        return [], start + 1
    return [(with_building(data, start), behind, "")], behind


def _named(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Judge `Via Name 12`."""
    start, end = groups[0]
    if touches_word(data, start - 1) or touches_word(data, end) or goes_on(data, end):
        return [], start + 1
    if counts_something_else(data[start:end]):
        return [], start + 1
    range_ = _RANGE.match(data, end)
    behind = extended(data, range_.end() if range_ is not None else end)
    return [(with_building(data, start), behind, "")], behind


def _compound(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Judge `Namestrasse 12` and `Name strasse 12`."""
    start, end = groups[0]
    name = _NAME_BEFORE.search(data[max(0, start - 60) : start])
    if name is None or name[0].strip() in _GATES:
        return [], end
    begin = start - len(name[0])
    has_capital = not name[0].islower() or with_building(data, begin) < begin
    return _named(data, ((begin, end),)) if has_capital else ([], end)


def _named_behind(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Judge `12 rue de Name`, and the names that follow."""
    start, end = groups[0]
    names = _NAMES_BEHIND.match(data, end)
    return _named(data, ((start, names.end() if names is not None else end),))


def _around(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Judge `4711 Name 12` at the end of a line or before a comma: a town has to follow."""
    start, end = groups[0]
    if touches_word(data, start - 1) or counts_something_else(data[start:end]):
        return [], start + 1
    behind = extended(data, end - 1)
    return ([(start, behind, "")], behind) if behind > end else ([], end)


def _before_code(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Judge `Name 12, 10115 Town`."""
    (start, end), (street, _), (code, last) = groups[:3]
    name = _STREET_BEFORE.search(data[max(0, start - 64) : start])
    if name is None or counts_something_else(name[0]):
        return [], end
    if last - code == _YEAR and data[code : code + 2] in {b"19", b"20"}:
        return [], end
    behind = extended(data, street)
    return ([(start - len(name[0]), behind, "")], behind) if behind >= end else ([], end)


def _after_number(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Judge `rue de name` in small letters: a number has to stand in front."""
    start, end = groups[0]
    begin = with_building(data, start)
    if begin == start or touches_word(data, end):
        return [], end
    return [(with_building(data, begin), extended(data, end), "")], end


def _on_street(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Judge `on Name Street`: not `Wall Street Journal`."""
    start, end = groups[0]
    name = _ON_NAME_BEFORE.search(data[max(0, start - 56) : start])
    if name is None or touches_word(data, end) or _CAPITAL_BEHIND.match(data, end):
        return [], end
    return [(start - len(name[1]), end, "")], end


PATTERNS: Final = (
    Pattern(DETECTOR, "address.street", _ENGLISH, DIGITS, _english),
    Pattern(
        DETECTOR,
        "address.street-lower",
        _LOWER,
        (b"street", b"avenue", b"boulevard", b"crescent", b"terrace"),
        _lower,
    ),
    Pattern(
        DETECTOR,
        "address.street-ending",
        rb"(?i)(?:%s),? [0-9]{1,4}[a-z]?" % one_of((*ENDINGS, "u.", "ut")),
        tuple(word.encode() + gap for word in (*ENDINGS, "u.", "ut") for gap in (b" ", b", ")),
        _compound,
    ),
    Pattern(
        DETECTOR,
        "address.street-first",
        rb"(?:%s) %s(?:n\.? ?)?[0-9]{1,4}[a-z]?" % (cased_or_lower(PREFIXES), _OPEN),
        DIGITS,
        _named,
    ),
    Pattern(
        DETECTOR,
        "address.number-first",
        rb"[0-9]{1,4}(?: ?(?:bis|ter))?,? (?:%s) %s[A-Z?][A-Za-z?'-]{2,24}" % (cased_or_lower(FRENCH), _OF),
        DIGITS,
        _named_behind,
    ),
    Pattern(
        DETECTOR,
        "address.numbers-around",
        rb"[0-9]{2,6} (?:[A-Z?][A-Za-z?'.-]{0,20},? ){1,5}[0-9]{1,4}\.?[,\n]",
        DIGITS,
        _around,
    ),
    Pattern(DETECTOR, "address.before-code", _BEFORE_CODE, DIGITS, _before_code),
    Pattern(
        DETECTOR,
        "address.street-of",
        rb"(?:rue|chemin|impasse|avenue|boulevard|place) d(?:e|es|u|e la|el|ella) [a-z?'-]{3,20}",
        (b"rue d", b"chemin d", b"impasse d", b"avenue d", b"boulevard d", b"place d"),
        _after_number,
    ),
    Pattern(
        DETECTOR,
        "address.on-street",
        rb" (?:Street|Avenue|Boulevard|Road|Lane)",
        (b" street", b" avenue", b" boulevard", b" road", b" lane"),
        _on_street,
    ),
)
