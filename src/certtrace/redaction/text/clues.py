"""Read off a pattern what a text must hold before it can match: words, the shapes of words, runs of signs.

A shape is a text in which every letter reads as one sign and every digit as another: `SW1A 1AA` and `EC2M 7PP` have
one. Few shapes and few words make up a text, so what each of them holds is worked out once and remembered.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import fsum, log2, sqrt
from typing import Final, TypeAlias

from certtrace.redaction.text import shapes
from certtrace.redaction.text.extent import extent
from certtrace.redaction.text.factors import DIGIT, LETTER, Factor, bits, placed, rarest

_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGITS: Final = b"0123456789"
_SOLID: Final = _LETTERS + _DIGITS + b"+/_-"
_SPACES: Final = b" \t\n\v\f\r"
LOOSE: Final = b" \t\n\r().-/"
"""What may stand between the digits of a number."""

MIN_SOLID: Final = 6
MAX_DIGITS: Final = 7
_MIN_SPELT: Final = 2
_MIN_SHAPED_BITS: Final = 4.0
_FARTHEST: Final = 256
_MAX_FORMS: Final = 24
_MAX_CLUES: Final = 3
_FEW_WORDS: Final = 4
_MAX_SHAPES: Final = 40
_SPACED_ALIKE: Final = 4
_WORDS_A_PIECE: Final = 12
_SEARCHED_SHARE: Final = 16
_RAREST_BITS: Final = 40.0
_UNPLACED_BITS: Final = 20.0


WORDS: Final = bytes(code if code in _LETTERS + _DIGITS + b"_" else 32 for code in range(256))
"""Leaves what words are made of."""
SHAPES: Final = bytes(
    LETTER if code in _LETTERS else DIGIT if code in _DIGITS else 32 if code in _SPACES else code for code in range(256)
)
"""Turns a text into its shape."""
SOLID_RUNS: Final = bytes(120 if code in _SOLID else 0 for code in range(256))
DIGIT_RUNS: Final = bytes(48 if code in _DIGITS else 0 for code in range(256))


@dataclass(frozen=True, slots=True)
class Clue:
    """One of these words stands in every match, or in its shape."""

    shaped: bool
    """The words are those of a shape."""
    low: bool
    """The words stand in the text in lower case."""
    words: tuple[bytes, ...]
    pieces: tuple[bytes, ...]
    """Of each word the part that is looked for among the words of a text; empty: the text itself is searched."""
    nearest: int
    farthest: int
    """A match begins so many bytes before the word; -1 when that is not known."""

    def cost(self) -> float:
        """Return a guess how long it takes to look wherever one of the words stands, in microseconds a segment."""
        places = 4_096 * _mean_share(self.words)
        return min(len(self.words), _FEW_WORDS) * (3.0 + 0.5 * places * sqrt(1 + self.farthest - self.nearest))


@dataclass(frozen=True, slots=True)
class Form:
    """One way in which a pattern may occur."""

    pattern: int
    solid: int
    """So many letters, digits and joining signs in a row."""
    digits: int
    """So many digits in a row."""
    loose_digits: int
    """So many digits in a row once the signs between digits are taken out."""
    clues: tuple[Clue, ...]
    """What the text must hold, all of them; the first, if it says where, is the one to search by."""


def forms(index: int, expression: bytes, plain: bytes | None, literals: tuple[bytes, ...]) -> Iterator[Form]:
    """Yield the forms of a pattern; one that cannot be read has the literals given for a clue.

    Args:
        index: The number of the pattern.
        expression: The pattern.
        plain: The same for text in lower case, if the pattern ignores case.
        literals: Words in lower case, one of which stands in every match.
    """
    try:
        node = shapes.read(expression if plain is None else plain)
    except shapes.UnreadableError:
        node = None
    if node is None or extent(expression).decides is None:
        words = tuple(word for word in literals if word)
        spelt = Clue(shaped=False, low=True, words=words, pieces=(b"",) * len(words), nearest=0, farthest=-1)
        yield Form(index, 0, 0, 0, (spelt,) if words and len(words) == len(literals) else ())
        return
    parts = node.nodes if isinstance(node, shapes.Choice) and len(node.nodes) <= _MAX_FORMS else (node,)
    for part in parts:
        yield _form(index, part, low=plain is not None)


def _form(index: int, node: shapes.Node, *, low: bool) -> Form:
    solid = shapes.longest_run(node, shapes.mask_of(_SOLID))
    digits = shapes.longest_run(node, shapes.mask_of(_DIGITS))
    loose = shapes.longest_run(shapes.without(node, shapes.mask_of(LOOSE)), shapes.mask_of(_DIGITS))
    return Form(
        index,
        solid if solid >= MIN_SOLID else 0,
        min(digits, MAX_DIGITS),
        min(loose, MAX_DIGITS),
        _clues(node, low=low),
    )


def _clues(node: shapes.Node, *, low: bool) -> tuple[Clue, ...]:
    found: list[Clue] = []
    for factor in (*placed(node), *filter(None, (rarest(node),))):
        # Signs are in the shape of a text what they are in the text itself.
        signs = all(word.translate(None, _LETTERS + _DIGITS + _SPACES) == word for word in factor.words)
        found.append(_clue(factor, shaped=signs, low=low and not signs))
    shape = shapes.translated(node, SHAPES)
    found += [_clue(factor, shaped=True, low=False) for factor in (*placed(shape), *filter(None, (rarest(shape),)))]
    telling = [clue for clue in dict.fromkeys(found) if _is_telling(clue)]
    clues = sorted(telling, key=_worth, reverse=True)
    # To search the text for words costs more than it tells if there is a clue that is remembered.
    remembered = [clue for clue in clues if clue.pieces.count(b"") <= len(clue.words) // _SEARCHED_SHARE]
    return tuple(remembered[:_MAX_CLUES] or clues[:1])


def _is_telling(clue: Clue) -> bool:
    """Tell whether a clue is rare, and its words not merely many for one piece."""
    if clue.shaped and len(clue.words) > _MAX_SHAPES:
        return False
    if len(clue.words) > _WORDS_A_PIECE * len(set(clue.pieces)):
        return False
    return not clue.shaped or min(map(_bits_of, clue.words)) >= _MIN_SHAPED_BITS


def _worth(clue: Clue) -> float:
    """Return how few places are tried when the words of a clue, of which few stand in a text, are looked for."""
    words = len(clue.words) if clue.shaped else _FEW_WORDS
    rarity = -log2(words * _mean_share(clue.words))
    return rarity - (_UNPLACED_BITS if clue.farthest < 0 else log2(1 + clue.farthest - clue.nearest) / 2)


def _mean_share(words: tuple[bytes, ...]) -> float:
    """Return a guess at how many places of prose a word stands, on average."""
    return fsum(0.5 ** min(_bits_of(word), _RAREST_BITS) for word in words) / len(words)


def _bits_of(word: bytes) -> float:
    return sum(map(bits, word))


def _clue(factor: Factor, *, shaped: bool, low: bool) -> Clue:
    words, nearest, farthest = factor.words, factor.nearest, factor.farthest
    pieces = tuple((_shaped_piece if shaped else _spelt_piece)(word) for word in words)
    if all(pieces) and len({tuple(word.split()) for word in words}) <= len(words) // _SPACED_ALIKE:
        # Most words differ in the space between their pieces and in nothing else.
        behind = [word.index(piece) for word, piece in zip(words, pieces, strict=True)]
        nearest += min(behind)
        farthest = None if farthest is None else farthest + max(behind)
        words = pieces = tuple(dict.fromkeys(pieces))
    located = farthest is not None and farthest <= _FARTHEST
    return Clue(shaped, low, words, pieces, nearest, farthest if located and farthest is not None else -1)


def _spelt_piece(word: bytes) -> bytes:
    piece = max(word.translate(WORDS).split(), key=len, default=b"")
    return piece if len(piece) >= _MIN_SPELT else b""


def _shaped_piece(word: bytes) -> bytes:
    piece = max(word.split(), key=_bits_of, default=b"")
    return piece if _bits_of(piece) >= _MIN_SHAPED_BITS else b""


Held: TypeAlias = tuple[int, tuple[tuple[int, tuple[bytes, ...]], ...]]
"""The bits of clues of which a word may stand where a token does; such words, with the bit, of clues with several."""


class Memory:
    """What the tokens of texts hold, remembered: few tokens make up most of a text."""

    __slots__ = ("_by_beginning", "_known", "_lengths", "_sought")

    _LONGEST: Final = 32
    _MOST: Final = 20_000
    _BEGINNING: Final = 3

    def __init__(self, clues: Iterable[tuple[int, Clue]]) -> None:
        """Take clues, each with its bit."""
        self._known: dict[bytes, Held | None] = {}
        self._by_beginning: dict[bytes, list[tuple[int, bytes, bytes, bool]]] = {}
        self._sought = [
            (bit, word if len(clue.words) > 1 else b"", piece, clue.low)
            for bit, clue in clues
            for word, piece in zip(clue.words, clue.pieces, strict=True)
            if piece
        ]
        for sought in self._sought:
            self._by_beginning.setdefault(sought[2][: self._BEGINNING].lower(), []).append(sought)
        self._lengths = sorted(set(map(len, self._by_beginning)))

    def look(self, tokens: Iterable[bytes]) -> list[Held]:
        """Return what the tokens hold that hold anything."""
        known, found = self._known, list[Held]()
        for token in tokens:
            held = known[token] if token in known else self._learn(token)
            if held is not None:
                found.append(held)
        return found

    def _learn(self, token: bytes) -> Held | None:
        low, found, bits_held = token.lower(), dict[int, set[bytes]](), 0
        for bit, word, piece, folds_case in self._candidates(low):
            if piece in (low if folds_case else token):
                bits_held |= bit
                if word:
                    found.setdefault(bit, set()).add(word)
        held = (bits_held, tuple((bit, tuple(words)) for bit, words in found.items())) if bits_held else None
        if len(token) <= self._LONGEST:
            if len(self._known) >= self._MOST:
                self._known.clear()
            self._known[token] = held
        return held

    def _candidates(self, low: bytes) -> Iterator[tuple[int, bytes, bytes, bool]]:
        if len(low) > len(self._sought):
            yield from self._sought
            return
        beginnings = {low[at : at + length] for at in range(len(low)) for length in self._lengths}
        for beginning in beginnings & self._by_beginning.keys():
            yield from self._by_beginning[beginning]
