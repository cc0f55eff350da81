"""Short cuts through a unit: what can be told clean for many texts at once, or by the key alone."""

from collections.abc import Iterable
from typing import Final

from certtrace.ports import SpanRecord, Structured
from certtrace.redaction.structure.plain import PlainData
from certtrace.redaction.texts import Known, TextRedactor

CLEAN_LENGTH: Final = 64
"""Texts up to this length are remembered when they are clean: keys, names, ids, models."""


class UnitTexts:
    """The texts of one unit, looked at together when the first of them is asked for."""

    __slots__ = ("_clean", "_expected", "_plain", "_redactor", "_structures")

    def __init__(self, redactor: TextRedactor, plain: PlainData) -> None:
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
            # Short texts stand together: a pattern that occurs in an id is not searched for in an answer.
            found = self._redactor.clean(sorted(fresh, key=len), known)
            for text in found:
                if len(text) <= CLEAN_LENGTH:
                    memory.add(text)
            self._clean = texts - (fresh - found)
        return self._clean
