"""From OTLP spans to Langfuse observations, exactly as the Langfuse server maps them."""

from certtrace.records.mapping.observation import observations_of

__all__ = ["observations_of"]
