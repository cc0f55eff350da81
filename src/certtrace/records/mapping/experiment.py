"""What a span says about the experiment it was run for."""

from typing import Final

from certtrace.records.mapping.metadata import metadata_under
from certtrace.records.mapping.times import moment_ns
from certtrace.records.mapping.values import Attributes, is_set, spoken
from certtrace.records.model import Experiment

_PREFIX: Final = "langfuse.experiment."


def experiment_of(attributes: Attributes, *, encoded: bool) -> Experiment | None:
    """Return the experiment; None for a span of none.

    Args:
        attributes: The span's attributes.
        encoded: Whether each metadata value is JSON, texts included.
    """
    known = _text(attributes, "id")
    if known is None:
        return None
    version = _text(attributes, "item.version")
    return Experiment(
        id=known,
        name=_text(attributes, "name"),
        description=_text(attributes, "description"),
        metadata=metadata_under(attributes, f"{_PREFIX}metadata", encoded=encoded),
        dataset_id=_text(attributes, "dataset.id"),
        item_id=_text(attributes, "item.id"),
        # A version is a moment; a label such as `v1` points nowhere.
        item_version_ns=None if version is None else moment_ns(version),
        item_metadata=metadata_under(attributes, f"{_PREFIX}item.metadata", encoded=encoded),
        item_expected_output=_text(attributes, "item.expected_output"),
        root_observation_id=_text(attributes, "item.root_observation_id"),
    )


def _text(attributes: Attributes, name: str) -> str | None:
    value = attributes.get(f"{_PREFIX}{name}")
    return None if value is None or not is_set(value) else spoken(value)
