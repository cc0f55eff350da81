import subprocess
import sys
from dataclasses import dataclass
from typing import Annotated, Generic, NamedTuple, NewType, TypeVar

import attrs
import pytest
from pydantic import AliasChoices, BaseModel, Field

from certtrace.redaction import ExamSecret, Pii
from certtrace.redaction.markers import EXAM_SECRET, class_marks

T = TypeVar("T")
Email = Annotated[str, Pii.EMAIL]
CandidateId = NewType("CandidateId", str)


class Person(BaseModel):
    name: Annotated[str, Pii.PERSON]
    level: str


class Candidate(Person):
    email: Email | None = None
    phones: list[Annotated[str, Pii.PHONE]] = []
    nick: Annotated[str | None, Pii.USERNAME] = Field(None, alias="handle")
    login: Annotated[str, Pii.USERNAME] = Field("", validation_alias=AliasChoices("user", "userName"))


class Box(BaseModel, Generic[T]):
    content: T


@dataclass
class Question:
    text: Annotated[str, ExamSecret]
    rubric: Annotated[dict[str, str], ExamSecret()]
    points: int


@attrs.define
class Reviewer:
    name: Annotated[str, Pii.PERSON]
    years: int = 0


class Sitting(NamedTuple):
    candidate: Annotated[str, Pii.ID]
    room: str


@dataclass
class Unresolvable:
    name: "Annotated[str, Pii.PERSON]"
    other: "Annotated[NotThere, Pii.EMAIL]"  # noqa: F821 - the point of the test
    question: "Annotated[NotThere, ExamSecret]"  # noqa: F821 - the point of the test
    plain: "NotThere"  # noqa: F821 - the point of the test


def marks(cls):
    return dict(class_marks(cls).marks)


def test_markers_of_a_model_are_read_with_inherited_fields_containers_and_aliases():
    found = marks(Candidate)
    assert found["name"] is Pii.PERSON
    assert found["email"] is Pii.EMAIL
    assert found["phones"] is Pii.PHONE
    assert found["nick"] is found["handle"] is Pii.USERNAME
    assert found["login"] is found["user"] is found["userName"] is Pii.USERNAME
    assert "level" not in found


@pytest.mark.parametrize("cls", [Question, Reviewer, Sitting], ids=lambda cls: cls.__name__)
def test_markers_of_every_kind_of_class_are_read(cls):
    expected = {
        Question: {"text": EXAM_SECRET, "rubric": EXAM_SECRET},
        Reviewer: {"name": Pii.PERSON},
        Sitting: {"candidate": Pii.ID},
    }
    assert marks(cls) == expected[cls]


def test_a_marker_inside_the_argument_of_a_generic_model_counts():
    assert marks(Box[Annotated[str, Pii.EMAIL]]) == {"content": Pii.EMAIL}
    assert marks(Box[Email | None]) == {"content": Pii.EMAIL}
    assert marks(Box[int]) == {}


def test_annotations_that_cannot_be_resolved_are_read_as_text():
    assert marks(Unresolvable) == {"name": Pii.PERSON, "other": Pii.EMAIL, "question": EXAM_SECRET}


def test_a_class_defined_in_a_function_keeps_its_markers():
    @dataclass
    class Local:
        name: "Annotated[str, Pii.PERSON]"
        friend: "Local | None" = None

    assert marks(Local) == {"name": Pii.PERSON}


def test_a_class_whose_annotations_raise_is_unreadable():
    class Meta(type):
        @property
        def __mro__(cls):
            raise RuntimeError

    class Odd(metaclass=Meta):
        pass

    assert class_marks(Odd).unreadable


def test_markers_import_nothing_beyond_the_standard_library():
    code = (
        "import sys, certtrace.redaction.markers; print([m for m in ('pydantic', 're2', 'orjson') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
