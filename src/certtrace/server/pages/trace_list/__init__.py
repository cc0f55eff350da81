"""The list of traces."""
