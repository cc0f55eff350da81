"""The order in which a trace is read: each observation below its parent, siblings by start time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from certtrace.records.model import Observation

_MAX_STEM: Final = 64


@dataclass(frozen=True, slots=True)
class Node:
    """One observation in its place."""

    observation: Observation
    depth: int
    is_last: tuple[bool, ...]
    """For each level from the second down to this one: whether the branch ends here. Cut in very deep trees."""
    children: tuple[Observation, ...]
    is_orphan: bool
    """Whether its parent is not recorded in the trace."""


def walk(observations: Sequence[Observation]) -> Iterator[Node]:
    """Yield every observation exactly once, whatever the parent ids say: missing, circular, or thousands deep."""
    ordered = sorted(observations, key=lambda each: (each.start_time_ns, each.id))
    known = {each.id for each in ordered}
    below: dict[str, list[Observation]] = {}
    for each in ordered:
        below.setdefault(each.parent_observation_id or "", []).append(each)
    tops = [each for each in ordered if each.parent_observation_id not in known]
    seen: set[str] = set()
    for top in _tops_and_circles(tops, ordered, seen):
        yield from _descend(top, below, seen, known)


def _tops_and_circles(
    tops: Iterable[Observation], ordered: Iterable[Observation], seen: set[str]
) -> Iterator[Observation]:
    yield from tops
    # Only members of a circle of parents are still unseen: enter each circle at its earliest.
    yield from (each for each in ordered if each.id not in seen)


def _descend(top: Observation, below: dict[str, list[Observation]], seen: set[str], known: set[str]) -> Iterator[Node]:
    pending: list[tuple[Observation, int, tuple[bool, ...]]] = [(top, 0, ())]
    while pending:
        observation, depth, is_last = pending.pop()
        if observation.id in seen:
            continue
        seen.add(observation.id)
        children = tuple(each for each in below.get(observation.id, ()) if each.id not in seen)
        parent = observation.parent_observation_id
        yield Node(observation, depth, is_last, children, parent is not None and parent not in known)
        final = len(children) - 1
        # The branch is copied at each level: beyond a depth nobody reads, its marks are no longer worth their memory.
        stem = is_last[:_MAX_STEM]
        pending.extend((child, depth + 1, (*stem, at == final)) for at, child in reversed(list(enumerate(children))))
