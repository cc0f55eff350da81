"""Find known people in free text, in the many ways they are written."""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Final

from certtrace.redaction.detect.finding import Finding
from certtrace.redaction.known import spellings
from certtrace.redaction.known.ambiguity import is_person
from certtrace.redaction.known.people import Person
from certtrace.redaction.known.words import COMMON
from certtrace.redaction.pseudonyms import Pseudonymizer
from certtrace.redaction.text.engine import NATIVE, Matcher, matcher
from certtrace.redaction.text.fairness import Turns
from certtrace.redaction.text.folding import fold, fold_bytes
from certtrace.redaction.text.views import View

_CACHED_PEOPLE: Final = 512
_MIN_LITERAL: Final = 3
_MIN_NUMBER: Final = 5
_MIN_LOCAL: Final = 4
_UNMISTAKABLE: Final = 9
_PHONE_CORE: Final = 7
_PHONE_PREFIX: Final = b"0123456789 ().-/+\t"
_NOT_DIGIT: Final = re.compile(r"[^0-9]+")
_SPACES: Final = re.compile(r"[\s,;]+")
_LITERAL_KINDS: Final = ("USERNAME", "ID", "IBAN", "SSN", "CREDIT_CARD", "NATIONAL_ID", "DOB", "IP", "OTHER")
_NAME_KINDS: Final = frozenset({"PERSON", "GIVEN", "MIDDLE", "FAMILY"})

Accept = Callable[[View, int, int], tuple[int, int] | None]


@dataclass(frozen=True, slots=True)
class _Needle:
    """One thing to look for: letters of which some must be there at all, and the pattern around them."""

    cores: tuple[bytes, ...]
    pattern: Matcher
    type: str
    subject: str
    accept: Accept

    def find(self, view: View) -> Iterator[tuple[int, int]]:
        """Yield where the needle stands as a whole word."""
        low = view.low
        if not any(map(low.__contains__, self.cores)):
            return
        place, turns = 0, Turns()
        while (groups := self.pattern.next(low, place)) is not None:
            turns.step()
            start, end = groups[0]
            whole = self.accept(view, start, end)
            if whole is not None:
                yield whole
            place = end if whole is not None else start + 1


class KnownPerson:
    """One person, compiled."""

    __slots__ = ("_alone", "_cores", "_needles", "_subject", "_wide")

    def __init__(self, person: Person, subject: str, *, native: bool = NATIVE) -> None:
        """Compile the ways `person` is written; `subject` is the digest of all their pseudonyms."""
        self._subject = subject
        given, family = _name_parts(person)
        self._needles = list(_needles(person, given, family, subject, native=native))
        self._alone = list(_alone(person, given, family, subject, native=native))
        self._wide = [value for value in _wide_values(person) if value]
        self._cores = tuple({core for needle in (*self._needles, *self._alone) for core in needle.cores})

    def find(self, view: View) -> Iterator[Finding]:
        """Yield the findings in one view of a text; they may overlap."""
        if any(map(view.low.__contains__, self._cores)):
            yield from self._find_written(view)
        if self._wide and not view.text.isascii():
            yield from self._find_wide(view)

    def _find_written(self, view: View) -> Iterator[Finding]:
        signs: list[tuple[int, int]] = []
        for needle in self._needles:
            for start, end in needle.find(view):
                signs.append((start, end))
                yield Finding(start, end, needle.type, self._subject)
        for needle in self._alone:
            for start, end in needle.find(view):
                if is_person(view.data, view.low, start, end, signs):
                    yield Finding(start, end, "PERSON", self._subject)

    def _find_wide(self, view: View) -> Iterator[Finding]:
        text = fold(view.text).lower()
        if len(text) != len(view.text):  # lower-casing may lengthen a letter: then only exact spelling has exact places
            text = fold(view.text)
        for value in self._wide:
            start = text.find(value)
            while start >= 0:
                yield Finding(start, start + len(value), "PERSON", self._subject)
                start = text.find(value, start + len(value))


class KnownPeople:
    """Compiles people and keeps the latest, so that the units of a trace share the work. Safe between threads."""

    __slots__ = ("_cache", "_lock", "_native", "_pseudonymizer")

    def __init__(self, pseudonymizer: Pseudonymizer, *, native: bool = NATIVE) -> None:
        self._pseudonymizer = pseudonymizer
        self._native = native
        self._cache: OrderedDict[object, KnownPerson] = OrderedDict()
        self._lock = Lock()

    def compiled(self, people: Iterable[Person]) -> list[KnownPerson]:
        """Return the people ready to be looked for."""
        return [self._one(person) for person in people]

    def _one(self, person: Person) -> KnownPerson:
        key = person.key()
        with self._lock:
            known = self._cache.get(key)
            if known is not None:
                self._cache.move_to_end(key)
                return known
        known = KnownPerson(person, person.digest(self._pseudonymizer), native=self._native)
        with self._lock:
            self._cache[key] = known
            if len(self._cache) > _CACHED_PEOPLE:
                self._cache.popitem(last=False)
        return known


def _name_parts(person: Person) -> tuple[list[str], list[str]]:
    given = [part for kind in ("GIVEN", "MIDDLE") for value in person.of(kind) for part in spellings.tokens(value)]
    family = [part for value in person.of("FAMILY") for part in spellings.tokens(value)]
    return given, family


def _all_names(person: Person, given: list[str], family: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    if given or family:
        yield given, family
    for value in person.of("PERSON"):
        yield spellings.split_name(value)


def _latin(parts: list[str]) -> list[str]:
    return [part for part in parts if not spellings.is_wide(part)]


def _needles(person: Person, given: list[str], family: list[str], subject: str, *, native: bool) -> Iterator[_Needle]:
    for first, last in _all_names(person, given, family):
        first, last = _latin(first), _latin(last)
        yield from _name_needles(first, last, subject, native=native)
    for value in person.of("EMAIL"):
        yield from _email_needles(value, subject, native=native)
    for value in person.of("PHONE"):
        yield from _phone_needles(value, subject, native=native)
    for value in person.of("ADDRESS"):
        yield from _address_needles(value, subject, native=native)
    for kind in _LITERAL_KINDS:
        for value in person.of(kind):
            if _is_searchable(value):
                yield _literal(value, kind, subject, native=native)


def _alone(person: Person, given: list[str], family: list[str], subject: str, *, native: bool) -> Iterator[_Needle]:
    for first, last in _all_names(person, given, family):
        forms = spellings.alone_forms(_latin(first), _latin(last))
        if forms:
            cores = tuple(spellings.core(form) for form in forms)
            yield _Needle(cores, matcher(spellings.pattern(forms), native=native), "PERSON", subject, _word)


def _name_needles(given: list[str], family: list[str], subject: str, *, native: bool) -> Iterator[_Needle]:
    if not given or not family:
        return
    cores = tuple(spellings.core(form) for form in (*spellings.surname_forms(family), *map(spellings.written, given)))
    letters = len(given[0]) + len(family[-1])
    accept: Accept = _word
    if given[0] in COMMON and family[-1] in COMMON:
        accept = _capitalised
    elif letters >= _UNMISTAKABLE:
        accept = _anywhere
    for forms, accepts in (
        (spellings.full_forms(given, family), accept),
        (spellings.initial_forms(given, family), _word),
    ):
        yield _Needle(cores, matcher(spellings.pattern(forms), native=native), "PERSON", subject, accepts)


def _literal(value: str, kind: str, subject: str, *, native: bool) -> _Needle:
    words = [re.escape(fold_bytes(word).lower()) for word in _SPACES.split(value.strip()) if word]
    expression = rb"[ \t\r\n,;+_]{1,4}".join(words)
    core = max((fold_bytes(word).lower() for word in _SPACES.split(value)), key=len)
    return _Needle((core,), matcher(expression, native=native), kind, subject, _word)


def _email_needles(value: str, subject: str, *, native: bool) -> Iterator[_Needle]:
    yield _literal(value, "EMAIL", subject, native=native)
    local = fold(value).lower().partition("@")[0]
    base = local.partition("+")[0]
    for part in dict.fromkeys((local, base)):
        if len(part) >= _MIN_LOCAL and part not in COMMON:
            yield _literal(part, "USERNAME", subject, native=native)


def _phone_needles(value: str, subject: str, *, native: bool) -> Iterator[_Needle]:
    number = _NOT_DIGIT.sub("", fold(value))
    if len(number) < _PHONE_CORE:
        return
    # The last digits decide; `_phone_word` adds the country code or the trunk prefix before them.
    tail = number[-min(len(number), 9) :] if len(number) > 9 else number.lstrip("0") or number
    expression = r"[ ().\-/]{0,3}".join(tail).encode()
    yield _Needle((tail[-2:].encode(),), matcher(expression, native=native), "PHONE", subject, _phone_word)


def _address_needles(value: str, subject: str, *, native: bool) -> Iterator[_Needle]:
    yield _literal(value, "ADDRESS", subject, native=native)
    street = re.split(r"[,\n]", value)[0].strip()
    if street != value and len(street) > 6 and any(character.isdigit() for character in street):
        yield _literal(street, "ADDRESS", subject, native=native)


def _is_searchable(value: str) -> bool:
    """Tell whether a value is rare enough to be looked for wherever it stands."""
    plain = fold(value).strip().lower()
    if plain.replace(".", "", 1).isdigit():
        return len(plain) >= _MIN_NUMBER
    return len(plain) >= _MIN_LITERAL and plain not in COMMON and b"?" not in fold_bytes(plain.replace("?", ""))


def _wide_values(person: Person) -> Iterator[str]:
    """Yield names and values in other scripts: they are looked for as they are written."""
    for kind, values in person.values.items():
        for value in values:
            if not spellings.is_wide(value):
                continue
            plain = fold(value).lower()
            yield plain
            if kind in _NAME_KINDS:
                yield plain.replace(" ", "")
                yield from (part for part in plain.split() if len(part) > 2)


def _touches(data: bytes, index: int) -> bool:
    return 0 <= index < len(data) and data[index : index + 1].isalnum()


def _word(view: View, start: int, end: int) -> tuple[int, int] | None:
    if _touches(view.low, start - 1) or _touches(view.low, end):
        return None
    return start, end


def _anywhere(_: View, start: int, end: int) -> tuple[int, int]:
    """Accept a name too long to be part of anything else, even where a letter touches it."""
    return start, end


def _capitalised(view: View, start: int, end: int) -> tuple[int, int] | None:
    """Accept a name made of words ("Mark Will") as a name only."""
    return _word(view, start, end) if view.data[start : start + 1].isupper() else None


def _phone_word(view: View, start: int, end: int) -> tuple[int, int] | None:
    """Accept a number and take its prefix with it: `+49 (0)`, `0`, `001-`."""
    data = view.data
    if data[end : end + 1].isdigit():
        return None
    before = data[max(0, start - 10) : start]
    prefix = before[len(before.rstrip(_PHONE_PREFIX)) :].lstrip(b" ).-/\t")
    if len(re.sub(rb"[^0-9]", b"", prefix)) > 5:
        return None
    return start - len(prefix), end
