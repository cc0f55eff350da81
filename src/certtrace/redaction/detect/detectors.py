"""Run the detectors that a policy switches on: findings, exact to the character."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from certtrace.redaction.detect.encoded import base64_text
from certtrace.redaction.detect.finding import Finding
from certtrace.redaction.detect.pattern import Pattern, Spans
from certtrace.redaction.detect.table import PATTERNS
from certtrace.redaction.text.batch import Batch
from certtrace.redaction.text.engine import NATIVE, Folded, Groups, Matcher, matcher, pattern_set
from certtrace.redaction.text.fairness import NEVER, Deadline, DeadlinePassedError, Turns
from certtrace.redaction.text.python_engine import lowered
from certtrace.redaction.text.rereading import reread
from certtrace.redaction.text.views import MAX_ROUNDS

SEGMENT_BYTES: Final = 4_096
"""So much is asked at once which patterns occur: in more, some of them always do, and each costs a search."""
_BATCH_CHARACTERS: Final = 32_768
_SHORT_CHARACTERS: Final = 128
_SMALL_BYTES: Final = 2_048
_ALWAYS_LOOKED_INTO: Final = frozenset({"SECRET", "BASE64"})
_ENCODED: Final = "BASE64"
_ANNOUNCED: Final = frozenset({"SECRET", "USERNAME", "ID"})

Quick: TypeAlias = Callable[[Batch, set[int]], object]
"""Adds, to the set, the texts of a batch in which something else may be found."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in a text, and how far it was looked through."""

    findings: list[Finding]
    end: int
    """Behind this nothing is known; the length of the text when the time sufficed."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    matcher: Matcher
    folds_case: bool
    pattern: Pattern


class Detectors:
    """The detectors that a policy switches on, compiled. Safe to share between threads."""

    __slots__ = ("_compiled", "_enabled", "_segment_bytes", "_set")

    def __init__(self, enabled: Collection[str], *, native: bool = NATIVE, segment_bytes: int = SEGMENT_BYTES) -> None:
        """Compile.

        Args:
            enabled: Names of types, such as `EMAIL`.
            native: False selects Python's `re` instead of RE2; the findings are the same.
            segment_bytes: How much of a text is looked through in one go; the findings are the same.
        """
        self._enabled = frozenset(enabled)
        self._segment_bytes = segment_bytes
        wanted = [pattern for pattern in PATTERNS if self._wants(pattern.detector)]
        self._set = pattern_set(
            [pattern.expression for pattern in wanted],
            [pattern.literals for pattern in wanted],
            kinds=list(map(_kind, wanted)),
            native=native,
        )
        self._compiled = [_compile(pattern, native=native) for pattern in wanted]

    def _wants(self, detector: str) -> bool:
        if detector == "NUMBER":
            return not self._enabled.isdisjoint({"CREDIT_CARD", "SSN", "PHONE"})
        return detector in self._enabled or detector == _ENCODED

    def find(self, text: Folded) -> Iterable[Finding]:
        """Return the findings in a folded text; they may overlap."""
        return self.examine(text).findings

    def examine(self, text: Folded, deadline: Deadline = NEVER) -> Examined:
        """Return the findings in a folded text, as far as the time allows.

        A segment in which the time runs out is not examined at all: what is found before `end` does not depend on it.
        """
        found: list[tuple[int, int, int, Finding]] = []
        places = [0] * len(self._compiled)
        turns = Turns(deadline)
        size, done = len(text.data), 0
        try:
            for start in range(0, size, self._segment_bytes):
                end = min(start + self._segment_bytes, size)
                segment = list(self._in_segment(text, start, end, places, turns))
                turns.turn()
                found += segment
                done = end
        except DeadlinePassedError:
            pass
        if len(found) > 1:
            found.sort(key=_order)  # by place, then by row of the table: however the text is cut
        return Examined([finding for _, _, _, finding in found], done)

    def _in_segment(
        self, text: Folded, start: int, end: int, places: list[int], turns: Turns
    ) -> Iterator[tuple[int, int, int, Finding]]:
        """Yield what matches that begin in `start:end` hold; `places` says where each search goes on."""
        for index in self._set.hits(text, start, min(end + self._set.reach, len(text.data))):
            compiled = self._compiled[index]
            data = text.low if compiled.folds_case else text.data
            place = max(places[index], start)
            while place < end and (groups := compiled.matcher.next(data, place, end)) is not None:
                turns.step()
                spans, behind = compiled.pattern.check(text.data, groups)
                for first, last, kind in spans:
                    if self._counts(kind or compiled.pattern.detector):
                        finding = Finding(first, last, kind or compiled.pattern.detector, rule=compiled.pattern.rule)
                        yield first, -last, index, finding
                place = max(behind, groups[0][0] + 1)
            places[index] = place

    def _counts(self, kind: str) -> bool:
        return kind in self._enabled or kind in _ALWAYS_LOOKED_INTO

    def suspects(self, texts: Sequence[str], also: Quick | None = None) -> list[int]:
        """Return the indices of the texts in which a detector may find something, in any reading of them.

        A text that is not listed is clean: `find` returns nothing for it, nor for what it decodes to. Many short texts
        at once cost a fraction of one after the other.

        Args:
            texts: The texts; however many, however long.
            also: Looks, beside the detectors, into the same readings.
        """
        found: set[int] = set()
        for first, last in _batches(texts):
            owners: Sequence[int] = range(first, last)
            self._look(texts[first:last], owners, found, also, encoded=True)
        return sorted(found)

    def _look(
        self, texts: Sequence[str], owners: Sequence[int], found: set[int], also: Quick | None, *, encoded: bool
    ) -> None:
        """Add to `found` the owners of the texts that are suspect, as they are or as they decode."""
        for round_ in range(MAX_ROUNDS):
            batch = Batch(texts)
            suspect: set[int] = set()
            inside: list[tuple[int, str]] = []
            self._in_batch(batch, suspect, inside)
            if also is not None:
                also(batch, suspect)
            found.update(map(owners.__getitem__, suspect))
            if encoded and inside:
                self._look([text for _, text in inside], [owners[i] for i, _ in inside], found, also, encoded=False)
            if round_ == MAX_ROUNDS - 1 or not batch.may_be_escaped():
                return
            plain = [(owners[index], text) for index, text in reread(batch) if owners[index] not in found]
            texts, owners = [text for _, text in plain], [owner for owner, _ in plain]
            if not texts:
                return

    def _in_batch(self, batch: Batch, suspect: set[int], inside: list[tuple[int, str]]) -> None:
        turns = Turns()
        size, reach = len(batch.data), self._set.reach
        places: dict[int, int] = {}
        # A pattern that occurs in an id is searched for among the short texts in front, not in the long ones as well.
        short = batch.starts[batch.leading(_SHORT_CHARACTERS)] if size > _SMALL_BYTES else 0
        edges = [*range(0, short, self._segment_bytes), *range(short, size, self._segment_bytes), size]
        for start, end in pairwise(edges):
            for index in self._set.hits(batch, start, min(end + reach, size)):
                place = max(places.get(index, 0), start)
                places[index] = self._search_batch(batch, self._compiled[index], place, end, suspect, inside)
                turns.step()

    def _search_batch(
        self, batch: Batch, compiled: _Compiled, place: int, end: int, suspect: set[int], inside: list[tuple[int, str]]
    ) -> int:
        """Examine the matches of a pattern that begin in `place:end`; return where to search on."""
        data = batch.low if compiled.folds_case else batch.data
        search, check, default = compiled.matcher.next, compiled.pattern.check, compiled.pattern.detector
        while place < end:
            groups = search(data, place, end)
            if groups is None:
                return end
            begin, stop = groups[0]
            owner = batch.owner(begin)
            first, last = batch.span(owner)
            place = batch.starts[owner + 1]
            if owner in suspect or begin >= last:
                continue
            piece = batch.data[first:last]
            if stop > last:  # into the next text: what is there in this one alone?
                alone = search(piece.lower() if compiled.folds_case else piece, begin - first)
                if alone is None:
                    continue
            else:
                alone = _moved(groups, first)
            spans, after = check(piece, alone)
            if self._is_suspect(spans, default, owner, piece, inside):
                suspect.add(owner)
            else:
                after = first + max(after, alone[0][0] + 1)
                place = after if after < last else place
        return place

    def _is_suspect(self, spans: Spans, default: str, owner: int, piece: bytes, inside: list[tuple[int, str]]) -> bool:
        """Tell whether a match holds a finding; remember what it encodes."""
        for begin, stop, kind in spans:
            if kind == _ENCODED:
                inside.append((owner, base64_text(piece[begin:stop])))
            elif self._counts(kind or default):
                return True
        return False


def _moved(groups: Groups, by: int) -> Groups:
    if len(groups) == 1:
        return ((groups[0][0] - by, groups[0][1] - by),)
    return tuple((start - by, end - by) if start >= 0 else (start, end) for start, end in groups)


def _order(found: tuple[int, int, int, Finding]) -> tuple[int, int, int]:
    return found[:3]


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield ranges of texts that together have a size at which folding, too, is quick."""
    first = size = 0
    for index, text in enumerate(texts):
        if size and size + len(text) > _BATCH_CHARACTERS:
            yield first, index
            first, size = index, 0
        size += len(text) + 1
    if first < len(texts):
        yield first, len(texts)


def _kind(pattern: Pattern) -> str:
    """Return what a pattern is mostly made of: words that announce a value, words of places, or the value itself."""
    if pattern.detector in _ANNOUNCED and pattern.literals:
        return "announced"
    return "place" if pattern.detector == "ADDRESS" else "form"


def _compile(pattern: Pattern, *, native: bool) -> _Compiled:
    """Compile a pattern; `re` is faster on lower-case text than when it ignores case."""
    plain = None if native else lowered(pattern.expression)
    if plain is None:
        return _Compiled(matcher(pattern.expression, native=native), folds_case=False, pattern=pattern)
    return _Compiled(matcher(plain, native=False), folds_case=True, pattern=pattern)
