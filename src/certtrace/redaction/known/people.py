"""Who is known in a trace: people gathered from `identify(...)`, marked model fields and plain identity dicts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from certtrace.ports import ModelValue
from certtrace.redaction.known.fields import beside_kind, identity_kind, plain_kind
from certtrace.redaction.markers import ExamSecret, Mark, Pii, class_marks
from certtrace.redaction.pseudonyms import Pseudonymizer, normalise

_MAX_VALUE: Final = 512
_NAME_PARTS: Final = ("GIVEN", "MIDDLE", "FAMILY")


@dataclass(slots=True)
class Person:
    """What is known about one person, by kind (`PERSON`, `GIVEN`, `FAMILY`, `EMAIL` …)."""

    values: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, value: str) -> None:
        """Remember one value once."""
        value = value.strip()
        if value and len(value) <= _MAX_VALUE and value not in self.values.setdefault(kind, []):
            self.values[kind].append(value)

    def take(self, other: "Person") -> None:
        """Remember what another description says."""
        for kind, values in other.values.items():
            for value in values:
                self.add(kind, value)

    def of(self, kind: str) -> list[str]:
        """Return the values of one kind."""
        return self.values.get(kind, [])

    def full_name(self) -> str:
        """Return the name the pseudonym is derived from, or an empty text."""
        if self.of("PERSON"):
            return max(self.of("PERSON"), key=len)
        parts = [self.of(kind)[0] for kind in _NAME_PARTS if self.of(kind)]
        return " ".join(parts)

    def digest(self, pseudonymizer: Pseudonymizer) -> str:
        """Return the digest all pseudonyms of this person share: of the full name, else the e-mail, else any value."""
        name = self.full_name()
        if name:
            return pseudonymizer.digest(name)
        for kind in ("EMAIL", "USERNAME", "ID", "PHONE"):
            if self.of(kind):
                return pseudonymizer.digest(self.of(kind)[0], kind.lower())
        everything = [value for values in self.values.values() for value in values]
        return pseudonymizer.digest(everything[0], "other") if everything else ""

    def key(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return a value that is equal for people about whom the same is known."""
        return tuple(sorted((kind, tuple(sorted(values))) for kind, values in self.values.items()))


def merged(people: Iterable[Person]) -> list[Person]:
    """Join what is known about the same person: an equal name, e-mail, user name or phone number, over any detour."""
    result: list[Person] = []
    by_sign: dict[str, Person] = {}
    for person in people:
        joined = Person()
        signs = _signs(person)
        same = {id(found): found for sign in signs if (found := by_sign.get(sign)) is not None}
        for part in (*(known for known in result if id(known) in same), person):
            joined.take(part)
        if same:
            at = next(index for index, known in enumerate(result) if id(known) in same)
            result[at] = joined
            result = [known for known in result if id(known) not in same]
            signs |= {sign for sign, known in by_sign.items() if id(known) in same}
        else:
            result.append(joined)
        by_sign.update(dict.fromkeys(signs, joined))
    return [person for person in result if person.values]


def _signs(person: Person) -> set[str]:
    """Return what tells that two descriptions are of one person."""
    signs = {normalise(person.full_name())} if person.full_name() else set()
    for kind in ("EMAIL", "USERNAME", "PHONE"):
        signs |= {f"{kind} {normalise(value, kind.lower())}" for value in person.of(kind)}
    for value in person.of("EMAIL"):
        words = [word for word in normalise(value, "email").partition("@")[0].split(".") if word.isalpha()]
        if len(words) > 1 and min(map(len, words)) > 1:
            signs.add(" ".join(words))  # bjorn.lindqvist is Björn Lindqvist
    return signs


def from_mapping(identity: Mapping[object, object]) -> Iterator[Person]:
    """Yield the person an `identify(...)` mapping speaks of: every text in it counts as known."""
    person = Person()
    for key, value in identity.items():
        found = identity_kind(str(key))
        kind = found[1] if found else "ID"
        if kind != "IGNORE":
            for text in _texts(value):
                person.add(kind, text)
    yield person


def from_model(model: ModelValue) -> Iterator[Person]:
    """Yield the people whose fields a model marks; `expert_name` and `expert_email` are one person by their prefix."""
    people: dict[str, Person] = {}
    for name, mark in class_marks(model.cls).marks.items():
        if isinstance(mark, ExamSecret) or name not in model.fields:
            continue
        prefix, kind = _field_kind(name, mark)
        for index, text in enumerate(_texts(model.fields[name])):
            # A list of names is a list of people.
            owner = f"{prefix}/{index}" if kind == "PERSON" and index else prefix
            people.setdefault(owner, Person()).add(kind, text)
    yield from _joined(people)


def _field_kind(name: str, mark: Pii) -> tuple[str, str]:
    prefix, kind = identity_kind(name) or (name, "")
    if mark is Pii.PERSON:
        return prefix, kind if kind in _NAME_PARTS else "PERSON"
    return prefix, mark.name


def _joined(people: dict[str, Person]) -> Iterator[Person]:
    """Give what belongs to nobody by its prefix to the only named person, if there is only one."""
    named = [person for person in people.values() if person.full_name()]
    for person in people.values():
        if person.full_name() or len(named) != 1:
            yield person
        else:
            for kind, values in person.values.items():
                for value in values:
                    named[0].add(kind, value)


def dict_kinds(value: Mapping[object, object]) -> dict[object, str]:
    """Return which keys of a plain dict name personal data, and of which kind."""
    keys = [key for key in value if isinstance(key, str)]
    if not any(map(plain_kind, keys)):
        return {}
    found: dict[object, str] = {}
    several = sum(beside_kind(key) is not None for key in keys) > 1
    for key in keys:
        kind = plain_kind(key) or (beside_kind(key) if several else None)
        if kind is not None and kind != "ID" and _is_leaf(value[key]):
            found[key] = kind
    return found


def from_dict(value: Mapping[object, object]) -> Iterator[Person]:
    """Yield the person a plain dict with identity fields describes."""
    kinds = dict_kinds(value)
    if not kinds:
        return
    person = Person()
    for key, kind in kinds.items():
        for text in _texts(value[key]):
            person.add(kind, text)
    if person.values:
        yield person


def _is_leaf(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(isinstance(item, str | int) for item in value)
    return isinstance(value, str | int) and not isinstance(value, bool)


def _texts(value: object, depth: int = 0) -> Iterator[str]:
    """Yield the texts and numbers in a value of any shape."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif depth > 8:
        return
    elif isinstance(value, ModelValue):
        yield from _texts(value.fields, depth + 1)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item, depth + 1)


def people_in(identity: object) -> Iterator[Person]:
    """Yield the people that one entry of `identities` speaks of."""
    if isinstance(identity, ModelValue):
        yield from from_model(identity)
    elif isinstance(identity, Mapping):
        yield from from_mapping(identity)


__all__ = ["Mark", "Person", "dict_kinds", "from_dict", "from_mapping", "from_model", "merged", "people_in"]
