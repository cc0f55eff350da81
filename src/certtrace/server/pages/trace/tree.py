"""The observations of a trace as rows of a tree, with their place in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from certtrace.records.model import Observation, Trace
from certtrace.records.notes import notes
from certtrace.records.problems import is_same_failure, problem_text
from certtrace.records.tree import Node, walk
from certtrace.server.pages.links import trace_href
from certtrace.server.pages.verdicts import Tone, level_tone

DEEPEST: Final = 24
"""Levels that are indented; what lies deeper stands on the last of them with its depth as a number."""
SCALE: Final = 1000
"""The trace's time is so many units of the waterfall wide."""
_ALL_OPEN: Final = 250
_OPEN_LEVELS: Final = 2
_NOTES: Final = 6
_PROBLEM_CHARACTERS: Final = 300


@dataclass(frozen=True, slots=True)
class List:
    """The lists that begin and end at a row."""

    begins: bool
    """Whether a list of children follows."""
    is_open: bool
    below: int
    """How many observations stand below the row."""
    ends: int
    """How many lists end after it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One observation in the tree."""

    observation: Observation
    href: str
    anchor: str
    """Names the row, so that a browser scrolls to it. A number: an id may hold anything."""
    depth: int
    indent: int
    tone: Tone
    notes: tuple[str, ...]
    problem: str
    """What went wrong here; empty where it is only passed on from below."""
    is_passed_on: bool
    is_orphan: bool
    is_selected: bool
    bar_start: int
    bar_width: int
    list: "List"

    @property
    def duration_ns(self) -> int:
        """Return how long it took."""
        return self.observation.end_time_ns - self.observation.start_time_ns


def rows_of(trace: Trace, selected_id: str, *, all_open: bool) -> list[Row]:
    """Return the tree from top to bottom.

    Args:
        trace: What to show.
        selected_id: The observation whose details stand beside the tree.
        all_open: Whether nothing is folded, however long the tree is.
    """
    nodes = list(walk(trace.observations))
    parents = _parents(nodes)
    below, opened = _below(nodes, parents, selected_id)
    everything = all_open or len(nodes) <= _ALL_OPEN
    rows: list[Row] = []
    for at, node in enumerate(nodes):
        following = nodes[at + 1].depth if at + 1 < len(nodes) else 0
        indent, next_indent = min(node.depth, DEEPEST), min(following, DEEPEST)
        is_open = everything or node.depth < _OPEN_LEVELS or at in opened
        children = List(next_indent > indent, is_open, below[at], max(indent - next_indent, 0))
        rows.append(_row(trace, node, selected_id, at, children))
    return rows


def has_folded(rows: Sequence[Row]) -> bool:
    """Tell whether some of the tree is folded."""
    return any(row.list.begins and not row.list.is_open for row in rows)


def _row(trace: Trace, node: Node, selected_id: str, at: int, children: List) -> Row:
    observation = node.observation
    start, width = _bar(observation, trace.summary.start_time_ns, trace.summary.end_time_ns)
    tone = level_tone(observation.level)
    is_passed_on = any(is_same_failure(child, observation) for child in node.children)
    said = problem_text(observation)[:_PROBLEM_CHARACTERS] if tone != "plain" and not is_passed_on else ""
    return Row(
        observation=observation,
        href=trace_href(trace.trace_id, observation=observation.id) + f"#row-{at}",
        anchor=f"row-{at}",
        depth=node.depth,
        indent=min(node.depth, DEEPEST),
        tone=tone,
        notes=tuple(notes(observation)[:_NOTES]),
        problem=said,
        is_passed_on=is_passed_on,
        is_orphan=node.is_orphan,
        is_selected=observation.id == selected_id,
        bar_start=start,
        bar_width=width,
        list=children,
    )


def _parents(nodes: Sequence[Node]) -> list[int | None]:
    """Return for each node where its parent stands."""
    path: list[int] = []
    parents: list[int | None] = []
    for at, node in enumerate(nodes):
        del path[node.depth :]
        parents.append(path[-1] if path else None)
        path.append(at)
    return parents


def _below(nodes: Sequence[Node], parents: Sequence[int | None], selected_id: str) -> tuple[list[int], set[int]]:
    """Return how many observations stand below each, and which have an error or the selected one below them."""
    below = [0] * len(nodes)
    opened: set[int] = set()
    for at in range(len(nodes) - 1, -1, -1):
        parent = parents[at]
        if parent is None:
            continue
        below[parent] += below[at] + 1
        observation = nodes[at].observation
        if at in opened or observation.level == "ERROR" or observation.id == selected_id:
            opened.add(parent)
    return below, opened


def _bar(observation: Observation, first: int, last: int) -> tuple[int, int]:
    """Return where the bar begins and how wide it is; the shortest is still seen."""
    whole = max(last - first, 1)
    start = min(max((observation.start_time_ns - first) * SCALE // whole, 0), SCALE - 4)
    width = (observation.end_time_ns - observation.start_time_ns) * SCALE // whole
    return start, min(max(width, 4), SCALE - start)
