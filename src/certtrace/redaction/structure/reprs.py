"""Where a value ends that Python, JSON or SQL wrote into a text."""

import re
from typing import Final

from certtrace.redaction.text.lazy import lazy

_SINGLE: Final = r"'[^'\\]*+(?:\\.[^'\\]*+)*+'"
_DOUBLE: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_PREFIX: Final = r"(?:[bBrRuU]{1,2})?"
_STRING: Final = lazy(rf"{_PREFIX}(?:{_SINGLE}|{_DOUBLE})", re.DOTALL)
_QUOTE: Final = lazy(rf"{_PREFIX}['\"]")
_OPENING: Final = lazy(rf"(?<!\w){_PREFIX}['\"]")
"""A quote inside a word is an apostrophe."""
_CALL: Final = lazy(r"[A-Za-z_][\w.]{0,80}\(")
_TAG: Final = lazy(r"<(?!class ')[^<>\n]{1,400}>")
_TOKEN: Final = lazy(rf"{_SINGLE}|{_DOUBLE}|([(\[{{])|([)\]}}])|(['\"])", re.DOTALL)
_NUMBER: Final = lazy(r"-?[0-9][\w.+-]{0,400}")
_NAMES_OF_TYPES: Final = """
    NoneType None int str float bool list dict tuple set frozenset bytes bytearray object type function method module
    datetime date time Decimal UUID Mapping Sequence generator coroutine ellipsis complex range slice Exception
"""
_TYPES: Final = frozenset(_NAMES_OF_TYPES.split())


def value_end(text: str, at: int, stop: int | None = None, *, numbers: bool = False) -> int | None:
    """Return where the value ends whose representation begins at `at`; None where none begins or it says nothing.

    Text in quotes, brackets with all they hold, calls such as `Decimal('1')`, tags such as `<User: Jane>` are values.
    `None`, names of types and, unless `numbers` is set, numbers are not. A value without its end reaches to `stop`.
    """
    stop = len(text) if stop is None else stop
    string = _STRING.match(text, at, stop)
    if string is not None:
        return None if is_type(string[0]) else string.end()
    if _QUOTE.match(text, at, stop):
        return stop
    call = _CALL.match(text, at, stop)
    if call is not None or text[at : at + 1] in {"(", "[", "{"}:
        return _closed(text, call.end() - 1 if call else at, stop)
    plain = _TAG.match(text, at, stop) or (_NUMBER.match(text, at, stop) if numbers else None)
    return plain.end() if plain else None


def is_type(quoted: str) -> bool:
    """Tell whether quotes hold the name of a type and not a value."""
    return quoted[1:-1] in _TYPES


def _closed(text: str, at: int, stop: int) -> int:
    """Return the place behind the bracket that closes the one at `at`, or `stop`."""
    depth = 0
    for token in _TOKEN.finditer(text, at, stop):
        if token[1]:
            depth += 1
        elif token[2]:
            depth -= 1
            if depth == 0:
                return token.end()
        elif token[3]:
            return stop  # a string that was cut off
    return stop


def string_before(text: str, end: int, first: int) -> int | None:
    """Return where the string in quotes begins that ends at `end`, not before `first`; None where none does."""
    quote = text[end - 1 : end]
    if quote not in {"'", '"'} or end - 1 <= first:
        return None
    at = text.rfind(quote, first, end - 1)
    while at > first and text[at - 1] == "\\":
        at = text.rfind(quote, first, at)
    if at < 0 or (at > 0 and text[at - 1].isalnum() and not _is_prefix(text, at)):
        return None
    return at


def _is_prefix(text: str, at: int) -> bool:
    return text[at - 1] in "bB" and not text[at - 2 : at - 1].isalnum()


def strings_in(text: str, start: int, stop: int) -> list[tuple[int, int]]:
    """Return the strings in quotes within a part of a text; one without its end reaches to `stop`."""
    found: list[tuple[int, int]] = []
    opening = _OPENING.search(text, start, stop)
    while opening is not None:
        string = _STRING.match(text, opening.start(), stop)
        end = stop if string is None else string.end()
        found.append((opening.start(), end))
        opening = _OPENING.search(text, end, stop)
    return found
