"""The parameters a model was called with."""

from collections.abc import Sequence

from certtrace import semconv
from certtrace.records.mapping import vercel
from certtrace.records.mapping.values import (
    Attributes,
    as_object,
    is_set,
    json_text,
    parsed,
    plain_data,
    plain_number,
)

Pairs = Sequence[tuple[str, object]]


def model_parameters(attributes: Attributes, named: Pairs, named_late: Pairs, scope_name: str) -> dict[str, object]:
    """Return the model's parameters; what is neither text nor number is kept as JSON text.

    Args:
        attributes: The span's attributes.
        named: Those whose keys begin with `gen_ai.request.`, by the rest of the key.
        named_late: Those whose keys begin with `llm.invocation_parameters.`.
        scope_name: Name of the instrumentation scope.
    """
    explicit = _given(attributes, semconv.OBSERVATION_MODEL_PARAMETERS)
    if scope_name == vercel.SCOPE:
        return {**vercel.vercel_parameters(attributes), **(explicit or {})}
    if explicit is not None:
        return explicit
    if scope_name == "genkit-tracer":
        config = _genkit_config(attributes)
        if is_set(config):
            return _flat(config)
    for key in ("llm.invocation_parameters", "model_config"):
        if is_set(attributes.get(key)):
            found = _given(attributes, key, null_counts=True)
            if found is not None:
                return found
    return (
        _flat({name: value for name, value in (*named, *named_late) if name != "model"}) if named or named_late else {}
    )


def _given(attributes: Attributes, key: str, *, null_counts: bool = False) -> dict[str, object] | None:
    """Return an attribute's JSON object; None where it is absent, or no JSON."""
    raw = attributes.get(key)
    if raw is None or not is_set(raw):
        return None
    value = parsed(raw) if isinstance(raw, (str, int, float)) else None
    if value is None:
        return {} if null_counts and raw == "null" else None
    return _flat(value) if is_set(value) or null_counts else None


def _genkit_config(attributes: Attributes) -> object:
    asked = parsed(attributes.get("genkit:input"))
    config = asked.get("config") if isinstance(asked, dict) else None
    if config is not None:
        return config
    answered = parsed(attributes.get("genkit:output"))
    request = answered.get("request") if isinstance(answered, dict) else None
    return request.get("config") if isinstance(request, dict) else None


def _flat(parameters: object) -> dict[str, object]:
    return {key: _parameter(value) for key, value in as_object(parameters).items()}


def _parameter(value: object) -> object:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return plain_number(value)
    return json_text(plain_data(value))
