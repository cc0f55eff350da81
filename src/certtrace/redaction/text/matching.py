"""What the two regular-expression engines have in common."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

Groups: TypeAlias = tuple[tuple[int, int], ...]
"""Spans of the whole match and of its groups; `(-1, -1)` for a group that took no part."""


class Folded(Protocol):
    """A text as one byte per character."""

    @property
    def data(self) -> bytes:
        """The bytes."""
        ...

    @property
    def low(self) -> bytes:
        """The same in lower case."""
        ...


class Matcher(Protocol):
    """Finds one pattern."""

    def next(self, data: bytes, start: int, stop: int | None = None) -> Groups | None:
        """Return the leftmost match that begins at `start` or later, and before `stop` if that is given."""
        ...


class PatternSet(Protocol):
    """Many patterns; tells which occur."""

    reach: int
    """How far behind `end` a match that begins before it must be followed to be told."""

    def hits(self, text: Folded, start: int, end: int) -> Sequence[int]:
        """Return the indices, in order, of all patterns that may match somewhere in `text[start:end]`."""
        ...
