"""What follows a street: apartment, district, city, state, postal code and country, on one line or over several."""

import re
from typing import Final

from certtrace.redaction.detect.addresses.words import COUNTRIES, STATES
from certtrace.redaction.text.lazy import lazy

_GAP: Final = lazy(rb"[ \t]{0,2},?[ \t]{0,2}(?:\r?\n[ \t]{0,4}(?:[>?|*#]{1,4}[ \t]{1,2})?,?[ \t]{0,2})?")
_UNIT: Final = lazy(
    rb"(?:(?:apt|apartment|suite|ste|unit|flat|floor|room|rm|building|bldg)\.? ?#?[0-9]{1,5}[a-z]?|#[0-9]{1,5}[a-z]?"
    rb"|[0-9]{1,2}(?:st|nd|rd|th) floor)(?![0-9a-z])",
    re.IGNORECASE,
)
_CODE: Final = lazy(
    rb"(?:[0-9]{5}-[0-9]{3,4}|[0-9]{2}-[0-9]{3}|[0-9]{4}-[0-9]{3}|[0-9]{3} [0-9]{2}|[0-9]{4} [A-Z]{2}|[0-9]{4,6}"
    rb"|[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]|[A-Z][0-9]{2} ?[A-Z0-9]{4})"
    rb"(?![0-9A-Za-z]|[.,:/-][0-9])"
)
_STATE: Final = lazy(rb"(?:[A-Z]{2,3}|nan|[0-9]{2})(?=[ \t]?(?:[\n\r,.]|\Z| ?[0-9]{4,6}))")
_NAME: Final = rb"(?:[A-Z][A-Za-z'.?-]{1,24}|\?{2,25})"
_PLACE: Final = lazy(
    rb"%(name)s(?:[ -](?:(?:de|del|della|di|do|da|dos|la|le|les|el|van|der|den|am|im|an|in|nad|pod|u|na|y|of|and|sur|"
    rb"sous|en|i) ){0,3}(?:%(name)s|[A-Z]|\(%(name)s(?: %(name)s)?\))){0,4}(?![A-Za-z0-9:@]|\?\?)" % {b"name": _NAME}
)
_AREA_ONE: Final = frozenset("QVX")
_AREA_TWO: Final = frozenset("IJZ")
_NOT_INWARD: Final = frozenset("CIKMOV")
_UNITS: Final = frozenset(
    {"GB", "TB", "PB", "ST", "ND", "RD", "TH", "AM", "HZ", "PS", "NS", "US", "BY", "TO", "IS", "IN", "BE"}
)
_UK: Final = lazy(r"([A-Z]{1,2})([0-9][0-9A-Z]?) ?([0-9])([A-Z]{2})|GIR ?0AA")
_CANADA: Final = lazy(r"[ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z] [0-9][ABCEGHJ-NPRSTV-Z][0-9]")
_STEPS: Final = 9
_MOST_PLACES: Final = 4
_NEAR: Final = 120
_MAX_LENGTH: Final = 160


def extended(data: bytes, end: int) -> int:
    """Return where an address ends whose street ends at `end`."""
    start = max(0, end - _NEAR)
    near = data[start : end + 2 * _NEAR]
    if near.islower():  # a text without capitals: read every word as if it had one
        data, end = near[: end - start] + near[end - start :].title(), end - start
    else:
        start = 0
    if data[end : end + 1] == b"." and not data[end + 1 : end + 2].isdigit():
        inner = _steps(data, end + 1)
        return start + (inner if inner > end + 1 else end)
    return start + _steps(data, end)


def _steps(data: bytes, start: int) -> int:
    """Follow part after part; what ends in no part of its own kind is given back."""
    place = sure = start
    places = 0
    for _ in range(_STEPS):
        gap = _GAP.match(data, place)
        begin = gap.end() if gap is not None else place
        if begin == place or begin - start > _MAX_LENGTH:
            break
        is_line = b"\n" in data[place:begin]
        place, is_sure, is_place = _part(data, begin, is_line=is_line)
        if place == begin:
            break
        places += is_place
        if is_place and places > _MOST_PLACES:
            break
        sure = place if is_sure else sure
    return sure


def _part(data: bytes, begin: int, *, is_line: bool) -> tuple[int, bool, bool]:
    """Return where the part that begins here ends, whether it surely belongs, and whether it is the name of a place."""
    for form in (_UNIT, _CODE, _STATE):
        match = form.match(data, begin)
        if match is not None:
            return match.end(), True, False
    match = _PLACE.match(data, begin)
    if match is None:
        return begin, False, False
    name = match[0].lower().decode("latin-1")
    country = _country_at(name)
    if country:
        return begin + country, True, False
    state = name.upper().split()[-1] in STATES
    return match.end(), state or not is_line, True


def _country_at(name: str) -> int:
    words = name.split(" ")
    for size in range(min(len(words), 4), 0, -1):
        country = " ".join(words[:size])
        if country.rstrip(".?") in COUNTRIES:
            return len(country.rstrip(".?"))
    return 0


def is_postcode(code: str, *, strict: bool) -> bool:
    """Tell whether a code in capitals is a postal code of the United Kingdom or Canada.

    Args:
        code: The code.
        strict: Whether a space must stand where it belongs.
    """
    if _CANADA.fullmatch(code):
        return True
    match = _UK.fullmatch(code)
    if match is None or (strict and " " not in code):
        return False
    area, inward = match[1], match[4]
    if area is None:
        return True
    return not (
        area[0] in _AREA_ONE
        or area[1:] in _AREA_TWO
        or not _NOT_INWARD.isdisjoint(inward)
        or (" " in code and inward in _UNITS)
    )
