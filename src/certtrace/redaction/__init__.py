"""Redaction: nothing personal leaves the process unredacted.

`Pii` and `ExamSecret` load with the standard library alone; everything else is imported when first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from certtrace.redaction.markers import ExamSecret, Pii

if TYPE_CHECKING:
    from certtrace.redaction.policy.model import RedactionPolicy
    from certtrace.redaction.redactor import WITHHELD, Redactor

__all__ = ["WITHHELD", "ExamSecret", "Pii", "RedactionPolicy", "Redactor"]

_HOMES: Final = {"RedactionPolicy": "policy.model", "Redactor": "redactor", "WITHHELD": "redactor"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
