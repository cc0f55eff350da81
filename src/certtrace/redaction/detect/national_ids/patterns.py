"""Where an identifier may begin: in a run of digits, in a mixture of letters and digits, in a text of nothing else."""

import re
import string
from typing import Final

from certtrace.redaction.detect.national_ids.search import chunks_of, identify
from certtrace.redaction.detect.pattern import DIGITS, Pattern, Spans
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_DETECTOR: Final = "NATIONAL_ID"
_FORWARD: Final = 40
_WORD: Final = 7
_SHORT: Final = 72
"""A longer text is never a list of identifiers and nothing else."""
_LONG: Final = 24
"""A longer run of letters, digits, `-` and `_` is an id of a machine."""
_LETTERS: Final = string.ascii_letters.encode()
_SIGNS: Final = _LETTERS + string.digits.encode() + b"./_-"
_RUN: Final = lazy(rb"[0-9A-Za-z_-]*")
_MACHINE: Final = lazy(
    rb"(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9](?:[T ][0-9:.]{5,20}Z?)?(?![0-9A-Za-z-])|[0-9]{5,}\.[0-9]+(?![0-9./-])"
    rb"|[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z])"
)
"""A date, a time, a number with a fraction, an IP address."""
_FILLER: Final = lazy(rb"(?:[ \t-\r,;:|\"'()\[\]]|and\b|or\b)*", re.IGNORECASE)
_REST: Final = lazy(rb"[ \t-\r.!?]*")


def _found(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Find identifiers at a match, or all of them where the text holds nothing else."""
    spans = _alone(data) if len(data) <= _SHORT else []
    return (spans, len(data)) if spans else _within(data, *groups[0])


def _within(data: bytes, start: int, end: int) -> tuple[Spans, int]:
    """Find the first identifier that begins shortly before a match or in it."""
    machine = _MACHINE.match(data, start)
    if machine is not None:
        return [], machine.end()
    before = data[max(0, start - _LONG - 1) : start]
    place = start - len(before) + len(before.rstrip(_SIGNS))
    run = _behind(_RUN, data, start)
    if run - place > _LONG:
        return [], run
    place = _word_before(data, place)
    chunks = chunks_of(data, place, min(len(data), end + _FORWARD))
    for index, (first, behind) in enumerate(chunks):
        if first >= end:
            break
        found = identify(data, chunks, index, alone=False)
        if found is not None:
            return [(first, found[0], "")], found[0]
        place = behind
    return [], max(end, place)


def _word_before(data: bytes, place: int) -> int:
    """Return where a short word begins that stands before a place with a space between: `PR 123456C`."""
    before = data[max(0, place - _WORD) : place]
    if before[-1:] != b" ":
        return place
    size = len(before) - len(before[:-1].rstrip(_LETTERS))
    return place - size if 1 < size < _WORD else place


def _alone(data: bytes) -> Spans:
    """Return the identifiers that a text is made of, or nothing when it holds anything else."""
    spans: Spans = []
    place = _behind(_FILLER, data, 0)
    while place < len(data):
        chunks = chunks_of(data, place, len(data))
        found = identify(data, chunks, 0, alone=True) if chunks and chunks[0][0] == place else None
        if found is None:
            return spans if _behind(_REST, data, place) == len(data) else []
        spans.append((place, found[0], ""))
        place = _behind(_FILLER, data, found[0])
    return spans


def _behind(pattern: re.Pattern[bytes], data: bytes, place: int) -> int:
    match = pattern.match(data, place)
    return match.end() if match is not None else place


PATTERNS: Final = (
    Pattern(_DETECTOR, "national-id", rb"[0-9](?:[ ./-]?[0-9]){5}", DIGITS, _found),
    Pattern(
        _DETECTOR,
        "national-id.mixed",
        rb"[A-Za-z]{5}[0-9]{4}[A-Za-z]|[A-Za-z]{6}[0-9]{2}[A-Za-z][0-9]{2}[A-Za-z]"
        rb"|[1-9][A-Za-z][A-Za-z0-9][0-9][ -]?[A-Za-z][A-Za-z0-9][0-9][ -]?[A-Za-z]{2}[0-9]{2}"
        rb"|[A-Za-z][0-9]{3}[A-Za-z][0-9]{4}|HR[AB] ?[0-9]{2}",
        DIGITS,
        _found,
    ),
    Pattern(
        _DETECTOR,
        "national-id.short",
        rb"[0-9](?:[A-SU-Za-z]|[A-Za-z]{2,3})[0-9]{2}|[A-Za-z][0-9]{2,3} ?[A-Za-z]{2}|[A-Za-z]{2}[0-9]{4}"
        rb"|[A-Za-z]{3}[ -][0-9]{3}[ -]?[A-Za-z]{2}|[0-9]{2} [A-Za-z]{1,3} [0-9]{2}"
        rb"|[A-Za-z]-[A-Za-z]{1,2}[ -]?[0-9]{2}",
        DIGITS,
        _found,
    ),
)
