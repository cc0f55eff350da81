"""From an encoded, redacted unit to every destination: spool on disk, sender threads, OTLP over HTTP, Langfuse."""
