"""The decision about one unit: the lowest threshold of all rules that match, against the trace's own randomness.

References:
    OpenTelemetry specification, "TraceState: Probability Sampling": threshold T, randomness R, keep iff R >= T; R comes
    from `rv` or the low 56 bits of the trace id.
"""

from collections.abc import Callable
from dataclasses import dataclass

from certtrace.errors import ConfigurationError
from certtrace.ports import Decision, UnitFacts
from certtrace.sampling.verdict import CERTAIN, NEVER


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
