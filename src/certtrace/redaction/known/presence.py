"""Who may be in a text at all: one pass over it for all people known in a trace."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from certtrace.redaction.known.reading import Reading
from certtrace.redaction.text.engine import NATIVE

try:
    import re2
except ImportError:  # pragma: no cover - the wheel does not exist for every platform
    re2 = None

_MEMORY: Final = 64 << 20
_MIN_DIGITS: Final = 4
_NEVER: Final = rb"[^\x00-\xff]"
_PLAIN_WORDS: Final = frozenset(
    b"am an as at be by do go ha he hi id if in is it me my no of oh ok on or so to up us we".split()
)
_CANARY: Final = b"\x00\x01\x02canary\x02\x01\x00"


@dataclass(frozen=True, slots=True)
class Anchors:
    """Signs of which at least one is in every text that holds something of the person."""

    words: frozenset[bytes]
    """In `Reading.spaced`."""
    halves: frozenset[tuple[bytes, bytes, int]]
    """First or second half of a word that is about as long, or the beginning of a word that is broken in two."""
    initials: frozenset[tuple[bytes, bytes]]
    """Two letters that follow each other, with a point between them or in one word."""
    letters: frozenset[bytes]
    """In the folded text in lower case."""
    digits: frozenset[bytes]
    """In `Reading.digits`."""


class Presence:
    """Tells who may be in a text; never misses anybody."""

    __slots__ = ("_digits", "_people", "_set")

    def __init__(self, people: Sequence[Anchors], *, native: bool = NATIVE) -> None:
        """Take the signs of each person.

        Raises:
            MemoryError: RE2 cannot compile them.
        """
        self._people = people
        self._digits = [(sign, index) for index, anchors in enumerate(people) for sign in sorted(anchors.digits)]
        self._set: re2.Set | None = None
        if native and re2 is not None:
            # Two expressions a person: letters that betray, and halves of words that mostly say something else.
            self._set = _compiled([express(anchors) for anchors in people for express in (_signs, _halves)])

    def people(self, reading: Reading) -> dict[int, bool]:
        """Return the indices of those who may be in a text; False for whom only half a word speaks."""
        if self._set is not None:
            found = self._set.Match(b" %b " % reading.low) or ()
            present = {index >> 1: False for index in found if index & 1}
            present.update((index >> 1, True) for index in found if not index & 1)
        else:
            present = {}
            for index, anchors in enumerate(self._people):
                if _has_sign(reading, anchors):
                    present[index] = True
                elif any(first in reading.spaced or second in reading.spaced for first, second, _ in anchors.halves):
                    present[index] = False
        if self._digits:
            digits = reading.digits
            if len(digits) >= _MIN_DIGITS:
                present.update([(index, True) for sign, index in self._digits if sign in digits])
        return present


def _has_sign(reading: Reading, anchors: Anchors) -> bool:
    spaced, low = reading.spaced, reading.low
    return (
        any(anchor in spaced for anchor in anchors.words)
        or any(anchor in low for anchor in anchors.letters)
        or any(anchor in spaced for pair in anchors.initials for anchor in monogram_anchors(*pair))
    )


def monogram_anchors(first: bytes, last: bytes) -> tuple[bytes, ...]:
    """Return how two initials look in `Reading.spaced`; without points only where they are no word."""
    dotted = (b" %b %b " % (first, last), b" %b  %b " % (first, last))
    return dotted if first + last in _PLAIN_WORDS else (*dotted, b" %b%b " % (first, last))


def _compiled(expressions: list[bytes]) -> "re2.Set":
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _MEMORY
    options.log_errors = False
    found = re2.Set.SearchSet(options)
    for expression in expressions:
        found.Add(expression)
    found.Add(_CANARY)
    found.Compile()
    if len(expressions) not in (found.Match(_CANARY) or ()):
        # An automaton without memory would find nobody, silently.
        msg = f"RE2 cannot compile the signs of {len(expressions)} people within {_MEMORY} bytes."
        raise MemoryError(msg)
    return found


def _signs(anchors: Anchors) -> bytes:
    """Return the pattern that matches, between two spaces, if one of the signs is there."""
    choices = sorted(anchor.replace(b" ", b"[^a-z]") for anchor in anchors.words)
    choices += sorted(re.escape(anchor) for anchor in anchors.letters)
    for first, second in sorted(anchors.initials):
        choices.append(rb"[^a-z]%b[. -]{1,2}%b[^a-z]" % (first, second))
        if first + second not in _PLAIN_WORDS:
            choices.append(b"[^a-z]%b%b[^a-z]" % (first, second))
    return b"|".join(choices) or _NEVER


def _halves(anchors: Anchors) -> bytes:
    choices = {half.replace(b" ", b"[^a-z]") for first, second, _ in anchors.halves for half in (first, second)}
    return b"|".join(sorted(choices)) or _NEVER
