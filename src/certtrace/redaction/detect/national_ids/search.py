"""Find identifiers: pieces of text with a known shape, a valid check digit, and a word beside them if needed."""

from functools import cached_property
from itertools import pairwise
from typing import Final

from certtrace.redaction.detect.national_ids.identifier import ALONE, ANYWHERE, Identifier
from certtrace.redaction.detect.national_ids.shapes import Candidates, candidates, shape_of
from certtrace.redaction.detect.pattern import touches_word
from certtrace.redaction.text.lazy import lazy

_CHUNK: Final = lazy(rb"[0-9A-Za-z]+")
_WORD: Final = lazy(rb"(?<![0-9A-Za-z])[A-Za-z]+(?![0-9A-Za-z])|\?{2,}")
_HUMP: Final = lazy(rb"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_BEFORE: Final = 56
_AFTER: Final = 40
_FEW_ROWS: Final = 8
_SEPARATORS: Final = b" -./()"
_MAX_CHUNKS: Final = 7
_JOINTS: Final = frozenset(b" -./(")
_TIED_BEFORE: Final = lazy(rb"[/+_@$^~\\]\Z|[0-9][.,]\Z|[0-9A-Za-z]-\Z|[0-9]-\Z")
_NAME_BEFORE: Final = lazy(rb"(?:\A|[^0-9A-Za-z-])[A-Za-z]{2,6}-\Z")
_TIED_AFTER: Final = frozenset(b"-./_@%^~\\")
_EPOCHS: Final = {10: ("15", "16", "17", "18"), 13: ("15", "16", "17", "18", "19")}
"""Leading digits of today's time stamps in seconds and milliseconds."""

Chunk = tuple[int, int]


class Surroundings:
    """The words near a place in folded bytes, read when first asked for."""

    __slots__ = ("__dict__", "_data", "_end", "_start")

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data = data
        self._start = start
        self._end = end

    @cached_property
    def words(self) -> frozenset[str]:
        """Words and pairs of words before and behind; letters of other scripts are `?`."""
        data, start, end = self._data, self._start, self._end
        first = max(0, start - _BEFORE)
        before = _words(data[first:start], cut_front=first > 0 and data[first - 1 : first].isalpha())
        last = min(len(data), end + _AFTER)
        after = _words(data[end:last], cut_back=data[last : last + 1].isalpha())
        pairs = (f"{one} {two}" for side in (before, after) for one, two in pairwise(side))
        return frozenset((*before, *after, *pairs))


def _words(data: bytes, *, cut_front: bool = False, cut_back: bool = False) -> list[str]:
    """Return the words in lower case, `passportNumber` as two."""
    found = _WORD.findall(data)
    found = found[1 if cut_front else 0 : -1 if cut_back else None]
    words: list[str] = []
    for word in found:
        parts = (word,) if word.islower() or word.isupper() else _HUMP.findall(word)
        words += [part.decode().lower() for part in parts] if word[:1] != b"?" else ["?"]
    return words


def chunks_of(data: bytes, start: int, limit: int) -> list[Chunk]:
    """Return the runs of letters and digits in a part of the text."""
    return [match.span() for match in _CHUNK.finditer(data, start, limit)]


def identify(data: bytes, chunks: list[Chunk], index: int, *, alone: bool) -> tuple[int, Identifier] | None:
    """Return where the identifier ends that begins with a chunk, and which it is: the longest that is valid."""
    start = chunks[index][0]
    if touches_word(data, start - 1):
        return None
    last = index
    while (
        last + 1 < len(chunks) and last - index < _MAX_CHUNKS and _is_joined(data, chunks[last][1], chunks[last + 1][0])
    ):
        last += 1
    shape = shape_of(data[start : chunks[last][1] + 1])
    for at in range(last, index - 1, -1):
        first, end = chunks[at]
        if at > index and data[first - 1] == 0x28 and data[end : end + 1] == b")":
            end += 1
        rows = candidates(shape[: end - start])
        found = _valid(data, start, end, rows, alone=alone) if rows else None
        if found is not None:
            return end, found
    return None


def _is_joined(data: bytes, end: int, start: int) -> bool:
    """Tell whether one sign of a number's form stands between two chunks."""
    return start - end == 1 and data[end] in _JOINTS


def _valid(data: bytes, start: int, end: int, rows: Candidates, *, alone: bool) -> Identifier | None:
    before = data[max(0, start - 8) : start]
    if _is_tied(data, end) or (_TIED_BEFORE.search(before) and not _NAME_BEFORE.search(before)):
        return None
    piece = data[start:end]
    number = piece.translate(None, _SEPARATORS).upper().decode()
    around = Surroundings(data, start, end)
    if len(rows) <= _FEW_ROWS:  # to read the words around costs more than to check few numbers
        rows = tuple(row for row in rows if row[0].check(number))
    for identifier, strength in rows:
        stands = strength == ANYWHERE and _is_whole(data, start, end, piece)
        stands = stands or (alone and strength <= ALONE and not _is_time(piece))
        if (stands or not identifier.names.isdisjoint(around.words)) and identifier.check(number):
            return identifier
    return None


def _is_tied(data: bytes, end: int) -> bool:
    """Tell whether the piece goes on: a longer id, a path, an amount."""
    following = data[end : end + 2]
    return following[:1].isalnum() or (len(following) > 1 and following[0] in _TIED_AFTER and following[1:].isalnum())


def _is_whole(data: bytes, start: int, end: int, piece: bytes) -> bool:
    """Tell whether a piece in running text is written as such numbers are: in capitals, no digits around it."""
    if any(0x61 <= code <= 0x7A for code in piece):
        return False
    if b" " not in piece:
        return True
    near = data[max(0, start - 2) : start] + data[end : end + 2]
    return not any(0x30 <= code <= 0x39 for code in near)


def _is_time(piece: bytes) -> bool:
    """Tell whether a bare number is a time stamp of our years, or a round number."""
    if not piece.isdigit():
        return False
    return piece.startswith(tuple(head.encode() for head in _EPOCHS.get(len(piece), ()))) or piece.endswith(b"00000")
