"""The decision about one unit: the lowest threshold of all rules that match, against the trace's own randomness.

References:
    OpenTelemetry specification, "TraceState: Probability Sampling": threshold T, randomness R, keep iff R >= T; R comes
    from `rv` or the low 56 bits of the trace id.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from certtrace.errors import ConfigurationError
from certtrace.ports import Decision, UnitFacts
from certtrace.semconv import TRACESTATE_KEY

CERTAIN: Final = 0
"""Threshold of a rule that always keeps."""
NEVER: Final = 2**56
"""Threshold of a rule that never keeps."""

_RV: Final = re.compile(r"(?:^|;)rv:([0-9a-f]{14})(?:;|$)")
_TH: Final = re.compile(r"(?:^|;)th:([0-9a-f]{1,14})(?=;|$)")


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to keep a unit."""

    name: str
    threshold: int
    matches: Callable[[UnitFacts], bool]


class SamplingPolicy:
    """Rules over a finished unit. The order of the rules does not matter; a drop rule wins over all."""

    def __init__(
        self,
        *,
        sample_rate: float = 1.0,
        keep_errors: bool = True,
        keep_confidence_below: float | None = None,
        drop_names: frozenset[str] = frozenset(),
    ) -> None:
        """Make the policy.

        Args:
            sample_rate: Probability that a unit without any special reason is kept, 0.0 to 1.0 inclusive.
            keep_errors: Keep every unit with an error, a cancellation or an early close.
            keep_confidence_below: Keep every unit with a recorded confidence below this; `None` for no such rule.
            drop_names: Local roots of these names are dropped at their start, whatever happens below them.

        Raises:
            ConfigurationError: `sample_rate` is outside 0.0 to 1.0.
        """
        if not 0.0 <= sample_rate <= 1.0:
            msg = f"sample_rate must be 0.0 to 1.0, got {sample_rate}. Use 0.05 to keep 5 % of traces."
            raise ConfigurationError(msg)
        self.drop_names = drop_names
        rules = [Rule("baseline", round((1.0 - sample_rate) * NEVER), lambda _unit: True)]
        if keep_errors:
            rules.append(Rule("error", CERTAIN, lambda unit: unit.has_error))
            rules.append(Rule("cancelled", CERTAIN, lambda unit: unit.cancelled or unit.abandoned))
        if keep_confidence_below is not None:
            limit = keep_confidence_below
            rules.append(
                Rule("low_confidence", CERTAIN, lambda unit: unit.confidence is not None and unit.confidence < limit)
            )
        self.rules = tuple(rules)
        self.always = sample_rate >= 1.0
        """Whether the baseline keeps every unit, so that no other rule can change the outcome."""

    def decide(self, unit: UnitFacts) -> Decision:
        """Decide one unit by the lowest threshold of the rules that match it."""
        best = Decision(keep=False, rule="baseline", threshold=NEVER)
        for rule in self.rules:
            # On a tie the special reason is the one to name.
            if rule.matches(unit) and (rule.threshold < best.threshold or rule.threshold == CERTAIN):
                best = Decision(keep=unit.randomness >= rule.threshold, rule=rule.name, threshold=rule.threshold)
                if rule.name != "baseline":
                    break
        return best


def randomness_of(trace_id: int, trace_state: str) -> int:
    """Return R: `rv` of the tracestate's `ot` entry if it is there and well formed, else the low 56 bits of the id."""
    found = _RV.search(_entry(trace_state))
    return int(found[1], 16) if found else trace_id & (NEVER - 1)


def threshold_hex(threshold: int) -> str:
    """Return T as `th` writes it: 14 hex digits, trailing zeros cut, `0` for certain."""
    return f"{threshold:014x}".rstrip("0") or "0"


def _entry(trace_state: str) -> str:
    for member in trace_state.split(","):
        key, _, value = member.strip().partition("=")
        if key == TRACESTATE_KEY:
            return value
    return ""


@lru_cache(maxsize=1_024)
def tracestate_with(trace_state: str, threshold: int) -> str:
    """Return the tracestate with `ot=th:` set to the threshold; other entries and vendors stay as they are."""
    others = [member.strip() for member in trace_state.split(",") if member.strip()]
    others = [member for member in others if member.partition("=")[0] != TRACESTATE_KEY]
    kept = [part for part in _TH.sub("", _entry(trace_state)).split(";") if part]
    if threshold < NEVER:
        kept.insert(0, f"th:{threshold_hex(threshold)}")
    own = [f"{TRACESTATE_KEY}={';'.join(kept)}"] if kept else []
    return ",".join([*own, *others])
