"""Say what redaction does to a text, place by place: which layer, which rule, which operator."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from certtrace.redaction.detect.finding import DECLARED, DEFAULT, DETECTOR
from certtrace.redaction.structure.jsonedit import Edit, edits
from certtrace.redaction.structure.jsonleaves import Leaf, leaves
from certtrace.redaction.structure.jsonscan import Document, documents
from certtrace.redaction.text.lazy import lazy
from certtrace.redaction.texts import Change
from certtrace.redaction.unit import Unit

_JSON_BEGINS: Final = ("{", "[", "```")
_PLACEHOLDER: Final = lazy(r'"?<([a-z_-]+)')


@dataclass(frozen=True, slots=True)
class Explained:
    """One text redacted, and why."""

    redacted: str
    changes: list[Change]
    """In order; offsets are characters of the text. Where the text was withheld as a whole, that comes last."""


def explain(unit: Unit, text: str) -> Explained:
    """Redact one text as content is redacted, and say what was done.

    Raises:
        Exception: Whatever a detector raises.
    """
    redacted = unit.content_walk().redact(text, "value")
    if redacted == text:
        return Explained(text, [])
    found = list(_in_json(unit, text)) or unit.changes(text)
    # Where nothing that was found explains it, it was the text as such: withheld, or binary.
    whole = Change(0, len(text), redacted, "TEXT", DEFAULT, "unclassified", "hash")
    if unit.withholds(text):
        found.append(whole)
    return Explained(redacted, found or [whole])


def _in_json(unit: Unit, text: str) -> Iterator[Change]:
    if not text.lstrip().startswith(_JSON_BEGINS):
        return
    for document in documents(text):
        value = document.root.value(text)
        yield from _of_document(unit, text, document, unit.content_walk().redact(value, "value"))


def _of_document(unit: Unit, text: str, document: Document, redacted: Any) -> Iterator[Change]:
    by_leaf = {(leaf.node.start, leaf.node.end): leaf for leaf in leaves(text, document)}
    for edit in edits(text, document, redacted):
        leaf = by_leaf.get(edit[:2])
        yield from _of_edit(unit, edit, leaf)


def _of_edit(unit: Unit, edit: Edit, leaf: Leaf | None) -> list[Change]:
    start, end, replacement = edit
    value = leaf.value() if leaf is not None else None
    if leaf is not None and isinstance(value, str):
        inside = unit.changes(value)
        if inside and _applied(value, inside) in replacement:
            return [_moved(leaf, change) for change in inside]
    kind = _PLACEHOLDER.match(replacement)
    layer, rule = (DECLARED, f"key {leaf.path}") if leaf is not None and leaf.path else (DECLARED, "key")
    if isinstance(value, int):
        layer, rule = DETECTOR, "number"
    name = kind[1].replace("-", "_").upper() if kind else "OTHER"
    return [Change(start, end, replacement, name, layer, rule, "")]


def _applied(text: str, changes: list[Change]) -> str:
    pieces: list[str] = []
    done = 0
    for change in changes:
        pieces += (text[done : change.start], change.replacement)
        done = change.end
    return "".join((*pieces, text[done:]))


def _moved(leaf: Leaf, change: Change) -> Change:
    start, end = leaf.to_source(change.start, change.end)
    return change._replace(start=start, end=end)
