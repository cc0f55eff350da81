"""Addresses without a kind of street: apartments, boxes, military posts, corners, postal codes."""

import re
from typing import Final

from certtrace.redaction.detect.addresses.forms import (
    DETECTOR,
    NAMES,
    NUMBER,
    STREET,
    counts_something_else,
    goes_on,
    one_of,
    with_building,
)
from certtrace.redaction.detect.addresses.lines import extended, is_postcode
from certtrace.redaction.detect.addresses.words import STATES
from certtrace.redaction.detect.pattern import DIGITS, Pattern, Spans, touches_word
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_BEFORE: Final = 96
_STREET_BEFORE: Final = lazy(rb"(?<![A-Za-z0-9])%s[ ,\n\r>?]{1,7}\Z" % STREET)
_LOWER_BEFORE: Final = lazy(
    rb"(?<![a-z0-9])%(number)s (?:%(number)s )?(?:[a-z?'.-]{1,20} ){1,4}(?:%(number)s\.?)?[ ,\n\r>?]{0,7}\Z"
    % {b"number": NUMBER}
)
_POST_BEFORE: Final = lazy(
    rb"(?:(?:PSC|CMR|Unit) [0-9]{1,5},? Box [0-9]{1,5}|(?:USS|USNS|USCGC|USNV) [A-Za-z?'. -]{1,30})"
    rb"[ ,]{0,2}[\n\r]{0,2} {0,2}\Z",
    re.IGNORECASE,
)
_CORNER: Final = lazy(rb"(?:[Tt]he )?[Cc]orner of %(street)s and %(street)s" % {b"street": STREET})
_SAID: Final = lazy(
    rb"(?:%(names)s and )?(?:%(number)s,? ){1,2}%(names)s(?:,? %(number)s\.?)?(?: %(names)s)?"
    rb"|(?:%(names)s and )?%(names)s,? %(number)s\.?(?: %(names)s)?" % {b"number": NUMBER, b"names": NAMES}
)
_TOWN_BEFORE: Final = lazy(rb"(?<![A-Za-z0-9])[A-Z][A-Za-z.'-]{2,20}(?: [A-Z][A-Za-z.'-]{2,20})?,? \Z")
_DIGIT: Final = lazy(rb"[0-9]")
_WORDS_BEFORE: Final = (
    rb"(?i)(?:liv(?:e|es|ed|ing) (?:at|on|in)|resid(?:e|es|ed|ing) (?:at|on|in)|located at|office is at|moved to|"
    rb"address[a-z ]{0,24}(?: is| to|:|=| with)|address of [a-z0-9.,'& -]{1,40} is|home is)[ \t]{1,8}"
)
_CODE_WORDS: Final = rb"(?i)(?:zip(?: ?code)?|post(?:al)? ?code|plz|postleitzahl|code postal|codigo postal)"
_BOXES: Final = (
    rb"(?i)(?:p\.? ?o\.? ?box|postfach|apartado(?: postal)?|casilla|boite postale|caixa postal|postbus|postboks)"
)


def _apartment(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Judge `Apt. 12`: an address where a street stands in front."""
    start, end = groups[0]
    if touches_word(data, start - 1) or touches_word(data, end):
        return [], end
    window = data[max(0, start - _BEFORE) : start]
    before = _STREET_BEFORE.search(window) or (_LOWER_BEFORE.search(window) if window.islower() else None)
    if before is None or not _DIGIT.search(before[0]):
        return [], end
    behind = extended(data, end)
    return [(start - len(before[0]), behind, "")], behind


def _box(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take a box and what follows."""
    start, end = groups[0]
    if touches_word(data, start - 1) or touches_word(data, end):
        return [], start + 1
    behind = extended(data, end)
    return [(with_building(data, start), behind, "")], behind


def _military(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take a military post with the unit or the ship in front."""
    start, end = groups[0]
    if touches_word(data, start - 1) or touches_word(data, end):
        return [], end
    before = _POST_BEFORE.search(data[max(0, start - 48) : start])
    return [(start - len(before[0]) if before is not None else start, end, "")], end


def _corner(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take `the corner of First Street 1 and Second Street`."""
    start, end = groups[0]
    match = _CORNER.search(data, max(0, start - 4), end + 160)
    if match is None or not _DIGIT.search(match[0]):
        return [], end
    return [(match.start(), match.end(), "")], match.end()


def _said(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Judge what stands behind words such as `lives at`."""
    start, end = groups[0]
    place = _SAID.match(data, end - 1)
    if place is None or touches_word(data, start - 1) or touches_word(data, place.end()):
        return [], end
    if counts_something_else(place[0]) or goes_on(data, place.end()):
        return [], end
    behind = extended(data, place.end())
    return [(place.start(), behind, "")], behind


def _code(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take the postal code that a word names."""
    start, end = groups[1]
    if touches_word(data, groups[0][0] - 1) or touches_word(data, end) or goes_on(data, end):
        return [], groups[0][1]
    return [(start, end, "")], end


def _city(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take `Springfield, IL 62704`."""
    start, end = groups[0]
    town = _TOWN_BEFORE.search(data[max(0, start - 44) : start])
    if town is None or touches_word(data, end) or goes_on(data, end):
        return [], start + 1
    return [(start - len(town[0]), end, "")], end


def _postcode(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take a British or Canadian postal code: all of a text, or written as it should be."""
    start, end = groups[0]
    if touches_word(data, start - 1) or touches_word(data, end):
        return [], start + 1
    code = data[start:end]
    is_all = data.strip() == code
    if not (is_all or code.isupper()) or not is_postcode(code.upper().decode("latin-1"), strict=not is_all):
        return [], end
    return [(start, end, "")], end


PATTERNS: Final = (
    Pattern(
        DETECTOR,
        "address.apartment",
        rb"(?i)(?:apt\.?|apartment|suite|ste\.?|flat|unit) ?#?[0-9]{1,5}[a-z]?",
        (b"apt", b"apartment", b"suite", b"ste", b"flat", b"unit"),
        _apartment,
    ),
    Pattern(
        DETECTOR,
        "address.box",
        _BOXES + rb" [0-9]{1,6}",
        (b"box", b"postfach", b"apartado", b"casilla", b"postal", b"postbus", b"postboks"),
        _box,
    ),
    Pattern(DETECTOR, "address.military", rb"(?i)[afd]po,? a[aep],? [0-9]{5}", (b"po a", b"po, a"), _military),
    Pattern(DETECTOR, "address.corner", rb"[Cc]orner of ", (b"corner of",), _corner),
    Pattern(
        DETECTOR,
        "address.said",
        _WORDS_BEFORE + rb"[a-z0-9?]",
        (b"live", b"living", b"resid", b"located", b"office is", b"moved to", b"address", b"home is"),
        _said,
    ),
    Pattern(
        DETECTOR,
        "address.postal-code",
        _CODE_WORDS + rb"(?: is)?[ :\"'=#]{1,4}([0-9]{4,5}(?:-[0-9]{3,4})?)",
        (b"zip", b"postal", b"postcode", b"post code", b"plz", b"postleitzahl"),
        _code,
    ),
    Pattern(
        DETECTOR,
        "address.city",
        rb"(?:%s),? [0-9]{5}(?:-[0-9]{4})?" % one_of(STATES),
        DIGITS,
        _city,
    ),
    Pattern(
        DETECTOR,
        "address.postcode",
        rb"[A-Za-z]{1,2}[0-9][A-Za-z0-9]? ?[0-9][A-Za-z]{2}|[Gg][Ii][Rr] ?0[Aa]{2}"
        rb"|[ABCEGHJ-NPRSTVXY][0-9][A-Z] [0-9][A-Z][0-9]",
        DIGITS,
        _postcode,
    ),
)
