"""Write changed values into a JSON text and leave everything else as it stands."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from certtrace.redaction.structure import jsontext
from certtrace.redaction.structure.jsonscan import Document, Node, Repeated, documents, string_at

_CUT: Final = '"<cut>"'
"""Where JSON text was cut."""

Edit = tuple[int, int, str]
"""From where to where a text is replaced, and by what."""


def by_structure(text: str, redact: Callable[[object], Any], free_text: Callable[[str], str]) -> str | None:
    """Return JSON text redacted value by value, in the form it has; None where a text is not JSON alone.

    Args:
        text: One document, one per line, documents in a code fence, or one that a bound cut off.
        redact: Returns a document's value redacted.
        free_text: Redacts what is left behind the last value that can be read.
    """
    value = jsontext.loads(text)
    if value is not None and not jsontext.repeats_keys(text, value):
        redacted = redact(value)
        return text if redacted == value else rewritten(text, redacted)
    found = documents(text)
    if not found:
        return None
    changes = [edit for document in found for edit in edits(text, document, redact(document.root.value(text)))]
    last = found[-1]
    if not last.complete and last.end < len(text):
        changes.append((last.end, len(text), free_text(text[last.end :])))
    return apply(text, changes)


def by_structure_within(text: str, limit: int, redact: Callable[[object], Any], mark: str) -> str | None:
    """Return the first `limit` characters of JSON text redacted and closed with a mark, so that it stays JSON."""
    head = text[:limit]
    found = documents(head)
    if not found:
        return None
    end, closing = (found[-1].end, f"\n{_CUT}") if found[-1].complete else found[-1].closed(_CUT)
    whole = by_structure(f"{head[:end]}{closing}", redact, lambda rest: rest)
    if whole is None:
        return None
    # The mark comes last: digits in it are nobody's, and redaction might take them for somebody's.
    before, cut, behind = whole.rpartition(_CUT)
    return f"{before}{jsontext.dumps(mark)}{behind}" if cut else whole


def edits(text: str, document: Document, redacted: object) -> list[Edit]:
    """Return what to replace so that the document reads as `redacted`, in order.

    `redacted` is what became of `document.root.value(text)`. Unchanged values keep their spelling: spaces, numbers
    such as `1.0`, escapes, the order of keys, keys that occur twice.
    """
    # Whoever wrote only ASCII with escapes wants ASCII back.
    ascii_only = text.isascii() and text.find("\\u", document.root.start, document.end) >= 0
    return list(_Writer(text, ascii_only=ascii_only).node(document.root, redacted))


def rewritten(text: str, redacted: object) -> str:
    """Return a text that holds one whole JSON document with the values of `redacted`."""
    found = documents(text)
    if len(found) != 1 or not found[0].complete:  # read by a parser that is laxer than ours
        return jsontext.dumps(redacted)
    return apply(text, edits(text, found[0], redacted))


def apply(text: str, changes: list[Edit]) -> str:
    """Return `text` with every edit made; they are in order and do not overlap."""
    if not changes:
        return text
    pieces: list[str] = []
    done = 0
    for start, end, replacement in changes:
        pieces += (text[done:start], replacement)
        done = end
    pieces.append(text[done:])
    return "".join(pieces)


class _Writer:
    """Compares nodes with what became of them."""

    __slots__ = ("_ascii_only", "_text")

    def __init__(self, text: str, *, ascii_only: bool) -> None:
        self._text = text
        self._ascii_only = ascii_only

    def node(self, node: Node, redacted: Any) -> Iterator[Edit]:
        if node.kind == "array" and isinstance(redacted, list) and len(redacted) == len(node.items):
            for item, value in zip(node.items, redacted, strict=True):
                yield from self.node(item, value)
        elif node.kind == "object" and self._fits(node, redacted):
            yield from self._object(node, redacted)
        elif not self._is_same(node, redacted):
            yield node.start, node.end, self._spelled(redacted, is_open=node.open)

    def _fits(self, node: Node, redacted: Any) -> bool:
        if isinstance(redacted, Repeated):
            return sum(map(len, redacted.layers)) == len(node.items)
        return isinstance(redacted, dict) and len(redacted) == len(node.items)

    def _object(self, node: Node, redacted: Any) -> Iterator[Edit]:
        layers = redacted.layers if isinstance(redacted, Repeated) else [redacted]
        entries = [iter(layer.items()) for layer in layers]
        seen: dict[str, int] = {}
        for key, item in zip(node.keys, node.items, strict=False):
            name = string_at(self._text, key)
            layer = seen.get(name, 0) if len(layers) > 1 else 0
            seen[name] = layer + 1
            new_name, value = next(entries[layer])
            if new_name != name:
                yield key.start, key.end, self._spelled(new_name)
            yield from self.node(item, value)

    def _is_same(self, node: Node, redacted: Any) -> bool:
        if node.kind in {"array", "object", "deep"}:
            return False
        value = node.value(self._text) if node.kind != "string" else string_at(self._text, node)
        return type(value) is type(redacted) and value == redacted

    def _spelled(self, value: Any, *, is_open: bool = False) -> str:
        if isinstance(value, str):
            spelled = json.dumps(value, ensure_ascii=self._ascii_only)
            return spelled[:-1] if is_open else spelled
        return jsontext.dumps(value)
