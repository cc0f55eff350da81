"""Flattened messages, such as `llm.input_messages.0.message.role`, put together again.

What a key may build is bounded: a key is a stranger's input and must exhaust neither stack nor memory.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from certtrace.records.mapping.values import is_set

_MAX_DEPTH: Final = 64
_MAX_SLOTS: Final = 10_001
"""Positions of lists that all keys together may open; also the end of the positions themselves."""
_INDEX: Final = re.compile(r"0|[1-9][0-9]*")
_LONGEST_INDEX: Final = 9
_UNSAFE: Final = frozenset(("__proto__", "constructor", "prototype"))
_HOLE: Final = object()
Path = Sequence[str]


class _List(list[object]):
    """A list that a path made; lists that came as values are never descended into."""


class _Object(dict[str, object]):
    """An object that a path made."""


class _Budget:
    """Counts the positions that paths open; a path that would exceed the limit takes none."""

    def __init__(self) -> None:
        self._left = _MAX_SLOTS
        self._lengths: dict[tuple[str, ...], int] = {}

    def reserve(self, path: Path) -> bool:
        grown: dict[tuple[str, ...], int] = {}
        needed = 0
        for position, part in enumerate(path):
            index = _index(part)
            if index is None:
                continue
            below = tuple(path[:position])
            length = self._lengths.get(below, 0)
            if index >= length:
                needed += index + 1 - length
                grown[below] = index + 1
        if needed > self._left:
            return False
        self._left -= needed
        self._lengths.update(grown)
        return True


def nested(flat: Mapping[str, object], prefix: str) -> object:
    """Return dotted keys below `prefix` as nested data, an empty object where there are none.

    A part that is a number is a position of a list. The first key to use a place decides what stands there.
    """
    if is_set(flat.get(prefix)):
        return flat[prefix]
    paths = [(path, value) for key, value in flat.items() if (path := _path(key, f"{prefix}.")) is not None]
    root: _List | _Object = _List() if _opens_list([path for path, _ in paths]) else _Object()
    budget = _Budget()
    for path, value in paths:
        if _fits(root, path) and budget.reserve(path):
            _plant(root, path, value)
    return _filled(root)


def _path(key: str, prefix: str) -> Path | None:
    if not key.startswith(prefix):
        return None
    parts = key[len(prefix) :].split(".", _MAX_DEPTH)
    return parts if len(parts) <= _MAX_DEPTH and all(map(_is_usable, parts)) else None


def _is_usable(part: str) -> bool:
    if not part or part in _UNSAFE:
        return False
    return not _INDEX.fullmatch(part) or (len(part) <= _LONGEST_INDEX and int(part) < _MAX_SLOTS)


def _index(part: str) -> int | None:
    return int(part) if _INDEX.fullmatch(part) else None


def _opens_list(paths: Sequence[Path]) -> bool:
    budget = _Budget()
    return any(budget.reserve(path) and len(path) > 1 and _index(path[0]) is not None for path in paths)


def _at(node: _List | _Object, part: str) -> object:
    """Return what stands at one place, or the hole."""
    if isinstance(node, dict):
        return node.get(part, _HOLE)
    index = _index(part)
    return node[index] if index is not None and index < len(node) else _HOLE


def _can_hold(node: _List | _Object, part: str) -> bool:
    return isinstance(node, dict) or _index(part) is not None


def _fits(root: _List | _Object, path: Path) -> bool:
    node = root
    for part in path[:-1]:
        if not _can_hold(node, part):
            return False
        below = _at(node, part)
        if below is _HOLE:
            return True
        if not isinstance(below, (_List, _Object)):
            return False
        node = below
    return _can_hold(node, path[-1]) and not isinstance(_at(node, path[-1]), (_List, _Object))


def _plant(root: _List | _Object, path: Path, value: object) -> None:
    node = root
    for part, following in pairwise(path):
        below = _at(node, part)
        if not isinstance(below, (_List, _Object)):
            below = _Object() if _index(following) is None else _List()
            _put(node, part, below)
        node = below
    _put(node, path[-1], value)


def _put(node: _List | _Object, part: str, value: object) -> None:
    if isinstance(node, dict):
        node[part] = value
        return
    index = int(part)
    node.extend([_HOLE] * (index + 1 - len(node)))
    node[index] = value


def _filled(node: object) -> object:
    """Return the finished data: positions that nobody set are null."""
    if isinstance(node, _Object):
        return {key: _filled(value) for key, value in node.items()}
    if isinstance(node, _List):
        return [_filled(value) for value in node]
    return None if node is _HOLE else node
