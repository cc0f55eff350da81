"""The metadata of an observation: what Langfuse puts there, and in which order one source overrides another."""

from typing import Final

from certtrace import semconv
from certtrace.records.mapping.content import is_content_key
from certtrace.records.mapping.values import Attributes, is_set, parsed, parsed_object, text

_COMMON_PREFIX: Final = "langfuse.metadata"
_VERCEL_PREFIX: Final = "ai.telemetry.metadata"
_VERCEL_FIELDS: Final = frozenset(
    f"{_VERCEL_PREFIX}.{name}" for name in ("userId", "sessionId", "tags", "langfusePrompt")
)
_LANGFUSE_SCOPE: Final = "langfuse-sdk"


def metadata_of(attributes: Attributes, resource: Attributes, scope: dict[str, object]) -> dict[str, object]:
    """Return the observation's metadata.

    Args:
        attributes: The span's attributes.
        resource: The resource's attributes.
        scope: `name`, `version` and `attributes` of the instrumentation scope.
    """
    metadata: dict[str, object] = {}
    leftovers = _leftovers(attributes)
    if leftovers and not str(scope["name"]).startswith(_LANGFUSE_SCOPE):
        metadata["attributes"] = leftovers
    metadata["resourceAttributes"] = dict(resource)
    metadata["scope"] = scope
    metadata.update(_own_metadata(attributes, semconv.OBSERVATION_METADATA))
    metadata.update(_own_metadata(attributes, semconv.TRACE_METADATA))
    return metadata


def _leftovers(attributes: Attributes) -> dict[str, str | None]:
    return {
        key: text(value)
        for key, value in attributes.items()
        if not is_content_key(key) and not key.startswith((semconv.OBSERVATION_METADATA, semconv.TRACE_METADATA))
    }


def _own_metadata(attributes: Attributes, prefix: str) -> dict[str, object]:
    whole = attributes.get(prefix)
    found = dict(parsed_object(whole if is_set(whole) else attributes.get(_COMMON_PREFIX)) or {})
    for key, value in attributes.items():
        for start in (prefix, _COMMON_PREFIX, _VERCEL_PREFIX):
            if key.startswith(f"{start}.") and key not in _VERCEL_FIELDS:
                found[key.removeprefix(f"{start}.")] = decoded(value)
    tools = attributes.get("ai.prompt.tools")
    if is_set(tools):
        found["tools"] = tools
    return found


def decoded(value: object) -> object:
    """Return a metadata value decoded: SDKs from 5.0 encode each as JSON, older ones send plain text."""
    result = parsed(value)
    return value if result is None and value != "null" else result
