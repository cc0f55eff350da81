"""What the key of an attribute says about its value."""

from collections.abc import Callable
from typing import Final

from certtrace import semconv
from certtrace.redaction.structure.quotes import without_values
from certtrace.redaction.structure.tracebacks import traceback_without_values

_ROOTS: Final = {semconv.OBSERVATION_INPUT: "input", semconv.OBSERVATION_OUTPUT: "output"}
_METADATA_ROOT: Final = semconv.OBSERVATION_METADATA
QUOTING: Final[dict[str, Callable[[str, str], str]]] = {
    semconv.EXCEPTION_MESSAGE: without_values,
    semconv.EXCEPTION_STACKTRACE: lambda text, _: traceback_without_values(text),
    semconv.OBSERVATION_STATUS_MESSAGE: without_values,
}
"""Attributes in which an error may quote the value it is about."""


def root(key: str) -> str:
    """Return where the path of a value begins: `input`, `output`, `metadata.…` or the attribute key."""
    if key in _ROOTS:
        return _ROOTS[key]
    if key.startswith(_METADATA_ROOT):
        return "metadata" + key[len(_METADATA_ROOT) :]
    return key
