"""Find what identifies a person besides the name: e-mail, handle, phone number and other numbers."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from certtrace.redaction.known.names import Name, compiled
from certtrace.redaction.known.reading import Reading
from certtrace.redaction.known.words import COMMON, EPONYMS
from certtrace.redaction.text.engine import NATIVE, Matcher, matcher
from certtrace.redaction.text.fairness import Turns
from certtrace.redaction.text.folding import UNSEEN, fold, fold_bytes
from certtrace.redaction.text.lazy import lazy

_MIN_WORD: Final = 3
_MIN_NUMBER: Final = 5
_MIN_LOCAL: Final = 4
_MIN_PHONE: Final = 7
_MIN_DIGITS: Final = 3
_TAIL: Final = 9
_LOCAL_TAIL: Final = 7
_MAX_PREFIX: Final = 5
_NOT_DIGIT: Final = lazy(r"[^0-9]+")
_PIECES: Final = lazy(r"[a-z]+|[0-9]+")
_WORDS: Final = lazy(r"[a-z0-9]+")
_SOLID: Final = lazy(r"[a-z0-9]")
_PHONE_PREFIX: Final = b"0123456789 ().-/+\t"
_AT: Final = rb"(?:@|[ \t]{0,2}[\[({<]?[ \t]?(?:@|at)[ \t]?[\])}>]?[ \t]{0,2})"
_TAG: Final = rb"(?:[+][a-z0-9._=-]{0,40})?"
_DOT: Final = rb"(?:\.|[ \t]{0,2}[\[({<]?dot[\])}>]?[ \t]{0,2})"

Accept = Callable[[Reading, int, int], tuple[int, int] | None]


@dataclass
class Value:
    """One value to look for."""

    type: str
    rule: str
    expression: bytes
    accept: Accept
    letters: bytes = b""
    """Lower-case letters and digits that stand in every match as they are."""
    digits: bytes = b""
    """Digits that follow each other in every text with a match, whatever stands between them."""
    native: bool = NATIVE
    sign: bytes = b""
    """An expression for what stands in every match; empty for the whole."""

    @property
    def is_numeric(self) -> bool:
        """Whether the digits say more than the letters."""
        return len(self.digits) > _MIN_DIGITS and (not self.letters or len(self.digits) >= len(self.letters))

    @cached_property
    def pattern(self) -> Matcher:
        """The expression, compiled when it is needed for the first time."""
        return matcher(self.expression, native=self.native)

    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield where the value stands."""
        if not (self.letters in reading.low and self.digits in reading.digits):
            return
        place, turns = 0, Turns()
        while (groups := self.pattern.next(reading.low, place)) is not None:
            turns.step()
            start, end = groups[0]
            whole = self.accept(reading, start, end)
            if whole is not None:
                yield whole
            place = end if whole is not None else start + 1


def _plain(value: str) -> str:
    return fold(value).replace(UNSEEN, "").strip().lower()


def is_word(text: str) -> bool:
    """Tell whether a text is a word that says nothing about a person."""
    return text in COMMON or text in EPONYMS


def is_searchable(value: str) -> bool:
    """Tell whether a value is rare enough to be looked for wherever it stands."""
    plain = _plain(value)
    if not plain or b"?" in fold_bytes(plain.replace("?", "")):
        return False
    solid = "".join(_SOLID.findall(plain))
    if solid.isdigit():
        return len(solid) >= _MIN_NUMBER
    return len(solid) >= _MIN_WORD and not all(is_word(word) for word in _WORDS.findall(plain))


def literal(value: str, kind: str, rule: str, *, native: bool) -> Value:
    """Return the search for a handle, an id or any other value: case and separators do not count."""
    pieces = _PIECES.findall(_plain(value))
    apart = rb"[ \t\r\n._/\\:;,+#@()-]{0,3}"
    if all(is_word(piece) or piece.isdigit() for piece in pieces):
        apart = rb"[._/\\:+#@-]{0,2}"  # words beside each other are a sentence
    return Value(
        kind, rule, apart.join(piece.encode() for piece in pieces), whole_word, *_anchors(pieces), native=native
    )


def number(value: str, kind: str, rule: str, *, native: bool) -> Value:
    """Return the search for a number that is written in groups of any length."""
    solid = _SOLID.findall(_plain(value))
    expression = rb"[ \t./-]{0,2}".join(sign.encode() for sign in solid)
    digits = "".join(sign for sign in solid if sign.isdigit())
    return Value(
        kind, rule, expression, whole_word, b"" if digits else "".join(solid).encode(), digits.encode(), native
    )


def _anchors(pieces: list[str]) -> tuple[bytes, bytes]:
    digits = "".join(piece for piece in pieces if piece.isdigit())
    longest = max((piece for piece in pieces if piece.isalpha()), key=len, default="")
    return longest.encode(), digits.encode()


def exact(value: str, kind: str, rule: str, *, native: bool) -> Value:
    """Return the search for a value whose signs matter, such as an address on the network."""
    plain = fold_bytes(value.strip()).lower()
    return Value(kind, rule, re.escape(plain), whole_word, plain, native=native)


def email(value: str, *, native: bool) -> Iterator[Value]:
    """Yield the searches for an e-mail address and for the part before the `@`."""
    plain = _plain(value)
    local, _, domain = plain.partition("@")
    base = local.partition("+")[0]
    if not base or not fold_bytes(plain).isascii() or "?" in fold_bytes(plain).decode():
        return
    if domain:
        expression = re.escape(base.encode()) + _TAG + _AT + _DOT.join(re.escape(p.encode()) for p in domain.split("."))
        yield Value(
            "EMAIL", "known.email", expression, whole_word, base.encode(), native=native, sign=re.escape(base.encode())
        )
    solid = "".join(_SOLID.findall(base))
    if len(solid) >= _MIN_LOCAL and not is_word(solid) and not is_word(base) and not solid.isdigit():
        yield literal(base, "USERNAME", "known.email", native=native)


def name_of_email(value: str) -> Name | None:
    """Return the name that the part before the `@` spells, such as `bjorn.lindqvist`."""
    words = _plain(value).partition("@")[0].partition("+")[0]
    parts = [part.rstrip("0123456789") for part in re.split(r"[._-]", words)]
    if len(parts) < 2 or not all(part.isalpha() and part.isascii() for part in parts) or len(parts[-1]) < _MIN_WORD:
        return None
    return compiled(parts[:-1], parts[-1:])


def phone(value: str, *, native: bool) -> Iterator[Value]:
    """Yield the searches for a phone number: the last digits decide, what stands before them is taken along."""
    digits = _NOT_DIGIT.sub("", _plain(value))
    if len(digits) < _MIN_PHONE:
        return
    tail = digits[-_TAIL:] if len(digits) > _TAIL else digits.lstrip("0") or digits
    yield _tail(tail, _with_prefix, native=native)
    if len(digits) > _TAIL:
        yield _tail(digits[-_LOCAL_TAIL:], _without_prefix, native=native)


def _tail(tail: str, accept: Accept, *, native: bool) -> Value:
    expression = r"[ ().\-/\t]{0,3}".join(tail).encode()
    return Value("PHONE", "known.phone", expression, accept, digits=tail.encode(), native=native)


def whole_word(reading: Reading, start: int, end: int) -> tuple[int, int] | None:
    """Accept what no letter and no digit touches."""
    if _touches(reading.low, start - 1) or _touches(reading.low, end):
        return None
    return start, end


def _touches(data: bytes, index: int) -> bool:
    return 0 <= index < len(data) and data[index : index + 1].isalnum()


def _with_prefix(reading: Reading, start: int, end: int) -> tuple[int, int] | None:
    """Accept a number and take its prefix with it: `+49 (0)`, `0`, `001-`."""
    data = reading.data
    if data[end : end + 1].isdigit():
        return None
    before = data[max(0, start - 10) : start]
    prefix = before[len(before.rstrip(_PHONE_PREFIX)) :].lstrip(b" ).-/\t")
    if len(re.sub(rb"[^0-9]", b"", prefix)) > _MAX_PREFIX:
        return None
    return start - len(prefix), end


def _without_prefix(reading: Reading, start: int, end: int) -> tuple[int, int] | None:
    """Accept the number as it is dialled in its own town."""
    before = reading.data[max(0, start - 2) : start].rstrip(b" -./()")
    return None if before[-1:].isdigit() else whole_word(reading, start, end)
