"""Tell which of many patterns occur in a text, without RE2: by the words and the shapes of words that they hold."""

from collections.abc import Collection, Sequence
from typing import Final, TypeAlias

from certtrace.redaction.text import clues
from certtrace.redaction.text.clues import Clue, Form, Held, Memory
from certtrace.redaction.text.extent import extent
from certtrace.redaction.text.matching import Folded
from certtrace.redaction.text.python_engine import PythonMatcher, lowered

_Placed: TypeAlias = tuple[int, Clue]
"""A clue that tells where to look, with its bit."""
_DIGITS: Final = range(1, clues.MAX_DIGITS + 1)
_MOST_PLACES: Final = 512
"""Where a pattern was not found in so many places, it may be in one more: that is for the search to tell."""


class PythonSet:
    """The stand-in without RE2."""

    __slots__ = ("_forms", "_matchers", "_searched", "_shaped", "_solid", "_spelt", "reach")

    def __init__(self, patterns: Sequence[bytes], literals: Sequence[tuple[bytes, ...]]) -> None:
        extents = [extent(pattern) for pattern in patterns]
        self.reach = max((found.decides or found.window for found in extents), default=0)
        plain = [lowered(pattern) for pattern in patterns]
        rows = zip(patterns, plain, literals, strict=True)
        read = [form for index, row in enumerate(rows) for form in clues.forms(index, *row)]
        self._matchers = [
            (PythonMatcher(pattern if low is None else low), low is not None)
            for pattern, low in zip(patterns, plain, strict=True)
        ]
        bits: dict[Clue, int] = {}
        self._forms: list[tuple[int, Form, _Placed | None]] = []
        """Forms, each with the bits of all its clues, and with the one by which it is quickest to look for."""
        for form in read:
            own = {bits.setdefault(clue, 1 << len(bits)): clue for clue in form.clues}
            placed = [entry for entry in own.items() if entry[1].farthest >= 0]
            self._forms.append((sum(own), form, min(placed, key=lambda entry: entry[1].cost(), default=None)))
        self._spelt = Memory((bit, clue) for clue, bit in bits.items() if not clue.shaped)
        self._shaped = Memory((bit, clue) for clue, bit in bits.items() if clue.shaped)
        self._searched = [
            (bit, word, clue)
            for clue, bit in bits.items()
            for word, piece in zip(clue.words, clue.pieces, strict=True)
            if not piece
        ]
        self._solid = sorted({form.solid for form in read if form.solid})

    def hits(self, text: Folded, start: int, end: int) -> Sequence[int]:
        """See `PatternSet`."""
        segment = _Segment(text, start, end)
        held = self._held(segment)
        clues_held = 0
        for bits, _ in held:
            clues_held |= bits
        solid = _longest(segment.data.translate(clues.SOLID_RUNS), b"x", self._solid)
        digits = _longest(segment.data.translate(clues.DIGIT_RUNS), b"0", _DIGITS)
        loose = _longest(segment.data.translate(clues.DIGIT_RUNS, clues.LOOSE), b"0", _DIGITS)
        likely = [
            (form, placed)
            for needed, form, placed in self._forms
            if needed & clues_held == needed
            and form.solid <= solid
            and form.digits <= digits
            and form.loose_digits <= loose
        ]
        words = _words(held, [placed for _, placed in likely if placed is not None])
        found: list[int] = []
        for form, placed in likely:
            if (not found or found[-1] != form.pattern) and self._occurs(form, segment, placed, words):
                found.append(form.pattern)
        return found

    def _held(self, segment: "_Segment") -> list[Held]:
        """Return the clues of which a word may stand in a segment, and these words."""
        held = self._spelt.look(set(segment.data.translate(clues.WORDS).split()))
        held += self._shaped.look(set(segment.shape.split()))
        held += [(bit, ((bit, (word,)),)) for bit, word, clue in self._searched if word in segment.where(clue)]
        return held

    def _occurs(
        self,
        form: Form,
        segment: "_Segment",
        placed: _Placed | None,
        words: dict[int, Collection[bytes]],
    ) -> bool:
        """Tell whether a form may occur, from the places of the words of a clue."""
        if placed is None:
            return True
        bit, clue = placed
        matcher, folds_case = self._matchers[form.pattern]
        data = segment.text.low if folds_case else segment.text.data
        begins, first, far, near = matcher.begins, segment.start, clue.farthest, clue.nearest - 1
        where = segment.where(clue)
        left = _MOST_PLACES
        for word in words[bit]:
            place = where.find(word)
            while place >= 0:
                at = first + place
                if begins(data, max(at - far, first), at - near):
                    return True
                left -= far - near
                if left < 0:
                    return True
                place = where.find(word, place + 1)
        return False


def _words(held: Sequence[Held], wanted: Sequence[tuple[int, Clue]]) -> dict[int, Collection[bytes]]:
    """Return the words held of some clues, by the bit of the clue."""
    found: dict[int, set[bytes]] = {bit: set() for bit, clue in wanted if len(clue.words) > 1}
    several = sum(found)
    for bits, pairs in held:
        if bits & several:
            for bit, words in pairs:
                if bit & several:
                    found[bit].update(words)
    return {bit: found.get(bit, clue.words) for bit, clue in wanted}


class _Segment:
    """A part of a text in all the forms in which words are looked for."""

    __slots__ = ("data", "low", "shape", "start", "text")

    def __init__(self, text: Folded, start: int, end: int) -> None:
        self.text = text
        self.start = start
        self.data = text.data[start:end]
        self.low = text.low[start:end]
        self.shape = self.data.translate(clues.SHAPES)

    def where(self, clue: Clue) -> bytes:
        """Return the bytes in which the words of a clue stand."""
        if clue.shaped:
            return self.shape
        return self.low if clue.low else self.data


def _longest(kinds: bytes, sign: bytes, lengths: Sequence[int]) -> int:
    """Return the greatest of the lengths of which there is a run, or 0."""
    found = 0
    for length in lengths:
        if sign * length not in kinds:
            break
        found = length
    return found
