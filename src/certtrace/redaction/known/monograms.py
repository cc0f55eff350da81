"""Names that are not written as words: initials alone, and letters with gaps between them."""

from collections.abc import Iterator
from typing import Final

from certtrace.redaction.known.judging import Mention
from certtrace.redaction.known.names import Name
from certtrace.redaction.known.presence import monogram_anchors
from certtrace.redaction.known.reading import Reading
from certtrace.redaction.text.lazy import lazy

_CUE: Final = lazy(
    rb"(?:signed|sign|initials?|regards|wishes|sincerely|cheers|thanks|yours|reviewed|graded|marked|written|submitted|gez|"
    rb"candidate|student|grader|reviewer|examiner|author|by|--?)[:,.\s(\[-]{1,4}$"
)
_CUE_REACH: Final = 24
_MORE: Final = lazy(rb"(?:[ -]?[a-z]\.){0,3}")
_LETTERS: Final = lazy(rb"(?:[a-z](?![a-z]) {1,3}){3,80}")
_MIN_LETTERS: Final = 3

_ABBREVIATIONS: Final = frozenset(
    b"""
    ad ai al am ap ba bc bs ca cc cf cd cs cv da db de dh dj dr ed eg eh em es et eu ex fr ft ga gb go hd hq hr ht ia id
    ie ii im in io ip is it iv ki la lp ma mb md ml mr ms mt na nb nc no oa od of og ok op or os pa pc ph pi pm pr ps qa
    rb rc re rn sa sb sc sd so sp sq st su tb te to tp tv ua ub ui uk um un up us ux va vb vi vm vs wa wg za zb zt zu
    """.split()
)
"""Two letters with points that usually say something else: e.g., U.S., z.B."""


def monograms(name: Name, reading: Reading) -> Iterator[Mention]:
    """Yield where the initials stand for the person: `B.L.`, and `BL` behind `signed`."""
    for first, last in name.monograms:
        pair = first + last
        for anchor in monogram_anchors(first, last):
            if anchor not in reading.spaced:
                continue
            for start in reading.places(anchor):
                end = _monogram(reading, start, start + len(anchor) - 2, pair)
                if end:
                    yield Mention(start, end, "known.initials")


def _monogram(reading: Reading, start: int, end: int, pair: bytes) -> int:
    """Return where the initials that begin at `start` end, or 0 when these letters are something else."""
    if not reading.is_upper(start) or not reading.is_upper(end - 1):
        return 0
    before = reading.data[max(0, start - 2) : start]
    between = reading.data[start + 1 : end - 1]
    cued = _CUE.search(reading.low, max(0, start - _CUE_REACH), start) is not None
    if between in {b".", b". ", b".-"}:
        more = _MORE.match(reading.low, end + 1)
        dotted = reading.data[end : end + 1] == b"."
        if reading.low[start : start + 5] in {b"a.k.a", b"u.s.a"}:
            return 0
        known = cued or (pair not in _ABBREVIATIONS and dotted and not (before[-1:] == b"." and before[:1].isalpha()))
        return (more.end() if dotted and more else end) if known else 0
    return end if cued and between in {b"", b" "} and pair not in _ABBREVIATIONS else 0


def spelled_out(name: Name, reading: Reading) -> Iterator[Mention]:
    """Yield where a name is written with a gap behind every letter: `B j ö r n`."""
    for anchor in name.spelled:
        if anchor not in reading.spaced:
            continue
        done = -1
        for start in reading.places(anchor):
            if start >= done:
                done = _spelled(name, reading, start)
                if done > start:
                    yield Mention(start, done, "known.name")


def _spelled(name: Name, reading: Reading, start: int) -> int:
    run = _LETTERS.match(reading.spaced, start + 1)
    if run is None:
        return start
    places = [at for at in range(run.start(), run.end()) if reading.spaced[at] != 0x20]
    text = bytes(reading.spaced[at] for at in places)
    forms = sorted((*name.given, *name.family), key=len, reverse=True)
    taken = 0
    while (
        form := next((form for form in forms if len(form) >= _MIN_LETTERS and text.startswith(form, taken)), None)
    ) is not None:
        taken += len(form)
    return places[taken - 1] if taken else start
