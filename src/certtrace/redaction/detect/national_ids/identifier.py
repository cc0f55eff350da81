"""One kind of number that a state, a health service or a register gives to a person, a company or a vehicle."""

from dataclasses import dataclass, field
from typing import Final

from certtrace.redaction.detect.national_ids.checksums import Check, unchecked

ANYWHERE: Final = 0
"""Form and checksum are so rare that no word has to stand beside it."""
ALONE: Final = 1
"""Found where the text is nothing else, or where a word names it."""
NAMED: Final = 2
"""Found only where a word names it."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A form, the proof of its check digit, and the words that name it.

    Shapes are written with `9` for a digit, `A` for a letter, `*` and a length for any mixture of both, and separators
    as they are; `|` stands between shapes.
    """

    rule: str
    """Country and name, such as `de.tax`."""
    words: str
    """Words that name it, lower-case and without accents, `;` between; `?` is a word in another script."""
    check: Check = unchecked
    """Gets letters (upper case) and digits only."""
    anywhere: str = ""
    """Shapes found in any text."""
    alone: str = ""
    """Shapes found where they are all there is, or beside a word."""
    named: str = ""
    """Shapes found only beside a word."""
    names: frozenset[str] = field(init=False, compare=False)
    """The words, split."""

    def __post_init__(self) -> None:
        """Split the words once."""
        object.__setattr__(self, "names", frozenset(word.strip() for word in self.words.split(";")))

    def shapes(self) -> list[tuple[str, int]]:
        """Return every shape with how much has to speak for it."""
        return [
            (shape, strength)
            for strength, shapes in ((ANYWHERE, self.anywhere), (ALONE, self.alone), (NAMED, self.named))
            for shape in shapes.split("|")
            if shape
        ]
