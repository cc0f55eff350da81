"""Recognizers of names in free text: a small model that is shipped, and adapters for Presidio and spaCy."""
