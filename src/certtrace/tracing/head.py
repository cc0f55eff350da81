"""What the sampling policy says of a local root before anything has happened."""

from collections.abc import Mapping
from typing import Final, Protocol

from certtrace.tracing.units import Unit

MAX_REMEMBERED_NAMES: Final = 10_000


class HeadRules(Protocol):
    """The policy as the tracer asks it; `assembly` gives it."""

    @property
    def watched(self) -> frozenset[str]:
        """Attributes that its rules read."""
        ...

    def drops_at_start(self, name: str, attributes: Mapping[str, object] | None = None) -> str:
        """Return the name of the rule that drops a local root of this name; empty for none."""
        ...

    def tracestate(self, trace_id: int, randomness: int, trace_state: str, route: str) -> str:
        """Return what came from above, with the threshold by which this trace will be kept, if it will.

        Args:
            trace_id: 128 bits.
            randomness: R where it does not come from the trace id or `rv`; else -1.
            trace_state: What came from above, header form.
            route: Name of the local root.
        """
        ...

    def is_certain(self, unit: Unit) -> bool:
        """Return whether what has happened so far keeps an open unit for certain."""
        ...


class Drops(dict[str, str]):
    """The drop rule of each name of a local root, looked up once; empty where there is none."""

    def __init__(self, rules: HeadRules) -> None:
        """Take the rules."""
        super().__init__()
        self._rules = rules

    def __missing__(self, name: str) -> str:
        """Ask the rules, and remember the answer unless names come without end."""
        found = self._rules.drops_at_start(name)
        if len(self) < MAX_REMEMBERED_NAMES:
            self[name] = found
        return found
