"""Redaction of what staff write and machines use again: the texts lose what is personal, the structure stays."""

from collections.abc import Iterator, Sequence
from typing import Any

from certtrace.server.box import Box


def redacted_texts(box: Box, texts: Sequence[str]) -> list[str]:
    """Return texts redacted, each on its own: a template is no record of one person."""
    return [str(box.redactor.redact_value(text)[0]) if text else text for text in texts]


def redacted_config(box: Box, config: Any) -> Any:
    """Return a configuration redacted, by its keys and by its texts.

    A key such as `password` with an object below it is part of a JSON schema or of a tool's arguments, and no secret:
    the object stays, its texts are redacted one by one.
    """
    clean = box.redactor.redact_value({"config": config})[0]
    return _kept_in_shape(box, config, clean["config"] if isinstance(clean, dict) and "config" in clean else clean)


def redacted_schema(box: Box, schema: Any) -> Any:
    """Return a JSON schema with its texts redacted: titles, descriptions, examples, constants."""
    texts = list(_texts(schema))
    return _with_texts(schema, iter(redacted_texts(box, texts)))


def _kept_in_shape(box: Box, given: Any, clean: Any) -> Any:
    if isinstance(given, dict):
        if not isinstance(clean, dict) or len(clean) != len(given):
            return redacted_schema(box, given)
        pairs = zip(given.values(), clean.items(), strict=True)
        return {key: _kept_in_shape(box, value, cleaned) for value, (key, cleaned) in pairs}
    if isinstance(given, list):
        if not isinstance(clean, list) or len(clean) != len(given):
            return redacted_schema(box, given)
        return [_kept_in_shape(box, value, cleaned) for value, cleaned in zip(given, clean, strict=True)]
    return clean


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _with_texts(value: Any, texts: Iterator[str]) -> Any:
    if isinstance(value, str):
        return next(texts)
    if isinstance(value, dict):
        return {key: _with_texts(each, texts) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_texts(each, texts) for each in value]
    return value
