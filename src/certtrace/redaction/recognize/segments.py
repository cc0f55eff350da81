"""Texts as runs of tokens with their surroundings: the unit that both engines score."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from certtrace.redaction.recognize.features import PADDING
from certtrace.redaction.recognize.tokens import pieces
from certtrace.redaction.recognize.weights import AFTER, BEFORE

_BEFORE: Final = [PADDING] * BEFORE
_AFTER: Final = [PADDING] * AFTER


@dataclass(slots=True)
class Segment:
    """The tokens of one piece of a text between the tokens before and behind it."""

    text: int
    """Which of the texts."""
    start: int
    """Where in the text the piece begins."""
    tokens: list[str]
    """`BEFORE` tokens that only surround, the tokens of the piece, `AFTER` tokens that only surround."""


class Engine(Protocol):
    """Scores tokens; every engine gives the same whole numbers."""

    def score(self, segments: Sequence[Segment], floor: int) -> list[list[tuple[int, int]]]:
        """Return, for each segment, the candidates that score `floor` or more: place in `tokens` and score."""
        ...


def segments(number: int, text: str) -> Iterator[Segment]:
    """Yield the segments of a text."""
    before, waiting, start = _BEFORE, None, 0
    for piece in pieces(text):
        if waiting is not None:
            yield Segment(number, start, [*before, *waiting, *_padded(piece[:AFTER])])
            before, start = _tail(waiting), start + sum(map(len, waiting))
        waiting = piece
    if waiting is not None:
        yield Segment(number, start, [*before, *waiting, *_AFTER])


def _padded(tokens: list[str]) -> list[str]:
    return tokens + _AFTER[len(tokens) :]


def _tail(tokens: list[str]) -> list[str]:
    tail = tokens[-BEFORE:]
    return _BEFORE[len(tail) :] + tail
