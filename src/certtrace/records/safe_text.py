"""Text from a trace made harmless for a terminal: it is what a candidate typed, or an attacker."""

import re
import unicodedata
from typing import Any, Final

import orjson

_HARMLESS: Final = {"\u200c", "\u200d"}
"""Joiners: Persian and emoji need them, and they neither move nor hide other text."""
_HARMFUL_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JSON_HARMFUL: Final = re.compile(
    "[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]"
)
_NAMED: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def one_line(text: str) -> str:
    """Return text with line breaks, control, bidirectional and invisible characters written as escapes."""
    return text if text.isprintable() else "".join(map(_shown, text))


def lines(text: str) -> list[str]:
    """Return text as lines, each made harmless."""
    return [one_line(line.expandtabs(4)) for line in text.replace("\r\n", "\n").split("\n")]


def json_line(value: Any) -> str:
    """Return one line of JSON for programs; what could steer a terminal is escaped, which JSON readers undo."""
    text = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    return _JSON_HARMFUL.sub(_json_escape, text)


def _shown(character: str) -> str:
    if character in _HARMLESS or unicodedata.category(character) not in _HARMFUL_CATEGORIES:
        return character
    code = ord(character)
    escape = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return _NAMED.get(character, escape)


def _json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
