"""Short cuts through a unit: texts that are looked at together, and what is known by what `identify` was told."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Final

from certtrace.ports import SpanRecord, Structured
from certtrace.redaction.ahead import Ahead
from certtrace.redaction.structure.plain import PlainData
from certtrace.redaction.texts import Known, TextRedactor

CLEAN_LENGTH: Final = 64
"""Texts up to this length are remembered when they are clean: keys, names, ids, models."""


_CACHED_TRACES: Final = 256

Told = tuple[tuple[tuple[str, str], ...], ...]
"""What `identify` was told, where it is nothing but text."""


def told(identities: Sequence[object]) -> Told | None:
    """Return what was told about people in a form to compare, or None where it is more than texts."""
    found: list[tuple[tuple[str, str], ...]] = []
    for identity in identities:
        if not isinstance(identity, dict) or type(identity) is not dict:
            return None
        for key, value in identity.items():
            if type(key) is not str or type(value) is not str:
                return None
        found.append(tuple(identity.items()))
    return tuple(found)


class KnownTraces:
    """What is known about the latest traces, by what was told: their units share the work. Safe between threads."""

    __slots__ = ("_known", "_lock")

    def __init__(self) -> None:
        self._known: OrderedDict[Told, Known] = OrderedDict()
        self._lock = Lock()

    def get(self, told: Told) -> Known | None:
        """Return what is known where exactly this was told and nothing was captured."""
        with self._lock:
            known = self._known.get(told)
            if known is not None:
                self._known.move_to_end(told)
            return known

    def add(self, told: Told, known: Known) -> None:
        """Remember what is known."""
        with self._lock:
            self._known[told] = known
            if len(self._known) > _CACHED_TRACES:
                self._known.popitem(last=False)


class UnitTexts:
    """The texts of one unit, looked at together when the first of them is asked for."""

    __slots__ = ("_ahead", "_clean", "_expected", "_plain", "_redactor", "_structures")

    def __init__(self, redactor: TextRedactor, plain: PlainData, ahead: Ahead) -> None:
        self._ahead = ahead
        self._redactor = redactor
        self._structures = plain
        self._plain: dict[int, list[str]] = {}
        self._expected: list[str] = []
        self._clean: set[str] | None = None

    def takes(self, value: Structured) -> bool:
        """Tell whether a structure declares nothing, and is clean if its texts are; they are taken note of then."""
        texts = self._structures.texts(value.value)
        if texts is None:
            return False
        self._plain[id(value)] = texts
        return True

    def of(self, value: object) -> list[str] | None:
        """Return the texts of a structure that was taken."""
        return self._plain.get(id(value))

    def expect(self, spans: Iterable[SpanRecord]) -> None:
        """Take note of the texts of spans that are redacted next: to look at many together costs little."""
        for span in spans:
            self._expected.append(span.name)
            self._expected += [text for text in span.attributes.values() if type(text) is str]

    def expects(self) -> bool:
        """Tell whether spans were announced."""
        return bool(self._expected)

    def clean(self, known: Known) -> set[str]:
        """Return the texts of the unit, as far as they are known, in which none but a recognizer may find anything."""
        if self._clean is None:
            memory = known.clean
            texts = set(self._expected).union(*self._plain.values())
            fresh = texts - memory.young
            found, rest = self._ahead.split(fresh, known)
            if rest:
                # Short texts stand together: a pattern that occurs in an id is not searched for in an answer.
                found |= self._redactor.clean(sorted(rest, key=len), known)
            for text in found:
                if len(text) <= CLEAN_LENGTH:
                    memory.add(text)
            self._clean = texts - (fresh - found)
        return self._clean
