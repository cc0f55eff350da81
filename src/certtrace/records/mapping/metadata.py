"""The metadata of an observation: what Langfuse puts there, and in which order one source overrides another."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from certtrace import semconv
from certtrace.ports import ScopeRecord
from certtrace.records.mapping.keys import COMMON_METADATA, Sorted
from certtrace.records.mapping.values import (
    Attributes,
    as_object,
    decoded,
    is_set,
    mapped,
    parsed,
    plain_data,
    plain_number,
)

LANGFUSE_SCOPE: Final = "langfuse-sdk"
"""Scopes whose name begins so keep no leftover attributes."""
_FIRST_ENCODING_MAJOR: Final = 5
_LONGEST_MAJOR: Final = 6
_JSON_STARTS: Final = frozenset('{["-0123456789tfn \t\r\n')
_LARGEST_SAFE: Final = 2**53 - 1


def metadata_of(
    attributes: Attributes, filed: Sorted, resource: Attributes, scope: Mapping[str, object]
) -> dict[str, object]:
    """Return the observation's metadata.

    Args:
        attributes: The span's attributes.
        filed: The same by what they are for.
        resource: The resource's attributes.
        scope: `name`, `version` and `attributes` of the instrumentation scope.
    """
    metadata: dict[str, object] = {}
    if not keeps_no_leftovers(scope.get("name")):
        metadata["attributes"] = filed.leftovers
    metadata["resourceAttributes"] = resource
    metadata["scope"] = scope
    _add(metadata, attributes, semconv.OBSERVATION_METADATA, filed.observation)
    _add(metadata, attributes, semconv.TRACE_METADATA, filed.trace)
    if semconv.REDACTION_RECEIPT in attributes:
        # The redaction of what arrives says so, whatever the scope: this attribute is ours, not the sender's.
        metadata[semconv.REDACTION_RECEIPT] = decoded(attributes[semconv.REDACTION_RECEIPT])
    return metadata


def keeps_no_leftovers(scope_name: object) -> bool:
    """Tell whether spans of a scope are Langfuse's own, whose every attribute has its place."""
    return isinstance(scope_name, str) and scope_name.startswith(LANGFUSE_SCOPE)


def scope_of(scope: ScopeRecord) -> dict[str, object]:
    """Return the scope as the server keeps it: what is empty was not sent."""
    found: dict[str, object] = {}
    if scope.name:
        found["name"] = scope.name
    if scope.version:
        found["version"] = scope.version
    found["attributes"] = mapped(scope.attributes)
    return found


def _add(metadata: dict[str, object], attributes: Attributes, prefix: str, named: Mapping[str, object]) -> None:
    whole = attributes.get(prefix)
    if whole is None or not is_set(whole):
        whole = attributes.get(COMMON_METADATA)
    if whole is not None:
        metadata.update(_object_of(whole))
    if named:
        metadata.update(named)


def _object_of(value: object) -> dict[str, object]:
    """Return metadata given as one object; a list counts by position, any other value is dropped."""
    return as_object(plain_data(parsed(value)))


def metadata_under(attributes: Attributes, prefix: str, *, encoded: bool) -> dict[str, object]:
    """Return the metadata that stands below one key: as an object, with dotted keys added."""
    found = dict(_object_of(attributes.get(prefix)))
    start = f"{prefix}."
    for key, value in attributes.items():
        if key.startswith(start) and len(key) > len(start):
            found[key[len(start) :]] = decoded(value) if encoded else value
    return found


def flat_metadata(metadata: Mapping[str, object]) -> dict[str, object]:
    """Return metadata as Langfuse's interfaces show it: one level, nested objects as dotted names.

    Texts stay texts where the SDK wrote its values as JSON; elsewhere a text that is JSON is shown decoded.
    """
    found: dict[str, object] = {}
    keeps_texts = _keeps_texts(metadata)
    for name, value in _leaves(_told(metadata), ""):
        if name not in found:
            found[name] = value if keeps_texts else _shown(value)
    return found


def shown_metadata(metadata: Mapping[str, object]) -> Mapping[str, object]:
    """Return metadata as the 4.x API shows it: nested objects as they are, texts that are JSON decoded as above."""
    told = _told(metadata)
    return told if _keeps_texts(metadata) else {name: _shown(value) for name, value in told.items()}


def _told(metadata: Mapping[str, object]) -> Mapping[str, object]:
    """Leave out the receipt of a redaction that found nothing: other SDKs' metadata reads as it was sent."""
    receipt = metadata.get(semconv.REDACTION_RECEIPT)
    if not isinstance(receipt, Mapping) or receipt.get("counts") or receipt.get("withheld"):
        return metadata
    scope = metadata.get("scope")
    if not isinstance(scope, Mapping) or scope.get("name") == semconv.SCOPE_NAME:
        return metadata
    return {name: value for name, value in metadata.items() if name != semconv.REDACTION_RECEIPT}


def _keeps_texts(metadata: Mapping[str, object]) -> bool:
    scope = metadata.get("scope")
    return isinstance(scope, Mapping) and is_encoded(scope.get("name"), scope.get("version"))


def _shown(value: object) -> object:
    """Return a text that is JSON decoded, but for whole numbers that JavaScript cannot hold."""
    if not isinstance(value, str) or value[:1] not in _JSON_STARTS:
        return value
    result = decoded(value)
    if isinstance(result, float):
        return plain_number(result)
    return value if isinstance(result, int) and abs(result) > _LARGEST_SAFE else result


def _leaves(node: Mapping[str, object], path: str) -> Iterator[tuple[str, object]]:
    for key, value in node.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, Mapping):
            yield from _leaves(value, name)
        else:
            yield name, value


def is_encoded(scope_name: object, scope_version: object, sdk_version: str = "") -> bool:
    """Tell whether spans of a scope come from an SDK that writes each metadata value as JSON, texts included."""
    if scope_name == semconv.SCOPE_NAME:
        return True
    return keeps_no_leftovers(scope_name) and _encodes(str(scope_version or sdk_version))


@lru_cache(maxsize=64)
def _encodes(version: str) -> bool:
    major = version.split(".", 1)[0]
    return major.isdecimal() and len(major) <= _LONGEST_MAJOR and int(major) >= _FIRST_ENCODING_MAJOR
