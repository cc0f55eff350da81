"""All detectors of what has a form, in one table."""

from typing import Final

from certtrace.redaction.detect import (
    addresses,
    births,
    emails,
    encoded,
    handles,
    ibans,
    ids,
    national_ids,
    network,
    numbers,
    secrets,
    urls,
)
from certtrace.redaction.detect.pattern import Pattern

PATTERNS: Final[tuple[Pattern, ...]] = (
    *emails.PATTERNS,
    *urls.PATTERNS,
    *numbers.PATTERNS,
    *ibans.PATTERNS,
    *network.PATTERNS,
    *births.PATTERNS,
    *handles.PATTERNS,
    *ids.PATTERNS,
    *national_ids.PATTERNS,
    *addresses.PATTERNS,
    *encoded.PATTERNS,
    *secrets.PATTERNS,
)
