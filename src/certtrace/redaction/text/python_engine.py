"""Python's `re` in the place of RE2: the same matches, found by looking only where a pattern can occur.

Python's engine reads some 20 MB/s and pattern. Searching bytes for a word is a hundred times as fast, so the words that
every match must hold (`factors`) and the long runs of one kind of sign (`shapes`) are looked for first.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from certtrace.redaction.text import shapes
from certtrace.redaction.text.extent import GROWTH, extent
from certtrace.redaction.text.factors import Factor, rarest
from certtrace.redaction.text.fairness import yield_turn
from certtrace.redaction.text.matching import Folded, Groups

_WINDOW: Final = 8_192
_FARTHEST: Final = 256
_TRIED_ONE_BY_ONE: Final = 8
_MIN_RUN: Final = 6
_IGNORE_CASE: Final = b"(?i)"
_DIGITS: Final = b"0123456789"
_SOLID: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/_-" + _DIGITS


def _kinds(members: bytes, sign: bytes) -> bytes:
    return bytes(sign[0] if code in members else 0 for code in range(256))


def _mask(members: bytes) -> int:
    return sum(1 << code for code in members)


_SOLID_RUNS: Final = _kinds(_SOLID, b"x")
_DIGIT_RUNS: Final = _kinds(_DIGITS, b"0")


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


class PythonMatcher:
    """One pattern compiled by `re`, searched in windows so that one call never holds the GIL for long."""

    __slots__ = ("_extent", "_factor", "_find", "_pattern")

    def __init__(self, pattern: bytes) -> None:
        self._pattern = re.compile(pattern)
        self._extent = extent(pattern)
        node = None if pattern.startswith(_IGNORE_CASE) else _node(pattern)
        factor = rarest(node) if node is not None else None
        self._factor = factor if factor and factor.farthest is not None and factor.farthest <= _FARTHEST else None
        self._find = re.compile(b"|".join(map(re.escape, self._factor.words)) if self._factor else b"")

    def next(self, data: bytes, start: int, stop: int | None = None) -> Groups | None:
        """See `Matcher`."""
        last = len(data) if stop is None else min(stop, len(data))
        while start < last:
            until = min(start + _WINDOW, last)
            match = self._by_factor(data, start, until) if self._factor else self._search(data, start, until)
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

    def _by_factor(self, data: bytes, start: int, until: int) -> re.Match[bytes] | None:
        """Search around the places where a word stands that every match holds."""
        factor = self._factor
        if factor is None or factor.farthest is None:
            return None
        width = max(map(len, factor.words))
        found = self._find.search(data, start + factor.nearest, until + factor.farthest + width)
        tried = start
        while found is not None:
            place = found.start()
            # The latest place where a match that holds this word can begin; earlier ones have been tried.
            end = min(place - factor.nearest + 1, until)
            tried = max(tried, place - factor.farthest)
            match = self._between(data, tried, end) if tried < end else None
            if match is not None:
                return match
            tried = max(tried, end)
            found = self._find.search(data, place + 1, until + factor.farthest + width)
        return None

    def _between(self, data: bytes, start: int, end: int) -> re.Match[bytes] | None:
        if end - start > _TRIED_ONE_BY_ONE:
            return self._search(data, start, end)
        # To try a few places costs less than a search, which reads on where no match can begin.
        for place in range(start, end):
            limit = place + self._extent.window
            match = self._pattern.match(data, place, limit)
            if match is not None and (limit >= len(data) or not self._extent.is_cut(match.end(), limit)):
                return match
            if match is not None:
                return self._search(data, place, place + 1)
        return None


@dataclass(frozen=True, slots=True)
class _Sign:
    """What a text must hold before a pattern is worth a search."""

    index: int
    solid: int
    """So many letters, digits and joining signs in a row."""
    digits: int
    words: tuple[bytes, ...]
    """One of these; none: it is always worth it."""
    low: bool
    """The words are sought in the text in lower case."""


class PythonSet:
    """The stand-in without RE2: a pattern may occur where what every match must hold does."""

    __slots__ = ("_runs", "_signs", "reach")

    def __init__(self, patterns: Sequence[bytes], literals: Sequence[tuple[bytes, ...]]) -> None:
        extents = [extent(pattern) for pattern in patterns]
        self.reach = max((found.decides or found.window for found in extents), default=0)
        signs = [_sign(index, *pair) for index, pair in enumerate(zip(patterns, literals, strict=True))]
        self._signs = tuple(signs)
        self._runs = sorted({sign.solid for sign in signs if sign.solid})

    def hits(self, text: Folded, start: int, end: int) -> Sequence[int]:
        """See `PatternSet`."""
        data, low = text.data[start:end], text.low[start:end]
        solid = _longest(data.translate(_SOLID_RUNS), b"x", self._runs)
        digits = data.translate(_DIGIT_RUNS)
        deep = _longest(digits, b"0", range(1, 5))
        return [
            sign.index
            for sign in self._signs
            if sign.solid <= solid
            and min(sign.digits, 4) <= deep
            and (not sign.words or any(map((low if sign.low else data).__contains__, sign.words)))
        ]


def _longest(kinds: bytes, sign: bytes, lengths: Sequence[int]) -> int:
    """Return the greatest of the lengths of which there is a run, or 0."""
    found = 0
    for length in lengths:
        if sign * length not in kinds:
            break
        found = length
    return found


def _sign(index: int, expression: bytes, literals: tuple[bytes, ...]) -> _Sign:
    plain = lowered(expression)
    node = _node(expression if plain is None else plain)
    if node is None or extent(expression).decides is None:
        return _Sign(index, 0, 0, literals, low=True)
    factor: Factor | None = rarest(node)
    solid = shapes.longest_run(node, _mask(_SOLID))
    return _Sign(
        index,
        solid if solid >= _MIN_RUN else 0,
        shapes.longest_run(node, _mask(_DIGITS)),
        factor.words if factor is not None else (),
        low=plain is not None,
    )
