"""First pass over a unit: who is named in it, and which exam secrets it holds."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from certtrace.ports import ModelValue, SpanRecord, Structured
from certtrace.redaction.known.people import Person, from_dict, from_model, people_in
from certtrace.redaction.markers import ExamSecret, Mark, class_marks
from certtrace.redaction.structure import jsontext
from certtrace.redaction.structure.walker import Rules, exam_leaves

_MAX_NODES: Final = 200_000
_MAX_PEOPLE: Final = 200
_JSON_BEGINS: Final = frozenset("{[`")
_LEAVES: Final = frozenset({bool, int, float, bytes, type(None)})
"""Types of values that declare nobody by themselves."""


class Collector:
    """Gathers people and exam secrets from captured values."""

    __slots__ = ("_left", "_rules", "people", "secrets")

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._left = _MAX_NODES
        self.people: list[Person] = []
        self.secrets: list[tuple[object, list[str]]] = []
        """Each secret value with its texts."""

    def identities(self, identities: Iterable[object]) -> None:
        """Take what `identify(...)` was told and captured models."""
        for identity in identities:
            if not isinstance(identity, ModelValue):
                self._add(people_in(identity))
            self.value(identity, "")

    def value(self, value: object, path: str, depth: int = 0) -> None:
        """Take what a captured value declares."""
        self._left -= 1
        if self._left < 0 or depth > self._rules.max_depth:
            return
        if isinstance(value, Structured):
            value = value.value
        if isinstance(value, str):
            value = jsontext.everything(value) if value[:64].lstrip()[:1] in _JSON_BEGINS else None
        if type(value) in _LEAVES:
            return
        if isinstance(value, ModelValue):
            self._model(value, path, depth)
        elif isinstance(value, Mapping):
            self._mapping(value, path, depth)
        elif isinstance(value, list | tuple | set | frozenset):
            for item in value:
                self.value(item, path, depth + 1)

    def _model(self, model: ModelValue, path: str, depth: int) -> None:
        self._add(from_model(model))
        marks = class_marks(model.cls).marks
        for name, item in model.fields.items():
            mark = marks.get(name)
            if mark is not None or self._rules.paths or _may_declare(item):
                self._entry(item, f"{path}.{name}", mark, depth)

    def _mapping(self, value: Mapping[object, object], path: str, depth: int) -> None:
        if self._rules.identity_keys:
            self._add(from_dict(value))
        for key, item in value.items():
            if self._rules.paths or _may_declare(item):
                self._entry(item, f"{path}.{key}" if isinstance(key, str) else path, None, depth)

    def _entry(self, item: object, path: str, declared: Mark | None, depth: int) -> None:
        mark = declared or self._rules.mark_at(path)
        if isinstance(mark, ExamSecret):
            self.secrets.append((item, list(exam_leaves(item))))
        elif declared is None and mark is not None:
            person = Person()
            for text in exam_leaves(item):
                person.add(mark.name, text)
            self._add([person])
        else:
            self.value(item, path, depth + 1)

    def _add(self, people: Iterable[Person]) -> None:
        if len(self.people) < _MAX_PEOPLE:
            self.people.extend(person for person in people if person.values)


def _may_declare(value: object) -> bool:
    """Tell whether a value can declare anything without a rule for its path: plain text and numbers cannot."""
    kind = type(value)
    return kind not in _LEAVES and not (isinstance(value, str) and kind is str and value[:1].isalnum())


def captured(span: SpanRecord) -> Iterator[tuple[str, object]]:
    """Yield every value of a span that may declare something, with its attribute key."""
    holders = [span.attributes]
    if span.events:
        holders += [event.attributes for event in span.events]
    if span.links:
        holders += [link.attributes for link in span.links]
    if span.scope.attributes:
        holders.append(span.scope.attributes)
    for attributes in holders:
        for pair in attributes.items():
            if _may_declare(pair[1]):
                yield pair
