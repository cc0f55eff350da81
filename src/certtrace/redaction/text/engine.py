"""Two regular-expression engines with one answer: google-re2, which is linear and releases the GIL, and Python's `re`.

Patterns are written in what both share: no lookaround, no backreference, explicit character classes. They run over
folded bytes (`folding.fold_bytes`), where an offset is a character.
"""

from collections.abc import Sequence
from typing import Final

from certtrace.redaction.text.extent import GROWTH, extent
from certtrace.redaction.text.matching import Folded, Groups, Matcher, PatternSet
from certtrace.redaction.text.python_engine import PythonMatcher, PythonSet

try:
    import re2
except ImportError:  # pragma: no cover - the wheel does not exist for every platform
    re2 = None

__all__ = ["NATIVE", "Folded", "Groups", "Matcher", "PatternSet", "matcher", "pattern_set"]

NATIVE: Final = re2 is not None
_RE2_MEMORY: Final = 64 << 20
_CANARY: Final = b"\x00\x01\x02canary\x02\x01\x00"


class Re2Matcher:
    """One pattern compiled by RE2."""

    __slots__ = ("_extent", "_groups", "_search", "_window")

    def __init__(self, pattern: bytes) -> None:
        compiled = re2.compile(pattern, _options())
        self._search = compiled.search
        self._groups = range(compiled.groups + 1)
        self._extent = extent(pattern)
        self._window = self._extent.window

    def next(self, data: bytes, start: int, stop: int | None = None) -> Groups | None:
        """See `Matcher`."""
        if stop is None:
            match = self._search(data, start)
            return tuple(map(match.span, self._groups)) if match is not None else None
        limit = stop + self._window
        while (match := self._search(data, start, limit)) is not None:
            begin, end = match.span()
            if begin >= stop:
                return None
            if limit >= len(data) or not self._extent.is_cut(end, limit):
                return tuple(map(match.span, self._groups)) if len(self._groups) > 1 else ((begin, end),)
            start, limit = begin, begin + (limit - begin) * GROWTH
        return None


class Re2Set:
    """All patterns in one automaton: one pass over the text says which of them match at all."""

    __slots__ = ("_canary", "_open", "_set", "reach")

    def __init__(self, patterns: Sequence[bytes]) -> None:
        extents = [extent(pattern).decides for pattern in patterns]
        self.reach = max((decides for decides in extents if decides is not None), default=0)
        # Where a match may be decided arbitrarily far behind its beginning, a piece of the text does not tell.
        self._open = tuple(index for index, decides in enumerate(extents) if decides is None)
        self._canary = len(patterns)
        self._set = re2.Set.SearchSet(_options())
        for pattern in (*patterns, _CANARY):
            self._set.Add(pattern)
        self._set.Compile()
        # An automaton that lacks memory finds nothing and says nothing.
        if self._canary not in (self._set.Match(_CANARY) or ()):
            msg = f"RE2 cannot compile {len(patterns)} patterns within {_RE2_MEMORY} bytes."
            raise MemoryError(msg)

    def hits(self, text: Folded, start: int, end: int) -> Sequence[int]:
        """See `PatternSet`."""
        data = text.data
        part = bool(start) or end < len(data)
        found = self._set.Match(data[start:end] if part else data)
        if not found:
            return self._open if part else ()
        canary = self._canary
        return sorted({index for index in found if index != canary}.union(self._open if part else ()))


def matcher(pattern: bytes, *, native: bool = NATIVE) -> Matcher:
    """Compile one pattern with RE2, or with `re`."""
    return Re2Matcher(pattern) if native and re2 is not None else PythonMatcher(pattern)


def pattern_set(
    patterns: Sequence[bytes], literals: Sequence[tuple[bytes, ...]], *, native: bool = NATIVE
) -> PatternSet:
    """Compile a set of patterns; without RE2 what every match must hold stands in, or the literals given."""
    return Re2Set(patterns) if native and re2 is not None else PythonSet(patterns, literals)


def _options() -> "re2.Options":
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _RE2_MEMORY
    options.log_errors = False
    return options
