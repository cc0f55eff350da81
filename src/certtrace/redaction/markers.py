"""Markers that declare what a field holds, and the reader that finds them on a class.

Import-light on purpose: `import certtrace` reaches this module.
"""

import re
import sys
import typing
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType, SimpleNamespace
from typing import Any, TypeAlias


class Pii(Enum):
    """What kind of personal data a field holds: `email: Annotated[str, Pii.EMAIL]`."""

    PERSON = "person"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"
    DOB = "dob"
    USERNAME = "username"
    IP = "ip"
    NATIONAL_ID = "national_id"
    CREDIT_CARD = "credit_card"
    IBAN = "iban"
    SSN = "ssn"
    ID = "id"
    OTHER = "other"


class ExamSecret:
    """Marks a question, a rubric or a model answer: `Annotated[str, ExamSecret]` or `Annotated[str, ExamSecret()]`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ExamSecret()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExamSecret)

    def __hash__(self) -> int:
        return hash(ExamSecret)


EXAM_SECRET: typing.Final = ExamSecret()

Mark: TypeAlias = Pii | ExamSecret


@dataclass(frozen=True, slots=True)
class ClassMarks:
    """The marked fields of one class, by field name and by alias."""

    marks: Mapping[str, Mark]
    unreadable: bool = False
    """Annotations could not be read at all: every field has to be withheld."""


_NONE: typing.Final = ClassMarks(MappingProxyType({}))
_UNREADABLE: typing.Final = ClassMarks(MappingProxyType({}), unreadable=True)
_cache: "weakref.WeakKeyDictionary[type, ClassMarks]" = weakref.WeakKeyDictionary()
_MENTION: typing.Final = re.compile(r"\bPii\b(?:\s*\.\s*([A-Z_]+))?|\bExamSecret\b")
_MAX_NESTING: typing.Final = 16


def class_marks(cls: type) -> ClassMarks:
    """Return the markers declared on `cls` and its bases, cached per class.

    Annotations that cannot be resolved fail closed: pydantic's own field table is asked, then the text of the
    annotation is searched for `Pii` and `ExamSecret`.
    """
    try:
        known = _cache.get(cls)
    except TypeError:  # a metaclass may forbid hashing
        return _read(cls)
    if known is None:
        known = _read(cls)
        _cache[cls] = known
    return known


def _read(cls: type) -> ClassMarks:
    try:
        marks = dict(_from_annotations(cls))
        marks.update(_from_pydantic(cls))
    except Exception:  # noqa: BLE001 - annotations are user code; what cannot be read counts as personal
        return _UNREADABLE
    return ClassMarks(MappingProxyType(marks)) if marks else _NONE


def _from_annotations(cls: type) -> Iterator[tuple[str, Mark]]:
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except Exception:  # noqa: BLE001 - one unresolvable name spoils them all; read them one by one
        hints = dict(_one_by_one(cls))
    for name, hint in hints.items():
        mark = _mark_in(hint)
        if mark is not None:
            yield name, mark


def _one_by_one(cls: type) -> Iterator[tuple[str, object]]:
    for base in reversed(cls.__mro__):
        module = sys.modules.get(base.__module__)
        for name, annotation in vars(base).get("__annotations__", {}).items():
            holder = SimpleNamespace(__annotations__={name: annotation})
            try:
                resolved = typing.get_type_hints(holder, vars(module) if module else {}, dict(vars(base)), True)  # noqa: FBT003 - include_extras is positional in get_type_hints' oldest form
            except Exception:  # noqa: BLE001 - the annotation stays text, which `_mark_in` searches
                yield name, annotation
            else:
                yield name, resolved[name]


def _from_pydantic(cls: type) -> Iterator[tuple[str, Mark]]:
    """Read pydantic's field table: it knows aliases and the types of generic models."""
    fields = getattr(cls, "__pydantic_fields__", None)
    if not isinstance(fields, dict):
        return
    inherited = dict(_from_annotations(cls))
    for name, info in fields.items():
        mark = _first(_mark_in(part) for part in (*info.metadata, info.annotation)) or inherited.get(name)
        if mark is None:
            continue
        yield name, mark
        for alias in _aliases(info):
            yield alias, mark


def _aliases(info: Any) -> Iterator[str]:
    for alias in (info.alias, info.serialization_alias, info.validation_alias):
        choices = getattr(alias, "choices", [alias])
        for choice in choices:
            name = getattr(choice, "path", [choice])[-1]
            if isinstance(name, str):
                yield name


def _mark_in(hint: object, depth: int = 0) -> Mark | None:
    """Return the first marker in a type hint, looking into containers, unions and aliases but not into classes."""
    if isinstance(hint, Pii):
        return hint
    if hint is ExamSecret or isinstance(hint, ExamSecret):
        return EXAM_SECRET
    if isinstance(hint, str):
        return _mark_in_text(hint)
    if depth >= _MAX_NESTING:
        return Pii.OTHER  # deeper than anyone declares by hand: treat as marked rather than miss a marker
    return _first(_mark_in(part, depth + 1) for part in _parts(hint))


def _parts(hint: object) -> tuple[object, ...]:
    if isinstance(hint, typing.ForwardRef):
        return (hint.__forward_arg__,)
    metadata = getattr(hint, "__metadata__", ()) if typing.get_origin(hint) is typing.Annotated else ()
    behind = tuple(
        inner
        for inner in (getattr(hint, "__value__", None), getattr(hint, "__supertype__", None))
        if inner is not None and not isinstance(hint, type)
    )
    args = typing.get_args(hint) if typing.get_origin(hint) is not typing.Literal else ()
    return (*metadata, *args, *behind)


def _mark_in_text(annotation: str) -> Mark | None:
    found = _MENTION.search(annotation)
    if found is None:
        return None
    if found[0] == "ExamSecret":
        return EXAM_SECRET
    return Pii.__members__.get(found[1] or "", Pii.OTHER)


def _first(marks: Iterator[Mark | None]) -> Mark | None:
    return next((mark for mark in marks if mark is not None), None)
