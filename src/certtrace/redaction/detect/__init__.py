"""Detectors for what has a form: one module per family, one table."""
