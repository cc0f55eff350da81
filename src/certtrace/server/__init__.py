"""A Langfuse-compatible HTTP API and a web page over one store: it stands in for a Langfuse server."""
