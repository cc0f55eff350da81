"""Postal addresses: a street with its number, an apartment, a box or a military post, and the lines that follow."""

from certtrace.redaction.detect.addresses import places, streets

PATTERNS = (*streets.PATTERNS, *places.PATTERNS)

__all__ = ["PATTERNS"]
