"""What the configurations are written for: addresses, sizes and waits of one fleet."""

import math
from dataclasses import dataclass
from typing import Final

from certtrace.sampling.model import SamplingPolicy

DEFAULT_TAIL_HOST: Final = "otelcol-tail"
DEFAULT_LANGFUSE_URL: Final = "https://cloud.langfuse.com"
DEFAULT_TRACES_PER_SECOND: Final = 100.0
DEFAULT_SPANS_PER_TRACE: Final = 20.0

_SHORTEST_WAIT_SECONDS: Final = 90
_MARGIN_SECONDS: Final = 30
"""What comes on top of the slowest unit: the way through spool and tier 1."""


@dataclass(frozen=True, slots=True)
class Target:
    """One fleet of collectors."""

    langfuse_url: str = DEFAULT_LANGFUSE_URL
    """Address of the Langfuse server, without `/api`."""
    tail_host: str = DEFAULT_TAIL_HOST
    """Name that resolves to every collector of tier 2."""
    tail_port: int = 4317
    tail_ca_file: str | None = None
    """Certificate authority of tier 2; None for no encryption between the tiers."""
    tail_instances: int = 1
    """Collectors of tier 2: a rate limit holds in each by itself."""
    traces_per_second: float = DEFAULT_TRACES_PER_SECOND
    """New traces a second at each collector of tier 2."""
    spans_per_trace: float = DEFAULT_SPANS_PER_TRACE
    """Average, from which limits of units are worked out as limits of spans."""
    decision_wait_seconds: int | None = None
    """Wait for a trace's spans; None to derive it from the policy."""
    queue_directory: str = "/var/lib/otelcol/certtrace"
    """Folder of the persistent queues, on a disk that outlives the collector."""
    queue_bytes: int = 4 * 1024**3
    max_trace_bytes: int = 64 * 1024**2
    """A trace above it is dropped by the collector, so that one cannot evict all others."""

    def decision_wait(self, policy: SamplingPolicy) -> int:
        """Return the wait in seconds: long enough for the slowest unit that a rule asks about."""
        if self.decision_wait_seconds is not None:
            return self.decision_wait_seconds
        slowest = max((rule.slower_than_seconds or 0.0 for rule in policy.rules), default=0.0)
        return max(_SHORTEST_WAIT_SECONDS, math.ceil(slowest) + _MARGIN_SECONDS)

    def traces_in_memory(self, policy: SamplingPolicy) -> int:
        """Return how many traces wait for their decision, twice the average."""
        return math.ceil(2 * self.traces_per_second * self.decision_wait(policy))
