"""Canary values and the forms in which they can travel."""

import base64
import hashlib
import struct
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from certtrace.errors import ConfigurationError
from certtrace.testing.spelling import compact, fold, with_umlauts_written_out

Canaries = str | Iterable[str] | Mapping[str, str | Iterable[str]]
"""What to look for: values, or values by the name under which a report mentions them."""

PLAIN: Final = "plain"

_MIN_LETTERS: Final = 5
_MIN_DIGITS: Final = 8
_MIN_NUMBER_BYTES: Final = 5
_DIGESTS: Final = ("md5", "sha1", "sha256", "sha512")
_DIGEST_HEX: Final = 16
"""Leading digits of a digest that are looked for: digests are often cut."""


@dataclass(frozen=True, slots=True)
class Canary:
    """One value that must not leave, and the name under which a report mentions it."""

    name: str
    value: str

    def __repr__(self) -> str:
        """Show the name only."""
        return f"<canary {self.name!r}>"


def canaries_of(given: Canaries) -> list[Canary]:
    """Return the canaries that a caller gave, checked.

    Raises:
        ConfigurationError: There is none, one is no text, or one is too short to be told from coincidence.
    """
    found = [Canary(name, value) for name, value in _named(given)]
    if not found:
        msg = "No canary was given. Give the values that must not leave, such as {'candidate name': 'Ada Zimmermann'}."
        raise ConfigurationError(msg)
    for canary in found:
        _check(canary)
    return found


def _named(given: Canaries) -> Iterator[tuple[str, str]]:
    if isinstance(given, str):
        yield "canary", given
    elif isinstance(given, Mapping):
        for name, values in given.items():
            for value in (values,) if isinstance(values, str) else values:
                yield name, value
    else:
        for number, value in enumerate(given, 1):
            yield f"canary {number}", value


def _check(canary: Canary) -> None:
    if not isinstance(canary.value, str):
        msg = f"The canary {canary.name!r} is no text but {type(canary.value).__name__}. Give it as text."
        raise ConfigurationError(msg)
    letters = compact(fold(canary.value)).decode("utf-8", "surrogatepass")
    least = _MIN_DIGITS if letters.isdigit() else _MIN_LETTERS
    if len(letters) < least:
        kind = "digits" if letters.isdigit() else "letters and digits"
        msg = (
            f"The canary {canary.name!r} has {len(letters)} {kind}, which may stand anywhere by coincidence. "
            f"Choose a value of at least {least}."
        )
        raise ConfigurationError(msg)


def spelled_needles(value: str) -> Iterator[tuple[bytes, str]]:
    """Yield what to look for in folded, compact text, with the name of the form."""
    plain = compact(fold(value))
    yield plain, PLAIN
    written_out = compact(fold(with_umlauts_written_out(value)))
    if written_out != plain:
        yield written_out, "umlauts written out"
    yield compact(fold(value)[::-1]), "reversed"
    for data in _encodings(value):
        yield data.hex().encode(), "hex"
    for spelling in dict.fromkeys((value, value.lower(), value.upper())):
        for needle in _base32(spelling.encode("utf-8", "surrogatepass")):
            yield needle, "base32"
    for data in dict.fromkeys((value.encode("utf-8", "surrogatepass"), value.lower().encode("utf-8", "surrogatepass"))):
        for name in _DIGESTS:
            digest = hashlib.new(name, data, usedforsecurity=False)
            yield digest.hexdigest()[:_DIGEST_HEX].encode(), f"{name} without a key"


def raw_needles(value: str) -> Iterator[tuple[bytes, str]]:
    """Yield what to look for in the bytes as they are, with the name of the form."""
    for spelling in _spellings(value):
        for codec in ("utf-16-le", "utf-16-be"):
            yield spelling.encode(codec, "surrogatepass"), "UTF-16"
    for codec in ("utf-16-le", "utf-16-be"):
        for needle in _base64(value.encode(codec, "surrogatepass")):
            yield needle, "base64 of UTF-16"
    for data in _encodings(value):
        for needle in _base64(data):
            yield needle, "base64"
    for name in _DIGESTS:
        digest = hashlib.new(name, value.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
        yield base64.b64encode(digest)[:_DIGEST_HEX], f"{name} without a key"
    for needle in _numbers(value):
        yield needle, "binary number"


def _spellings(value: str) -> list[str]:
    forms = [value, unicodedata.normalize("NFC", value), unicodedata.normalize("NFD", value)]
    forms += [value.lower(), value.upper(), value.title()]
    forms.append(compact(fold(value)).decode("utf-8", "surrogatepass"))
    forms.append("".join(value.split()))
    return list(dict.fromkeys(forms))


def _encodings(value: str) -> list[bytes]:
    found = [spelling.encode("utf-8", "surrogatepass") for spelling in _spellings(value)]
    if not value.isascii():
        found.append(value.encode("latin-1", "ignore"))
    return [data for data in dict.fromkeys(found) if len(data) >= _MIN_LETTERS]


def _base64(data: bytes) -> Iterator[bytes]:
    """Yield the characters that the data alone decides, wherever in a longer text it is encoded."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data)
        first, behind = (before * 8 + 5) // 6, (before + len(data)) * 8 // 6
        needle = encoded[first:behind]
        yield needle
        yield needle.translate(bytes.maketrans(b"+/", b"-_"))


def _base32(data: bytes) -> Iterator[bytes]:
    for before in range(5):
        encoded = base64.b32encode(b"\0" * before + data)
        first, behind = (before * 8 + 4) // 5, (before + len(data)) * 8 // 5
        yield encoded[first:behind].lower()


def _numbers(value: str) -> Iterator[bytes]:
    """Yield a number as protobuf, SQLite, MessagePack and C structures hold it."""
    digits = compact(fold(value)).decode("utf-8", "surrogatepass")
    if not (digits.isascii() and digits.isdigit()):
        return
    number = int(digits)
    if 0 < number < 1 << 63:
        size = (number.bit_length() + 7) // 8
        yield _varint(number)
        yield number.to_bytes(size, "big")
        yield number.to_bytes(size, "little")
        yield struct.pack("<d", number)
        yield struct.pack(">d", number)


def _varint(number: int) -> bytes:
    pieces = bytearray()
    while number > 0x7F:
        pieces.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*pieces, number])


def is_telling(needle: bytes) -> bool:
    """Whether a needle is long enough not to stand anywhere by coincidence."""
    return len(needle) >= _MIN_NUMBER_BYTES
