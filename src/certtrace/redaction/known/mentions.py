"""Find one name in one view: words that belong to it, one beside the other, make a mention."""

from collections.abc import Iterator
from typing import Final

from certtrace.redaction.known import letters
from certtrace.redaction.known.judging import Mention, judged, trimmed
from certtrace.redaction.known.names import MIN_ANYWHERE, MIN_BESIDE, Name, Role
from certtrace.redaction.known.presence import led_anchors
from certtrace.redaction.known.reading import Reading
from certtrace.redaction.known.runs import Token, alike, grown, role_of, shortest_slip, tokens_around
from certtrace.redaction.text.fairness import Turns
from certtrace.redaction.text.lazy import lazy

_NEXT: Final = lazy(rb"[ \t\r\n_.+\-/|,'\"*]{0,3}")
_BREAK: Final = lazy(rb"-|[ \t]?\r?\n")
_FAR: Final = 64
_BESIDE: Final = 40
_SPACE: Final = 0x20


def mentions(name: Name, reading: Reading) -> Iterator[Mention]:
    """Yield where a name is written in words."""
    done, turns = -1, Turns()
    for place in sorted(_places(name, reading)):
        if place < done:
            continue
        turns.step()
        for mention in _around(name, reading, place):
            yield mention
            done = max(done, mention.end)


def _places(name: Name, reading: Reading) -> set[int]:
    """Return where a word may belong to the name; most letters that look like it are ruled out here."""
    spaced = reading.spaced
    found: set[int] = set()
    for anchor in name.anchors:
        if anchor in spaced:
            found.update(place for place in reading.places(anchor) if _may_be(name, reading, place, anchor))
    found.update(recalled(name, reading))
    return found


def _may_be(name: Name, reading: Reading, place: int, anchor: bytes) -> bool:
    """Tell whether the word at a place may belong to the name, before it is looked at with its neighbours."""
    if anchor in name.weak:
        return reading.is_upper(place)
    if anchor in name.rests:
        return True
    start, end = reading.bounds(place)
    if role_of(name, reading.low[start:end]) or not reading.data[start + 1 : end].islower():
        return True
    # Letters of another word: only the other part right beside it makes them the name.
    near = reading.low[max(0, start - _BESIDE) : end + _BESIDE] if anchor[0] != _SPACE else b""
    return any(form in near for form in (*name.given, *name.family) if len(form) >= MIN_BESIDE and form not in anchor)


def recalled(name: Name, reading: Reading) -> set[int]:
    """Return where a capitalised word is bent, or one slip away from a part, or the beginning of one broken in two."""
    spaced = reading.spaced
    found: set[int] = set()
    for stem in name.bent:
        if b" " + stem in spaced:
            found.update(place for place in reading.places(b" " + stem) if _is_bent(name, reading, place))
    for pair in name.led:
        for anchor in led_anchors(*pair):
            behind = len(anchor) - 2  # the initial and what parts it from the surname
            found.update(place + behind for place in reading.places(anchor) if _is_led(reading, place, place + behind))
    for first, second, size in name.halves:
        for anchor in (first, second):
            found.update(place for place in reading.places(anchor) if _recalls(name, reading, place, size))
    return found


def _is_bent(name: Name, reading: Reading, place: int) -> bool:
    start, end = reading.bounds(place)
    return reading.is_capital(start) and bool(role_of(name, reading.low[start:end]))


def _is_led(reading: Reading, place: int, behind: int) -> bool:
    return reading.is_capital(place) and reading.is_capital(behind) and reading.data[place + 1 : place + 2] == b"."


def _recalls(name: Name, reading: Reading, place: int, size: int) -> bool:
    start, end = reading.bounds(place)
    if end - start > size + 1 or not reading.is_capital(start):
        return False
    word = reading.low[start:end]
    if len(word) >= size - 1:
        return bool(alike(name, word))
    broken = _BREAK.match(reading.data, end) is not None
    return broken and any(part.startswith(word) for part in (*name.family, *name.given))


def _around(name: Name, reading: Reading, place: int) -> Iterator[Mention]:
    tokens = tokens_around(name, reading, place)
    at = next((index for index, token in enumerate(tokens) if token.word.start <= place < token.word.end), -1)
    if at >= 0 and not tokens[at].role:
        tokens[at] = Token(tokens[at].word, alike(name, tokens[at].word.low, shortest_slip(name, reading, tokens, at)))
    if at < 0 or not (tokens[at].role & Role.WHOLE or tokens[at].full):
        yield from _inside(name, reading, place)
        return
    first, last = grown(name, reading, tokens, at)
    run = trimmed(reading, tokens[first : last + 1])
    mention = judged(reading, run) if run else None
    if mention is not None:
        yield mention


def _inside(name: Name, reading: Reading, place: int) -> Iterator[Mention]:
    """Yield the whole name where other letters touch it."""
    first = max(0, place - _FAR)
    for form in name.anywhere:
        at = reading.low.find(form, first, place + _FAR)
        if 0 <= at <= place + len(form):
            yield Mention(at, at + len(form), "known.name")
            return
    for part, others in ((name.given, name.family), (name.family, name.given)):
        for form in part:
            if reading.low.startswith(form, place):
                end = _followed(
                    reading, place + len(form), [other for other in others if len(form + other) >= MIN_ANYWHERE]
                )
                if end:
                    yield Mention(_begun(reading, place, form), end, "known.name")
                    return


def _begun(reading: Reading, place: int, form: bytes) -> int:
    """Return where a part begins that one letter too many stands before."""
    start, end = reading.bounds(place)
    return start if letters.one_slip(reading.low[start:end], form) else place


def _followed(reading: Reading, end: int, parts: list[bytes]) -> int:
    """Return where one of the parts ends that stands behind a place, or 0."""
    gap = _NEXT.match(reading.data, end)
    behind = gap.end() if gap else end
    return next((behind + len(part) for part in parts if reading.low.startswith(part, behind)), 0)
