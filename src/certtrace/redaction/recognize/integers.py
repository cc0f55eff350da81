"""The engine that scores without numpy: a layer is one sum of long whole numbers, each of which holds many lanes."""

import struct
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Final

from certtrace.redaction.recognize.features import read
from certtrace.redaction.recognize.segments import Segment
from certtrace.redaction.recognize.tokens import bounded
from certtrace.redaction.recognize.weights import AFTER, BEFORE, LIMIT, Weights

_KEPT: Final = 4_096
"""Distinct tokens of a generation, some 3 KB each; of two generations the older is forgotten when both are full."""

_WINDOW: Final = BEFORE + 1 + AFTER
_LANE: Final = 4
"""Bytes of a lane."""
_LIFT: Final = 1 << 20
"""Added to each lane so that none is negative; ten lifted lanes stay below 2**32."""

_Views = tuple[bool, tuple[int, ...]]
"""Whether a token is a candidate, and what it adds to the hidden layer from each place of the window."""


class IntegerEngine:
    """Scores with Python's whole numbers alone; the scores are those of `ArrayEngine`."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._columns = _columns(weights)
        lanes = _WINDOW * weights.hidden
        self._lift = int.from_bytes(struct.pack("<I", _LIFT) * lanes, "little")
        self._bytes = _LANE * lanes
        self._unpack = struct.Struct(f"<{weights.hidden}I").unpack
        self._rests = [_WINDOW * _LIFT - bias for bias in weights.first_bias]
        self._views: dict[str, _Views] = {}
        self._older: dict[str, _Views] = {}

    def score(self, segments: Sequence[Segment], floor: int) -> list[list[tuple[int, int]]]:
        """Return the candidates of each segment that reach `floor`."""
        return [self._segment(segment.tokens, floor) for segment in segments]

    def _segment(self, tokens: list[str], floor: int) -> list[tuple[int, int]]:
        if len(self._views) > _KEPT:
            self._older, self._views = self._views, {}
        views = [self._view(token) for token in tokens]
        found = []
        for place in range(BEFORE, len(tokens) - AFTER):
            if views[place][0]:
                score = self._score(views[place - BEFORE : place + AFTER + 1])
                if score >= floor:
                    found.append((place, score))
        return found

    def _score(self, window: list[_Views]) -> int:
        total = reduce(add, [view[1][at] for at, view in enumerate(window)])
        lanes = self._unpack(total.to_bytes(_LANE * self._weights.hidden, "little"))
        score = self._weights.last_bias
        for lane, rest, weight in zip(lanes, self._rests, self._weights.last, strict=True):
            if lane > rest:
                score += (lane - rest) * weight
        return score

    def _view(self, token: str) -> _Views:
        view = self._views.get(token)
        if view is not None:
            return view
        short = bounded(token)
        if short != token:
            return self._view(short)
        view = self._older.get(token) or self._read(token)
        self._views[token] = view
        return view

    def _read(self, token: str) -> _Views:
        reading = read(token, self._weights.lists)
        width, table = self._weights.width, memoryview(self._weights.table).cast("b")
        rows = [table[bucket * width : (bucket + 1) * width] for bucket in reading.buckets]
        sums = [max(-LIMIT, min(LIMIT, sum(column))) for column in zip(*rows, strict=True)]
        total = self._lift
        for value, column in zip(sums, self._columns, strict=True):
            if value:
                total += value * column
        data = total.to_bytes(self._bytes, "little")
        size = self._bytes // _WINDOW
        return reading.candidate, tuple(
            int.from_bytes(data[at * size : (at + 1) * size], "little") for at in range(_WINDOW)
        )


def _columns(weights: Weights) -> list[int]:
    """Return, for each number of a token, its weights to every hidden unit from every place, in lanes."""
    first = memoryview(weights.first).cast("b")
    row = _WINDOW * weights.width
    columns = []
    for number in range(weights.width):
        lanes = [
            first[unit * row + at * weights.width + number] + LIMIT + 1
            for at in range(_WINDOW)
            for unit in range(weights.hidden)
        ]
        lifted = int.from_bytes(struct.pack(f"<{len(lanes)}I", *lanes), "little")
        level = int.from_bytes(struct.pack("<I", LIMIT + 1) * len(lanes), "little")
        columns.append(lifted - level)
    return columns
