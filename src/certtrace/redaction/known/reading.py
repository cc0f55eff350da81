"""A view of a text as the search for names reads it: letters in lower case, a space for everything else."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from certtrace.redaction.text.lazy import lazy
from certtrace.redaction.text.views import View

_SPACED: Final = bytes(code if 0x61 <= code <= 0x7A else 0x20 for code in range(256))
_NO_DIGITS: Final = bytes(code for code in range(256) if not 0x30 <= code <= 0x39)
_REACH: Final = 72
_RUN: Final = lazy(rb"[A-Za-z]+")
_HUMP: Final = lazy(rb"[a-z][A-Z]|[A-Z][A-Z][a-z]")
_HUMPS: Final = lazy(rb"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@dataclass(frozen=True, slots=True)
class Word:
    """A run of letters, or one hump of `camelCase`."""

    start: int
    end: int
    low: bytes
    whole: bool = True
    """No letter stands beside it."""


class Signs:
    """Folded text as the search for signs of somebody reads it: of one view, or of many texts side by side."""

    __slots__ = ("_digits", "_spaced", "data", "low")

    def __init__(self, data: bytes, low: bytes) -> None:
        """Take the folded text and the same in lower case."""
        self.data = data
        self.low = low
        self._spaced: bytes | None = None
        self._digits: bytes | None = None

    @property
    def spaced(self) -> bytes:
        """The letters, with a space for everything else, before the text and behind it: offsets are one more."""
        if self._spaced is None:
            self._spaced = b" %b " % self.low.translate(_SPACED)
        return self._spaced

    @property
    def digits(self) -> bytes:
        """All digits of the text without what stands between them."""
        if self._digits is None:
            self._digits = self.data.translate(None, _NO_DIGITS)
        return self._digits


class Reading(Signs):
    """One view, with what every person's search needs of it. An offset is a character of the view."""

    __slots__ = ("view",)

    def __init__(self, view: View) -> None:
        super().__init__(view.data, view.low)
        self.view = view

    def places(self, anchor: bytes) -> Iterator[int]:
        """Yield where the letters of an anchor begin."""
        lead = 0 if anchor[0] == 0x20 else -1
        at = self.spaced.find(anchor)
        while at >= 0:
            yield at + lead
            at = self.spaced.find(anchor, at + len(anchor) - 1)

    def bounds(self, place: int) -> tuple[int, int]:
        """Return the run of letters at a place, as far as one looks."""
        at = place + 1
        start = self.spaced.rfind(b" ", max(0, at - _REACH), at + 1) + 1
        end = self.spaced.find(b" ", at, at + _REACH)
        return (start or max(1, at - _REACH)) - 1, (end if end > 0 else at + _REACH) - 1

    def words(self, place: int) -> list[Word]:
        """Return the whole runs of letters around a place, in order."""
        first, last = max(0, place - _REACH), min(len(self.data), place + 2 * _REACH)
        words: list[Word] = []
        for match in _RUN.finditer(self.data, first, last):
            start, end = match.span()
            if (start > first or first == 0) and (end < last or last == len(self.data)):
                words.append(Word(start, end, self.low[start:end]))
        return words

    def humps(self, word: Word) -> list[Word]:
        """Return the humps of a word in camel case, or nothing for any other."""
        if not _HUMP.search(self.data, word.start, word.end):
            return []
        spans = [match.span() for match in _HUMPS.finditer(self.data, word.start, word.end)]
        return [Word(start, end, self.low[start:end], whole=False) for start, end in spans]

    def is_capital(self, index: int) -> bool:
        """Tell whether a capital stands at an index that folding leaves one."""
        return self.data[index : index + 1].isupper()

    def is_upper(self, index: int) -> bool:
        """Tell whether a capital letter stands at an index."""
        return self.data[index : index + 1].isupper() or self.view.text[index : index + 1].isupper()
