"""Read the patterns that both engines share, to learn what every match must hold and how far it can reach.

What is learnt lets a search look only where a pattern can occur, and cut a text into pieces without losing a match.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from certtrace.redaction.text.lazy import lazy

_MAX_REPEAT: Final = 1_000
_ESCAPES: Final = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_QUANTIFIER: Final = lazy(r"([?*+])|\{(\d+)(?:(,)(\d*))?\}")
_GROUP: Final = lazy(r"\((?:\?:|(\?))?")
_NEWLINE: Final = 10
_DOT: Final = ((1 << 256) - 1) & ~(1 << _NEWLINE)


class UnreadableError(ValueError):
    """A pattern uses more than both engines share: an anchor, a look around, a class such as digits by name."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One byte out of a set, given as a mask of 256 bits."""

    mask: int

    def members(self) -> list[int]:
        """Return the bytes."""
        return [code for code in range(256) if self.mask >> code & 1]


@dataclass(frozen=True, slots=True)
class Row:
    """One node after the other."""

    nodes: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the nodes."""

    nodes: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Repeat:
    """A node, `least` to `most` times; None is any number."""

    node: "Node"
    least: int
    most: int | None


Node: TypeAlias = Chars | Row | Choice | Repeat


@lru_cache(maxsize=1024)
def read(expression: bytes) -> Node:
    """Return the tree of a pattern.

    Raises:
        UnreadableError: It uses more than both engines share.
    """
    text = expression.decode("latin-1")
    ignores_case = text.startswith("(?i)")
    reader = _Reader(text, 4 if ignores_case else 0, ignores_case=ignores_case)
    node = reader.choice()
    if not reader.is_done():
        raise UnreadableError
    return node


class _Reader:
    """A recursive descent over the syntax that `re` and RE2 share."""

    __slots__ = ("_at", "_ignores_case", "_text")

    def __init__(self, text: str, start: int, *, ignores_case: bool) -> None:
        self._text = text
        self._at = start
        self._ignores_case = ignores_case

    def is_done(self) -> bool:
        return self._at >= len(self._text)

    def choice(self) -> Node:
        branches = [self._row()]
        while self._next() == "|":
            self._at += 1
            branches.append(self._row())
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _row(self) -> Node:
        nodes: list[Node] = []
        while self._next() not in {"", "|", ")"}:
            nodes.append(self._repeated(self._atom()))
        return nodes[0] if len(nodes) == 1 else Row(tuple(nodes))

    def _repeated(self, node: Node) -> Node:
        found = _QUANTIFIER.match(self._text, self._at)
        if found is None:
            return node
        self._at = found.end()
        if self._next() in {"?", "*", "+", "{"} and self._next():
            raise UnreadableError  # lazy and possessive ones: the engines differ in what they take
        if found[1]:
            least, most = {"?": (0, 1), "*": (0, None), "+": (1, None)}[found[1]]
        else:
            least = int(found[2])
            most = least if found[3] is None else int(found[4]) if found[4] else None
        if least > _MAX_REPEAT or (most or 0) > _MAX_REPEAT:
            raise UnreadableError
        return Repeat(node, least, most)

    def _atom(self) -> Node:
        sign = self._next()
        if sign == "(":
            return self._group()
        if sign == "[":
            return self._cased(self._set())
        self._at += 1
        if sign == ".":
            return Chars(_DOT)
        if sign == "\\":
            return self._cased(1 << self._escaped())
        if sign in "^$*+?{":
            raise UnreadableError
        return self._cased(1 << ord(sign))

    def _group(self) -> Node:
        found = _GROUP.match(self._text, self._at)
        if found is None or found[1]:
            raise UnreadableError
        self._at = found.end()
        inner = self.choice()
        if self._next() != ")":
            raise UnreadableError
        self._at += 1
        return inner

    def _set(self) -> int:
        self._at += 1
        negated = self._next() == "^"
        self._at += negated
        mask, first = 0, True
        while first or self._next() != "]":
            first = False
            low = self._member()
            high = low
            if self._next() == "-" and self._text[self._at + 1 : self._at + 2] != "]":
                self._at += 1
                high = self._member()
            mask |= (1 << (high + 1)) - (1 << low)
        self._at += 1
        if negated:
            # Case counts before the set is turned round: `(?i)[^a]` takes neither `a` nor `A`.
            return ((1 << 256) - 1) & ~self._cased(mask).mask
        return mask

    def _member(self) -> int:
        sign = self._next()
        self._at += 1
        if not sign or (sign == "[" and self._next() == ":"):
            raise UnreadableError
        return self._escaped() if sign == "\\" else ord(sign)

    def _escaped(self) -> int:
        sign = self._next()
        self._at += 1
        if sign in _ESCAPES and sign:
            return _ESCAPES[sign]
        if sign == "x":
            self._at += 2
            return int(self._text[self._at - 2 : self._at], 16)
        if not sign or sign.isalnum():
            raise UnreadableError
        return ord(sign)

    def _cased(self, mask: int) -> Chars:
        if self._ignores_case:
            for low in range(ord("a"), ord("z") + 1):
                both = 1 << low | 1 << (low - 32)
                if mask & both:
                    mask |= both
        return Chars(mask)


def mask_of(members: bytes) -> int:
    """Return a set of bytes as a mask."""
    return sum(1 << code for code in set(members))


def translated(node: Node, table: bytes) -> Node:
    """Return the pattern of what `bytes.translate` makes of the matches."""
    if isinstance(node, Chars):
        return Chars(mask_of(bytes(map(table.__getitem__, node.members()))))
    if isinstance(node, Repeat):
        return Repeat(translated(node.node, table), node.least, node.most)
    return type(node)(tuple(translated(part, table) for part in node.nodes))


def without(node: Node, removed: int) -> Node:
    """Return the pattern of what is left of the matches when some bytes are taken out."""
    if isinstance(node, Chars):
        rest = Chars(node.mask & ~removed)
        if not node.mask & removed:
            return node
        return Repeat(rest, 0, 1) if rest.mask else Row(())
    if isinstance(node, Repeat):
        return Repeat(without(node.node, removed), node.least, node.most)
    return type(node)(tuple(without(part, removed) for part in node.nodes))


def least_width(node: Node) -> int:
    """Return the length of the shortest match."""
    if isinstance(node, Chars):
        return 1
    if isinstance(node, Row):
        return sum(map(least_width, node.nodes))
    if isinstance(node, Choice):
        return min(map(least_width, node.nodes))
    return node.least * least_width(node.node)


def most_width(node: Node) -> int | None:
    """Return the length of the longest match, or None when there is no limit."""
    if isinstance(node, Chars):
        return 1
    if isinstance(node, Repeat):
        inner = most_width(node.node)
        return None if inner is None or node.most is None else node.most * inner
    widths = [most_width(part) for part in node.nodes]
    known = [width for width in widths if width is not None]
    if len(known) < len(widths):
        return None
    return sum(known) if isinstance(node, Row) else max(known)


def reach(node: Node) -> int | None:
    """Return how many bytes decide whether a match begins at a place, or None when there is no limit.

    What may be repeated at the end of a pattern adds nothing: without it there is a match just as well.
    """
    if isinstance(node, Chars):
        return 1
    if isinstance(node, Choice):
        widths = [reach(part) for part in node.nodes]
    elif isinstance(node, Repeat):
        if node.least == 0:
            return 0
        widths = [most_width(node.node), reach(node.node)]
    else:
        widths = [*map(most_width, node.nodes[:-1]), *map(reach, node.nodes[-1:])]
    known = [width for width in widths if width is not None]
    if isinstance(node, Repeat):
        if node.least == 1:
            return widths[1]
        return None if len(known) < 2 else (node.least - 1) * known[0] + known[1]
    if len(known) < len(widths):
        return None
    return max(known) if isinstance(node, Choice) else sum(known)


def step(node: Node) -> int | None:
    """Return the width of the widest thing that is repeated without limit, 0 if nothing is, None if it has no limit."""
    if isinstance(node, Chars):
        return 0
    inner = [step(part) for part in ((node.node,) if isinstance(node, Repeat) else node.nodes)]
    if isinstance(node, Repeat) and node.most is None:
        inner.append(most_width(node.node))
    known = [width for width in inner if width is not None]
    return max(known, default=0) if len(known) == len(inner) else None


def first_bytes(node: Node) -> int:
    """Return the mask of the bytes that a match may begin with."""
    if isinstance(node, Chars):
        return node.mask
    if isinstance(node, Repeat):
        return first_bytes(node.node)
    mask = 0
    for part in node.nodes:
        mask |= first_bytes(part)
        if isinstance(node, Row) and least_width(part):
            break
    return mask


def longest_run(node: Node, within: int) -> int:
    """Return how many bytes of a set stand in a row, at least, in every match."""
    return max(_runs(node, within)[:3])


def _runs(node: Node, within: int) -> tuple[int, int, int, bool]:
    """Return the runs at the beginning, anywhere and at the end, and whether the node is nothing but a run."""
    if isinstance(node, Chars):
        inside = not node.mask & ~within
        return (1, 1, 1, True) if inside else (0, 0, 0, False)
    if isinstance(node, Repeat):
        return _joined_runs([_runs(node.node, within)] * min(node.least, 64), more=node, within=within)
    found = [_runs(part, within) for part in node.nodes]
    if isinstance(node, Row):
        return _joined_runs(found)
    return min(r[0] for r in found), min(r[1] for r in found), min(r[2] for r in found), all(r[3] for r in found)


def _joined_runs(
    parts: list[tuple[int, int, int, bool]], more: Repeat | None = None, within: int = 0
) -> tuple[int, int, int, bool]:
    head = best = tail = 0
    solid = True
    for first, longest, last, whole in parts:
        best = max(best, longest, tail + first)
        head = head + first if solid else head
        tail = tail + last if whole else last
        solid = solid and whole
    if more is not None:
        # What may follow lengthens a run that goes on to the end, or ends it.
        solid = solid and not any(part.mask & ~within for part in _leaves(more.node))
        tail = tail if solid or more.most == more.least else 0
    return head, max(best, head, tail), tail, solid


def _leaves(node: Node) -> Iterator[Chars]:
    if isinstance(node, Chars):
        yield node
        return
    for part in (node.node,) if isinstance(node, Repeat) else node.nodes:
        yield from _leaves(part)
