"""Two regular-expression engines with one answer: google-re2, which is linear and releases the GIL, and Python's `re`.

Patterns are written in what both share: no lookaround, no backreference, explicit character classes. They run over
folded bytes (`folding.fold_bytes`), where an offset is a character.
"""

from collections.abc import Sequence
from typing import Final

from certtrace.redaction.text.extent import GROWTH, extent
from certtrace.redaction.text.matching import Folded, Groups, Matcher, PatternSet
from certtrace.redaction.text.python_engine import PythonMatcher
from certtrace.redaction.text.python_set import PythonSet

try:
    import re2
except ImportError:  # pragma: no cover - the wheel does not exist for every platform
    re2 = None

__all__ = ["NATIVE", "Folded", "Groups", "Matcher", "PatternSet", "matcher", "pattern_set"]

NATIVE: Final = re2 is not None
_RE2_MEMORY: Final = 32 << 20
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
    """All patterns in a few automata: one pass of each over the text says which of them match at all.

    An automaton has a state for each combination of places that its patterns can be at, and makes it when a text first
    leads there: on new text one automaton for all patterns costs many times what several for patterns of a kind cost.
    On text that is known by heart it would be twice as quick.
    """

    __slots__ = ("_open", "_sets", "reach")

    def __init__(self, patterns: Sequence[bytes], kinds: Sequence[object] = ()) -> None:
        """Compile.

        Args:
            patterns: The patterns.
            kinds: For each of them what those have in common that share an automaton; without it all share one.

        Raises:
            MemoryError: RE2 cannot compile them.
        """
        extents = [extent(pattern).decides for pattern in patterns]
        self.reach = max((decides for decides in extents if decides is not None), default=0)
        # Where a match may be decided arbitrarily far behind its beginning, a piece of the text does not tell.
        self._open = tuple(index for index, decides in enumerate(extents) if decides is None)
        shared: dict[object, list[int]] = {}
        for index, kind in enumerate(kinds or [None] * len(patterns)):
            shared.setdefault(kind, []).append(index)
        self._sets = [(_together([patterns[index] for index in indices]), indices) for indices in shared.values()]

    def hits(self, text: Folded, start: int, end: int) -> Sequence[int]:
        """See `PatternSet`."""
        data = text.data
        part = bool(start) or end < len(data)
        if part:
            data = data[start:end]
        found = set(self._open) if part else set[int]()
        for automaton, indices in self._sets:
            for index in automaton.Match(data) or ():
                if index < len(indices):  # the last is the canary
                    found.add(indices[index])
        return sorted(found) if found else ()


def _together(patterns: Sequence[bytes]) -> "re2.Set":
    automaton = re2.Set.SearchSet(_options())
    for pattern in (*patterns, _CANARY):
        automaton.Add(pattern)
    automaton.Compile()
    # An automaton that lacks memory finds nothing and says nothing.
    if len(patterns) not in (automaton.Match(_CANARY) or ()):
        msg = f"RE2 cannot compile {len(patterns)} patterns within {_RE2_MEMORY} bytes."
        raise MemoryError(msg)
    return automaton


def matcher(pattern: bytes, *, native: bool = NATIVE) -> Matcher:
    """Compile one pattern with RE2, or with `re`."""
    return Re2Matcher(pattern) if native and re2 is not None else PythonMatcher(pattern)


def pattern_set(
    patterns: Sequence[bytes],
    literals: Sequence[tuple[bytes, ...]],
    *,
    kinds: Sequence[object] = (),
    native: bool = NATIVE,
) -> PatternSet:
    """Compile a set of patterns; without RE2 what every match must hold stands in, or the literals given."""
    return Re2Set(patterns, kinds) if native and re2 is not None else PythonSet(patterns, literals)


def _options() -> "re2.Options":
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _RE2_MEMORY
    options.log_errors = False
    return options
