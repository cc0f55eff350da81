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
    """Yield the values of one attribute: the local root's first, then those of the spans below."""
    root = unit.root
    noted = dict((unit.noted or {}).get(key, {}))
    root_id = root.id if type(root) is TracedSpan else root.get_span_context().span_id
    if root_id in noted:
        yield _plain(noted.pop(root_id))
    else:
        for attributes in _fixed(root):
            if key in attributes:
                yield _plain(attributes[key])
    yield from map(_plain, noted.values())


def _fixed(root: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the attributes that were not set on the root itself: the decorator's, and those that are propagated."""
    if type(root) is TracedSpan:
        yield root.site.attributes or {}
        yield root.propagated or {}


def _plain(value: object) -> object:
    return value.value if isinstance(value, Structured) else value
