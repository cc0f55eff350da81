"""Random ids of our own: drawing them from `random` would change what the host draws after `random.seed()`."""

import os
import random

from opentelemetry.sdk.trace.id_generator import IdGenerator

_random = random.Random()  # noqa: S311 - ids must be unique, not secret
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)

new_bits = _random.getrandbits


class OwnIdGenerator(IdGenerator):
    """The id generator of certtrace's tracer provider."""

    def generate_span_id(self) -> int:
        """Return a random span id."""
        return new_bits(64) or 1

    def generate_trace_id(self) -> int:
        """Return a random trace id."""
        return new_bits(128) or 1

    def is_trace_id_random(self) -> bool:
        """Return true: W3C's random flag may be set."""
        return True
