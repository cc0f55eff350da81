"""Texts recorded in pieces, as streams are: what is personal only when the pieces are put together is found."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from certtrace.ports import ModelValue
from certtrace.redaction.texts import Change

_EDGE: Final = 256
"""Characters on either side of a border that are looked at."""
_GAP: Final = "\n\n"
_MAX_DEPTH: Final = 6
_MAX_LEAVES: Final = 32
_CONTINUES: Final = frozenset("@._-+ '/=:,(\u2019")
_ENDS: Final = frozenset(".!?:;,")

Path = tuple[Any, ...]


Finder = Callable[[str], Sequence[Change]]
"""Returns what has to be replaced in a text, in order and without overlaps; counts nothing."""
Count = Callable[[str, str], None]
"""Told the type and the operator of what was replaced."""


class _Pieces:
    """The texts at one place in the items of a list, put together."""

    __slots__ = ("_into", "_sources", "indexes", "path", "texts")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.indexes: list[int] = []
        self.texts: list[str] = []
        self._into: list[int] = []
        self._sources: list[tuple[int, int]] = []

    def add(self, index: int, text: str) -> None:
        self.indexes.append(index)
        self.texts.append(text)

    def may_be_one_text(self) -> bool:
        """Tell whether anything can lie across a border."""
        texts = self.texts
        if len(texts) < 2 or texts.count(texts[0]) == len(texts):
            return False
        if not any(map(_is_open, texts, texts[1:])):
            return False
        return self.flows() or not all(text.isdigit() for text in texts)  # a list of numbers is no number

    def flows(self) -> bool:
        """Tell whether the pieces are plainly cut from one text: a list of words has no spaces at its edges."""
        return any(text[0].isspace() or text[-1].isspace() for text in self.texts)

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
        if not self.may_be_one_text():
            return {}
        joined = self.joined()
        changed: dict[int, str] = {}
        for found in reversed(find(joined)):
            first, start = self.place(found.start)
            last, end = self.place(found.end - 1)
            if first == last or _GAP in joined[found.start : found.end]:
                continue
            if not (self.flows() or found.type == "EXAM_SECRET") and self._is_chance(first, start, last, end, find):
                continue
            count(found.type, found.operator)
            changed[last] = changed.get(last, self.texts[last])[end + 1 :]
            changed.update(dict.fromkeys(range(first + 1, last), ""))
            changed[first] = self.texts[first][:start] + found.replacement
        return changed

    def _is_chance(self, first: int, start: int, last: int, end: int, find: Finder) -> bool:
        """Tell whether a finding across borders is one inside a piece, with its neighbours glued on."""
        cut = max(0, len(self.texts[first]) - _EDGE)
        if any(alone.end + cut > start for alone in find(self.texts[first][cut:])):
            return True
        return any(alone.start <= end for alone in find(self.texts[last][:_EDGE]))


def joined_texts(items: Sequence[object]) -> Iterator[str]:
    """Yield what the texts in the items of a list say when they are put together, where that may say more."""
    for pieces in _pieces(items):
        if pieces.may_be_one_text():
            yield pieces.joined()


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
    for pieces in _pieces(items):
        for number, text in pieces.mended(find, count).items():
            result = list(items) if result is None else result
            index = pieces.indexes[number]
            result[index] = _with(result[index], pieces.path, text)
    return items if result is None else result


def _pieces(items: Sequence[object]) -> Iterator[_Pieces]:
    if len(items) < 2:
        return
    groups: dict[Path, _Pieces] = {}
    for index, item in enumerate(items):
        if type(item) is str:
            if item:
                (groups.get(()) or groups.setdefault((), _Pieces(()))).add(index, item)
        elif type(item) not in {int, float, bool, type(None)}:
            for path, text in _texts(item):
                (groups.get(path) or groups.setdefault(path, _Pieces(path))).add(index, text)
    yield from groups.values()


def _texts(item: object) -> Iterator[tuple[Path, str]]:
    """Yield the first texts in one item, with the keys and indexes that lead to each."""
    waiting: list[tuple[Path, object]] = [((), item)]
    left = _MAX_LEAVES
    while waiting and left > 0:
        path, value = waiting.pop()
        left -= 1
        if isinstance(value, str):
            if value and type(value) is str:
                yield path, value
        elif len(path) < _MAX_DEPTH:
            waiting += [((*path, key), inner) for key, inner in _entries(value)]


def _entries(value: object) -> list[tuple[Any, object]]:
    if isinstance(value, ModelValue):
        value = value.fields
    if isinstance(value, Mapping):
        return list(islice(value.items(), _MAX_LEAVES))[::-1]
    if isinstance(value, list | tuple):
        return list(enumerate(value[:_MAX_LEAVES]))[::-1]
    return []


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
