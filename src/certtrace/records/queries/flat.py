"""Metadata as lists show it and filters ask for it: on one level, with dotted names."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from certtrace.records.mapping.metadata import flat_metadata

SHOWN_CHARACTERS: Final = 200
"""How much of a metadata value a list shows unless it is asked for the whole."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9\u0080-\U0010ffff]+")


def shortened(value: Any) -> Any:
    """Return a metadata value as a list shows it: cut where its text is long."""
    text = value_text(value)
    return value if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS]


def value_text(value: Any) -> str:
    """Return the text that filters compare a metadata value by."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def metadata_text(metadata: str | None, key: str) -> str | None:
    """SQL function: return the text of one metadata value, or None if there is none of that key."""
    found = _value(metadata, key)
    return None if found is _MISSING else value_text(found)


def metadata_number(metadata: str | None, key: str) -> float | None:
    """SQL function: return one metadata value as a number, or None if it is none."""
    found = _value(metadata, key)
    if isinstance(found, bool) or not isinstance(found, (int, float, str)):
        return None
    try:
        return float(found)
    except (ValueError, OverflowError):
        return None


_MISSING: Final = object()


def _value(metadata: str | None, key: str) -> Any:
    if not metadata:
        return _MISSING
    whole = orjson.loads(metadata)
    # Scores may carry any JSON; what is no object is shown as one.
    return flat_metadata(whole if isinstance(whole, dict) else {"metadata": whole}).get(key, _MISSING)


def has_words(text: str | None, wanted: str) -> bool:
    """SQL function: tell whether a text has another in it, of which every word is a whole word of the text."""
    if not text or wanted not in text:
        return False
    return set(_TOKEN.findall(wanted)) <= set(_TOKEN.findall(text))


def has_words_folded(text: str | None, wanted: str) -> bool:
    """SQL function: the same, whatever the case."""
    return has_words(text.lower() if text else None, wanted.lower())


FUNCTIONS: Final[Mapping[str, Callable[..., str | float | None]]] = {
    "metadata_text": metadata_text,
    "metadata_number": metadata_number,
    "has_words": has_words,
    "has_words_folded": has_words_folded,
}
"""What the conditions of filters call, all of two arguments."""


def searchable(text: str) -> bool:
    """Tell whether a text holds any word to search for."""
    return _TOKEN.search(text) is not None
