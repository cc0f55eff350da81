"""Texts side by side in one sequence of bytes, so that one pass over many short texts costs as little as over one."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

from certtrace.redaction.text.folding import fold_bytes
from certtrace.redaction.text.views import may_be_escaped

_BETWEEN: Final = "\n\x1e\n"
"""Stands between two texts. What is found across it is no finding, whatever stands here; this is rarely part of one."""


class Batch:
    """One or more texts, folded at once."""

    __slots__ = ("_ends", "_low", "data", "starts", "texts")

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.data = fold_bytes(_BETWEEN.join(texts))
        self._low: bytes | None = None
        gap = len(_BETWEEN)
        ends = list(accumulate(map(gap.__add__, map(len, texts))))
        self._ends = ends
        self.starts = [0, *ends]
        """Where each text begins; one more at the end."""

    @property
    def low(self) -> bytes:
        """The folded bytes in lower case."""
        if self._low is None:
            self._low = self.data.lower()
        return self._low

    def may_be_escaped(self) -> bool:
        """Tell whether a text may read as another when it is decoded."""
        return may_be_escaped(self.data)

    def owner(self, place: int) -> int:
        """Return the index of the text that stands at a place, or in front of it."""
        return bisect_right(self._ends, place)

    def span(self, index: int) -> tuple[int, int]:
        """Return where a text stands."""
        start = self.starts[index]
        return start, start + len(self.texts[index])

    def leading(self, characters: int) -> int:
        """Return how many texts at the beginning have no more than so many characters."""
        for count, text in enumerate(self.texts):
            if len(text) > characters:
                return count
        return len(self.texts)

    def owners_of(self, words: Iterable[bytes], sink: set[int], *, fold_case: bool = False) -> None:
        """Add the texts that hold one of some words; with `fold_case` the words are in lower case."""
        data, ends, last = self.low if fold_case else self.data, self._ends, len(self._ends) - 1
        for word in words:
            place = data.find(word)
            while place >= 0:
                owner = bisect_right(ends, place)
                sink.add(owner)
                place = data.find(word, ends[owner]) if owner < last else -1


def unencodable(texts: Sequence[str], sink: set[int]) -> None:
    """Add the indices of the texts that UTF-8 cannot hold: those with lone surrogates."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        sink.update(index for index, text in enumerate(texts) if _is_unencodable(text))


def _is_unencodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
