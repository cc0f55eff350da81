"""Read JSON text with the place of every value, so that it can be changed where it stands and keeps its form."""

import json
import re
from typing import Any, Final

from certtrace.redaction.text.fairness import Turns
from certtrace.redaction.text.lazy import lazy

MAX_DEPTH: Final = 200
"""Containers below are one value of no type: nobody reads them, and the walk cuts above."""

_STRING: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_VALUE: Final = lazy(
    rf"[ \t\r\n]*+(?:(?P<string>{_STRING})|(?P<open>[{{\[])"
    r"|(?P<number>-?[0-9]++(?>(?:\.[0-9]++)?)(?>(?:[eE][+-]?[0-9]++)?))|(?P<word>true|false|null|-?Infinity|NaN))",
    re.DOTALL,
)
_KEY: Final = lazy(rf"[ \t\r\n]*+({_STRING})[ \t\r\n]*+:", re.DOTALL)
_NEXT: Final = lazy(r"[ \t\r\n]*+([,}\]]?)")
_SPACE: Final = lazy(r"[ \t\r\n]*+")
_BRACKET: Final = lazy(rf"{_STRING}|([{{\[])|([}}\]])", re.DOTALL)
_BEGINNING: Final = lazy(
    rf'[ \t\r\n,]*+(?:(?:{_STRING}[ \t\r\n:]*+|[A-Za-z0-9.+-]{{0,24}}+)\Z|"(?!{_STRING[1:]}))', re.DOTALL
)
_HALF_ESCAPE: Final = lazy(r"\\(?:u[0-9A-Fa-f]{0,3})?\Z")
_FENCED: Final = lazy(r"\s*+```(?:json[a-z0-9]?|ndjson|javascript|js)?[ \t]*\r?\n", re.IGNORECASE)
_FENCE_END: Final = lazy(r"\s*+(?:```\s*+)?\Z")
_CLOSERS: Final = {"object": "}", "array": "]"}
_WORDS: Final = {"true": True, "false": False, "null": None}


class Node:
    """One value in a JSON text: what kind, from where to where, and what it holds."""

    __slots__ = ("end", "items", "keys", "kind", "open", "start")

    def __init__(self, kind: str, start: int, end: int) -> None:
        self.kind = kind
        """`object`, `array`, `string`, `number`, `word`, or `deep` for what is nested beyond measure."""
        self.start = start
        self.end = end
        self.open = False
        """Whether the text ended before the value did."""
        self.keys: list[Node] = []
        """Keys of an object; each belongs to the item of the same index. The last may lack its item."""
        self.items: list[Node] = []

    def value(self, text: str) -> Any:
        """Return what Python would read here; an object that repeats a key is a `Repeated`."""
        if self.kind == "string":
            return string_at(text, self)
        if self.kind == "array":
            return [item.value(text) for item in self.items]
        if self.kind == "object":
            layers = [{key: node.value(text) for key, node in layer.items()} for layer in self.layers(text)]
            return Repeated(layers) if len(layers) > 1 else layers[0]
        if self.kind == "deep":
            return [[]]
        source = text[self.start : self.end]
        return _WORDS[source] if source in _WORDS else _number(source)

    def layers(self, text: str) -> list[dict[str, "Node"]]:
        """Return the items by key; where a key occurs for the n-th time its item is in the n-th layer."""
        layers: list[dict[str, Node]] = [{}]
        seen: dict[str, int] = {}
        for key_node, item in zip(self.keys, self.items, strict=False):
            key = string_at(text, key_node)
            layer = seen.get(key, 0)
            seen[key] = layer + 1
            if layer == len(layers):
                layers.append({})
            layers[layer][key] = item
        return layers


class Repeated:
    """A JSON object in which a key occurs more than once: one mapping for the first, second … occurrences."""

    __slots__ = ("layers",)

    def __init__(self, layers: list[dict[str, Any]]) -> None:
        self.layers = layers

    def merged(self) -> dict[str, Any]:
        """Return one mapping in which the last of equal keys wins, as parsers do."""
        return {key: value for layer in self.layers for key, value in layer.items()}


class Document:
    """One JSON document in a text, whole or cut off."""

    __slots__ = ("end", "root", "unclosed")

    def __init__(self, root: Node, end: int, unclosed: list[Node]) -> None:
        self.root = root
        self.end = end
        """Where reading stopped: behind the document, or behind the last value that could be read."""
        self.unclosed = unclosed
        """Containers that the end of the text cut off, outermost first."""

    @property
    def complete(self) -> bool:
        """Whether the document is whole."""
        return not self.unclosed

    def closed(self, mark: str) -> tuple[int, str]:
        """Return from where on to replace the text, and by what, to make a cut-off document whole with a mark, in JSON.

        A string that was cut off goes: half of an address is still an address.
        """
        inner = self.unclosed[-1]
        whole = [item for item in inner.items if not item.open]
        at = whole[-1].end if whole else inner.start + 1
        entry = f'"<cut>": {mark}' if inner.kind == "object" else mark
        closers = "".join(_CLOSERS[node.kind] for node in reversed(self.unclosed))
        return at, f"{', ' if whole else ''}{entry}{closers}"


class _Scanner:
    """Reads one document without recursion."""

    __slots__ = ("_at", "_stack", "_text", "root")

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._at = start
        self._stack: list[Node] = []
        self.root: Node | None = None

    def document(self) -> Document | None:
        """Return the document, None where there is none or it is broken before the text ends."""
        turns = Turns()
        going = self._value()
        while going and self._stack:
            turns.step()
            going = self._next(self._stack[-1])
        if self.root is None or not (going or self._is_cut_off()):
            return None
        for node in self._stack:
            node.end = self._at
        return Document(self.root, self._at, self._stack)

    def _next(self, container: Node) -> bool:
        sign = _NEXT.match(self._text, self._at)
        if sign is not None and sign[1] == _CLOSERS[container.kind]:
            self._at = container.end = sign.end()
            container.open = False
            self._stack.pop()
            return True
        if sign is None or bool(container.items) != (sign[1] == ",") or (sign[1] and sign[1] != ","):
            return False
        before, self._at = self._at, sign.end()
        if container.kind == "object":
            key = _KEY.match(self._text, self._at)
            if key is None:
                self._at = before
                return False
            container.keys.append(Node("string", *key.span(1)))
            self._at = key.end()
        return self._value()

    def _value(self) -> bool:
        found = _VALUE.match(self._text, self._at)
        if found is None:
            return self._unfinished()
        kind = found.lastgroup or ""
        start, self._at = found.span(kind)
        if kind != "open":
            self._add(Node(kind, start, self._at))
            return True
        node = Node("object" if self._text[start] == "{" else "array", start, -1)
        node.open = True
        self._add(node)
        if len(self._stack) < MAX_DEPTH:
            self._stack.append(node)
            return True
        node.kind = "deep"
        node.end = self._at = _behind(self._text, start)
        return True

    def _add(self, node: Node) -> None:
        if self._stack:
            self._stack[-1].items.append(node)
        else:
            self.root = node

    def _unfinished(self) -> bool:
        """Take a string that the end of the text cut off; reading stops here in any case."""
        start = _space_end(self._text, self._at)
        if self._text[start : start + 1] == '"' and self._stack:
            node = Node("string", start, len(self._text))
            node.open = True
            self._add(node)
            self._at = len(self._text)
        return False

    def _is_cut_off(self) -> bool:
        """Tell whether what is left may be the beginning of a value that the end of the text cut off."""
        if self.root is None or not self._stack:
            return False
        return _BEGINNING.match(self._text, self._at) is not None


def _space_end(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _behind(text: str, start: int) -> int:
    """Return the place behind the bracket that closes the one at `start`, or the end of the text."""
    depth = 0
    for found in _BRACKET.finditer(text, start):
        if found.lastindex is not None:
            depth += 1 if found.lastindex == 1 else -1
            if depth == 0:
                return found.end()
    return len(text)


def scan(text: str, start: int = 0) -> Document | None:
    """Return the JSON list or object that begins at `start`, also one that the end of the text cuts off.

    Time is linear in the text and depth costs no stack. None: there is no JSON, or it is broken before the text ends.
    """
    begin = _space_end(text, start)
    if text[begin : begin + 1] not in {"{", "["}:
        return None
    return _Scanner(text, begin).document()


def documents(text: str) -> list[Document]:
    """Return the documents of a text that is nothing but JSON: one, one per line, in a code fence, or cut off.

    An empty list says that the text holds something else too.
    """
    fence = _FENCED.match(text)
    at = fence.end() if fence else 0
    found: list[Document] = []
    while not _FENCE_END.match(text, at):
        document = scan(text, at)
        if document is None:
            return []
        found.append(document)
        if not document.complete:
            break
        at = document.end
    return found


def string_at(text: str, node: Node) -> str:
    """Return the string that a node or a key spells."""
    raw = text[node.start + 1 : node.end if node.open else node.end - 1]
    if "\\" not in raw:
        return raw
    if node.open:
        raw = _HALF_ESCAPE.sub("", raw) if len(raw) - len(raw.rstrip("\\")) != 2 else raw
    try:
        return str(json.loads(f'"{raw}"', strict=False))
    except ValueError:
        return raw


def _number(source: str) -> int | float:
    """Return the number; one of too many digits is as infinite as 1e999."""
    try:
        return int(source) if source.lstrip("-").isdigit() else float(source)
    except ValueError:
        return float("inf")
