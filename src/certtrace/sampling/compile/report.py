"""What is not the same in the collector, and what its operator has to do."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from certtrace.sampling.compile.policies import RuleReport
from certtrace.sampling.compile.target import Target
from certtrace.sampling.compile.tiers import CREDENTIALS, LANGFUSE_PATH
from certtrace.sampling.model import SamplingPolicy

MINIMUM_VERSION: Final = "0.153.0"
"""First with the component `load_balancing`; all others are older."""
GATES_VERSION: Final = "0.162.0"
"""First in which `usetracestate` gives a span that comes late the threshold of its trace; the gate is from 0.157.0."""
CHECKED_VERSION: Final = "0.160.0"
"""The configuration schemas that the keys were compared with."""
GATES: Final = ("processor.tailsamplingprocessor.usetracestate", "processor.tailsamplingprocessor.recordpolicy")


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a policy in the collector."""

    policy_version: str
    decision_wait_seconds: int
    rules: tuple[RuleReport, ...]
    differs: tuple[str, ...]
    """What holds for every rule."""
    to_do: tuple[str, ...]
    """What nobody but the operator can set."""

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON-like data."""
        return {
            "policy_version": self.policy_version,
            "collector": {
                "distribution": "contrib",
                "minimum_version": MINIMUM_VERSION,
                "minimum_version_with_gates": GATES_VERSION,
                "checked_against": CHECKED_VERSION,
                "feature_gates": list(GATES),
                "environment": [CREDENTIALS],
                "decision_wait_seconds": self.decision_wait_seconds,
            },
            "rules": [asdict(rule) for rule in self.rules],
            "loses_weights": [rule.rule for rule in self.rules if rule.weight == "lost"],
            "widens": [rule.rule for rule in self.rules if rule.widens],
            "stands_in": [rule.rule for rule in self.rules if rule.evaluated_by == "certtrace"],
            "differs": list(self.differs),
            "to_do": list(self.to_do),
        }

    def lines(self) -> list[str]:
        """Return the report for people."""
        gates = ",".join(f"+{gate}" for gate in GATES)
        return [
            f"Sampling policy {self.policy_version} for OpenTelemetry Collectors (contrib {MINIMUM_VERSION} or later).",
            f"Tier 2 is best started with --feature-gates={gates} ({GATES_VERSION} or later).",
            "",
            "Rules:",
            *(line for rule in self.rules for line in _rule(rule)),
            "",
            "Not the same as in the process:",
            *(f"  - {each}" for each in self.differs),
            "",
            "To do:",
            *(f"  - {each}" for each in self.to_do),
        ]


_WEIGHTS: Final = {
    "certain": "certain",
    "probability": "kept with probability {probability:g}",
    "lost": "weight lost",
    "none": "counted by the collector only",
}


def _rule(rule: RuleReport) -> list[str]:
    weight = _WEIGHTS[rule.weight].format(probability=rule.probability)
    who = "the collector" if rule.evaluated_by == "collector" else "certtrace"
    return [f"  {rule.action} {rule.rule}: evaluated by {who}, {weight}", *(f"    {note}" for note in rule.notes)]


def report(policy: SamplingPolicy, target: Target, rules: list[RuleReport]) -> Report:
    """Return what is to be said of a compiled policy."""
    return Report(
        policy_version=policy.version,
        decision_wait_seconds=target.decision_wait(policy),
        rules=tuple(rules),
        differs=tuple(_differs(policy, target, rules)),
        to_do=tuple(_to_do(target)),
    )


def _differs(policy: SamplingPolicy, target: Target, rules: list[RuleReport]) -> list[str]:
    wait = target.decision_wait(policy)
    found = [
        "scope: a rule keeps or drops the whole trace where certtrace decides about one service's unit",
        f"time: a trace is decided {wait} s after its first span, or 10 s after its root; what comes later gets the "
        "same decision, and an error that comes later does not bring a dropped trace back",
        "durability: tier 2 holds undecided traces in memory; what it holds when it ends is lost",
        f"size: a trace above {target.max_trace_bytes} bytes is dropped before it is decided",
        "parent: what a service upstream decided is not asked",
        "scores go to Langfuse directly; those of a trace that the collector drops belong to nothing there",
    ]
    if any(rule.weight == "probability" for rule in rules):
        found.append(
            "probability: without the gate usetracestate the collector hashes the trace id (FNV-1a): other traces than "
            "certtrace's own R would keep, at the same rate, and no threshold (th) on the spans to count with"
        )
    if any(rule.weight == "lost" for rule in rules):
        found.append("limits: estimates over traces that a limited rule kept are biased; count before the collector")
    if policy.dry_run:
        found.append("dry run: the policy says dry_run, the collector drops for real")
    return found


def _to_do(target: Target) -> list[str]:
    found = [
        "in every service: CERTTRACE_SAMPLING_POLICY to this policy's file and CERTTRACE_SAMPLING_DRY_RUN=true, so "
        "that all is sent, and stamped with what the policy says of it",
        f"for every service: where its LANGFUSE_BASE_URL points, route {LANGFUSE_PATH}/ to port 4319 of tier 1 and the "
        "rest (scores, prompts) to Langfuse; services without certtrace send OTLP to ports 4317 and 4318",
        f"in tier 2: {CREDENTIALS}, base64 of public key, colon, secret key",
        f"in the network: {target.tail_host} resolves to every collector of tier 2, and their number stays the same "
        "while traces are open",
        f"on the disks: {target.queue_directory} outlives the collector, with {target.queue_bytes} bytes free",
        "--decision-wait above the longest trace, --traces-per-second and --spans-per-trace as they are measured",
    ]
    if not target.tail_ca_file:
        found.append("between the tiers: nothing is encrypted; --tail-ca FILE where the network is not your own")
    return found
