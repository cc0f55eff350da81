"""What stands for whole values: declared ones, and those that a rule takes as a whole."""

from collections.abc import Callable, Mapping
from typing import Any

from certtrace.ports import ModelValue
from certtrace.redaction.operators import masked
from certtrace.redaction.policy.kinds import PSEUDONYMISED
from certtrace.redaction.pseudonyms import normalise
from certtrace.redaction.structure import jsontext
from certtrace.redaction.structure.walker import int64


def subject_of(subjects: Mapping[tuple[str, str], str], kind: str, text: str) -> str:
    """Return the digest of the person to whom a declared value belongs; empty where nobody known has it.

    Args:
        subjects: The digest by kind, in lower case, and normalised value.
        kind: Type of the value.
        text: The value.
    """
    if kind not in PSEUDONYMISED:
        return ""
    subject = subjects.get((kind.lower(), normalise(text, kind.lower())), "")
    if subject or kind != "PERSON":
        return subject
    sign = normalise(text)
    return next((found for part in ("given", "family", "middle") if (found := subjects.get((part, sign)))), "")


def masked_data(value: object, keep_last: int, key_text: Callable[[str], str], max_depth: int) -> Any:
    """Return a value with every text and number in it masked; keys are redacted as keys are."""
    if isinstance(value, ModelValue):
        value = value.fields
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping) and max_depth > 0:
        return {
            key_text(str(key)): masked_data(item, keep_last, key_text, max_depth - 1) for key, item in value.items()
        }
    if isinstance(value, list | tuple) and max_depth > 0:
        return [masked_data(item, keep_last, key_text, max_depth - 1) for item in value]
    return masked(value if isinstance(value, str) else as_text(value), keep_last)


def as_text(value: object) -> str:
    """Return one text that stands for a value of any shape."""
    if isinstance(value, str):
        return value
    if isinstance(value, ModelValue):
        value = value.fields
    return jsontext.dumps(value) if isinstance(value, Mapping | list | tuple | int | float) else type(value).__name__


def otlp(value: object) -> object:
    """Return a value that OTLP can carry: text, truth, number, or a list of one kind of those."""
    if isinstance(value, str | bool | float) or (isinstance(value, int) and int64(value)):
        return value
    if isinstance(value, list) and len({type(item) for item in value}) <= 1:
        plain = [otlp(item) for item in value]
        if all(
            type(item) is type(kept) and not isinstance(kept, list) for item, kept in zip(value, plain, strict=True)
        ):
            return plain
    return jsontext.dumps(value)
