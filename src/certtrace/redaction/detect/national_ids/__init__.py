"""Numbers that a state, a health service, a bank or a register gave to somebody: by form, check digit and words.

Each country's numbers are rows of a table (`germanic`, `romance`, `slavic`, `islands`, `americas`, `asia`, `africa`).
"""

from certtrace.redaction.detect.national_ids.patterns import PATTERNS

__all__ = ["PATTERNS"]
