"""A sampling policy for a fleet of OpenTelemetry Collectors: two configurations, and what is not the same there."""

from dataclasses import dataclass

from certtrace.sampling.compile.policies import RuleReport, compiled
from certtrace.sampling.compile.report import GATES, MINIMUM_VERSION, Report, report
from certtrace.sampling.compile.target import Target
from certtrace.sampling.compile.tiers import decide, route
from certtrace.sampling.compile.yaml_text import to_yaml
from certtrace.sampling.model import SamplingPolicy

__all__ = ["Compiled", "Report", "RuleReport", "Target", "compile_policy"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a policy became."""

    tier1: str
    """Configuration of the collectors that services send to."""
    tier2: str
    """Configuration of the collectors that decide."""
    report: Report


def compile_policy(policy: SamplingPolicy, target: Target) -> Compiled:
    """Return the configurations for a policy; pure.

    Args:
        policy: The rules.
        target: The fleet.
    """
    parts = compiled(policy, target)
    said = report(policy, target, [about for _, about in parts])
    head = f"Made by `certtrace policy compile` from sampling policy {policy.version}; make it anew, do not edit it."
    gates = ",".join(f"+{gate}" for gate in GATES)
    return Compiled(
        tier1=to_yaml(route(target), [head, f"Tier 1: OpenTelemetry Collector contrib {MINIMUM_VERSION} or later."]),
        tier2=to_yaml(
            decide(policy, [made for made, _ in parts], target),
            [
                head,
                f"Tier 2: OpenTelemetry Collector contrib {MINIMUM_VERSION} or later.",
                f"Best started with --feature-gates={gates}",
            ],
        ),
        report=said,
    )
