"""Redact free text: collect findings from every view, settle overlaps, replace."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from certtrace.redaction.detect.detectors import Detectors
from certtrace.redaction.detect.encoded import base64_text
from certtrace.redaction.detect.finding import DECLARED, DEFAULT, KNOWN, Finding
from certtrace.redaction.known.exam import ExamSecrets
from certtrace.redaction.known.identity import KnownPerson
from certtrace.redaction.operators import Operators
from certtrace.redaction.policy.kinds import TYPES
from certtrace.redaction.pseudonyms import Pseudonymizer
from certtrace.redaction.structure.keyed import NO_KEYS, KeyedValues
from certtrace.redaction.structure.markup import escaper
from certtrace.redaction.text.batch import Batch, unencodable
from certtrace.redaction.text.clean import CleanTexts
from certtrace.redaction.text.engine import NATIVE
from certtrace.redaction.text.fairness import Deadline, DeadlinePassedError, Turns
from certtrace.redaction.text.lazy import lazy
from certtrace.redaction.text.views import View, first_sign, views

_DATA_URI: Final = lazy(
    r"data:([\w.+-]{1,64}/[\w.+-]{1,64})?((?:;[\w.+-]{1,64}=[\w.+-]{1,64}){0,4});base64,([A-Za-z0-9+/=_-]*)"
)
_LOOKED_AT_ALONE: Final = (b"data:", b"\0")
"""In folded bytes: a data URI, and NUL or what nobody sees."""
_OVERHANG: Final = 4_096
_BEHIND_SEEN: Final = 1_024
"""So far may a finding reach back, whose sign stands where the time was up."""
_NAMES_OF_TYPES: Final = "|".join(sorted(kind.lower() for kind in TYPES))
_PLACEHOLDER: Final = lazy(
    rf"<(?:{_NAMES_OF_TYPES}|exam-secret|text|value):[0-9a-f]{{10}}(?: len=[0-9]+)?>"
    r"|<cut: [0-9]+ characters in all, [0-9a-f]{10}>".encode()
)


@dataclass(slots=True)
class Tally:
    """What was found and withheld while one span or value was redacted."""

    counts: dict[str, int] = field(default_factory=dict)
    withheld: int = 0
    operators: dict[str, int] = field(default_factory=dict)

    def count(self, kind: str, operator: str) -> None:
        """Count one replacement."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.operators[operator] = self.operators.get(operator, 0) + 1


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about one trace: its people and its exam secrets."""

    people: Sequence[KnownPerson] = ()
    secrets: ExamSecrets = field(default_factory=ExamSecrets)
    subjects: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """The digest of the person that a value of a kind (in lower case) belongs to."""
    clean: CleanTexts = field(default_factory=CleanTexts)
    """Short texts in which neither a detector nor what is known finds anything."""
    clean_of_names: CleanTexts = field(default_factory=CleanTexts)
    """Those in which a recognizer finds nothing either."""

    def clean_for(self, look: "Look") -> CleanTexts:
        """Return the short texts that such a look finds clean."""
        return self.clean if look.names is None else self.clean_of_names

    def find(self, view: View) -> Iterator[Finding]:
        """Yield where the people are named and the secrets are quoted."""
        yield from self.secrets.find(view)
        for person in self.people:
            yield from person.find(view)

    def suspects(self, batch: Batch, suspect: set[int]) -> None:
        """Add the texts of a batch in which someone is named or a secret is quoted."""
        for person in self.people:
            person.suspects(batch, suspect)
        if self.secrets:
            for index, text in enumerate(batch.texts):
                if index not in suspect and any(True for _ in self.secrets.find(View(text))):
                    suspect.add(index)


class NameFinder(Protocol):
    """Finds names that nobody declared."""

    def find(self, text: str) -> Sequence[Finding]:
        """Return the findings in one text."""
        ...


class Look(NamedTuple):
    """What is looked for in a text, and what happens to it."""

    operators: Mapping[str, str]
    """Type to operator."""
    detect: bool = True
    """Whether detectors look; what is known is always looked for."""
    names: NameFinder | None = None
    """Finds names that nobody declared."""


class Change(NamedTuple):
    """One part of a text and what takes its place."""

    start: int
    end: int
    replacement: str
    type: str
    layer: str
    rule: str
    operator: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A finding in the source text."""

    start: int
    end: int
    finding: Finding
    text: str


class TextRedactor:
    """Redacts free text with detectors, recognizers and what is known. Safe to share between threads."""

    __slots__ = (
        "_allow",
        "_detectors",
        "_keyed",
        "_max_bytes",
        "_max_seconds",
        "_native",
        "_operators",
        "_pseudonymizer",
    )

    def __init__(
        self,
        detectors: Detectors,
        pseudonymizer: Pseudonymizer,
        *,
        allow: Iterable[str] = (),
        max_bytes: int = 1 << 20,
        max_seconds: float = float("inf"),
        keyed: KeyedValues = NO_KEYS,
        native: bool = NATIVE,
    ) -> None:
        self._detectors = detectors
        self._pseudonymizer = pseudonymizer
        self._operators = Operators(pseudonymizer)
        self._allow = frozenset(text.casefold() for text in allow)
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._native = native
        self._keyed = keyed

    def redact(self, text: str, known: Known, look: Look, tally: Tally) -> str:
        """Return `text` redacted and cut to the size bound; the same object where nothing has to be done.

        Raises:
            Exception: Whatever a detector raises; the caller withholds the value.
        """
        changes = self.changes(text, known, look)
        if not changes:
            return text
        pieces: list[str] = []
        done, written = 0, escaper(text)
        for change in changes:
            pieces += (text[done : change.start], written(change.start, change.replacement))
            done = change.end
            if change.layer == DEFAULT:
                tally.withheld += 1
            elif change.layer != DECLARED:
                tally.count(change.type, change.operator)
        pieces.append(text[done:])
        return "".join(pieces)

    def changes(self, text: str, known: Known, look: Look) -> list[Change]:
        """Return what has to be replaced, in order and without overlap."""
        if "data:" in text and (binary := list(_data_uris(text))):
            return self._around(text, binary, known, look)
        return self._bounded(text, known, look)

    def _around(self, text: str, binary: list[Change], known: Known, look: Look) -> list[Change]:
        """Look at a text without its data URIs: they are long, and say nothing to a detector."""
        short = _Shortened(text, binary)
        found = [_widened(short.in_source(change), binary) for change in self._bounded(short.text, known, look)]
        kept = [uri for uri in binary if not any(c.start < uri.end and uri.start < c.end for c in found)]
        return sorted((*found, *kept))

    def _bounded(self, text: str, known: Known, look: Look) -> list[Change]:
        limit, why = self._limit(text), "max_value_bytes"
        # What lies across the limit must be seen whole: half an address is still an address.
        reach = len(text) if limit is None else limit + _OVERHANG + 2 * known.secrets.longest()
        places, seen = self._places(text[:reach], known, look, Deadline(self._max_seconds))
        if seen < min(reach, len(text)) and (limit is None or seen < limit):
            limit, why = seen, "max_value_seconds"
        if limit is None:
            return self._settled(places, look)
        for place in places:
            if place.start < limit < place.end:
                limit = place.start
        changes = self._settled([place for place in places if place.end <= limit], look)
        return [*changes, Change(limit, len(text), self.cut_mark(text), "", DEFAULT, why, "cut")]

    def clean(self, texts: Sequence[str], known: Known) -> set[str]:
        """Return those of the texts that redaction, without recognizers, leaves as they are: many at once are quick.

        Whatever is not returned may be clean as well.
        """

        def look(batch: Batch, suspect: set[int]) -> None:
            batch.owners_of(_LOOKED_AT_ALONE, suspect)
            unencodable(batch.texts, suspect)
            known.suspects(batch, suspect)
            self._keyed.suspects(batch, suspect)

        short = [text for text in texts if len(text) * 4 <= self._max_bytes]
        suspect = set(self._detectors.suspects(short, look))
        return {text for index, text in enumerate(short) if index not in suspect}

    def cut_mark(self, text: str) -> str:
        """Return what stands for the part of a text that the size bound took."""
        return f"<cut: {len(text)} characters in all, {self._pseudonymizer.withheld(text)}>"

    def _limit(self, text: str) -> int | None:
        """Return how many characters fit, or None when all do."""
        if len(text) * 4 <= self._max_bytes or (text.isascii() and len(text) <= self._max_bytes):
            return None
        data = text[: self._max_bytes + 1].encode("utf-8", "surrogatepass")
        if len(data) <= self._max_bytes:
            return None
        return len(data[: self._max_bytes].decode("utf-8", "ignore"))

    def _places(self, text: str, known: Known, look: Look, deadline: Deadline) -> tuple[list[_Place], int]:
        """Return what was found in all readings of a text, and up to where all of them were looked through in time."""
        places: list[_Place] = []
        end = len(text)
        last: View | None = None
        try:
            for view in views(text, native=self._native, deadline=deadline):
                last = view
                found, seen = self._found(view, known, look, deadline)
                places += self._in_view(view, found, known, deadline)
                if seen < len(view.data):
                    seen = max(0, seen - _BEHIND_SEEN)
                    end = min(end, view.to_source(seen, seen + 1)[0])
                    deadline.check()
        except DeadlinePassedError:
            # The readings that were not made any more may differ from the first sign on that can be an escape.
            sign = first_sign(last) if last is not None else 0
            end = min(end, len(text) if sign >= len(text) else max(0, sign - _BEHIND_SEEN))
        return places, end

    def _found(self, view: View, known: Known, look: Look, deadline: Deadline) -> tuple[list[Finding], int]:
        found, seen = [], len(view.data)
        if look.detect:
            examined = self._detectors.examine(view, deadline)
            found, seen = [*examined.findings, *self._keyed.find(view)], examined.end
        if look.names is not None:
            found += look.names.find(view.text)
        if known.people or known.secrets:
            found += known.find(view)
        return found, seen

    def _in_view(self, view: View, found: list[Finding], known: Known, deadline: Deadline) -> Iterator[_Place]:
        """Yield the places of what was found in one view, but for what is redacted or allowed."""
        if not found:
            return
        redacted_before = [match.span() for match in _PLACEHOLDER.finditer(view.low)] if b"<" in view.data else []
        turns = Turns()
        for finding in found:
            turns.step()
            if finding.type == "BASE64":
                yield from self._encoded(view, finding, known, deadline)
                continue
            before = bisect_right(redacted_before, (finding.start, len(view.data))) - 1
            if before >= 0 and finding.end <= redacted_before[before][1]:
                continue
            part = view.text[finding.start : finding.end]
            if part.casefold() not in self._allow:
                yield _Place(*view.to_source(finding.start, finding.end), finding, part)

    def _encoded(self, view: View, run: Finding, known: Known, deadline: Deadline) -> Iterator[_Place]:
        """Yield the whole of a base64 run as a place when what it encodes holds a finding, or takes too long."""
        at = view.to_source(run.start, run.end)
        try:
            for inner in views(base64_text(view.data[run.start : run.end]), native=self._native, deadline=deadline):
                examined = self._detectors.examine(inner, deadline)
                for finding in (*examined.findings, *known.find(inner)):
                    if finding.type != "BASE64":
                        yield _Place(*at, finding, inner.text[finding.start : finding.end])
                if examined.end < len(inner.data):
                    deadline.check()
        except DeadlinePassedError:
            yield _Place(*at, Finding(run.start, run.end, "SECRET", rule="max_value_seconds"), "")

    def _settled(self, places: list[_Place], look: Look) -> list[Change]:
        """Join overlapping places; what the policy keeps is left out before it can cover anything else."""
        wanted = [place for place in places if look.operators.get(place.finding.type) != "keep"]
        return [self._change(group, end, look) for group, end in _overlapping(wanted)] if wanted else []

    def _change(self, group: list[_Place], end: int, look: Look) -> Change:
        """Make one change of a group: the widest finding names the whole, a known person lends it the digest."""
        widest = max(group, key=_weight)
        finding = widest.finding
        subject = finding.subject or next((p.finding.subject for p in group if p.finding.subject), "")
        operator = look.operators.get(finding.type, "drop")
        if finding.replacement and operator == "hash":
            replacement = finding.replacement
        else:
            replacement = self._operators.replacement(operator, finding.type, widest.text, subject)
        return Change(group[0].start, end, replacement, finding.type, finding.layer, finding.rule, operator)


def _overlapping(places: list[_Place]) -> Iterator[tuple[list[_Place], int]]:
    """Yield groups of overlapping places, each with its end."""
    group: list[_Place] = []
    end = -1
    turns = Turns()
    for place in sorted(places, key=lambda place: (place.start, -place.end)):
        turns.step()
        if group and place.start >= end:
            yield group, end
            group = []
            end = -1
        group.append(place)
        end = max(end, place.end)
    if group:
        yield group, end


def _weight(place: _Place) -> tuple[bool, int, bool]:
    finding = place.finding
    return finding.type == "EXAM_SECRET", place.end - place.start, finding.layer == KNOWN


def _data_uris(text: str) -> Iterator[Change]:
    for match in _DATA_URI.finditer(text):
        size = len(match[3].rstrip("=")) * 3 // 4
        described = f"<data uri {match[1] or 'text/plain'}, {size} bytes>"
        yield Change(match.start(), match.end(), described, "BINARY", DECLARED, "data_uri", "describe")


def _widened(change: Change, binary: Sequence[Change]) -> Change:
    """Return a change that takes each data URI whole or not at all."""
    touched = [uri for uri in binary if change.start < uri.end and uri.start < change.end]
    if not touched:
        return change
    return change._replace(start=min(change.start, touched[0].start), end=max(change.end, touched[-1].end))


class _Shortened:
    """A text with parts of it replaced, and the way back."""

    def __init__(self, text: str, changes: Sequence[Change]) -> None:
        pieces: list[str] = []
        self._at, self._into = [0], [0]
        length = done = 0
        for change in changes:
            pieces += (text[done : change.start], change.replacement)
            length += change.start - done + len(change.replacement)
            done = change.end
            self._at.append(length)
            self._into.append(done)
        pieces.append(text[done:])
        self.text = "".join(pieces)

    def in_source(self, change: Change) -> Change:
        """Return a change of the shortened text as one of the source text."""
        return change._replace(start=self._offset(change.start), end=self._offset(change.end))

    def _offset(self, offset: int) -> int:
        anchor = bisect_right(self._at, offset) - 1
        return self._into[anchor] + offset - self._at[anchor]
