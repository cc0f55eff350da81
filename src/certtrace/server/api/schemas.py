"""What a dataset demands of its items: JSON schemas, checked without letting any schema or value stall the server.

Messages name keywords and properties of the schema and never a value: values are what candidates wrote.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

import re2
from jsonschema import validators
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

from certtrace.records.catalog.refusals import RefusedError

_MOST_SECONDS: Final = 1.0
"""Processor time for one check. A schema whose parts refer to each other can ask for more than there are atoms."""
_MOST_LEVELS: Final = 120
"""Keywords within keywords. Python's own limit is no guard: where it strikes the library of references, that panics."""
_MOST_ERRORS: Final = 10
_BASE: Final = "http://json-schema.org/draft-07/schema#"
"""Schemas that do not name their draft are of this one."""
_UNKNOWN: Final[Any] = object()


class _EndlessError(Exception):
    """A check took too long, or led too deep."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which a value does not fit."""

    path: str
    message: str
    keyword: str

    def json(self) -> dict[str, str]:
        """Return it as the API shows it."""
        return {"path": self.path, "message": self.message, "keyword": self.keyword}


def is_schema(schema: Any) -> bool:
    """Tell whether this is a JSON schema that can be checked: well formed, of a known draft, its patterns linear."""
    if not isinstance(schema, dict) or not _is_flat(schema):
        return False
    try:
        validator = _validator(schema)
        type(validator).check_schema(schema)
        text = json.dumps(schema)
        fits = _stays_within(schema, schema) and not ("unevaluatedProperties" in text and "patternProperties" in text)
        list(validator.iter_errors(None))
    except (SchemaError, Unresolvable, RecursionError, _EndlessError, RefusedError, re2.error, TypeError, ValueError):
        return False
    return fits


def findings(schema: Any, value: Any) -> list[Finding]:
    """Return how a value does not fit a schema; none where there is no schema.

    Raises:
        RefusedError: The check would take too long.
    """
    if schema is None:
        return []
    try:
        found = list(_validator(schema).iter_errors(value))
    except (_EndlessError, RecursionError, Unresolvable) as error:
        msg = "The dataset's schema cannot be checked against this item within the server's limits."
        raise RefusedError(msg) from error
    return [
        Finding(_path(each), _message(each), str(each.validator))
        for each in sorted(found, key=lambda each: [str(part) for part in each.absolute_path])[:_MOST_ERRORS]
    ]


def _validator(schema: Mapping[str, Any]) -> Validator:
    named = schema.get("$schema", _BASE)
    base: Any = _UNKNOWN
    if isinstance(named, str):
        base = validators.validator_for({"$schema": named}, default=_UNKNOWN)
    if base is _UNKNOWN:
        msg = "The schema is of an unknown draft."
        raise RefusedError(msg)
    bounds = _Bounds(time.thread_time() + _MOST_SECONDS)
    bounded = {name: bounds.around(check) for name, check in {**base.VALIDATORS, **_LINEAR}.items()}
    extend: Any = validators.extend
    validator: Validator = extend(base, bounded)(schema, registry=Registry())
    return validator


@dataclass(slots=True)
class _Bounds:
    """How long one check may go on, and how deep."""

    until: float
    levels: int = 0

    def around(self, check: Callable[..., Any]) -> Callable[..., Iterator[ValidationError]]:
        """Return the check of a keyword within these bounds."""

        def bounded(validator: Any, argument: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
            if time.thread_time() > self.until or self.levels >= _MOST_LEVELS:
                raise _EndlessError
            self.levels += 1
            try:
                yield from check(validator, argument, instance, schema) or ()
            finally:
                self.levels -= 1

        return bounded


def _is_flat(schema: Mapping[str, Any]) -> bool:
    """Tell whether nothing in a schema lies too deep: what checks the schema itself recurses into all of it."""
    level: list[Any] = [schema]
    for _ in range(_MOST_LEVELS // 2):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return True
    return False


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not re2.search(pattern, instance):
        yield ValidationError("pattern")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Any], instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for pattern, subschema in patterns.items():
            for key, value in instance.items():
                if re2.search(pattern, key):
                    yield from validator.descend(value, subschema, path=key, schema_path=pattern)


def _additional_properties(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    known, patterns = schema.get("properties") or {}, schema.get("patternProperties") or {}
    extra = [key for key in instance if key not in known and not any(re2.search(each, key) for each in patterns)]
    if isinstance(wanted, dict):
        for key in extra:
            yield from validator.descend(instance[key], wanted, path=key)
    elif wanted is False and extra:
        yield ValidationError("additionalProperties")


def _unique_items(_validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if wanted and isinstance(instance, list):
        written = {json.dumps(each, sort_keys=True) for each in instance}
        if len(written) < len(instance):
            yield ValidationError("uniqueItems")


_LINEAR: Final[Mapping[str, Callable[..., Iterator[ValidationError]]]] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}
"""Keywords whose usual check backtracks or compares everything with everything."""


def _stays_within(schema: Any, whole: Mapping[str, Any]) -> bool:
    """Tell whether all patterns are linear and all references lead to places within."""
    if isinstance(schema, list):
        return all(_stays_within(each, whole) for each in schema)
    if not isinstance(schema, dict):
        return True
    patterns = [schema["pattern"]] if isinstance(schema.get("pattern"), str) else []
    named = schema.get("patternProperties")
    patterns += named if isinstance(named, dict) else []
    reference = schema.get("$ref")
    return (
        all(map(_compiles, patterns))
        and (not isinstance(reference, str) or _leads_somewhere(reference, whole))
        and all(_stays_within(each, whole) for each in schema.values())
    )


def _leads_somewhere(reference: str, whole: Any) -> bool:
    if not reference.startswith("#/"):
        return reference.startswith("#")
    place = whole
    for part in unquote(reference[2:]).split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        place = place.get(key) if isinstance(place, dict) else None
    return place is not None


def _compiles(pattern: str) -> bool:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error:
        return False
    return True


def _path(error: ValidationError) -> str:
    return "/" + "/".join(str(part) for part in error.absolute_path)


def _message(error: ValidationError) -> str:
    phrase = _PHRASES.get(str(error.validator))
    if phrase is not None:
        return phrase(error.validator_value)
    if error.validator == "required":
        missing = _missing(error)
        return f"must have required property '{missing}'"
    return f'must fit the keyword "{error.validator}"' if error.validator else "boolean schema is false"


def _missing(error: ValidationError) -> Any:
    """Return which required property this error is about: there is one error for each that is missing."""
    instance: Any = error.instance
    required: Any = error.validator_value
    absent = [each for each in required if each not in instance]
    return next((each for each in absent if error.message.startswith(repr(each))), absent[0] if absent else "")


def _alternatives(types: Any) -> str:
    return ",".join(types) if isinstance(types, list) else str(types)


_PHRASES: Final[Mapping[str, Callable[[Any], str]]] = {
    "type": lambda given: f"must be {_alternatives(given)}",
    "enum": lambda _: "must be equal to one of the allowed values",
    "const": lambda _: "must be equal to constant",
    "minimum": lambda given: f"must be >= {given}",
    "maximum": lambda given: f"must be <= {given}",
    "exclusiveMinimum": lambda given: f"must be > {given}",
    "exclusiveMaximum": lambda given: f"must be < {given}",
    "multipleOf": lambda given: f"must be multiple of {given}",
    "minLength": lambda given: f"must NOT have fewer than {given} characters",
    "maxLength": lambda given: f"must NOT have more than {given} characters",
    "minItems": lambda given: f"must NOT have fewer than {given} items",
    "maxItems": lambda given: f"must NOT have more than {given} items",
    "minProperties": lambda given: f"must NOT have fewer than {given} properties",
    "maxProperties": lambda given: f"must NOT have more than {given} properties",
    "uniqueItems": lambda _: "must NOT have duplicate items",
    "pattern": lambda given: f'must match pattern "{given}"',
    "additionalProperties": lambda _: "must NOT have additional properties",
    "additionalItems": lambda _: "must NOT have more items",
    "contains": lambda _: "must contain at least 1 valid item(s)",
    "anyOf": lambda _: "must match a schema in anyOf",
    "oneOf": lambda _: "must match exactly one schema in oneOf",
    "not": lambda _: "must NOT be valid",
}
