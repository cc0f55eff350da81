"""Texts that were found clean: a bounded memory that forgets what has not been seen for long."""

from typing import Final

_GENERATION: Final = 2_048


class CleanTexts:
    """A set of short texts in two generations: what the older one holds and nobody asks for is forgotten.

    Safe between threads: a race costs at most one entry, which is then found clean again.
    """

    __slots__ = ("_old", "_young")

    def __init__(self) -> None:
        self._young: set[str] = set()
        self._old: set[str] = set()

    def __contains__(self, text: str) -> bool:
        if text in self._young:
            return True
        if text not in self._old:
            return False
        self.add(text)
        return True

    def add(self, text: str) -> None:
        """Remember a text."""
        if len(self._young) >= _GENERATION:
            self._old, self._young = self._young, set()
        self._young.add(text)
