"""Keys of what certtrace keeps in OpenTelemetry's context."""

from typing import Final

PROPAGATED_KEY: Final = "certtrace-propagated-attributes"
"""A mapping of attributes that every span below gets: user, session, tags, metadata."""
LINK_KEY: Final = "certtrace-link"
"""The producer's span context, which the consumer's first span links to."""
