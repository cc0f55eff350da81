"""Find exam secrets (questions, rubrics, model answers) wherever a prompt or a rationale quotes them."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from certtrace.redaction.detect.finding import Finding
from certtrace.redaction.text.lazy import lazy
from certtrace.redaction.text.views import View, views

MIN_CHARACTERS: Final = 12
_MIN_LINE: Final = 24
_MIN_SENTENCE: Final = 40
_SENTENCE: Final = lazy(r"(?<=[.!?;])\s+")
_SPACE: Final = b" \t\r\n\f\v"
_SOLID: Final = lazy(rb"[^ \t\r\n\f\v]+")
_MAX_PIECES: Final = 2_000


class ExamSecrets:
    """The exam secrets of one trace, compared without case, accents and white space."""

    __slots__ = ("_pieces", "_shortest")

    def __init__(self) -> None:
        self._pieces: dict[bytes, str] = {}
        self._shortest = 0

    def add(self, text: str, placeholder: str) -> None:
        """Remember a secret: the whole, each of its lines and each of its sentences."""
        pieces = [(text, MIN_CHARACTERS)]
        for line in text.splitlines():
            pieces.append((line, _MIN_LINE))
            pieces += [(sentence, _MIN_SENTENCE) for sentence in _SENTENCE.split(line)]
        for piece, shortest in pieces:
            if len(piece.strip()) < shortest or len(self._pieces) >= _MAX_PIECES:
                continue
            for view in views(piece):
                self._remember(view, placeholder)

    def _remember(self, view: View, placeholder: str) -> None:
        solid = view.low.translate(None, _SPACE)
        if len(solid) < MIN_CHARACTERS // 2 or not solid.replace(b"?", b""):
            return
        self._pieces.setdefault(solid, placeholder)
        self._shortest = min(self._shortest or len(solid), len(solid))

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def longest(self) -> int:
        """Return the length of the longest secret, without white space."""
        return max(map(len, self._pieces), default=0)

    def find(self, view: View) -> Iterator[Finding]:
        """Yield where a secret is quoted."""
        if not self._pieces or len(view.low) < self._shortest:
            return
        solid = view.low.translate(None, _SPACE)
        places: tuple[list[int], list[int]] | None = None
        for piece, placeholder in self._pieces.items():
            start = solid.find(piece)
            while start >= 0:
                places = places or _places(view.low)
                end = start + len(piece)
                yield Finding(_raw(places, start), _raw(places, end - 1) + 1, "EXAM_SECRET", replacement=placeholder)
                start = solid.find(piece, end)


def _places(low: bytes) -> tuple[list[int], list[int]]:
    """Return, for each run without white space, where it begins in the squeezed text and in the text."""
    squeezed: list[int] = []
    raw: list[int] = []
    length = 0
    for match in _SOLID.finditer(low):
        squeezed.append(length)
        raw.append(match.start())
        length += match.end() - match.start()
    return squeezed, raw


def _raw(places: tuple[list[int], list[int]], offset: int) -> int:
    squeezed, raw = places
    run = bisect_right(squeezed, offset) - 1
    return raw[run] + offset - squeezed[run]
