"""The metadata of an observation: what Langfuse puts there, and in which order one source overrides another."""

from collections.abc import Iterator, Mapping
from typing import Final

from certtrace import semconv
from certtrace.records.mapping.content import is_content_key
from certtrace.records.mapping.values import Attributes, as_object, is_set, json_text, parsed

_COMMON_PREFIX: Final = "langfuse.metadata"
_VERCEL_PREFIX: Final = "ai.telemetry.metadata"
_VERCEL_FIELDS: Final = frozenset(
    f"{_VERCEL_PREFIX}.{name}" for name in ("userId", "sessionId", "tags", "langfusePrompt")
)
_LANGFUSE_SCOPE: Final = "langfuse-sdk"
_BLOBS: Final = (semconv.OBSERVATION_METADATA, semconv.TRACE_METADATA, _VERCEL_PREFIX)


def metadata_of(
    attributes: Attributes, resource: Attributes, scope: Mapping[str, object], *, encoded: bool
) -> dict[str, object]:
    """Return the observation's metadata.

    Args:
        attributes: The span's attributes.
        resource: The resource's attributes.
        scope: `name`, `version` and `attributes` of the instrumentation scope.
        encoded: Whether each metadata value is JSON, texts included.
    """
    metadata: dict[str, object] = {}
    if not str(scope.get("name", "")).startswith(_LANGFUSE_SCOPE):
        metadata["attributes"] = _leftovers(attributes)
    metadata["resourceAttributes"] = resource
    metadata["scope"] = scope
    metadata.update(_own_metadata(attributes, semconv.OBSERVATION_METADATA, encoded=encoded))
    metadata.update(_own_metadata(attributes, semconv.TRACE_METADATA, encoded=encoded))
    return metadata


def _leftovers(attributes: Attributes) -> dict[str, str]:
    return {
        key: value if isinstance(value, str) else json_text(value)
        for key, value in attributes.items()
        if not is_content_key(key) and not key.startswith(_BLOBS)
    }


def _own_metadata(attributes: Attributes, prefix: str, *, encoded: bool) -> dict[str, object]:
    whole = attributes.get(prefix)
    found = dict(as_object(parsed(whole if is_set(whole) else attributes.get(_COMMON_PREFIX))))
    for key, value in attributes.items():
        for start in (prefix, _COMMON_PREFIX, _VERCEL_PREFIX):
            if key.startswith(f"{start}.") and key not in _VERCEL_FIELDS and len(key) > len(start) + 1:
                found[key[len(start) + 1 :]] = decoded(value) if encoded else value
    return found


def decoded(value: object) -> object:
    """Return a metadata value that was encoded as JSON; what is no JSON is taken as it stands."""
    result = parsed(value)
    return value if result is None and value != "null" else result


def flat_metadata(metadata: Mapping[str, object]) -> dict[str, object]:
    """Return metadata as Langfuse's interfaces show it: one level, nested objects as dotted names.

    Texts stay texts where the SDK wrote its values as JSON; elsewhere a text that is JSON is shown decoded.
    """
    found: dict[str, object] = {}
    keeps = is_encoded(metadata.get("scope"))
    for name, value in _leaves(metadata, ""):
        if name not in found:
            found[name] = value if keeps or not isinstance(value, str) else decoded(value)
    return found


def _leaves(node: Mapping[str, object], path: str) -> Iterator[tuple[str, object]]:
    for key, value in node.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, Mapping):
            yield from _leaves(value, name)
        else:
            yield name, value


def is_encoded(scope: object, sdk_version: str = "") -> bool:
    """Tell whether spans of a scope come from an SDK that writes each metadata value as JSON, texts included."""
    name, version = (scope.get("name"), scope.get("version")) if isinstance(scope, Mapping) else ("", "")
    if name == semconv.SCOPE_NAME:
        return True
    if not isinstance(name, str) or not name.startswith(_LANGFUSE_SCOPE):
        return False
    major = str(version or sdk_version).split(".", 1)[0]
    return major.isdecimal() and len(major) <= _LONGEST_MAJOR and int(major) >= _FIRST_ENCODING_MAJOR


_FIRST_ENCODING_MAJOR: Final = 5
_LONGEST_MAJOR: Final = 6
