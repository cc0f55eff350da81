"""A sampling policy as policies of the collector's `tail_sampling` processor, and what becomes of each rule.

There any `drop` drops, else any vote keeps. With one `hash_salt` everywhere the votes of several probabilities nest,
so that the highest counts, as the lowest threshold does here.

References:
    OpenTelemetry Collector Contrib, processor/tailsamplingprocessor: README.md, config.schema.yaml.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from certtrace.sampling.bounds import Limit
from certtrace.sampling.compile import conditions, ottl, wire
from certtrace.sampling.compile.target import Target
from certtrace.sampling.compile.yaml_text import Tree
from certtrace.sampling.model import RESTATED, SamplingPolicy
from certtrace.sampling.rule import Rule

HASH_SALT: Final = "certtrace"
_PREFIX: Final = "certtrace-"
_DAY_SECONDS: Final = 86_400
_BY_KEY: Final = "certtrace's stamp stands in: a limit for each key cannot be said to the collector"
_OWN_KEEPS: Final = ("forced", "fault")
"""Rules of certtrace that keep for reasons known in the process only."""

Weight = Literal["certain", "probability", "lost", "none"]
Policy = dict[str, Tree]


@dataclass(frozen=True, slots=True)
class RuleReport:
    """What became of one rule."""

    rule: str
    policy: str
    """Name of the collector's policy."""
    action: Literal["keep", "drop"]
    evaluated_by: Literal["collector", "certtrace"]
    """Who tells whether a unit matches: the collector from the spans, or certtrace, which stamps it on them."""
    probability: float = 1.0
    spans_per_second: int | None = None
    """Limit at one collector, where the rule has one."""
    widens: bool = False
    """Whether it may hold for a trace of which it holds for no unit."""
    weight: Weight = "certain"
    """`lost`: what a kept trace stands for is not known; `none`: the rule keeps nothing."""
    notes: tuple[str, ...] = field(default=())
    """What is not the same as in the process."""


def compiled(policy: SamplingPolicy, target: Target) -> list[tuple[Policy, RuleReport]]:
    """Return the collector's policies with what is to be said of each: what drops first, the baseline last."""
    rules = [*_built_in(policy), *policy.own_rules]
    return [
        *(_drop(rule) for rule in rules if rule.drop),
        _forced_drop(),
        *map(_own_keep, _OWN_KEEPS),
        *(_keep(rule, target) for rule in rules if not rule.drop),
        *_baseline(policy, target),
    ]


def _built_in(policy: SamplingPolicy) -> Iterator[Rule]:
    if policy.keep_errors:
        for name, said in RESTATED.items():
            yield Rule(name=name, **said)
    if policy.keep_confidence_below is not None:
        yield Rule(name="low_confidence", confidence_below=policy.keep_confidence_below)


# --- what drops ------------------------------------------------------------------------------------------------------


def _drop(rule: Rule) -> tuple[Policy, RuleReport]:
    notes = ["drops the whole trace when the rule holds for its root's unit; a unit below is not dropped by itself"]
    evaluated_by: Literal["collector", "certtrace"] = "collector"
    try:
        said = conditions.of_drop(rule)
    except conditions.UnseenError as reason:
        said = [[ottl.both([ottl.ROOT, wire.would(rule.name), wire.refused()])]]
        evaluated_by = "certtrace"
        notes.append(f"certtrace's stamp stands in: {reason}")
    name = _PREFIX + rule.name
    report = RuleReport(rule.name, name, "drop", evaluated_by, weight="none", notes=tuple(notes))
    return _dropping(name, said), report


def _forced_drop() -> tuple[Policy, RuleReport]:
    name = f"{_PREFIX}forced.drop"  # no rule has a dot in its name
    said = [[ottl.both([ottl.ROOT, wire.decided_by("forced"), wire.refused()])]]
    notes = ("certtrace's stamp stands in: what code asks for is known in the process only",)
    return _dropping(name, said), RuleReport("forced", name, "drop", "certtrace", weight="none", notes=notes)


def _dropping(name: str, said: list[conditions.Alternatives]) -> Policy:
    return {"name": name, "type": "drop", "drop": {"drop_sub_policy": _leaves(name, said)}}


# --- what keeps ------------------------------------------------------------------------------------------------------


def _own_keep(rule: str) -> tuple[Policy, RuleReport]:
    name = _PREFIX + rule
    said = [[ottl.both([wire.decided_by(rule), f"not {wire.refused()}"])]]
    notes = ("certtrace's stamp stands in: the reason is known in the process only",)
    return _all_of(name, _leaves(name, said)), RuleReport(rule, name, "keep", "certtrace", notes=notes)


def _keep(rule: Rule, target: Target) -> tuple[Policy, RuleReport]:
    if rule.limit is not None and rule.limit.key is not None:
        return _kept(rule.name, _within_limit(rule.name), "certtrace", (rule.keep, rule.limit), [_BY_KEY], target)
    notes: list[str] = []
    evaluated_by: Literal["collector", "certtrace"] = "collector"
    try:
        said = conditions.of(rule)
    except conditions.UnseenError as reason:
        said = [[wire.would(rule.name)]]
        evaluated_by = "certtrace"
        notes.append(f"certtrace's stamp stands in: {reason}")
    else:
        notes += _widened(rule, len(said))
    policy, report = _kept(rule.name, said, evaluated_by, (rule.keep, rule.limit), notes, target)
    return policy, replace(report, widens=evaluated_by == "collector" and _widens(rule, len(said)))


def _baseline(policy: SamplingPolicy, target: Target) -> Iterator[tuple[Policy, RuleReport]]:
    limit = policy.baseline_limit
    share = (policy.baseline, limit)
    if limit is not None and limit.key is not None:
        yield _kept("baseline", _within_limit("baseline"), "certtrace", share, [_BY_KEY], target)
    elif policy.baseline > 0:
        yield _kept("baseline", [], "collector", share, [], target)


def _within_limit(rule: str) -> list[conditions.Alternatives]:
    """Return what the limit of a process let through."""
    return [[ottl.both([wire.would(rule), f"not {wire.refused()}"])]]


def _kept(
    rule: str,
    said: list[conditions.Alternatives],
    evaluated_by: Literal["collector", "certtrace"],
    share: tuple[float, Limit | None],
    notes: list[str],
    target: Target,
) -> tuple[Policy, RuleReport]:
    name = _PREFIX + rule
    probability, limit = share
    leaves = _leaves(name, said)
    weight: Weight = "certain"
    spans_per_second = None
    # What a process let through its limit for each key has passed its probability already.
    if probability < 1.0 and (limit is None or limit.key is None):
        weight = "probability"
        chance: Policy = {"sampling_percentage": probability * 100.0, "hash_salt": HASH_SALT}
        leaves.append({"name": f"{name}.probability", "type": "probabilistic", "probabilistic": chance})
    if limit is not None:
        weight = "lost"
        spans_per_second, said_of_it = _rate(limit, target)
        notes.append(said_of_it)
    if spans_per_second is not None:
        rate: Policy = {"spans_per_second": spans_per_second}
        leaves.append({"name": f"{name}.limit", "type": "rate_limiting", "rate_limiting": rate})
    report = RuleReport(
        rule, name, "keep", evaluated_by, probability, spans_per_second, weight=weight, notes=tuple(notes)
    )
    return _all_of(name, leaves), report


def _rate(limit: Limit, target: Target) -> tuple[int | None, str]:
    given = [limit.per_second, limit.per_day / _DAY_SECONDS if limit.per_day is not None else None]
    units = min((rate for rate in given if rate is not None), default=None)
    if units is None:
        return None, "the limit holds in each process by itself, and says nothing about what a kept trace stands for"
    spans = units * target.spans_per_trace / target.tail_instances
    whole = max(1, round(spans))
    said = (
        f"the limit of {units:g} units a second becomes {whole} spans a second at each collector, first come first "
        "kept: what a kept trace stands for is lost"
    )
    return whole, said if spans >= 1 else f"{said}; less than one span a second cannot be said, so more is kept"


def _widens(rule: Rule, parts: int) -> bool:
    return parts > 1 or rule.route is not None or rule.slower_than_seconds is not None


def _widened(rule: Rule, parts: int) -> list[str]:
    notes = []
    if parts > 1:
        notes.append("its conditions may be met by spans of different units of one trace")
    if rule.route is not None:
        notes.append("route: any span of that name, not the local root alone")
    if rule.slower_than_seconds is not None:
        notes.append("slower: any span that took so long, not the local root alone")
    if rule.where:
        notes.append("where: compares what redaction left of the value; elements of a list are not looked at")
    return notes


# --- the collector's forms -------------------------------------------------------------------------------------------


def _leaves(name: str, said: list[conditions.Alternatives]) -> list[Policy]:
    numbers = [""] if len(said) == 1 else [f".{number}" for number in range(1, len(said) + 1)]
    return [_leaf(f"{name}.matches{number}", each) for number, each in zip(numbers, said, strict=True)]


def _leaf(name: str, alternatives: conditions.Alternatives) -> Policy:
    if alternatives == [ottl.ERROR]:
        return {"name": name, "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}
    # `ignore`: a value that is no number where one is asked for must not stop the whole decision.
    condition: Policy = {"error_mode": "ignore", "span": alternatives}
    return {"name": name, "type": "ottl_condition", "ottl_condition": condition}


def _all_of(name: str, leaves: list[Policy]) -> Policy:
    if not leaves:
        return {"name": name, "type": "always_sample"}
    if len(leaves) == 1:
        return {**leaves[0], "name": name}
    return {"name": name, "type": "and", "and": {"and_sub_policy": leaves}}
