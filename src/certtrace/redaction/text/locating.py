"""Find the part of a pattern that is quickest to look for: the rest that begins with the rarest sign.

Python's `re` runs fast over what cannot begin a match when it knows the first sign. So the search is for what follows
the beginning of the pattern, `[0-9]{2}…` of an account number instead of `[A-Z]{2}[0-9]{2}…`, and the beginning is
tried where that was found.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from certtrace.redaction.text.shapes import Chars, Choice, Node, Repeat, Row, first_bytes, least_width, most_width

_UNROLLED: Final = 4
_MAX_HEAD: Final = 16
_COMMON: Final = 100
_EVERY: Final = (1 << 256) - 1

_SHARES: Final = {" ": 160, "e": 95, "t": 70, "a": 62, "o": 58, "i": 57, "n": 57, "s": 52, "r": 48, ".": 10, ",": 9}
_LOWER_SHARE: Final = 20
_OTHER_SHARE: Final = 2


@dataclass(frozen=True, slots=True)
class Locator:
    """A part of a pattern; a match begins `nearest` to `farthest` bytes before each place where that part stands."""

    expression: bytes
    nearest: int
    farthest: int
    share: int
    confirms: bytes = b""
    """What matches as well wherever the part belongs to a match, if that is more."""
    """How many of ten thousand signs of prose it can begin with."""


def locator(node: Node) -> Locator | None:
    """Return the part of a pattern to look for, or None when it has no part that helps."""
    if isinstance(node, Choice):
        return _of_choice(node)
    items, best, nearest, farthest = _rarest_item(node)
    if not items or not least_width(items[best]):
        return None
    return Locator(written(Row(tuple(items[best:]))), nearest, farthest, _cost(items[best]))


def _of_choice(node: Choice) -> Locator | None:
    """Return the signs that are rarest in each of the choices; their places differ."""
    mask, near, far, parts = 0, [], [], []
    for part in node.nodes:
        items, best, nearest, farthest = _rarest_item(part)
        if not items or not least_width(items[best]):
            return None
        mask |= first_bytes(items[best])
        parts.append(Row(tuple(items[best:])))
        near.append(nearest)
        far.append(farthest)
    if _share(mask) > _COMMON:
        return None
    return Locator(written(Chars(mask)), min(near), max(far), _share(mask), written(Choice(tuple(parts))))


def _rarest_item(node: Node) -> tuple[list[Node], int, int, int]:
    """Return a pattern as a row, which of its items begins with the rarest sign, and where that can stand."""
    items = _flat(node)
    best, least_cost = 0, _cost(items[0]) if items else _EVERY
    near = far = 0
    nearest = farthest = 0
    for index, item in enumerate(items[:-1]):
        width = most_width(item)
        if width is None or far + width > _MAX_HEAD:
            break
        near, far = near + least_width(item), far + width
        cost = _cost(items[index + 1]) * (1 + far - near)
        if cost < least_cost:
            best, least_cost, nearest, farthest = index + 1, cost, near, far
    return items, best, nearest, farthest


def _cost(node: Node) -> int:
    """Return how many of ten thousand signs of prose a node can begin with."""
    if not least_width(node):
        return _EVERY
    return _share(first_bytes(node))


@lru_cache(maxsize=512)
def _share(mask: int) -> int:
    signs = [chr(code) for code in range(128) if mask >> code & 1]
    return 1 + sum(_SHARES.get(sign, _LOWER_SHARE if "a" <= sign <= "z" else _OTHER_SHARE) for sign in signs)


def _flat(node: Node) -> list[Node]:
    """Return a pattern as a row of parts, what it begins with unrolled, what it ends with as short as can be."""
    items: list[Node] = list(node.nodes) if isinstance(node, Row) else [node]
    for _ in range(_UNROLLED):
        index = next((i for i, item in enumerate(items) if not isinstance(item, Chars)), None)
        if index is None:
            break
        item = items[index]
        if isinstance(item, Row):
            items[index : index + 1] = item.nodes
        elif isinstance(item, Repeat) and item.least:
            rest = Repeat(item.node, item.least - 1, None if item.most is None else item.most - 1)
            inner: tuple[Node, ...] = item.node.nodes if isinstance(item.node, Row) else (item.node,)
            items[index : index + 1] = [*inner, *([rest] if rest.most != 0 else [])]
        else:
            break
    if items and isinstance(items[-1], Repeat):
        items[-1] = Repeat(items[-1].node, items[-1].least, items[-1].least)
    return items


def written(node: Node) -> bytes:
    """Return a pattern that matches what a tree says; its groups capture nothing."""
    if isinstance(node, Chars):
        members = node.members()
        if len(members) == 1:
            return re.escape(bytes(members))
        return b"[%b]" % b"".join(_ranges(members))
    if isinstance(node, Row):
        return b"".join(b"(?:%b)" % written(part) if isinstance(part, Choice) else written(part) for part in node.nodes)
    if isinstance(node, Choice):
        return b"|".join(map(written, node.nodes))
    times = b"{%d,%b}" % (node.least, b"" if node.most is None else b"%d" % node.most)
    inner = written(node.node)
    return (inner if isinstance(node.node, Chars) else b"(?:%b)" % inner) + times


def _ranges(members: list[int]) -> list[bytes]:
    """Return the members of a set as ranges in the syntax of `re`."""
    ranges: list[tuple[int, int]] = []
    for code in members:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return [rb"\x%02x-\x%02x" % pair for pair in ranges]
