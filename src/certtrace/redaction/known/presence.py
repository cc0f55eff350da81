"""Who may be in a text at all: one pass over it for all people known in a trace."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from certtrace.redaction.known import letters
from certtrace.redaction.known.reading import Signs
from certtrace.redaction.text.engine import NATIVE

try:
    import re2
except ImportError:  # pragma: no cover - the wheel does not exist for every platform
    re2 = None

_MEMORY: Final = 64 << 20
_GRAM: Final = 4
_NEVER: Final = rb"[^\x00-\xff]"
_PLAIN_WORDS: Final = frozenset(
    b"am an as at be by do go ha he hi id if in is it me my no of oh ok on or so to up us we".split()
)
_FOLDED_SMALL: Final = b"adhilost"
_CANARY: Final = b"\x00\x01\x02canary\x02\x01\x00"


@dataclass(frozen=True, slots=True)
class Anchors:
    """Signs of which at least one is in every text that holds something of the person."""

    words: frozenset[bytes]
    """In `Signs.spaced`."""
    stems: frozenset[bytes]
    """Behind a space and with a capital: a short part, or one without its final vowel."""
    halves: frozenset[tuple[bytes, bytes, int]]
    """First or second half of a capitalised word about as long, or the beginning of a word that is broken in two."""
    led: frozenset[tuple[bytes, bytes]]
    """A capital with a point, and the capital of the next word."""
    initials: frozenset[tuple[bytes, bytes]]
    """Two letters that follow each other, with a point between them or in one word."""
    letters: frozenset[bytes]
    """In the folded text in lower case."""
    expressions: frozenset[bytes]
    """The same, more exactly."""
    digits: frozenset[bytes]
    """Four digits or more in `Signs.digits`."""


class Presence:
    """Tells who may be in a text; never misses anybody."""

    __slots__ = ("_digits", "_people", "_set")

    def __init__(self, people: Sequence[Anchors], *, native: bool = NATIVE) -> None:
        """Take the signs of each person.

        Raises:
            MemoryError: RE2 cannot compile them.
        """
        self._people = people
        self._digits: dict[bytes, list[tuple[bytes, int]]] = {}
        for index, anchors in enumerate(people):
            for sign in sorted(anchors.digits):
                self._digits.setdefault(sign[:_GRAM], []).append((sign, index))
        self._set: re2.Set | None = None
        if native and re2 is not None:
            # Two expressions a person: letters that betray, and halves of words that mostly say something else.
            self._set = _compiled([express(anchors) for anchors in people for express in (_signs, _halves)])

    def people(self, signs: Signs) -> dict[int, bool]:
        """Return the indices of those who may be in a text; False for whom only half a word speaks."""
        present: dict[int, bool] = {}
        if self._set is not None:
            for index in self._set.Match(b" %b " % signs.data) or ():
                present[index >> 1] = present.get(index >> 1, False) or not index & 1
        else:
            for index, anchors in enumerate(self._people):
                if _has_sign(signs, anchors):
                    present[index] = True
                elif _has_half(signs, anchors):
                    present[index] = False
        if self._digits:
            present.update(dict.fromkeys(self._numbered(signs.digits), True))
        return present

    def _numbered(self, digits: bytes) -> Iterator[int]:
        for gram in {digits[at : at + _GRAM] for at in range(len(digits) - _GRAM + 1)}:
            for sign, index in self._digits.get(gram, ()):
                if sign in digits:
                    yield index


def _has_sign(signs: Signs, anchors: Anchors) -> bool:
    spaced, low = signs.spaced, signs.low
    return (
        any(anchor in spaced for anchor in anchors.words)
        or any(anchor in low for anchor in anchors.letters)
        or any(anchor in spaced for pair in anchors.initials for anchor in monogram_anchors(*pair))
    )


def _has_half(signs: Signs, anchors: Anchors) -> bool:
    spaced = signs.spaced
    return (
        any(first in spaced or second in spaced for first, second, _ in anchors.halves)
        or any(stem in spaced for stem in anchors.stems)
        or any(anchor in spaced for pair in anchors.led for anchor in led_anchors(*pair))
    )


def monogram_anchors(first: bytes, last: bytes) -> tuple[bytes, ...]:
    """Return how two initials look in `Signs.spaced`; without points only where they are no word."""
    dotted = (b" %b %b " % (first, last), b" %b  %b " % (first, last))
    return dotted if first + last in _PLAIN_WORDS else (*dotted, b" %b%b " % (first, last))


def led_anchors(first: bytes, last: bytes) -> tuple[bytes, bytes]:
    """Return how an initial and the first letter of a surname look in `Signs.spaced`."""
    return b" %b %b" % (first, last), b" %b  %b" % (first, last)


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
    choices += sorted(anchors.expressions)
    choices += [_monogram(*pair) for pair in sorted(anchors.initials)]
    return b"(?i)" + b"|".join(choices) if choices else _NEVER


def _monogram(first: bytes, last: bytes) -> bytes:
    between = rb"\.[ -]?" if first + last in _PLAIN_WORDS else rb"(?:\.[ -]?| ?)"
    return b"(?-i:[^A-Za-z]%b%b%b[^A-Za-z])" % (_capital(first), between, _capital(last))


def _capital(letter: bytes) -> bytes:
    """Return a class for a capital, also for those that fold to a small letter."""
    return b"[%b%b]" % (letter.upper(), letter) if letter in _FOLDED_SMALL else letter.upper()


def _halves(anchors: Anchors) -> bytes:
    """Return the pattern for capitalised words that recall the name."""
    choices: list[bytes] = []
    for first, second, _ in sorted(anchors.halves):
        letter = first[1:2].upper()
        choices.append(b"[^A-Za-z]%b(?i:%b)" % (letter, first[2:]))
        choices.append(b"[^A-Za-z]%b[A-Za-z]*(?i:%b)[^A-Za-z]" % (letter, second[:-1]))
    endings = b"|".join(sorted(letters.ENDINGS | letters.VOWEL_ENDINGS))
    bent = b"[^A-Za-z]%b(?i:%b(?:%b))[^A-Za-z]"
    choices += [bent % (stem[1:2].upper(), stem[2:], endings) for stem in sorted(anchors.stems)]
    choices += [rb"[^A-Za-z]%b\.[^A-Za-z]?%b" % (first.upper(), last.upper()) for first, last in sorted(anchors.led)]
    return b"|".join(choices) or _NEVER
