"""What sampling may look at in a unit, read from its spans when a rule asks."""

from collections.abc import Iterator, Mapping
from typing import Any

from certtrace.ports import Structured, UnitFacts
from certtrace.tracing.spans import TracedSpan
from certtrace.tracing.units import Unit


def facts_of(unit: Unit, *, service: str, randomness: int, parent_threshold: int | None) -> UnitFacts:
    """Return the facts of a unit as it is now; spans and attributes are looked at when a rule asks for them."""
    root = unit.root
    start = root.start_time or 0
    return UnitFacts(
        service=service,
        route=root.name,
        randomness=randomness,
        duration_ns=(root.end_time or unit.now()) - start,
        span_count=len(unit.ended),
        has_error=unit.has_error,
        cancelled=unit.cancelled,
        abandoned=unit.abandoned,
        confidence=unit.confidence,
        forced=unit.forced,
        parent_sampled=unit.parent_sampled,
        parent_threshold=parent_threshold,
        values=lambda key: _values(unit, key),
        span_names=lambda: [span.name for span in [root, *unit.ended]],
        ended=unit.root_ended,
    )


def _values(unit: Unit, key: str) -> Iterator[object]:
    """Yield the values of one attribute: the local root's first, then those of the spans below, outermost first."""
    noted = dict((unit.noted or {}).get(key, {}))
    for attributes in _fixed(unit.root):
        if key in attributes and _id_of(unit.root) not in noted:
            yield _plain(attributes[key])
    # What encloses others ends after them.
    for span in [unit.root, *reversed(unit.ended)]:
        if noted:
            span_id = _id_of(span)
            if span_id in noted:
                yield _plain(noted.pop(span_id))
    yield from map(_plain, noted.values())


def _id_of(span: Any) -> int:
    return int(span.id if type(span) is TracedSpan else span.get_span_context().span_id)


def _fixed(root: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the attributes that were not set on the root itself: the decorator's, and those that are propagated."""
    if type(root) is TracedSpan:
        yield root.site.attributes or {}
        yield root.propagated or {}


def _plain(value: object) -> object:
    return value.value if isinstance(value, Structured) else value
