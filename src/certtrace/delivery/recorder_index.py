"""Which recordings belong to a trace, in memory: what makes a keep signal cheap to answer. Bounded; not thread-safe."""

from collections.abc import Collection
from pathlib import Path
from typing import Final, NamedTuple

from certtrace.delivery.recordings import segment_path

MAX_TRACES: Final = 65_536
_MAX_PER_TRACE: Final = 256


class Place(NamedTuple):
    """Where a recording is."""

    directory: Path
    segment: int
    offset: int

    @property
    def path(self) -> Path:
        """Return the segment's file."""
        return segment_path(self.directory, self.segment)


class Index:
    """Trace ids and the places of their recordings. What no longer fits is forgotten here, and stays on disk."""

    def __init__(self) -> None:
        """Start empty."""
        self._places: dict[int, tuple[Place, ...]] = {}

    def __contains__(self, trace_id: int) -> bool:
        return trace_id in self._places

    def __len__(self) -> int:
        """Return the number of recordings."""
        return sum(map(len, self._places.values()))

    @property
    def is_full(self) -> bool:
        """Whether the next trace would displace the oldest."""
        return len(self._places) >= MAX_TRACES

    def add(self, trace_id: int, place: Place) -> None:
        """Note one recording; the oldest give way."""
        self._places[trace_id] = (*self._places.get(trace_id, ())[1 - _MAX_PER_TRACE :], place)
        if len(self._places) > MAX_TRACES:
            del self._places[next(iter(self._places))]

    def pop(self, trace_id: int) -> tuple[Place, ...]:
        """Return the trace's recordings, oldest first, and forget them."""
        return self._places.pop(trace_id, ())

    def keep_only(self, there: Collection[tuple[Path, int]]) -> None:
        """Forget what was in other segments than these: they are gone."""
        left = {
            trace_id: tuple(place for place in places if place[:2] in there)
            for trace_id, places in self._places.items()
        }
        self._places = {trace_id: places for trace_id, places in left.items() if places}
