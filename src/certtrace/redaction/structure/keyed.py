"""Values that a key declares in text no parser reads: representations, logs, JSON that was cut or stands in prose."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from string import ascii_letters, digits
from typing import Final, NamedTuple

from certtrace.redaction.detect.finding import DETECTOR, Finding
from certtrace.redaction.known.fields import beside_kind, last_word, plain_kind
from certtrace.redaction.structure.reprs import value_end
from certtrace.redaction.text.batch import Batch
from certtrace.redaction.text.fairness import Turns
from certtrace.redaction.text.lazy import lazy
from certtrace.redaction.text.views import View

_SEPARATOR: Final = lazy(r"""=|:(?:(?= ["'])|(?<=["']:)|(?<=["'] :))""")
"""A colon separates only behind a quoted key or in front of a quoted value; most others are punctuation."""
_KEY_SIGNS: Final = ascii_letters + digits + "_-"
_IN_STRUCTURE: Final = lazy(r"(?:[{,(]|\n)[ \t\r\n]*\Z")
_QUOTED_VALUE: Final = frozenset({' "', " '"})
_NO_KEY_BEHIND: Final = frozenset(".$@")
_SPACE: Final = lazy(r"[ \t\r\n]{0,64}")
_QUERY_VALUE: Final = lazy(r"[^&\s#\"'<>;]{1,256}")
_BRACKET: Final = lazy(r"[{}()]")
_MAX_KEY: Final = 48
_MAX_VALUE: Final = 4_096
_DIGITS: Final = frozenset({"PHONE", "IBAN", "SSN", "CREDIT_CARD", "NATIONAL_ID", "DOB"})
_PARTS: Final = {"GIVEN": "PERSON", "FAMILY": "PERSON", "MIDDLE": "PERSON"}
_NO_VALUES: Final = """
    string str text varchar char int integer number date datetime boolean bool null none true false nil undefined email
    phone name required optional any object array unknown n/a na tbd todo xxx value example password secret token key
"""
_PLACEHOLDERS: Final = frozenset(_NO_VALUES.split())
_TEMPLATE: Final = lazy(r"[<{$%\[*.]|.*[<>{}]|(?:varchar|char|string|text|int|uuid)\b", re.IGNORECASE)
_NAME: Final = lazy(r"[^\W\d_][^\d_()=<>{}\[\]|/@#$%*+;:!?]{0,79}")
_HARMLESS: Final = 8
_SHORT_WORDS: Final = frozenset({"token", "secret", "otp"})


class _Pair(NamedTuple):
    """A key that may declare its value."""

    start: int
    end: int
    kind: str
    certain: bool
    """Whether the key declares by itself; other keys only do beside such a one."""
    group: int
    key: str


class KeyedValues:
    """Finds what keys declare, for one policy. Safe to share between threads."""

    __slots__ = ("_identity_keys", "_secret_keys")

    def __init__(self, secret_keys: AbstractSet[str], *, identity_keys: bool = True) -> None:
        """Take the keys of credentials, and whether keys such as `date_of_birth` declare their values too."""
        self._secret_keys = secret_keys
        self._identity_keys = identity_keys

    def find(self, view: View) -> Iterator[Finding]:
        """Yield the values of `"key": "value"`, `key='value'` and `?key=value` whose key says what they are."""
        yield from self._found(view.text)

    def _found(self, text: str) -> Iterator[Finding]:
        if not _may_hold_pairs(text):
            return
        pairs = list(self._pairs(text))
        certain = {pair.group for pair in pairs if pair.certain}
        for pair in pairs:
            if pair.certain or pair.group in certain:
                yield Finding(pair.start, pair.end, pair.kind, layer=DETECTOR, rule=f"key.{pair.key}")

    def suspects(self, batch: Batch, suspect: set[int]) -> None:
        """Add the texts of a batch in which something is found."""
        if b"=" not in batch.data and (b":" not in batch.data or not (b'"' in batch.data or b"'" in batch.data)):
            return
        for index, text in enumerate(batch.texts):
            if index not in suspect and any(True for _ in self._found(text)):
                suspect.add(index)

    def _pairs(self, text: str) -> Iterator[_Pair]:
        group = done = at = 0
        turns = Turns()
        while (separator := _SEPARATOR.search(text, at)) is not None:
            at = separator.end()
            key, key_start = _key_before(text, separator.start())
            if not key:
                continue
            turns.step()
            at += text.startswith("=>", at - 1)
            kind, certain = self._kind(key)
            if not kind:
                continue
            value = _value_at(text, at, kind, is_query=text[key_start - 1 : key_start] in {"?", "&"})
            if value is None:
                continue
            if _BRACKET.search(text, done, max(done, key_start)):
                group += 1
            done = at = value[1]
            if kind != "SECRET" or _may_be_secret(last_word(key), text[slice(*value)]):
                yield _Pair(*value, kind, certain, group, last_word(key))

    def _kind(self, key: str) -> tuple[str, bool]:
        """Return the type that a key declares, empty for none, and whether it does so by itself."""
        if last_word(key) in self._secret_keys:
            return "SECRET", True
        if not self._identity_keys:
            return "", False
        plain = plain_kind(key)
        kind = plain or beside_kind(key) or ""
        return ("", False) if kind == "ID" else (_PARTS.get(kind, kind), plain is not None)


def _may_hold_pairs(text: str) -> bool:
    if "=" in text:
        return True
    return ":" in text and ('"' in text or "'" in text) and _SEPARATOR.search(text) is not None


def _key_before(text: str, end: int) -> tuple[str, int]:
    """Return the key before a separator and where it begins, or an empty one."""
    sign = text[end]
    end -= text[end - 1 : end] == " "
    last = text[end - 1 : end]
    first = max(0, end - 1 - _MAX_KEY)
    if last in {'"', "'"} and end:
        start = text.rfind(last, first, end - 1)
        return (text[start + 1 : end - 1], start) if start >= 0 else ("", 0)
    if sign == ":" and text[end + 1 : end + 3] not in _QUOTED_VALUE:
        return "", 0
    start = first + len(text[first:end].rstrip(_KEY_SIGNS))
    if start == end or text[start - 1 : start] in _NO_KEY_BEHIND or not text[start].isalpha():
        return "", 0
    if sign == ":" and not _IN_STRUCTURE.search(text[max(0, start - _MAX_KEY) : start]):
        return "", 0  # `Email: "…"` may be prose
    return text[start:end], start


def _value_at(text: str, at: int, kind: str, *, is_query: bool) -> tuple[int, int] | None:
    """Return where the value stands that begins at a place, without its quotes."""
    space = _SPACE.match(text, at)
    start = space.end() if space else at
    stop = min(len(text), start + _MAX_VALUE)
    if text[start : start + 1] in {'"', "'"}:  # a value that was cut off ends with its line
        line = text.find("\n", start, stop)
        stop = line if line >= 0 else stop
    end = value_end(text, start, stop, numbers=True)
    if end is None and is_query:
        query = _QUERY_VALUE.match(text, at)
        start, end = at, query.end() if query else None
    if end is None:
        return None
    if text[start] in {'"', "'"}:
        closed = end - start > 1 and text[end - 1] == text[start]
        start, end = start + 1, end - 1 if closed else end
    return (start, end) if _may_be(kind, text[start:end]) else None


def _may_be(kind: str, value: str) -> bool:
    """Tell whether a value can be what its key says: not a type, a template or what replaced it before."""
    plain = value.strip().lower()
    if not plain or plain in _PLACEHOLDERS or (kind != "SECRET" and _TEMPLATE.match(plain)):
        return False
    if kind in _DIGITS:
        return any(map(str.isdigit, value))
    if kind == "EMAIL":
        return "@" in value or " at " in value
    if kind == "PERSON":
        return _NAME.fullmatch(value.strip()) is not None and len(value.split()) <= 5
    return len(plain) > 3 and not (kind == "SECRET" and plain.startswith(("<", "{{", "${", "%(", "$(")))


def _may_be_secret(word: str, value: str) -> bool:
    """Tell whether a value can be a credential: `token` also names a piece of text that a model read."""
    return word not in _SHORT_WORDS or (len(value) >= _HARMLESS and len(value.split()) == 1)


NO_KEYS: Final = KeyedValues(frozenset(), identity_keys=False)
"""Finds nothing."""
