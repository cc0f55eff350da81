"""Two regular-expression engines with one answer: google-re2, which is linear and releases the GIL, and Python's `re`.

Patterns are written in what both share: no lookaround, no backreference, explicit character classes. They run over
folded bytes (`folding.fold_bytes`), where an offset is a character.
"""

import re
from collections.abc import Sequence
from typing import Final, Protocol, TypeAlias

from certtrace.redaction.text.fairness import yield_turn

try:
    import re2
except ImportError:  # pragma: no cover - the wheel does not exist for every platform
    re2 = None

Groups: TypeAlias = tuple[tuple[int, int], ...]
"""Spans of the whole match and of its groups; `(-1, -1)` for a group that took no part."""

NATIVE: Final = re2 is not None
_WINDOW: Final = 32_768
_REACH: Final = 4_096
_RE2_MEMORY: Final = 64 << 20


class Folded(Protocol):
    """A text as one byte per character."""

    @property
    def data(self) -> bytes:
        """The bytes."""
        ...

    @property
    def low(self) -> bytes:
        """The same in lower case."""
        ...


class Matcher(Protocol):
    """Finds one pattern."""

    def next(self, data: bytes, start: int) -> Groups | None:
        """Return the leftmost match that begins at `start` or later."""
        ...


class PythonMatcher:
    """One pattern compiled by `re`, searched in windows so that one call never holds the GIL for long."""

    __slots__ = ("_pattern",)

    def __init__(self, pattern: bytes) -> None:
        self._pattern = re.compile(pattern)

    def next(self, data: bytes, start: int) -> Groups | None:
        """See `Matcher`."""
        size = len(data)
        while start <= size:
            reach = _WINDOW + _REACH
            match = self._pattern.search(data, start, start + reach)
            while match is not None and match.end() == start + reach < size:
                reach *= 4  # the match may go on behind the window
                match = self._pattern.search(data, start, start + reach)
            if match is not None and (match.start() < start + _WINDOW or start + reach >= size):
                return tuple(match.span(group) for group in range(self._pattern.groups + 1))
            start += _WINDOW
            yield_turn()
        return None


class Re2Matcher:
    """One pattern compiled by RE2."""

    __slots__ = ("_groups", "_pattern")

    def __init__(self, pattern: bytes) -> None:
        self._pattern = re2.compile(pattern, _options())
        self._groups = self._pattern.groups

    def next(self, data: bytes, start: int) -> Groups | None:
        """See `Matcher`."""
        match = self._pattern.search(data, start)
        return tuple(match.span(group) for group in range(self._groups + 1)) if match is not None else None


class PatternSet(Protocol):
    """Many patterns; tells which occur."""

    def hits(self, text: Folded) -> Sequence[int]:
        """Return the indices of the patterns that may occur in a text."""
        ...


class Re2Set:
    """All patterns in one automaton: one pass over the text says which of them match at all."""

    __slots__ = ("_set",)

    def __init__(self, patterns: Sequence[bytes]) -> None:
        self._set = re2.Set.SearchSet(_options())
        for pattern in patterns:
            self._set.Add(pattern)
        self._set.Compile()

    def hits(self, text: Folded) -> Sequence[int]:
        """See `PatternSet`."""
        return sorted(self._set.Match(text.data) or ())


class LiteralSet:
    """The stand-in without RE2: a pattern may occur where one of its literals does."""

    __slots__ = ("_literals",)

    def __init__(self, literals: Sequence[tuple[bytes, ...]]) -> None:
        self._literals = tuple(literals)

    def hits(self, text: Folded) -> Sequence[int]:
        """See `PatternSet`."""
        low = text.low
        return [index for index, words in enumerate(self._literals) if not words or any(word in low for word in words)]


def matcher(pattern: bytes, *, native: bool = NATIVE) -> Matcher:
    """Compile one pattern with RE2, or with `re`."""
    return Re2Matcher(pattern) if native and re2 is not None else PythonMatcher(pattern)


def pattern_set(
    patterns: Sequence[bytes], literals: Sequence[tuple[bytes, ...]], *, native: bool = NATIVE
) -> PatternSet:
    """Compile a set of patterns; without RE2 their literals stand in."""
    return Re2Set(patterns) if native and re2 is not None else LiteralSet(literals)


def _options() -> "re2.Options":
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _RE2_MEMORY
    options.log_errors = False
    return options
