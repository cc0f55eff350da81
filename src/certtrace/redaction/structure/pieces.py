"""Texts recorded in pieces, as streams are: what is personal only when the pieces are put together is found."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from certtrace.ports import ModelValue
from certtrace.redaction.texts import Change

_EDGE: Final = 256
"""Characters on either side of a border that are looked at."""
_SHORTEST: Final = 4
"""Characters of a piece that may be a finding by itself."""
_GAP: Final = "\n\n"
_MAX_DEPTH: Final = 6
_MAX_LEAVES: Final = 32
_CONTINUES: Final = frozenset("@._-+ '/=:,(\u2019")
_ENDS: Final = frozenset(".!?:;,")

_LEAVES: Final = frozenset({int, float, bool, type(None), bytes})

Path = tuple[Any, ...]


Finder = Callable[[str], Sequence[Change]]
"""Returns what has to be replaced in a text, in order and without overlaps; counts nothing."""
Count = Callable[[str, str], None]
"""Told the type and the operator of what was replaced."""


class _Pieces:
    """The texts at one place in the items of a list, put together."""

    __slots__ = ("_into", "_sources", "indexes", "path", "texts")

    def __init__(self, path: Path, indexes: list[int], texts: list[str]) -> None:
        self.path = path
        self.indexes = indexes
        self.texts = texts
        self._into: list[int] = []
        self._sources: list[tuple[int, int]] = []

    def joined(self) -> str:
        """Return the pieces put together; of a long one only the edges."""
        parts: list[str] = []
        length = 0
        for number, text in enumerate(self.texts):
            cuts = [(0, len(text))] if len(text) <= 2 * _EDGE else [(0, _EDGE), (len(text) - _EDGE, len(text))]
            for start, end in cuts:
                if start:
                    parts.append(_GAP)
                    length += len(_GAP)
                self._into.append(length)
                self._sources.append((number, start))
                parts.append(text[start:end])
                length += end - start
        return "".join(parts)

    def place(self, offset: int) -> tuple[int, int]:
        """Return which piece, and where in it, a character of the joined text comes from."""
        part = bisect_right(self._into, offset) - 1
        number, start = self._sources[part]
        return number, start + offset - self._into[part]

    def mended(self, find: Finder, count: Count) -> dict[int, str]:
        """Return the texts that change, by number: a finding across borders goes into the first piece it touches."""
        joined = self.joined()
        changed: dict[int, str] = {}
        for found in reversed(find(joined)):
            first, start = self.place(found.start)
            last, end = self.place(found.end - 1)
            if first == last or not found.type or _GAP in joined[found.start : found.end]:
                continue  # without a type it is the bound that cuts
            if not (_flows(self.texts) or found.type == "EXAM_SECRET") and self._is_chance(
                found.type, first, last, find
            ):
                continue
            count(found.type, found.operator)
            changed[last] = changed.get(last, self.texts[last])[end + 1 :]
            changed.update(dict.fromkeys(range(first + 1, last), ""))
            changed[first] = self.texts[first][:start] + found.replacement
        return changed

    def _is_chance(self, kind: str, first: int, last: int, find: Finder) -> bool:
        """Tell whether a finding across borders comes of values that have nothing to do with each other.

        They have nothing where a piece is such a finding by itself, as in a row of a table, or where one ends at the
        border at which another begins. One that only touches a border may well go on behind it, unless a capital after
        a small letter begins a sentence there.
        """
        touching = 0
        for number in range(first, last + 1):
            text = self.texts[number]
            if len(text) < _SHORTEST:
                continue
            edge = text[-_EDGE:] if number == first else text[:_EDGE]
            for alone in find(edge):
                if alone.type != kind:
                    continue
                if alone.start == 0 and alone.end == len(text):
                    return True
                if number == first and alone.end == len(edge):
                    touching += 1 + (edge[-1].islower() and self.texts[first + 1][0].isupper())
                touching += number == last and alone.start == 0
        return touching > 1


def joined_texts(items: Sequence[object]) -> Iterator[str]:
    """Yield what the texts in the items of a list say when they are put together, where that may say more."""
    for path, indexes, texts in _groups(items):
        yield "".join(texts) if max(map(len, texts)) <= 2 * _EDGE else _Pieces(path, indexes, texts).joined()


def mended(items: Sequence[object], find: Finder, count: Count) -> Sequence[object]:
    """Return the items of a list with what lies across the borders of their texts replaced.

    The replacement stands in the first piece; what belonged to it is cut from the others. Items that hold nothing of
    the kind are the same objects.

    Args:
        items: Texts, or mappings and models that hold texts at the same place.
        find: Finds what is personal in a text.
        count: Counts what is replaced.
    """
    result: list[object] | None = None
    for path, indexes, texts in _groups(items):
        pieces = _Pieces(path, indexes, texts)
        for number, text in pieces.mended(find, count).items():
            result = list(items) if result is None else result
            index = pieces.indexes[number]
            result[index] = _with(result[index], pieces.path, text)
    return items if result is None else result


def _groups(items: Sequence[object]) -> Iterator[tuple[Path, list[int], list[str]]]:
    """Yield the texts that stand at the same place in at least two items and may be parts of one."""
    if len(items) < 2:
        return
    groups: dict[Path, list[tuple[int, str]]] = {}
    for index, item in enumerate(items):
        kind = type(item)
        if isinstance(item, str) and kind is str:
            groups.setdefault((), []).append((index, item))
        elif kind not in _LEAVES:
            for path, text in _texts(item):
                groups.setdefault(path, []).append((index, text))
    for path, found in groups.items():
        if len(found) > 1:
            found = [pair for pair in found if pair[1]]
            texts = [text for _, text in found]
            if _may_be_one_text(texts):
                yield path, [index for index, _ in found], texts


def _may_be_one_text(texts: list[str]) -> bool:
    """Tell whether anything can lie across a border between texts."""
    if not any(map(_is_open, texts, texts[1:])) or texts.count(texts[0]) == len(texts):
        return False
    return not all(map(str.isdigit, texts)) or _flows(texts)  # a list of numbers is no number


def _flows(texts: list[str]) -> bool:
    """Tell whether texts are plainly cut from one: a list of words has no spaces at its edges."""
    return any(text[0].isspace() or text[-1].isspace() for text in texts)


def _texts(item: object) -> Iterator[tuple[Path, str]]:
    """Yield the first texts in one item, with the keys and indexes that lead to each."""
    waiting: list[tuple[Path, object]] = [((), item)]
    left = _MAX_LEAVES
    while waiting and left > 0:
        path, value = waiting.pop()
        for key, inner in _entries(value):
            kind = type(inner)
            left -= 1
            if isinstance(inner, str) and kind is str:
                yield (*path, key), inner
            elif kind not in _LEAVES and len(path) < _MAX_DEPTH:
                waiting.append(((*path, key), inner))


def _entries(value: object) -> Iterable[tuple[Any, object]]:
    if isinstance(value, ModelValue):
        value = value.fields
    if isinstance(value, dict) or isinstance(value, Mapping):  # noqa: SIM101 - asking an ABC costs much more
        return value.items() if len(value) <= _MAX_LEAVES else islice(value.items(), _MAX_LEAVES)
    return enumerate(value[:_MAX_LEAVES]) if isinstance(value, list | tuple) else ()


def _with(value: Any, path: Path, text: str) -> Any:
    """Return a copy of a value that has `text` at a path."""
    if not path:
        return text
    key, rest = path[0], path[1:]
    if isinstance(value, ModelValue):
        return ModelValue(value.cls, {**value.fields, key: _with(value.fields[key], rest, text)})
    if isinstance(value, Mapping):
        return {**value, key: _with(value[key], rest, text)}
    return [_with(item, rest, text) if index == key else item for index, item in enumerate(value)]


def _is_open(left: str, right: str) -> bool:
    """Tell whether one text may go on in the next."""
    end, begin = left[-1], right[0]
    if end in _ENDS and (begin.isspace() or begin.isupper()):
        return False
    return (end.isalnum() or end in _CONTINUES) and (begin.isalnum() or begin in _CONTINUES)
