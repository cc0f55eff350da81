"""What recognizers found in the texts of one unit."""

from collections.abc import Callable, Iterable, Sequence

from certtrace.redaction.detect.finding import Finding


class UnitNames:
    """What recognizers found in the texts of one unit: each text is asked for once, many at a time."""

    __slots__ = ("_find_all", "_found")

    def __init__(self, find_all: Callable[[Sequence[str]], Sequence[list[Finding]]]) -> None:
        self._find_all = find_all
        self._found: dict[str, list[Finding]] = {}

    def prefetch(self, texts: Iterable[str]) -> None:
        """Ask for many texts at once."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._found]
        if len(missing) > 1:
            self._found.update(zip(missing, self._find_all(missing), strict=True))

    def is_nameless(self, text: str) -> bool:
        """Tell whether nothing is found in a text, and remember what is."""
        found = self._found.get(text)
        if found is None:
            found = self._found[text] = self._find_all([text])[0]
        return not found

    def find(self, text: str) -> list[Finding]:
        """Return the findings in one text."""
        found = self._found.get(text)
        return found if found is not None else self._find_all([text])[0]
