"""How much one span may hold: what is beyond is cut before anybody looks at it, whatever it is made of.

Each value has a bound of its own, `max_value_bytes`. A thousand values at that bound would still keep the worker for a
quarter of an hour and make a span that no backend takes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final, cast

from certtrace.ports import EventRecord, LinkRecord, ModelValue, SpanRecord, Structured

VALUES_PER_SPAN: Final = 8
"""So many values of the greatest size leave with one span."""
_LARGE: Final = 4_096
_MANY: Final = 2_000
_PER_VALUE: Final = 64
"""What a value counts beside its text."""
_LONG_KEY: Final = 256

_CUT_STRUCTURE: Final = "<cut: a structure beyond the bound of a span>"
_CUT_ATTRIBUTES: Final = "the attributes of an event beyond the bound of a span"


def bounded(span: SpanRecord, max_value_bytes: int, mark: Callable[[str], str]) -> tuple[SpanRecord, int]:
    """Return the span with what is beyond the bound cut, and how many values were.

    Args:
        span: The span; it is not changed.
        max_value_bytes: What one value is cut to anyway.
        mark: Returns what stands for a text that is cut.
    """
    if _is_small(span):
        return span, 0
    bound = _Bound(max_value_bytes, mark)
    attributes = bound.attributes(span.attributes)
    events = [bound.event(event) for event in span.events]
    links = [bound.link(link) for link in span.links]
    dropped = span.dropped_attributes + len(span.attributes) - len(attributes)
    return replace(span, attributes=attributes, events=events, links=links, dropped_attributes=dropped), bound.cut


def _is_small(span: SpanRecord) -> bool:
    """Tell, quickly, whether there are too few values to exceed the bound."""
    count = len(span.attributes)
    if count <= VALUES_PER_SPAN and not span.events and not span.links:
        return True
    large = 0
    for value in _values(span):
        kind = type(value)
        if kind is not str and kind is not Structured:
            continue
        if kind is Structured or len(value) > _LARGE:  # type: ignore[arg-type]  # exactly a str
            large += 1
    count += sum(1 + len(event.attributes) for event in span.events)
    count += sum(1 + len(link.attributes) for link in span.links)
    return large <= VALUES_PER_SPAN and count <= _MANY


def _values(span: SpanRecord) -> Iterator[object]:
    yield from span.attributes.values()
    for event in span.events:
        yield event.name
        yield from event.attributes.values()
    for link in span.links:
        yield from link.attributes.values()


class _Bound:
    """What is left of one span's bound."""

    def __init__(self, max_value_bytes: int, mark: Callable[[str], str]) -> None:
        self._max_value = max_value_bytes
        self._left = VALUES_PER_SPAN * max_value_bytes
        self._mark = mark
        self._marks: dict[int, str] = {}
        self.cut = 0

    def attributes(self, attributes: Mapping[str, object]) -> dict[str, object]:
        """Return attributes with the values beyond the bound cut, and without those whose very keys are beyond it."""
        kept: dict[str, object] = {}
        for key, value in attributes.items():
            if self._left > 0 or _length(key) <= _LONG_KEY:
                kept[key] = self._value(key, value)
            else:
                self.cut += 1
        return kept

    def event(self, event: EventRecord) -> EventRecord:
        """Return an event with what is beyond the bound cut."""
        name = cast("str", self._value("", event.name))
        if self._left > 0 or not event.attributes:
            return EventRecord(name, event.time_ns, self.attributes(event.attributes))
        self.cut += len(event.attributes)
        return EventRecord(name, event.time_ns, {"<cut>": _CUT_ATTRIBUTES})

    def link(self, link: LinkRecord) -> LinkRecord:
        """Return a link with what is beyond the bound cut."""
        return replace(link, attributes=self.attributes(link.attributes))

    def _value(self, key: str, value: object) -> object:
        size = self._size(value)
        if self._left <= 0 and size > _PER_VALUE:
            self.cut += 1
            return self._marked(value) if type(value) is str else _CUT_STRUCTURE
        self._left -= size + _PER_VALUE + min(_length(key), self._max_value)
        return value

    def _marked(self, text: str) -> str:
        # One text may stand in a thousand attributes; it is hashed once.
        mark = self._marks.get(id(text))
        if mark is None:
            mark = self._marks[id(text)] = self._mark(text)
        return mark

    def _size(self, value: object) -> int:
        """Return how many characters a value counts: at most what it would be cut to."""
        most = self._max_value
        if type(value) is str:
            return min(len(value), most)
        size = 0
        waiting = [value]
        while waiting and size < most:
            item = waiting.pop()
            if type(item) is str:
                size += len(item)
            else:
                size += 16
                waiting += _parts(item)
        return min(size, most)


def _length(key: object) -> int:
    return len(key) if type(key) is str else 0  # a class derived from `str` may have a `len` of its own


def _parts(item: object) -> list[object]:
    if isinstance(item, Structured):
        return [item.value]
    if isinstance(item, ModelValue):
        return list(item.fields.values())
    if type(item) is dict:
        return [*item, *item.values()]
    return list(item) if type(item) in {list, tuple} else []  # type: ignore[call-overload]  # exactly these two
