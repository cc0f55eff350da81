"""The quick look at a structure: plain data under harmless keys needs no walk when all its texts are clean."""

import math
from collections.abc import Iterable
from typing import Final

from certtrace.redaction.known.fields import last_word, plain_kind
from certtrace.redaction.structure.binary import MIN_BLOB
from certtrace.redaction.structure.pieces import joined_texts
from certtrace.redaction.structure.walker import DESCRIBED, JSON_BEGINS, LONG_NUMBER, Rules
from certtrace.redaction.text.clean import CleanTexts

_MAX_PIECES: Final = 512
_MAX_DEPTH: Final = 12
_MAX_KEY: Final = 64
_CONTAINERS: Final = frozenset({dict, list, tuple})


class PlainData:
    """Finds the texts of plain data for one policy. Safe to share between threads."""

    __slots__ = ("_harmless", "_max_characters", "_max_depth", "_max_items", "_off", "_secret_keys")

    def __init__(self, rules: Rules) -> None:
        self._off = rules.has_paths
        self._secret_keys = rules.secret_keys
        self._max_characters = rules.max_characters
        self._max_items = min(rules.max_items, _MAX_PIECES)
        self._max_depth = min(rules.max_depth, _MAX_DEPTH)
        self._harmless = CleanTexts()

    def texts(self, value: object) -> list[str] | None:
        """Return every key and text of a mapping or list that declares nothing, or None: it has to be walked.

        If redaction leaves each of the texts as it is, it leaves the value as it is.
        """
        if self._off or type(value) not in {dict, list, tuple}:
            return None
        texts: list[str] = []
        return texts if self._gather(value, texts, 0) and sum(map(len, texts)) < self._max_characters else None

    def _gather(self, value: object, texts: list[str], depth: int) -> bool:
        if depth >= self._max_depth:
            return False
        texts.append("")  # counts the containers: shared ones may unfold to any number
        if isinstance(value, dict):
            return (
                len(value) <= self._max_items
                and not DESCRIBED.media_parts(value)
                and self._keys(value, texts)
                and self._items(value.values(), texts, depth)
            )
        if isinstance(value, list | tuple):
            if len(value) > self._max_items or not self._items(value, texts, depth):
                return False
            if len(value) > 1:
                texts += joined_texts(value)
            return True
        return False

    def _keys(self, value: dict[object, object], texts: list[str]) -> bool:
        harmless = self._harmless.young
        for key in value:
            if type(key) is not str or (key not in harmless and not self._is_harmless(key)):
                return False
            texts.append(key)
        return True

    def _items(self, items: Iterable[object], texts: list[str], depth: int) -> bool:
        for item in items:
            kind = type(item)
            if isinstance(item, str) and kind is str:
                texts.append(item)
                if not _is_plain(item):
                    return False
            elif kind in _CONTAINERS:
                if len(texts) >= _MAX_PIECES or not self._gather(item, texts, depth + 1):
                    return False
            elif not _is_short_number(item) and kind is not bool and item is not None:
                return False
        return True

    def _is_harmless(self, key: str) -> bool:
        if len(key) > _MAX_KEY:
            return False
        harmless = last_word(key) not in self._secret_keys and plain_kind(key) is None
        if harmless:
            self._harmless.add(key)
        return harmless


def _is_plain(text: str) -> bool:
    """Tell whether a text is neither JSON nor binary content."""
    if len(text) >= MIN_BLOB and DESCRIBED.is_touched(text):
        return False
    return text[:1].isalnum() or text[:64].lstrip()[:1] not in JSON_BEGINS


def _is_short_number(item: object) -> bool:
    kind = type(item)
    if isinstance(item, float) and kind is float:
        return math.isfinite(item)
    return isinstance(item, int) and kind is int and -LONG_NUMBER < item < LONG_NUMBER
