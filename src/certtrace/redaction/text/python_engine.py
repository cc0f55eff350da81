"""Python's `re` in the place of RE2: the same matches, found by looking only where a pattern can occur.

Python's engine reads some 20 MB/s and pattern. Searching bytes for a word is a hundred times as fast, so the words that
every match must hold (`factors`) and the long runs of one kind of sign (`shapes`) are looked for first.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from certtrace.redaction.text import shapes
from certtrace.redaction.text.extent import GROWTH, extent
from certtrace.redaction.text.factors import Factor, rarest
from certtrace.redaction.text.fairness import yield_turn
from certtrace.redaction.text.locating import Locator, locator
from certtrace.redaction.text.matching import Folded, Groups

_WINDOW: Final = 8_192
_FARTHEST: Final = 256
_TRIED_ONE_BY_ONE: Final = 8
_MIN_RUN: Final = 6
_MOST_DIGITS: Final = 4
_RARE: Final = 9.0
_NOT_TOO_COMMON: Final = 5.0
_MIN_PIECE: Final = 3
_LONGEST_TOKEN: Final = 32
_MOST_TOKENS: Final = 20_000
_IGNORE_CASE: Final = b"(?i)"
_DIGITS: Final = b"0123456789"
_SOLID: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/_-" + _DIGITS


def _kinds(members: bytes, sign: bytes) -> bytes:
    return bytes(sign[0] if code in members else 0 for code in range(256))


def _mask(members: bytes) -> int:
    return sum(1 << code for code in members)


_SOLID_RUNS: Final = _kinds(_SOLID, b"x")
_DIGIT_RUNS: Final = _kinds(_DIGITS, b"0")
_WORD: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_" + _DIGITS
_TOKENS: Final = bytes(code if code in _WORD else 32 for code in range(256))


def lowered(expression: bytes) -> bytes | None:
    """Return a pattern that ignores case as one over lower-case text, or None: it minds case or cannot be read.

    `re` is several times faster on lower-case text than when it ignores case.
    """
    if not expression.startswith(_IGNORE_CASE):
        return None
    plain = expression.removeprefix(_IGNORE_CASE).lower()
    try:
        shapes.read(expression)
        shapes.read(plain)
    except shapes.UnreadableError:
        return None
    return plain


def _node(expression: bytes) -> shapes.Node | None:
    try:
        return shapes.read(expression)
    except shapes.UnreadableError:
        return None


def _is_quick(factor: Factor, part: Locator | None) -> bool:
    """Tell whether to look for words of a pattern rather than for a part of it, or for the whole."""
    rarity = factor.rarity()
    if rarity >= _RARE:
        return True
    return part is None and rarity >= _NOT_TOO_COMMON and (factor.farthest or 0) - factor.nearest < _TRIED_ONE_BY_ONE


class PythonMatcher:
    """One pattern compiled by `re`, searched in windows so that one call never holds the GIL for long."""

    __slots__ = ("_extent", "_far", "_find", "_near", "_pattern", "_width")

    def __init__(self, pattern: bytes) -> None:
        self._pattern = re.compile(pattern)
        self._extent = extent(pattern)
        self._find: re.Pattern[bytes] | None = None
        """Looks for a part of the pattern, a match of which begins `_near` to `_far` bytes before it."""
        self._near = self._far = self._width = 0
        node = None if pattern.startswith(_IGNORE_CASE) else _node(pattern)
        if node is not None:
            self._look_for(node)

    def _look_for(self, node: shapes.Node) -> None:
        factor, part = rarest(node), locator(node)
        if factor is not None and factor.farthest is not None and _is_quick(factor, part):
            self._find = re.compile(b"|".join(map(re.escape, factor.words)))
            self._near, self._far, self._width = factor.nearest, factor.farthest, max(map(len, factor.words))
        elif part is not None and self._extent.decides is not None:
            self._find = re.compile(part.expression)
            self._near, self._far, self._width = part.nearest, part.farthest, self._extent.decides
        if self._far > _FARTHEST:
            self._find = None

    def next(self, data: bytes, start: int, stop: int | None = None) -> Groups | None:
        """See `Matcher`."""
        last = len(data) if stop is None else min(stop, len(data))
        while start < last:
            until = min(start + _WINDOW, last)
            match = self._search(data, start, until) if self._find is None else self._by_part(data, start, until)
            if match is not None:
                return match.regs
            start = until
            if start < last:
                yield_turn()
        return None

    def _search(self, data: bytes, start: int, until: int) -> re.Match[bytes] | None:
        """Return the leftmost match that begins in `start:until`, whole."""
        limit = until + self._extent.window
        while (match := self._pattern.search(data, start, limit)) is not None:
            if match.start() >= until:
                return None
            if limit >= len(data) or not self._extent.is_cut(match.end(), limit):
                return match
            start = match.start()
            limit = start + (limit - start) * GROWTH
        return None

    def _by_part(self, data: bytes, start: int, until: int) -> re.Match[bytes] | None:
        """Search around the places of a part that every match holds."""
        if self._find is None:
            return None
        find, near, far = self._find.search, self._near, self._far
        limit = until + far + self._width
        tried = start
        found = find(data, start + near, limit)
        while found is not None:
            place = found.start()
            # The latest place where a match with this part can begin; earlier ones have been tried.
            end = min(place - near + 1, until)
            tried = max(tried, place - far)
            match = self._between(data, tried, end) if tried < end else None
            if match is not None:
                return match
            tried = max(tried, end)
            found = find(data, place + 1, limit) if tried < until else None
        return None

    def _between(self, data: bytes, start: int, end: int) -> re.Match[bytes] | None:
        if end - start > _TRIED_ONE_BY_ONE:
            return self._search(data, start, end)
        # To try a few places costs less than a search, which reads on where no match can begin.
        for place in range(start, end):
            limit = place + self._extent.window
            match = self._pattern.match(data, place, limit)
            if match is not None:
                whole = limit >= len(data) or not self._extent.is_cut(match.end(), limit)
                return match if whole else self._search(data, place, place + 1)
        return None


@dataclass(frozen=True, slots=True)
class _Sign:
    """What a text must hold before a pattern is worth a search."""

    solid: int
    """So many letters, digits and joining signs in a row."""
    digits: int
    """So many digits in a row."""
    words: tuple[bytes, ...]
    """One of these, or a token with one of the pieces of its set; with neither it is always worth it."""
    pieces: tuple[bytes, ...]
    low: bool
    """Words and pieces are sought in the text in lower case."""


class PythonSet:
    """The stand-in without RE2: a pattern may occur where what every match must hold does."""

    __slots__ = ("_any_piece", "_runs", "_signs", "_tokens", "reach")

    def __init__(self, patterns: Sequence[bytes], literals: Sequence[tuple[bytes, ...]]) -> None:
        extents = [extent(pattern) for pattern in patterns]
        self.reach = max((found.decides or found.window for found in extents), default=0)
        self._signs = tuple(_sign(*pair) for pair in zip(patterns, literals, strict=True))
        self._runs = sorted({sign.solid for sign in self._signs if sign.solid})
        pieces = {piece.lower() for sign in self._signs for piece in sign.pieces}
        self._any_piece = _one_of(pieces)
        self._tokens: dict[bytes, int] = {}
        """Tokens met so far, with a bit for each pattern of which they hold a piece."""

    def hits(self, text: Folded, start: int, end: int) -> Sequence[int]:
        """See `PatternSet`."""
        data, low = text.data[start:end], text.low[start:end]
        solid = _longest(data.translate(_SOLID_RUNS), b"x", self._runs)
        digits = _longest(data.translate(_DIGIT_RUNS), b"0", range(1, _MOST_DIGITS + 1))
        held, known = 0, self._tokens
        for token in set(data.translate(_TOKENS).split()):
            mask = known.get(token)
            held |= self._learn(token) if mask is None else mask
        return [
            index
            for index, sign in enumerate(self._signs)
            if sign.solid <= solid
            and sign.digits <= digits
            and (
                held >> index & 1
                or any(map((low if sign.low else data).__contains__, sign.words))
                or not (sign.words or sign.pieces)
            )
        ]

    def _learn(self, token: bytes) -> int:
        """Return the patterns of which a token holds a piece, and remember a short one."""
        low = token.lower()
        mask = 0
        if self._any_piece.search(low) is not None:
            for index, sign in enumerate(self._signs):
                if any(map((low if sign.low else token).__contains__, sign.pieces)):
                    mask |= 1 << index
        if len(token) <= _LONGEST_TOKEN:
            if len(self._tokens) >= _MOST_TOKENS:
                self._tokens.clear()
            self._tokens[token] = mask
        return mask


def _one_of(words: Iterable[bytes]) -> re.Pattern[bytes]:
    """Return a pattern that finds one of the words, ordered by their first letter: `re` tries the letters in turn."""
    by_letter: dict[bytes, list[bytes]] = {}
    for word in sorted(words):
        by_letter.setdefault(word[:1], []).append(re.escape(word[1:]))
    choices = [re.escape(letter) + b"(?:%b)" % b"|".join(rest) for letter, rest in by_letter.items()]
    return re.compile(b"|".join(choices) or rb"[^\x00-\xff]")


def _longest(kinds: bytes, sign: bytes, lengths: Sequence[int]) -> int:
    """Return the greatest of the lengths of which there is a run, or 0."""
    found = 0
    for length in lengths:
        if sign * length not in kinds:
            break
        found = length
    return found


def _sign(expression: bytes, literals: tuple[bytes, ...]) -> _Sign:
    plain = lowered(expression)
    node = _node(expression if plain is None else plain)
    if node is None or extent(expression).decides is None:
        return _Sign(0, 0, literals, (), low=True)
    factor = rarest(node)
    pieces, words = _divided(factor.words if factor is not None else ())
    solid = shapes.longest_run(node, _mask(_SOLID))
    digits = shapes.longest_run(node, _mask(_DIGITS))
    return _Sign(solid if solid >= _MIN_RUN else 0, min(digits, _MOST_DIGITS), words, pieces, low=plain is not None)


def _divided(words: tuple[bytes, ...]) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Return the longest run of letters of each word, and the words without one that is long enough."""
    pieces: list[bytes] = []
    rest: list[bytes] = []
    for word in words:
        piece = max(word.translate(_TOKENS).split(), key=len, default=b"")
        if len(piece) >= _MIN_PIECE and 2 * len(piece) > len(word):
            pieces.append(piece)
        else:
            rest.append(word)
    return tuple(dict.fromkeys(pieces)), tuple(rest)
