"""What clients said of a trace itself, apart from its observations."""

from collections.abc import Iterator
from typing import Final

from certtrace.records.bodies import read_body
from certtrace.records.database import Database
from certtrace.records.mapping.values import json_text
from certtrace.records.model import TraceChange
from certtrace.server.pages.content.block import SHOWN, block_of
from certtrace.server.pages.links import trace_href
from certtrace.server.pages.trace.detail import Content

_PARTS: Final = (("input", "Input"), ("output", "Output"), ("metadata", "Metadata"))


def body_of(store: Database, project_id: str, trace_id: str) -> TraceChange | None:
    """Return what was said of a trace; None where nothing was."""
    with store.reading() as connection:
        return read_body(connection, project_id, trace_id)


def contents_of(body: TraceChange | None) -> Iterator[Content]:
    """Yield input, output and metadata as far as they were said."""
    for part, title in _PARTS:
        block = block_of(said_text(body, part), SHOWN)
        if body is not None and block is not None:
            yield Content(f"trace-{part}", title, block, trace_href(body.trace_id, whole=part))


def said_text(body: TraceChange | None, part: str) -> str | None:
    """Return input, output or metadata as text."""
    value = getattr(body, part, None)
    return value if value is None or isinstance(value, str) else json_text(value)
