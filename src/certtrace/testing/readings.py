"""The readings of exported bytes: decompressed, unescaped, decoded, again and again, as somebody who has them would."""

import binascii
import hashlib
import html
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from certtrace.errors import ConfigurationError
from certtrace.testing.compression import decompressed
from certtrace.testing.spelling import compact, decode, fold

MAX_DEPTH: Final = 6
MAX_BYTES: Final = 1 << 30
"""Bytes of all readings of one source; beyond it the check refuses rather than overlook something."""

_BREAK: Final = b"\x1e"
_BREAK_TEXT: Final = "\x1e"
"""Stands between parts that were decoded apart, so that nothing is found across them."""


@dataclass(frozen=True)
class Reading:
    """One way to read a source: how it was reached, outermost step first, and what it says."""

    steps: tuple[str, ...]
    data: bytes
    parent: "Reading | None" = None

    @cached_property
    def text(self) -> str:
        """The bytes as text."""
        return decode(self.data)

    @cached_property
    def folded(self) -> str:
        """The text without case, accents and invisible characters."""
        return fold(self.text)

    @cached_property
    def compact(self) -> bytes:
        """The folded text without spaces and punctuation."""
        return compact(self.folded)

    def forget(self) -> None:
        """Free what was derived; it is derived again if somebody asks."""
        for name in ("text", "folded", "compact"):
            self.__dict__.pop(name, None)


def readings(data: bytes, reach: int) -> Iterator[Reading]:
    """Yield every reading of a source, the bytes themselves first.

    Args:
        data: The source.
        reach: How far around a place that was unescaped the text is kept: what is found in the rest was found before.

    Raises:
        ConfigurationError: There is more to read than can be searched, or a compression that cannot be read here.
    """
    waiting = deque([Reading((), data)])
    seen = {_digest(data)}
    size = 0
    while waiting:
        reading = waiting.popleft()
        size += len(reading.data)
        if size > MAX_BYTES:
            msg = f"A source unfolds to more than {MAX_BYTES >> 20} MB and was not searched. Search it in parts."
            raise ConfigurationError(msg)
        yield reading
        if len(reading.steps) >= MAX_DEPTH:
            continue
        for step, decoded in _decoded(reading, reach):
            digest = _digest(decoded)
            if decoded and digest not in seen:
                seen.add(digest)
                waiting.append(Reading((*reading.steps, step), decoded, reading))
        reading.forget()


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _decoded(reading: Reading, reach: int) -> Iterator[tuple[str, bytes]]:
    yield from decompressed(reading.data, MAX_BYTES)
    for step, decoded in (
        ("escaped", unescaped(reading.text, reach)),
        ("quoted-printable", _undone(reading.text, _QUOTED, _unquoted, reach)),
        ("base64", _from_base64(reading.data)),
        ("hex", _from_hex(reading.data)),
    ):
        if decoded is not None:
            yield step, decoded if isinstance(decoded, bytes) else decoded.encode("utf-8", "surrogatepass")


# --- escapes ---

_ESCAPE: Final = re.compile(
    # Each alternative begins with its character, outside the group: only then the engine skips to the next candidate.
    r"%(?P<url>[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*)"
    r"|\\(?P<json>\\{0,31}u[0-9A-Fa-f]{4}(?:\\{1,32}u[0-9A-Fa-f]{4})*)"
    r"|\\(?P<wide>\\{0,31}(?:U[0-9A-Fa-f]{8}|u\{[0-9A-Fa-f]{1,6}\}))"
    r"|\\(?P<hex>\\{0,31}x[0-9A-Fa-f]{2}(?:\\{1,32}x[0-9A-Fa-f]{2})*)"
    r"|\\(?P<octal>\\{0,31}[0-3][0-7]{2}(?:\\{1,32}[0-3][0-7]{2})*)"
    r"|\\(?P<short>\\{0,31}[nrtbf/])"
    r"|&(?P<html>(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
)
_HEX_DIGITS: Final = re.compile(r"(?:u|x|%)([0-9A-Fa-f]+)")
KINDS: Final = {
    "URL-encoded": ("url",),
    "JSON-escaped": ("json", "short"),
    "HTML entities": ("html",),
    "backslash escapes": ("wide", "hex", "octal"),
}
"""Which escapes a form consists of."""


def unescaped(text: str, reach: int, kinds: tuple[str, ...] = ()) -> str | None:
    """Return what stands around the escapes, one round of them undone, all or some kinds; `None` without any."""

    def plain(match: re.Match[str]) -> str:
        kind = match.lastgroup or ""
        return match[0] if kinds and kind not in kinds else _UNDO[kind](match[0])

    return _undone(text, _ESCAPE, plain, reach)


def _undone(text: str, pattern: re.Pattern[str], plain: Callable[[re.Match[str]], str], reach: int) -> str | None:
    pieces: list[str] = []
    done = 0
    for match in pattern.finditer(text):
        start = match.start()
        if start - done > 2 * reach:
            pieces += (text[done : done + reach], _BREAK_TEXT, text[start - reach : start])
        else:
            pieces.append(text[done:start])
        pieces.append(plain(match))
        done = match.end()
    if not done:
        return None
    pieces.append(text[done : done + reach])
    return "".join(pieces)


def _json(run: str) -> str:
    units = b"".join(int(digits, 16).to_bytes(2, "little") for digits in _HEX_DIGITS.findall(run))
    return units.decode("utf-16-le", "surrogatepass")


def _wide(escape: str) -> str:
    code = int(escape.lstrip("\\")[1:].strip("{}"), 16)
    return chr(code) if code < 0x110000 else escape


def _bytes(run: str) -> str:
    return decode(bytes(int(digits, 16) for digits in _HEX_DIGITS.findall(run)))


def _octal(run: str) -> str:
    return decode(bytes(int(digits, 8) & 0xFF for digits in run.split("\\") if digits))


def _short(escape: str) -> str:
    return "/" if escape.endswith("/") else " "


_UNDO: Final[dict[str, Callable[[str], str]]] = {
    "url": _bytes,
    "json": _json,
    "wide": _wide,
    "hex": _bytes,
    "octal": _octal,
    "short": _short,
    "html": html.unescape,
}

_QUOTED: Final = re.compile(r"=(?:[0-9A-F]{2}(?:=[0-9A-F]{2})*|\r?\n)")


def _unquoted(match: re.Match[str]) -> str:
    run = match[0]
    return "" if run.endswith("\n") else decode(bytes.fromhex(run.replace("=", "")))


# --- encodings ---

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{12,}(?:=*(?:\r\n|\n|\\r\\n|\\n)[A-Za-z0-9+/_-]{4,})*")
_LINE_END: Final = re.compile(rb"=*(?:\r\n|\n|\\r\\n|\\n)")
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_HEX: Final = re.compile(rb"(?:[0-9A-Fa-f]{2}[ :-]?){8,}")
_BETWEEN_HEX: Final = b" :-"
_SENSE: Final = re.compile(
    rb"[\w .@+,:;/\"'%&#=\\-]{6}|(?:[\xc3-\xf4][\x80-\xbf]{1,3}){4}|(?:[ -~]\0){6}|(?:[\0-\xff][\x03-\x06]){6}"
    rb"|\x1f\x8b\x08|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|\A\x78[\x01\x5e\x9c\xda]"
)
"""What decoded bytes hold if they are a text or compressed; ids are neither."""


def _from_base64(data: bytes) -> bytes | None:
    parts: list[bytes] = []
    for match in _BASE64.finditer(data):
        run = match[0]
        if run.isalpha() and run[1:].islower():
            continue  # a word
        run = _LINE_END.sub(b"", run).translate(_STANDARD)
        # Where the encoded text begins is not certain: a length or a word may stand directly before it.
        for start in range(4):
            whole = run[start:]
            rest = len(whole) % 4
            whole = whole[: len(whole) - rest] if rest == 1 else whole + b"=" * (-rest % 4)
            decoded = binascii.a2b_base64(whole)
            if _SENSE.search(decoded):
                parts.append(decoded)
    return _BREAK.join(parts) or None


def _from_hex(data: bytes) -> bytes | None:
    parts: list[bytes] = []
    for match in _HEX.finditer(data):
        run = match[0].translate(None, _BETWEEN_HEX)
        pairs = (run[: len(run) & ~1], run[1 : len(run) - 1 | 1])
        parts += (decoded for decoded in map(binascii.unhexlify, pairs) if _SENSE.search(decoded))
    return _BREAK.join(parts) or None
