"""Find canary values in exported bytes, in whatever form they travel; a report names them and never shows them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final

from certtrace.testing.canaries import PLAIN, Canaries, Canary, canaries_of, is_telling, raw_needles, spelled_needles
from certtrace.testing.places import parts_of
from certtrace.testing.readings import KINDS, Reading, readings, unescaped
from certtrace.testing.sources import Sources, named_sources
from certtrace.testing.spelling import compact, fold, loosely

_MAX_PLACES: Final = 5
_CHUNK: Final = 64
"""Parts searched together first: most hold nothing."""
_BETWEEN_PARTS: Final = b"\x1e"
_REMEDY: Final = (
    "Mark the field that holds it (Annotated[str, Pii.PERSON] or ExamSecret), tell certtrace who the trace is about "
    "(certtrace.identify(name=...)), or add a rule for its path to the redaction policy."
)


@dataclass(frozen=True, slots=True, order=True)
class Leak:
    """A canary that was found. It shows the canary's name, never its value."""

    canary: str
    form: str
    """How it was written: `plain`, `in another case`, `URL-encoded`, `base64`, `JSON-escaped inside gzip` …"""
    where: str
    """Source and, where it has parts, the part: span and attribute, JSON path, table and column, line."""

    def __str__(self) -> str:
        return f"{self.canary}, {self.form}, in {self.where}"


def find_leaks(canaries: Canaries, *sources: Sources) -> list[Leak]:
    """Return where canary values stand in the sources.

    Args:
        canaries: Values, or values by the name that reports show instead, such as
            `{"candidate": ["Ada Zimmermann", "Zimmermann"]}`.
        sources: `bytes`, `str`, a `Path` to a file or a folder, a mapping of a name to any of these, or an iterable.

    Raises:
        ConfigurationError: A canary is too short to be told from coincidence, or a source cannot be read.
    """
    return searcher_for(canaries).leaks(sources)


def assert_no_leaks(canaries: Canaries, *sources: Sources) -> None:
    """Fail if a canary value stands in any of the sources; see `find_leaks`.

    Raises:
        AssertionError: A canary was found, or there was nothing to search.
        ConfigurationError: A canary is too short to be told from coincidence, or a source cannot be read.
    """
    __tracebackhide__ = True
    searcher = searcher_for(canaries)
    given = list(named_sources(sources))
    if not any(data for _, data in given):
        msg = "There was nothing to search: every source is empty. Flush what is exported before the check."
        raise AssertionError(msg)
    refuse(searcher.leaks(given))


def refuse(leaks: Sequence[Leak]) -> None:
    """Fail if there are leaks.

    Raises:
        AssertionError: With one line for each leak.
    """
    __tracebackhide__ = True
    if leaks:
        number = len({leak.canary for leak in leaks})
        lines = "\n".join(f"  - {leak}" for leak in leaks)
        msg = f"{number} canary value{'s' * (number > 1)} left the process:\n{lines}\n{_REMEDY}"
        raise AssertionError(msg)


def searcher_for(canaries: Canaries) -> "Searcher":
    """Return what looks for these canaries; a suite that looks for the same ones again shares the preparation."""
    return _prepared(tuple(canaries_of(canaries)))


class Searcher:
    """Looks for the same canaries in many sources."""

    def __init__(self, canaries: Sequence[Canary]) -> None:
        """Prepare every form of every canary."""
        self._canaries = canaries
        self._reach = 12 * max((len(canary.value) for canary in canaries), default=0) + 256
        self._patterns: dict[int, re.Pattern[str]] = {}
        self._raw = _Needles()
        self._spelled = _Needles()
        for number, canary in enumerate(canaries):
            for needles, forms in ((self._raw, raw_needles), (self._spelled, spelled_needles)):
                for needle, form in forms(canary.value):
                    if is_telling(needle):
                        needles.add(needle, number, form)

    def leaks(self, sources: Sources) -> list[Leak]:
        """Return every canary found, with its forms and places."""
        found: dict[Leak, None] = {}
        for label, data in named_sources(sources):
            hits = self.hits(data)
            if hits:
                found.update(dict.fromkeys(self._placed(self._shown(label), data, hits)))
        return sorted(found)

    def hits(self, data: bytes) -> set[tuple[str, str]]:
        """Return name and form of each canary found in one source."""
        found: set[tuple[str, str]] = set()
        for reading in readings(data, self._reach):
            for number, form in self._raw.found_in(reading.data):
                found.add((self._canaries[number].name, _joined(form, reading.steps)))
            for number, form in self._spelled.found_in(reading.compact):
                if form != PLAIN:
                    found.add((self._canaries[number].name, _joined(form, reading.steps)))
                elif self._stands_in(number, reading.folded):
                    found.add((self._canaries[number].name, self._described(self._canaries[number].value, reading)))
        return found

    def _stands_in(self, number: int, folded: str) -> bool:
        """Whether the characters stand close together, not only with anything between them."""
        pattern = self._patterns.get(number)
        if pattern is None:
            pattern = self._patterns[number] = loosely(self._canaries[number].value)
        return pattern.search(folded) is not None

    def _described(self, value: str, reading: Reading) -> str:
        if value in reading.text:
            form = PLAIN
        elif value.casefold() in reading.text.casefold():
            form = "in another case"
        else:
            form = "spelled otherwise"
        if reading.steps[-1:] == ("escaped",) and reading.parent is not None:
            kind = self._escape_kind(reading.parent.text, compact(fold(value)))
            return _joined(form, (*reading.steps[:-1], kind))
        return _joined(form, reading.steps)

    def _escape_kind(self, text: str, needle: bytes) -> str:
        for name, kinds in KINDS.items():
            plain = unescaped(text, self._reach, kinds)
            if plain is not None and needle in compact(fold(plain)):
                return name
        return "escaped"

    def _placed(self, label: str, data: bytes, hits: Iterable[tuple[str, str]]) -> Iterator[Leak]:
        """Yield the leaks with the parts of the source in which they stand, or with the source as a whole."""
        places = dict.fromkeys((name for name, _ in hits), 0)
        parts = parts_of(data, self._shown)
        while any(number < _MAX_PLACES for number in places.values()) and (chunk := list(islice(parts, _CHUNK))):
            if not self.hits(_BETWEEN_PARTS.join(content for _, content in chunk)):
                continue
            for part, content in chunk:
                for name, form in self.hits(content):
                    if places.get(name, _MAX_PLACES) < _MAX_PLACES:
                        places[name] += 1
                        yield Leak(name, form, f"{label}, {part}")
        yield from (Leak(name, form, label) for name, form in hits if not places[name])

    def _shown(self, text: str) -> str:
        """Return a name for a report, unless it holds a canary itself."""
        return "<a name that holds a canary>" if self.hits(text.encode("utf-8", "surrogatepass")) else text


def _joined(form: str, steps: Sequence[str]) -> str:
    parts = [form, *reversed(steps)]
    return " inside ".join(parts[1:] if form == PLAIN and steps else parts)


_prepared = lru_cache(maxsize=16)(Searcher)


class _Needles:
    """Many byte strings looked for in one pass: samples of the data are compared with samples of the needles.

    A needle of `width + stride - 1` bytes or more holds one of the samples taken every `stride` bytes, wherever it
    stands; so it is entered under all its first `stride` samples.
    """

    _SHAPES: Final = ((14, 7, 8), (8, 6, 3), (0, 5, 1))
    """Least length of a needle, width of a sample, stride."""
    _FEW: Final = 120
    """So many needles are looked for one by one faster than by samples at stride 1."""

    def __init__(self) -> None:
        self._needles: dict[bytes, set[tuple[int, str]]] = {}
        self._samples: list[dict[bytes, set[bytes]]] = [{} for _ in self._SHAPES]
        self._by_shape: list[set[bytes]] = [set() for _ in self._SHAPES]

    def add(self, needle: bytes, number: int, form: str) -> None:
        """Take a needle of at least five bytes."""
        self._needles.setdefault(needle, set()).add((number, form))
        for (least, width, stride), samples, own in zip(self._SHAPES, self._samples, self._by_shape, strict=True):
            if len(needle) >= least:
                own.add(needle)
                for start in range(stride):
                    samples.setdefault(needle[start : start + width], set()).add(needle)
                return

    def found_in(self, data: bytes) -> set[tuple[int, str]]:
        """Return number and form of each needle that stands in the data."""
        found: set[tuple[int, str]] = set()
        for needle in self._candidates(data):
            if needle in data:
                found |= self._needles[needle]
        return found

    def _candidates(self, data: bytes) -> Iterator[bytes]:
        for (_, width, stride), samples, own in zip(self._SHAPES, self._samples, self._by_shape, strict=True):
            if len(own) * stride <= self._FEW:
                yield from own
                continue
            met = {data[start : start + width] for start in range(0, len(data), stride)} & samples.keys()
            for sample in met:
                yield from samples[sample]
