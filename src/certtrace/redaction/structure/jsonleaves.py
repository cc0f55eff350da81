"""The keys and leaves of a JSON text with their paths, and where their characters are spelled."""

import re
from collections.abc import Iterator
from typing import Any, Final

from certtrace.redaction.structure.jsonscan import Document, Node, string_at
from certtrace.redaction.text.lazy import lazy

_ESCAPED: Final = lazy(r"\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\.", re.DOTALL)


class Leaf:
    """A key or a value of a JSON text that holds nothing else."""

    __slots__ = ("_text", "is_key", "node", "path")

    def __init__(self, text: str, path: str, node: Node, *, is_key: bool) -> None:
        self._text = text
        self.path = path
        """Keys joined by points; items of lists have the path of their list."""
        self.node = node
        self.is_key = is_key

    def value(self) -> Any:
        """Return the string, number, truth or None."""
        return self.node.value(self._text)

    def to_source(self, start: int, end: int) -> tuple[int, int]:
        """Return where in the JSON text the characters `start:end` of a string are spelled."""
        begin, places = self.node.start + 1, [0, 0]
        for index, offset in enumerate((start, end)):
            places[index] = begin + _spelled(self._text, begin, offset)
        return places[0], places[1]


def _spelled(text: str, begin: int, offset: int) -> int:
    """Return how many characters of source the first `offset` characters of a string take."""
    at, left = begin, offset
    while left > 0:
        escape = _ESCAPED.search(text, at)
        plain = left if escape is None else min(left, escape.start() - at)
        at, left = at + plain, left - plain
        if left and escape is not None:
            at, left = escape.end(), left - 1
    return at - begin


def leaves(text: str, document: Document, path: str = "") -> Iterator[Leaf]:
    """Yield every key and leaf of a document in order, with its path below `path`."""
    waiting = [(document.root, path, False)]
    while waiting:
        node, at, is_key = waiting.pop()
        if node.kind == "array":
            waiting += [(item, at, False) for item in reversed(node.items)]
        elif node.kind == "object":
            entries: list[tuple[Node, str, bool]] = []
            for key, item in zip(node.keys, node.items, strict=False):
                name = string_at(text, key)
                entries += ((key, at, True), (item, f"{at}.{name}" if at else name, False))
            waiting += reversed(entries)
        elif node.kind != "deep":
            yield Leaf(text, at, node, is_key=is_key)
