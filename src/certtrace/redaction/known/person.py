"""One known person, compiled: everything to look for, and the letters that betray it.

What is searched, and what is not:

- **Names** in all their spellings, orders and case endings (`names`, `mentions`). First name and surname beside each
  other, or one of them beside the initial of the other, are the person. A single part is the person unless it is a
  word as well (`words`): then it needs a capital and a sign of the person near (`ambiguity`). A short form ("Bob")
  counts only beside the surname; a slip of one letter only beside the other part, or alone in a capitalised word of
  six letters or more that begins alike.
- **E-mail addresses** with any tag, and the part before the `@` from four letters on unless it is a word (`info`).
- **Handles, ids and other values** from three letters or five digits on, unless all of it is words: a user name "admin"
  or an id "7" would blacken every text. Separators and case do not count.
- **Phone numbers** from seven digits on by their last nine digits, or by seven that stand alone.
- **Dates of birth** in every order and in words; **addresses** by street and house number, never by a city alone.
- Keys such as `role`, `city`, `language` or `team` name no person: their values are not searched (`fields`).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from certtrace.redaction.detect.finding import KNOWN, Finding
from certtrace.redaction.known import letters, values
from certtrace.redaction.known.addresses import street_address
from certtrace.redaction.known.ambiguity import is_person
from certtrace.redaction.known.dates import BirthDate, birth_dates
from certtrace.redaction.known.encoded import encoded_forms, encoded_places
from certtrace.redaction.known.judging import Mention
from certtrace.redaction.known.mentions import mentions, recalled
from certtrace.redaction.known.monograms import monograms, spelled_out
from certtrace.redaction.known.names import Name, compiled, split_name, tokens
from certtrace.redaction.known.people import Person
from certtrace.redaction.known.presence import Anchors
from certtrace.redaction.known.reading import Reading
from certtrace.redaction.known.values import Value
from certtrace.redaction.known.wide import wide_places, wide_values
from certtrace.redaction.text.engine import NATIVE

_LITERALS: Final = ("USERNAME", "ID", "OTHER")
_NUMBERS: Final = ("IBAN", "SSN", "CREDIT_CARD", "NATIONAL_ID")
_RULES: Final = {"USERNAME": "known.username", "DOB": "known.dob", "ADDRESS": "known.address"}


class CompiledPerson:
    """What one person is looked for by."""

    __slots__ = ("_addresses", "_births", "_encoded", "_joint", "_names", "_values", "_wide", "anchors", "subject")

    def __init__(self, person: Person, subject: str, *, native: bool = NATIVE) -> None:
        """Compile the ways `person` is written; `subject` is the digest of all their pseudonyms."""
        self.subject = subject
        self._names = list(_names(person))
        self._joint = [] if self._names else list(_names_of_emails(person))
        self._values = list(_values(person, native=native))
        self._births = [BirthDate(born, native=native) for dob in person.of("DOB") for born in birth_dates(dob)]
        self._addresses = [found for text in person.of("ADDRESS") if (found := street_address(text)) is not None]
        self._wide = wide_values(person.values)
        self._encoded = encoded_forms([*_full_names(person), *person.of("EMAIL")])
        self.anchors = self._anchors()

    @property
    def is_wide(self) -> bool:
        """Whether something of the person is written in another script."""
        return bool(self._wide)

    def _anchors(self) -> Anchors:
        names = (*self._names, *self._joint)
        plain = [value for value in self._values if not value.is_numeric]
        digits = {value.digits for value in self._values if value.is_numeric}
        digits.update(*(birth.digits for birth in self._births))
        others = {address.anchor for address in self._addresses if address.anchor}
        others.update(form.lower() for form in self._encoded)
        return Anchors(
            words=frozenset(anchor for name in names for anchor in (*name.anchors, *name.spelled)),
            stems=frozenset(b" " + stem for name in names for stem in name.bent),
            halves=frozenset(half for name in names for half in name.halves),
            led=frozenset(pair for name in names for pair in name.led),
            initials=frozenset(pair for name in names for pair in name.monograms),
            letters=frozenset(others | {value.letters or value.digits for value in plain}),
            expressions=frozenset({re.escape(form) for form in others} | {v.sign or v.expression for v in plain}),
            digits=frozenset(digits),
        )

    def is_hinted(self, reading: Reading) -> bool:
        """Tell whether a word recalls the name of somebody for whom nothing else speaks."""
        return any(recalled(name, reading) for name in self._names)

    def find(self, reading: Reading) -> Iterator[Finding]:
        """Yield the findings in one view of a text; they may overlap."""
        signs: list[tuple[int, int]] = []
        doubtful: list[Mention] = []
        for finding in self._certain(reading, doubtful):
            signs.append((finding.start, finding.end))
            yield finding
        for known in ((), signs):
            words: list[Mention] = []
            for mention in doubtful:
                if not _is_person(reading, mention, known):
                    words.append(mention)
                    continue
                signs.append((mention.start, mention.end))
                yield self._finding(mention.start, mention.end, "PERSON", mention.rule)
            doubtful = words

    def wide(self, reading: Reading) -> Iterator[Finding]:
        """Yield the findings in other scripts."""
        for start, end in wide_places(self._wide, reading.view):
            yield self._finding(start, end, "PERSON", "known.name")

    def _certain(self, reading: Reading, doubtful: list[Mention]) -> Iterator[Finding]:
        for mention in self._mentions(reading):
            if mention.certain:
                yield self._finding(mention.start, mention.end, "PERSON", mention.rule)
            else:
                doubtful.append(mention)
        for value in self._values:
            for start, end in value.find(reading):
                yield self._finding(start, end, value.type, value.rule)
        for birth in self._births:
            for start, end in birth.find(reading):
                yield self._finding(start, end, "DOB", "known.dob")
        for address in self._addresses:
            for start, end in address.find(reading):
                yield self._finding(start, end, "ADDRESS", "known.address")
        for start, end in encoded_places(self._encoded, reading.view):
            yield self._finding(start, end, "PERSON", "known.name")

    def _mentions(self, reading: Reading) -> Iterator[Mention]:
        for name in self._names:
            yield from mentions(name, reading)
            yield from monograms(name, reading)
            yield from spelled_out(name, reading)
        for name in self._joint:
            yield from (mention for mention in mentions(name, reading) if mention.certain)

    def _finding(self, start: int, end: int, kind: str, rule: str) -> Finding:
        return Finding(start, end, kind, self.subject, layer=KNOWN, rule=rule)


def _is_person(reading: Reading, mention: Mention, signs: Sequence[tuple[int, int]]) -> bool:
    """Tell whether a single part is the person: no word has its accents."""
    start, end = mention.start, mention.end
    if is_person(reading.data, reading.low, start, end, signs):
        return True
    accented = any(letter.isalpha() and not letter.isascii() for letter in reading.view.text[start:end])
    return accented and reading.is_upper(start)


def _names(person: Person) -> Iterator[Name]:
    given = [part for kind in ("GIVEN", "MIDDLE") for value in person.of(kind) for part in tokens(value)]
    family = [part for value in person.of("FAMILY") for part in tokens(value)]
    pairs = [(given, family)] if given or family else []
    for value in person.of("PERSON"):
        pairs.append(split_name(value))
        latin = letters.romanised(value)
        if latin:
            pairs.append(split_name(latin))
    seen: list[tuple[list[str], list[str]]] = []
    for pair in pairs:
        if pair in seen:
            continue
        seen.append(pair)
        name = compiled(*pair)
        if name is not None:
            yield name


def _full_names(person: Person) -> list[str]:
    names = [person.full_name(), *person.of("PERSON")]
    for given in person.of("GIVEN"):
        for family in person.of("FAMILY"):
            names += [f"{given} {family}", family + given if letters.is_wide(family) else f"{family} {given}"]
    return [name for name in dict.fromkeys(names) if name]


def _names_of_emails(person: Person) -> Iterator[Name]:
    for value in person.of("EMAIL"):
        name = values.name_of_email(value)
        if name is not None:
            yield name


def _values(person: Person, *, native: bool) -> Iterator[Value]:
    for text in person.of("EMAIL"):
        yield from values.email(text, native=native)
    for text in person.of("PHONE"):
        yield from values.phone(text, native=native)
    for kind in _LITERALS:
        for text in filter(values.is_searchable, person.of(kind)):
            yield values.literal(text, kind, _RULES.get(kind, "known.id"), native=native)
    for kind in _NUMBERS:
        for text in filter(values.is_searchable, person.of(kind)):
            yield values.number(text, kind, "known.id", native=native)
    for kind in ("DOB", "ADDRESS"):
        for text in filter(values.is_searchable, person.of(kind)):
            yield values.literal(text, kind, _RULES[kind], native=native)
    for text in person.of("IP"):
        yield values.exact(text, "IP", "known.id", native=native)
