"""Prompt trimming for case studies: the parts of a submission that matter most for one criterion, within a budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import certtrace
from certtrace.demo import text
from certtrace.grading import SubmissionPart

BUDGET_CHARS: Final = 24_000
"""What one criterion's prompt may hold of a submission, about 6,000 tokens."""
PIECE_CHARS: Final = 4_000


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The chosen pieces, in the order of the submission."""

    parts: tuple[dict[str, str], ...]
    chars_before: int
    chars_after: int

    @property
    def whole(self) -> bool:
        """Tell whether nothing was left out."""
        return self.chars_after >= self.chars_before


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a submission, or a slice of a long one, with the words it holds."""

    name: str
    text: str
    words: frozenset[str]


def pieces_of(parts: Sequence[SubmissionPart]) -> list[Piece]:
    """Cut long parts into pieces and index their words, once for all criteria."""
    pieces = []
    for part in parts:
        for start in range(0, max(1, len(part.text)), PIECE_CHARS):
            cut = part.text[start : start + PIECE_CHARS]
            pieces.append(Piece(part.name, cut, frozenset(text.words(f"{part.name} {cut}"))))
    return pieces


@certtrace.traced(as_type="tool", name="submission.excerpt", capture_input=False, capture_output=False)
def excerpt(pieces: Sequence[Piece], criterion: str, budget_chars: int = BUDGET_CHARS) -> Excerpt:
    """Choose the pieces that share most words with the criterion until the budget is used."""
    wanted = frozenset(text.words(criterion))
    ranked = sorted(range(len(pieces)), key=lambda index: (-len(pieces[index].words & wanted), index))
    chosen: list[int] = []
    rest = budget_chars
    for index in ranked:
        if len(pieces[index].text) <= rest:
            chosen.append(index)
            rest -= len(pieces[index].text)
    kept = [pieces[index] for index in sorted(chosen)]
    return Excerpt(
        parts=tuple({"name": piece.name, "text": piece.text} for piece in kept),
        chars_before=sum(len(piece.text) for piece in pieces),
        chars_after=sum(len(piece.text) for piece in kept),
    )
