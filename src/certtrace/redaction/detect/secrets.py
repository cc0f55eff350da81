"""Keys, tokens and passwords: by issuer, by form, and by what stands before them."""

from typing import Final

from certtrace.redaction.detect import assignments, commands, headers, keys, phrases, tokens, webhooks
from certtrace.redaction.detect.pattern import Pattern

PATTERNS: Final[tuple[Pattern, ...]] = (
    *tokens.PATTERNS,
    *keys.PATTERNS,
    *headers.PATTERNS,
    *webhooks.PATTERNS,
    *assignments.PATTERNS,
    *phrases.PATTERNS,
    *commands.PATTERNS,
)
