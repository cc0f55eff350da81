"""From OTLP spans to Langfuse observations, exactly as the Langfuse server maps them."""

from certtrace.records.mapping.metadata import flat_metadata, shown_metadata
from certtrace.records.mapping.observation import observation_of, observations_of
from certtrace.records.mapping.protobuf import records_of

__all__ = ["flat_metadata", "observation_of", "observations_of", "records_of", "shown_metadata"]
