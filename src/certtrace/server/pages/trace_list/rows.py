"""What the list shows of one trace."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from certtrace.records.model import TraceSummary
from certtrace.server.pages.links import trace_href
from certtrace.server.pages.verdicts import Verdict, verdict_of

_GROUPS: Final[tuple[tuple[str, Callable[[TraceSummary], bool]], ...]] = (
    ("Ended in error", lambda each: each.status == "error"),
    ("Ended otherwise, with a failure that was not made good", lambda each: each.is_failed and each.status != "error"),
    ("No failure", lambda each: not each.is_failed),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One trace of the list."""

    summary: TraceSummary
    href: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Group:
    """Rows below one heading; without one the list is not grouped."""

    heading: str
    rows: tuple[Row, ...]


def groups_of(summaries: Sequence[TraceSummary], *, failed_first: bool) -> Iterator[Group]:
    """Yield the rows: what failed apart, where it stands first."""
    if not failed_first:
        yield Group("", _rows(summaries))
        return
    for heading, belongs in _GROUPS:
        rows = _rows(each for each in summaries if belongs(each))
        if rows:
            yield Group(heading, rows)


def _rows(summaries: Iterable[TraceSummary]) -> tuple[Row, ...]:
    return tuple(Row(each, trace_href(each.trace_id), verdict_of(each)) for each in summaries)
