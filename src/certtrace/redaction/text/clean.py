"""Texts that were found clean: a bounded memory that forgets what has not been seen for long."""

from typing import Final

_GENERATION: Final = 2_048


class CleanTexts:
    """A set of short texts in two generations: what the older one holds and nobody asks for is forgotten.

    Safe between threads: a race costs at most one entry, which is then found clean again.
    """

    __slots__ = ("_old", "young")

    def __init__(self) -> None:
        self.young: set[str] = set()
        """The younger generation; asking it directly is a little faster, and may miss."""
        self._old: set[str] = set()

    def __contains__(self, text: str) -> bool:
        if text in self.young:
            return True
        if text not in self._old:
            return False
        self.add(text)
        return True

    def add(self, text: str) -> None:
        """Remember a text."""
        if len(self.young) >= _GENERATION:
            self._old, self.young = self.young, set()
        self.young.add(text)
