"""Python's `re` in the place of RE2: the same matches, found by looking only where a pattern can occur.

Python's engine reads some 20 MB/s and pattern. Searching bytes for a word is a hundred times as fast, so the words that
every match must hold (`factors`) and the long runs of one kind of sign (`shapes`) are looked for first.
"""

import re
from collections.abc import Iterable
from typing import Final

from certtrace.redaction.text import shapes
from certtrace.redaction.text.extent import GROWTH, extent
from certtrace.redaction.text.factors import Factor, rarest
from certtrace.redaction.text.fairness import yield_turn
from certtrace.redaction.text.locating import Locator, locator, written
from certtrace.redaction.text.matching import Groups
from certtrace.redaction.text.shapes import Chars, first_bytes, least_width

_WINDOW: Final = 8_192
_FARTHEST: Final = 256
_TRIED_ONE_BY_ONE: Final = 8
_RARE: Final = 9.0
_NOT_TOO_COMMON: Final = 5.0
_COMMON_SHARE: Final = 200
_EVERY_BYTE: Final = (1 << 256) - 1
_IGNORE_CASE: Final = b"(?i)"


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
    if factor.rarity() >= _RARE:
        return True
    near = (factor.farthest or 0) - factor.nearest < _TRIED_ONE_BY_ONE
    if part is None:
        return near and factor.rarity() >= _NOT_TOO_COMMON
    return near and part.share >= _COMMON_SHARE and min(map(len, factor.words)) > 1


def _one_of(words: Iterable[bytes]) -> bytes:
    """Return a pattern that finds one of the words; `re` tries what it begins with once for all that share it."""
    by_letter: dict[bytes, list[bytes]] = {}
    for word in sorted(words):
        by_letter.setdefault(word[:1], []).append(word[1:])
    choices = [
        re.escape(letter) + (b"" if b"" in rest else b"(?:%b)" % _one_of(rest)) for letter, rest in by_letter.items()
    ]
    return b"|".join(choices)


class PythonMatcher:
    """One pattern compiled by `re`, searched in windows so that one call never holds the GIL for long."""

    __slots__ = ("_confirms", "_extent", "_far", "_find", "_first", "_near", "_pattern", "_width")

    def __init__(self, pattern: bytes) -> None:
        self._pattern = re.compile(pattern)
        self._extent = extent(pattern)
        self._find: re.Pattern[bytes] | None = None
        """Looks for a part of the pattern, a match of which begins `_near` to `_far` bytes before it."""
        self._confirms: re.Pattern[bytes] | None = None
        self._near = self._far = self._width = 0
        node = None if pattern.startswith(_IGNORE_CASE) else _node(pattern)
        firsts = first_bytes(node) if node is not None and least_width(node) else _EVERY_BYTE
        self._first = re.compile(written(Chars(firsts)))
        """A byte with which a match can begin."""
        if node is not None:
            self._look_for(node)

    def _look_for(self, node: shapes.Node) -> None:
        factor, part = rarest(node), locator(node)
        if factor is not None and factor.farthest is not None and _is_quick(factor, part):
            self._find = re.compile(_one_of(factor.words))
            self._near, self._far, self._width = factor.nearest, factor.farthest, max(map(len, factor.words))
        elif part is not None and self._extent.decides is not None:
            self._find = re.compile(part.expression)
            self._confirms = re.compile(part.confirms) if part.confirms else None
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
        find, near, far, confirms = self._find.search, self._near, self._far, self._confirms
        limit = until + far + self._width
        tried = start
        found = find(data, start + near, limit)
        while found is not None:
            place = found.start()
            # The latest place where a match with this part can begin; earlier ones have been tried.
            end = place - near + 1 if place - near < until else until
            tried = max(tried, place - far)
            if tried < end and (confirms is None or confirms.match(data, place) is not None):
                match = self._between(data, tried, end)
                if match is not None:
                    return match
                tried = end
            found = find(data, place + 1, limit) if tried < until else None
        return None

    def begins(self, data: bytes, start: int, end: int) -> bool:
        """Tell whether a match begins in `start:end`, which is short."""
        first, match, window = self._first.search, self._pattern.match, self._extent.window
        if end - start == 1:
            return match(data, start, start + window) is not None
        while start < end and (found := first(data, start, end)) is not None:
            place = found.start()
            if match(data, place, place + window) is not None:
                return True
            start = place + 1
        return False

    def _between(self, data: bytes, start: int, end: int) -> re.Match[bytes] | None:
        if end - start > _TRIED_ONE_BY_ONE:
            return self._search(data, start, end)
        # To try a few places costs less than a search, which reads on where no match can begin.
        match, window, slack = self._pattern.match, self._extent.window, self._extent.slack
        for place in range(start, end):
            found = match(data, place, place + window)
            if found is not None:
                limit = place + window
                whole = slack < 0 or limit >= len(data) or not self._extent.is_cut(found.end(), limit)
                return found if whole else self._search(data, place, place + 1)
        return None
