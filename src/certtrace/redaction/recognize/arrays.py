"""The engine that scores with numpy: many tokens at a time."""

from collections.abc import Sequence
from itertools import pairwise
from threading import Lock
from typing import Any, Final

import numpy as np

from certtrace.redaction.recognize.features import Reading, read
from certtrace.redaction.recognize.segments import Segment
from certtrace.redaction.recognize.tokens import bounded
from certtrace.redaction.recognize.weights import AFTER, BEFORE, LIMIT, Weights

_KEPT: Final = 32_768
"""Distinct tokens that are remembered; beyond that all are forgotten."""

_AT_ONCE: Final = 1_020
"""Candidates whose windows are laid out at once: they fit into a processor's cache."""

_TILE: Final = 12
"""Candidates multiplied at once. A larger product OpenBLAS shares out to threads that spin while they wait for each
other: on a busy machine that costs up to twenty times as much, and takes processors from the host."""

_OFFSETS: Final = np.arange(-BEFORE, AFTER + 1)

Array = np.ndarray[Any, np.dtype[Any]]


class _Ids(dict[str, int]):
    """Numbers of the tokens seen so far; what is asked for and not there is read."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self._lists = weights.lists
        self.fresh: list[Reading] = []
        self.count = 0

    def __missing__(self, token: str) -> int:
        short = bounded(token)
        if short != token:
            return self[short]
        number = self[token] = self.count
        self.count += 1
        self.fresh.append(read(token, self._lists))
        return number


class ArrayEngine:
    """Scores with single precision sums of whole numbers below 2**24: exact in any order of addition."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._lock = Lock()
        self._table = np.frombuffer(weights.table, dtype=np.int8).reshape(-1, weights.width)
        first = np.frombuffer(weights.first, dtype=np.int8).reshape(weights.hidden, -1)
        self._first = np.ascontiguousarray(first.T.astype(np.float32))
        self._first_bias = np.array(weights.first_bias, dtype=np.float32)
        self._last = np.array(weights.last, dtype=np.float64)
        self._forget()

    def _forget(self) -> None:
        self._ids = _Ids(self._weights)
        self._rows: Array = np.zeros((4_096, self._weights.width), dtype=np.float32)
        self._candidates: Array = np.zeros(4_096, dtype=bool)

    def score(self, segments: Sequence[Segment], floor: int) -> list[list[tuple[int, int]]]:
        """Return the candidates of each segment that reach `floor`."""
        with self._lock:
            if self._ids.count > _KEPT:
                self._forget()
            ids, inner, bounds = self._numbers(segments)
            places = np.flatnonzero(self._candidates[ids] & inner)
            scores = self._scores(ids, places)
        return _dealt(places, scores, bounds, floor)

    def _numbers(self, segments: Sequence[Segment]) -> tuple[Array, Array, list[int]]:
        """Return the numbers of all tokens in a row, which of them are inside a piece, and where segments begin."""
        bounds = [0]
        for segment in segments:
            bounds.append(bounds[-1] + len(segment.tokens))
        ids = np.fromiter(
            (number for segment in segments for number in map(self._ids.__getitem__, segment.tokens)),
            dtype=np.int32,
            count=bounds[-1],
        )
        self._learn()
        inner = np.ones(bounds[-1], dtype=bool)
        for begin, end in pairwise(bounds):
            inner[begin : begin + BEFORE] = False
            inner[end - AFTER : end] = False
        return ids, inner, bounds

    def _learn(self) -> None:
        """Add up the features of the tokens that are new."""
        fresh, self._ids.fresh = self._ids.fresh, []
        if not fresh:
            return
        end = self._ids.count
        start = end - len(fresh)
        self._make_room(end)
        for begin in range(0, len(fresh), _AT_ONCE):
            part = fresh[begin : begin + _AT_ONCE]
            buckets = np.fromiter((bucket for reading in part for bucket in reading.buckets), dtype=np.int32)
            sizes = np.array([0, *(len(reading.buckets) for reading in part)])
            sums = np.add.reduceat(self._table[buckets].astype(np.int32), np.cumsum(sizes)[:-1], axis=0)
            at = start + begin
            self._rows[at : at + len(part)] = np.clip(sums, -LIMIT, LIMIT)
            self._candidates[at : at + len(part)] = [reading.candidate for reading in part]

    def _make_room(self, count: int) -> None:
        more = max(count, 2 * len(self._rows)) - len(self._rows)
        if count > len(self._rows):
            self._rows = np.pad(self._rows, ((0, more), (0, 0)))
            self._candidates = np.pad(self._candidates, (0, more))

    def _scores(self, ids: Array, places: Array) -> Array:
        scores = np.zeros(len(places), dtype=np.float64)
        for begin in range(0, len(places), _AT_ONCE):
            windows = ids[places[begin : begin + _AT_ONCE, None] + _OFFSETS]
            seen = self._rows[windows].reshape(len(windows), -1)
            scores[begin : begin + len(windows)] = self._product(seen)
        return scores + self._weights.last_bias

    def _product(self, seen: Array) -> Array:
        count, width = seen.shape
        tiles = -(-count // _TILE)
        if tiles > 1 and tiles * _TILE != count:
            seen = np.concatenate((seen, np.zeros((tiles * _TILE - count, width), dtype=np.float32)))
        tiled = seen if tiles <= 1 else seen.reshape(tiles, _TILE, width)
        hidden = np.maximum(tiled @ self._first + self._first_bias, 0.0)
        scores: Array = (hidden.astype(np.float64) @ self._last).reshape(-1)[:count]
        return scores


def _dealt(places: Array, scores: Array, bounds: list[int], floor: int) -> list[list[tuple[int, int]]]:
    """Give each segment its own candidates."""
    reached = scores >= floor
    dealt: list[list[tuple[int, int]]] = [[] for _ in range(len(bounds) - 1)]
    owners = np.searchsorted(np.array(bounds), places[reached], side="right") - 1
    for place, score, owner in zip(places[reached].tolist(), scores[reached].tolist(), owners.tolist(), strict=True):
        dealt[owner].append((place - bounds[owner], int(score)))
    return dealt
