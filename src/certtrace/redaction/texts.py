"""Redact free text: collect findings from every view, settle overlaps, replace."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from certtrace.redaction.detect.detectors import Detectors
from certtrace.redaction.detect.encoded import base64_text
from certtrace.redaction.detect.finding import Finding
from certtrace.redaction.known.exam import ExamSecrets
from certtrace.redaction.known.identity import KnownPerson
from certtrace.redaction.pseudonyms import Pseudonymizer
from certtrace.redaction.text.clean import CleanTexts
from certtrace.redaction.text.engine import NATIVE
from certtrace.redaction.text.fairness import Turns
from certtrace.redaction.text.views import View, views

PSEUDONYMISED: Final = frozenset({"PERSON", "EMAIL", "USERNAME", "ID", "PHONE", "IP"})
"""Types that stay distinguishable: their placeholder carries a keyed digest."""

_DATA_URI: Final = re.compile(
    r"data:([\w.+-]{1,64}/[\w.+-]{1,64})?((?:;[\w.+-]{1,64}=[\w.+-]{1,64}){0,4});base64,([A-Za-z0-9+/=_-]*)"
)
_OVERHANG: Final = 4_096
_PLACEHOLDER: Final = re.compile(
    rb"<(?:person|email|username|id|phone|ip):[0-9a-f]{10}>|<exam-secret:[0-9a-f]{10} len=[0-9]+>"
)


@dataclass(slots=True)
class Tally:
    """What was found and withheld while one span or value was redacted."""

    counts: dict[str, int] = field(default_factory=dict)
    withheld: int = 0

    def count(self, kind: str) -> None:
        """Count one replacement."""
        self.counts[kind] = self.counts.get(kind, 0) + 1


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about one trace: its people and its exam secrets."""

    people: Sequence[KnownPerson] = ()
    secrets: ExamSecrets = field(default_factory=ExamSecrets)
    subjects: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """The digest of the person that a value of a kind (in lower case) belongs to."""
    clean: CleanTexts = field(default_factory=CleanTexts)
    """Short texts in which neither a detector nor what is known finds anything."""

    def find(self, view: View) -> Iterator[Finding]:
        """Yield where the people are named and the secrets are quoted."""
        yield from self.secrets.find(view)
        for person in self.people:
            yield from person.find(view)


@dataclass(frozen=True, slots=True)
class _Place:
    """A finding in the source text."""

    start: int
    end: int
    finding: Finding
    text: str


class TextRedactor:
    """Redacts free text with detectors and what is known. Safe to share between threads."""

    __slots__ = ("_allow", "_detectors", "_max_bytes", "_native", "_pseudonymizer")

    def __init__(
        self,
        detectors: Detectors,
        pseudonymizer: Pseudonymizer,
        *,
        allow: Iterable[str] = (),
        max_bytes: int = 1 << 20,
        native: bool = NATIVE,
    ) -> None:
        self._detectors = detectors
        self._pseudonymizer = pseudonymizer
        self._allow = frozenset(text.casefold() for text in allow)
        self._max_bytes = max_bytes
        self._native = native

    def redact(self, text: str, known: Known, tally: Tally, *, detect: bool = True) -> str:
        """Return `text` redacted and cut to the size bound; without `detect` only what is known is looked for.

        Raises:
            Exception: Whatever a detector raises; the caller withholds the value.
        """
        if "data:" in text:
            text = _DATA_URI.sub(_describe_data_uri, text)
        limit = self._limit(text)
        if limit is None:
            places = self._places(text, known, detect=detect)
            return self._replace(text, places, tally) if places else text
        # What lies across the limit must be seen whole: half an address is still an address.
        reach = limit + _OVERHANG + 2 * known.secrets.longest()
        places = self._places(text[:reach], known, detect=detect)
        for place in places:
            if place.start < limit < place.end:
                limit = place.start
        kept = self._replace(text[:limit], [place for place in places if place.end <= limit], tally)
        tally.withheld += 1
        return f"{kept}{self.cut_mark(text)}"

    def cut_mark(self, text: str) -> str:
        """Return what stands for the part of a text that the size bound took."""
        return f"<cut: {len(text)} characters in all, {self._pseudonymizer.withheld(text)}>"

    def _limit(self, text: str) -> int | None:
        """Return how many characters fit, or None when all do."""
        if len(text) * 4 <= self._max_bytes or (text.isascii() and len(text) <= self._max_bytes):
            return None
        data = text.encode("utf-8", "surrogatepass")
        if len(data) <= self._max_bytes:
            return None
        return len(data[: self._max_bytes].decode("utf-8", "ignore"))

    def _places(self, text: str, known: Known, *, detect: bool) -> list[_Place]:
        places: list[_Place] = []
        turns = Turns()
        for view in views(text, native=self._native):
            found = list(self._detectors.find(view)) if detect else []
            if known.people or known.secrets:
                found += known.find(view)
            if not found:
                continue
            redacted_before = [match.span() for match in _PLACEHOLDER.finditer(view.low)] if b"<" in view.data else []
            for finding in found:
                turns.step()
                if finding.type == "BASE64":
                    places += self._encoded(view, finding, known)
                    continue
                if any(first <= finding.start and finding.end <= last for first, last in redacted_before):
                    continue
                part = view.text[finding.start : finding.end]
                if part.casefold() not in self._allow:
                    places.append(_Place(*view.to_source(finding.start, finding.end), finding, part))
        return places

    def _encoded(self, view: View, run: Finding, known: Known) -> Iterator[_Place]:
        """Yield the whole of a base64 run as a place when what it encodes holds a finding."""
        for inner in views(base64_text(view.data[run.start : run.end]), native=self._native):
            found = [*self._detectors.find(inner), *known.find(inner)]
            for finding in found:
                if finding.type != "BASE64":
                    part = inner.text[finding.start : finding.end]
                    yield _Place(*view.to_source(run.start, run.end), finding, part)

    def _replace(self, text: str, places: list[_Place], tally: Tally) -> str:
        if not places:
            return text
        pieces: list[str] = []
        done, turns = 0, Turns()
        for start, end, place, subject in _settled(places):
            turns.step()
            kind = place.finding.type
            pieces += (text[done:start], place.finding.replacement or self.placeholder(kind, place.text, subject))
            tally.count(kind)
            done = end
        pieces.append(text[done:])
        return "".join(pieces)

    def placeholder(self, kind: str, text: str, subject: str = "") -> str:
        """Return what stands for `text` of a type: a pseudonym or the name of the type."""
        name = kind.lower()
        if kind not in PSEUDONYMISED:
            return f"<{name}>"
        return f"<{name}:{subject or self._pseudonymizer.digest(text, name)}>"


def _settled(places: list[_Place]) -> Iterator[tuple[int, int, _Place, str]]:
    """Join overlapping places; the widest finding names the whole, a known person lends it the digest."""
    group: list[_Place] = []
    end = -1
    for place in sorted(places, key=lambda place: (place.start, -place.end)):
        if group and place.start >= end:
            yield _joined(group, end)
            group = []
            end = -1
        group.append(place)
        end = max(end, place.end)
    if group:
        yield _joined(group, end)


def _joined(group: list[_Place], end: int) -> tuple[int, int, _Place, str]:
    widest = max(group, key=_weight)
    subject = widest.finding.subject or next((place.finding.subject for place in group if place.finding.subject), "")
    return group[0].start, end, widest, subject


def _weight(place: _Place) -> tuple[bool, int, bool]:
    finding = place.finding
    return finding.type == "EXAM_SECRET", place.end - place.start, bool(finding.subject)


def _describe_data_uri(match: re.Match[str]) -> str:
    size = len(match[3].rstrip("=")) * 3 // 4
    return f"<data uri {match[1] or 'text/plain'}, {size} bytes>"
