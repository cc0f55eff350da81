"""Data to YAML text: block style, text in double quotes, so that no value can be read as another type.

Own code because the core needs no YAML otherwise, and because the collector reads `$` in every value: text is escaped
here, and a variable of the collector's environment is a type of its own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_/]*")
_ALIKE: Final = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_SHORT: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Environment:
    """A variable of the collector's own environment; its value is never known here."""

    name: str
    before: str = ""
    """Text before the value."""

    def __post_init__(self) -> None:
        if not _VARIABLE.fullmatch(self.name):
            msg = f"{self.name!r} is no name of an environment variable."
            raise ValueError(msg)


Tree: TypeAlias = "Mapping[str, Tree] | Sequence[Tree] | str | bool | int | float | Environment"
"""What a configuration is made of."""


def to_yaml(tree: Mapping[str, Tree], comments: Sequence[str] = ()) -> str:
    """Return a document.

    Args:
        tree: Its content.
        comments: Lines above it; line breaks inside one are taken out.
    """
    head = [f"# {' '.join(line.split())}".rstrip() for line in comments]
    return "\n".join([*head, *_block(tree, 0)]) + "\n"


def _block(tree: Tree, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _entry(f"{indent}{_key(key)}:", value, depth + 1)
    elif isinstance(tree, Sequence) and not isinstance(tree, str):
        for value in tree:
            yield from _item(indent, value, depth)
    else:
        yield f"{indent}{_scalar(tree)}"


def _entry(head: str, value: Tree, depth: int) -> Iterator[str]:
    if _is_branch(value):
        yield head
        yield from _block(value, depth)
    else:
        yield f"{head} {_scalar(value)}"


def _item(indent: str, value: Tree, depth: int) -> Iterator[str]:
    if not _is_branch(value):
        yield f"{indent}- {_scalar(value)}"
        return
    first, *rest = _block(value, depth + 1)
    yield f"{indent}- {first[len(indent) + 2 :]}"
    yield from rest


def _is_branch(value: Tree) -> bool:
    return isinstance(value, Mapping | Sequence) and not isinstance(value, str) and bool(value)


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) and key.lower() not in _ALIKE else quoted(key)


def _scalar(value: Tree) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        # Without an exponent: YAML's readers do not agree on whether `1e-07` is a number.
        return format(Decimal(repr(value)), "f")
    if isinstance(value, Environment):
        return f'"{_inside(value.before)}${{env:{value.name}}}"'
    if isinstance(value, str):
        return quoted(value)
    return "{}" if isinstance(value, Mapping) else "[]"


def quoted(text: str) -> str:
    """Return text as a double-quoted scalar that the collector reads as just this text."""
    return f'"{_inside(text)}"'


def _inside(text: str) -> str:
    # The collector expands `${...}`; `$$` is how it is told a plain `$`.
    return "".join(_character(character) for character in text.replace("$", "$$"))


def _character(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    number = ord(character)
    if character.isprintable():
        return character
    if number < 0x100:
        return f"\\x{number:02x}"
    if 0xD800 <= number < 0xE000:
        return "\\ufffd"  # a lone surrogate is no text
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
