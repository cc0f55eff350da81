"""What has to be remembered of the people in a trace: marked fields only, each once."""

from collections.abc import Hashable, Iterable

from certtrace.ports import ModelValue
from certtrace.redaction.markers import class_marks


def essentials(identities: Iterable[object]) -> list[object]:
    """Return the identities without what identifies nobody: models without markers, fields without one, repetitions."""
    kept: list[object] = []
    seen: set[Hashable] = set()
    for identity in identities:
        reduced = _reduced(identity) if isinstance(identity, ModelValue) else identity
        if reduced is None:
            continue
        sign = _sign(reduced)
        if sign is None or sign not in seen:
            kept.append(reduced)
        if sign is not None:
            seen.add(sign)
    return kept


def _reduced(model: ModelValue) -> ModelValue | None:
    declared = class_marks(model.cls)
    if declared.unreadable:
        return model
    fields = {name: value for name, value in model.fields.items() if name in declared.marks}
    return ModelValue(model.cls, fields) if fields else None


def _sign(identity: object) -> Hashable | None:
    fields = identity.fields if isinstance(identity, ModelValue) else identity
    if not isinstance(fields, dict):
        return None
    sign = (type(identity), getattr(identity, "cls", None), *fields.items())
    try:
        hash(sign)
    except TypeError:
        return None  # a list among the values: it is kept, at the price of a repetition
    return sign
