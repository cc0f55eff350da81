"""What a policy says about a unit that a rate limit has to see first."""

from dataclasses import dataclass, field
from typing import Final

from certtrace.ports import Decision

CERTAIN: Final = 0
"""Threshold of a rule that always keeps."""
NEVER: Final = 2**56
"""Threshold of a rule that never keeps."""
DEFAULT_MAX_KEYS: Final = 500


@dataclass(frozen=True, slots=True)
class LimitSpec:
    """How many units one rule may keep; absent bounds are None."""

    rule: str
    per_second: float | None = None
    per_day: int | None = None
    key_per_second: float | None = None
    """The same for each key by itself: a route, a tenant."""
    key_per_day: int | None = None
    max_keys: int = DEFAULT_MAX_KEYS
    """Keys counted apart; further ones share one budget."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One rule that would keep a unit, if its limit lets it."""

    spec: LimitSpec
    floor: int
    """T of the rule's own probability: the limit only ever raises it."""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Deferred:
    """A unit whose threshold is known when the windows of its limits have closed.

    T is then the lowest of `otherwise.threshold` and, for each offer, of the higher of its floor and its window's
    threshold; the rule is the one that gave it.
    """

    offers: tuple[Offer, ...]
    otherwise: Decision = field(default_factory=lambda: Decision(keep=False, rule="baseline", threshold=NEVER))
    """What the rules without a limit say."""
