"""Regular expressions of a policy: linear in the text, whatever the text is."""

from functools import lru_cache
from typing import Any, Final

MAX_TEXT: Final = 65_536
"""Characters of a value that are looked at."""


@lru_cache(maxsize=256)
def expression(pattern: str) -> Any:
    """Return the compiled expression.

    Raises:
        ValueError: It is none, or needs what takes more than linear time, such as a look-ahead or a back-reference.
    """
    try:
        import re2  # noqa: PLC0415 - only a policy with an expression pays for the engine
    except ImportError:
        msg = "the package google-re2 is not installed"
        raise ValueError(msg) from None

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        raise ValueError(_reason(error)) from None


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else error
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
