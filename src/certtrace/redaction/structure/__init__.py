"""Structured content, redacted as structure."""
