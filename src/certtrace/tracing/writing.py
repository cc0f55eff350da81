"""Values that are captured as one text or number: written by the type they are, never by code of the host."""

import datetime as dt
import decimal
import enum
import fractions
import pathlib
import uuid
from collections.abc import Callable
from typing import Any, Final

from certtrace.tracing.naming import ATOMS, module_of, named, qualname_of

Writer = Callable[[object, Any, int], Any]
"""Takes the walk, which it does not need, the value and its depth: what a handler of `capture` takes."""


def plain_str(_walk: object, value: str, _depth: int) -> str:
    """Copy a subclass of `str` as the text it holds."""
    return str.__add__(value, "")


def plain_int(_walk: object, value: int, _depth: int) -> int:
    """Copy a subclass of `int` as its number."""
    return int.__add__(value, 0)


def plain_float(_walk: object, value: float, _depth: int) -> float:
    """Copy a subclass of `float` as its number."""
    return float.__add__(value, 0.0)


def enum_value(_walk: object, value: enum.Enum, _depth: int) -> object:
    """Show an enum member by its value, or by its name where the value is no atom."""
    inner = object.__getattribute__(value, "_value_")
    return inner if type(inner) in ATOMS else object.__getattribute__(value, "_name_")


def text_by(write: Callable[[Any], str]) -> Writer:
    """Write values of a known type, and of classes derived from it, as the type itself writes them."""
    return lambda _walk, value, _depth: write(value)


def bytes_like(_walk: object, value: bytearray | memoryview, _depth: int) -> str:
    """Name a buffer by type and length."""
    return f"<{type(value).__name__} {len(value)}>"


def class_name(_walk: object, value: type, _depth: int) -> str:
    """Name a class."""
    return named(value, "class ")


def function_name(_walk: object, value: Any, _depth: int) -> str:
    """Name a function."""
    names = (value.__module__, value.__qualname__)
    return f"<function {'.'.join(name for name in names if type(name) is str)}>"


def opaque(_walk: object, value: object, _depth: int) -> str:
    """Name the class only: the content of unknown types is not looked at."""
    return named(type(value))


def numpy_scalar(_walk: object, value: Any, _depth: int) -> object:
    """Convert a numpy scalar to Python's own type."""
    item = value.item()
    return item if type(item) in ATOMS else str(item)


def array(_walk: object, value: Any, _depth: int) -> str:
    """Name an array or data frame by shape and dtype."""
    kind = type(value)
    # A data frame has no dtype of its own, but may have a column of that name.
    dtype = f" dtype={value.dtype}" if hasattr(kind, "dtype") else ""
    return f"<{module_of(kind).partition('.')[0]}.{qualname_of(kind)} shape={tuple(value.shape)}{dtype}>"


def secret(_walk: object, _value: object, _depth: int) -> str:
    """Show nothing of a secret."""
    return "<secret>"


TEXTS: Final[tuple[tuple[type, Writer], ...]] = (
    (dt.datetime, text_by(dt.datetime.isoformat)),
    (dt.date, text_by(dt.date.isoformat)),
    (dt.time, text_by(dt.time.isoformat)),
    (dt.timedelta, text_by(dt.timedelta.__str__)),
    (decimal.Decimal, text_by(decimal.Decimal.__str__)),
    (fractions.Fraction, text_by(fractions.Fraction.__str__)),
    (uuid.UUID, text_by(uuid.UUID.__str__)),
    (pathlib.PurePath, text_by(pathlib.PurePath.__str__)),
)
_KEY_TEXTS: Final[tuple[tuple[type, Writer], ...]] = ((enum.Enum, enum_value), (str, plain_str), *TEXTS)


ATOM_KEYS: Final = frozenset({str, int, float, bool, type(None)})


def plain_key(key: Any, depth: int = 0) -> object:
    """Return what a mapping key is shown as."""
    kind = type(key)
    if kind in ATOM_KEYS:
        return key
    if kind is bytes:
        return f"<bytes {len(key)}>"
    if kind is tuple and depth < 2:
        return ", ".join(str(plain_key(part, depth + 1)) for part in key[:8])
    for base, text in _KEY_TEXTS:
        if issubclass(kind, base):
            return text(None, key, 0)
    return named(kind)
