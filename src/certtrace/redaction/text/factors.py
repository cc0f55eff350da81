"""Words that every match of a pattern holds, and where in the match they stand: the quick search without RE2."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import log2
from typing import Final

from certtrace.redaction.text.shapes import Chars, Choice, Node, Repeat, Row, least_width, most_width

_MAX_WORDS: Final = 64
_MAX_CHOICES: Final = 256
_UNROLLED: Final = 3
_MAX_MEMBERS: Final = 10
_MAX_LENGTH: Final = 24

LETTER: Final = 1
DIGIT: Final = 2
"""Signs that stand for any letter and any digit."""

_COMMON_BITS: Final = {
    LETTER: 0.5,
    DIGIT: 4.5,
    **dict.fromkeys(b"e ", 2.5),
    **dict.fromkeys(b".,:-'\"/(\n", 5.5),
    b"="[0]: 6.5,
}
_LOWER_BITS: Final = 3.3
_OTHER_BITS: Final = 7.5
_RARE_BITS: Final = 20.0
"""What is rarer than this does not need more letters, but fewer words."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One of these words stands in every match, `nearest` to `farthest` bytes behind its beginning."""

    words: tuple[bytes, ...]
    nearest: int
    farthest: int | None

    def rarity(self) -> float:
        """Return a guess, in bits, of how rare the words are in prose."""
        commonest = min(sum(map(bits, word)) for word in self.words)
        return min(commonest, _RARE_BITS) - 1.5 * log2(len(self.words)) - (3.0 if self.farthest is None else 0.0)


def bits(code: int) -> float:
    """Return a guess how rare a byte is in prose."""
    return _COMMON_BITS.get(code) or (_LOWER_BITS if ord("a") <= code <= ord("z") else _OTHER_BITS)


def rarest(node: Node) -> Factor | None:
    """Return the rarest words that every match holds, or None when there are none or too many."""
    best = max(_factors(node), key=Factor.rarity, default=None)
    return None if best is None else Factor(_shortest(best.words), best.nearest, best.farthest)


def placed(node: Node) -> Iterator[Factor]:
    """Yield words that every match holds and whose place is known."""
    for factor in _factors(node):
        if factor.farthest is not None:
            yield Factor(_shortest(factor.words), factor.nearest, factor.farthest)


def _shortest(words: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Leave out words that begin with another: where they stand, that one stands."""
    kept: list[bytes] = []
    for word in sorted(words):
        if not kept or not word.startswith(kept[-1]):
            kept.append(word)
    return tuple(kept)


def _factors(node: Node) -> Iterator[Factor]:
    if isinstance(node, Row):
        yield from _of_row(node)
        return
    whole = _words(node)
    if whole and b"" not in whole:
        yield Factor(whole, 0, 0)
    elif isinstance(node, Choice):
        yield from _of_choice(node)
    elif isinstance(node, Repeat) and node.least > 1:
        yield from _of_row(Row((node.node,) * min(node.least, _UNROLLED)))
    elif isinstance(node, Repeat) and node.least:
        yield from _factors(node.node)


def _of_choice(node: Choice) -> Iterator[Factor]:
    best = [rarest(part) for part in node.nodes]
    found = [factor for factor in best if factor is not None]
    words = tuple(dict.fromkeys(word for factor in found for word in factor.words))
    if len(found) < len(best) or len(words) > _MAX_CHOICES:
        return
    farthest = [factor.farthest for factor in found]
    known = [offset for offset in farthest if offset is not None]
    yield Factor(words, min(factor.nearest for factor in found), max(known) if len(known) == len(farthest) else None)


def _of_row(row: Row) -> Iterator[Factor]:
    """Yield the words of each stretch that is spelt out, and of each part that is not."""
    near, far = 0, 0  # where the next part begins
    begun: tuple[int, int | None] = (0, 0)
    spelt: tuple[bytes, ...] = ()
    last: tuple[tuple[bytes, ...], int, int | None] = ((), 0, 0)  # the words of the part before
    unlimited = False
    for part in _flat(row):
        words = _words(part)
        here = (near, None if unlimited else far)
        if spelt:
            yield Factor(spelt, *begun)
        joined = _joined(spelt, words) if words and spelt else None
        if joined is None and words and last[0]:
            joined, begun = _joined(last[0], words), last[1:]
        if joined is None and words and b"" not in words:
            joined, begun = words, here
        spelt = joined or ()
        last = (words, *here) if words and b"" not in words else _last(part, *here)
        if not spelt:
            for factor in _factors(part):
                behind = None if here[1] is None or factor.farthest is None else far + factor.farthest
                yield Factor(factor.words, near + factor.nearest, behind)
        width = most_width(part)
        near, far, unlimited = near + least_width(part), far + (width or 0), unlimited or width is None
    if spelt:
        yield Factor(spelt, *begun)


def _flat(row: Row) -> Iterator[Node]:
    for part in row.nodes:
        if isinstance(part, Row):
            yield from _flat(part)
        else:
            yield part


def _last(part: Node, near: int, far: int | None) -> tuple[tuple[bytes, ...], int, int | None]:
    """Return the words with which a repetition ends, and where they begin."""
    words = _words(part.node) if isinstance(part, Repeat) and part.least else None
    if not isinstance(part, Repeat) or not words or b"" in words:
        return (), 0, 0
    width = most_width(part.node)
    end = None if far is None or width is None or part.most is None else far + (part.most - 1) * width
    return words, near + (part.least - 1) * least_width(part.node), end


def _joined(heads: tuple[bytes, ...], tails: tuple[bytes, ...]) -> tuple[bytes, ...] | None:
    if len(heads) * len(tails) > _MAX_WORDS or len(heads[0]) > _MAX_LENGTH:
        return None
    return tuple(dict.fromkeys(head + tail for head, tail in product(heads, tails)))


def _words(node: Node) -> tuple[bytes, ...] | None:
    """Return everything that a node matches when that is a handful of words."""
    if isinstance(node, Chars):
        members = node.members() if node.mask.bit_count() <= _MAX_MEMBERS else []
        return tuple(bytes([code]) for code in members) or None
    if isinstance(node, Repeat):
        return _repeated_words(node)
    parts = [_words(part) for part in node.nodes]
    known = [words for words in parts if words]
    if len(known) < len(parts):
        return None
    if isinstance(node, Choice):
        union = tuple(dict.fromkeys(word for words in known for word in words))
        return union if len(union) <= _MAX_CHOICES else None
    result: tuple[bytes, ...] | None = (b"",)
    for words in known:
        result = _joined(result, words) if result else None
    return result


def _repeated_words(node: Repeat) -> tuple[bytes, ...] | None:
    inner = _words(node.node)
    if inner is None or node.most is None or node.most > 4:
        return None
    result: tuple[bytes, ...] = ()
    power: tuple[bytes, ...] | None = (b"",)
    for times in range(node.most + 1):
        if power is None:
            return None
        if times >= node.least:
            result += power
        power = _joined(power, inner)
    return tuple(dict.fromkeys(result)) if len(result) <= _MAX_WORDS else None
