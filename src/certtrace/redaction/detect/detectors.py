"""Run the detectors that a policy switches on: findings, exact to the character."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from certtrace.redaction.detect.finding import Finding
from certtrace.redaction.detect.pattern import Pattern
from certtrace.redaction.detect.table import PATTERNS
from certtrace.redaction.text.engine import NATIVE, Folded, Matcher, matcher, pattern_set
from certtrace.redaction.text.fairness import Turns

_IGNORE_CASE: Final = b"(?i)"


class Detectors:
    """The detectors that a policy switches on, compiled. Safe to share between threads."""

    __slots__ = ("_enabled", "_patterns", "_set")

    def __init__(self, enabled: Collection[str], *, native: bool = NATIVE) -> None:
        """Compile.

        Args:
            enabled: Names of types, such as `EMAIL`.
            native: False selects Python's `re` instead of RE2; the findings are the same.
        """
        self._enabled = frozenset(enabled)
        wanted = [pattern for pattern in PATTERNS if self._wants(pattern.detector)]
        self._set = pattern_set([p.expression for p in wanted], [p.literals for p in wanted], native=native)
        self._patterns = [(*_compiled(p, native=native), p) for p in wanted]

    def _wants(self, detector: str) -> bool:
        if detector == "NUMBER":
            return not self._enabled.isdisjoint({"CREDIT_CARD", "SSN", "PHONE"})
        return detector in self._enabled or detector == "BASE64"

    def find(self, text: Folded) -> Iterable[Finding]:
        """Return the findings in a folded text; they may overlap."""
        hits = self._set.hits(text)
        return self._examined(hits, text) if hits else ()

    def _examined(self, hits: Sequence[int], folded: Folded) -> Iterator[Finding]:
        turns = Turns()
        data = folded.data
        for index in hits:
            matcher, folds_case, pattern = self._patterns[index]
            text = folded.low if folds_case else data
            place = 0
            while (groups := matcher.next(text, place)) is not None:
                turns.step()
                spans, place = pattern.check(data, groups)
                for start, end, kind in spans:
                    kind_found = kind or pattern.detector
                    if kind_found in self._enabled or kind_found in {"SECRET", "BASE64"}:
                        yield Finding(start, end, kind_found, rule=pattern.rule)
                place = max(place, groups[0][0] + 1)


def _compiled(pattern: Pattern, *, native: bool) -> tuple[Matcher, bool]:
    """Compile a pattern; `re` is faster on lower-case text than when it ignores case."""
    expression = pattern.expression
    if native or not expression.startswith(_IGNORE_CASE):
        return matcher(expression, native=native), False
    return matcher(expression.removeprefix(_IGNORE_CASE).lower(), native=False), True
