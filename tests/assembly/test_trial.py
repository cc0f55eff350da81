"""Trying a policy on stored traces: what stored units say about all there were."""

import random

import pytest
from tests.sampling.making import policy

from certtrace import grading as g
from certtrace import semconv
from certtrace.assembly import status
from certtrace.assembly.trial import try_policy, units_of
from certtrace.ledger import Entry
from certtrace.records.model import Observation, Trace, TraceSummary
from certtrace.sampling import NEVER, threshold_for, threshold_hex


def observation(trace_id, name="work", service="svc", start_ns=1, **given):
    metadata = {"resourceAttributes": {"service.name": service}, **given.pop("metadata", {})}
    defaults = {"id": f"{random.getrandbits(64):016x}", "end_time_ns": start_ns + 10}
    return Observation(**defaults | given, trace_id=trace_id, name=name, start_time_ns=start_ns, metadata=metadata)


def trace_of(trace_id, *observations):
    summary = TraceSummary(
        trace_id=trace_id,
        name="work",
        start_time_ns=1,
        end_time_ns=2,
        status="ok",
        observation_count=len(observations),
    )
    return Trace(summary=summary, observations=observations)


def stored(count, share, seed, rule="baseline"):
    """Return the traces that a baseline of this share keeps of so many; each has one unit."""
    chance, threshold = random.Random(seed), threshold_for(share)
    ids = [f"{chance.getrandbits(128):032x}" for _ in range(count)]
    kept = [trace_id for trace_id in ids if int(trace_id, 16) & (NEVER - 1) >= threshold]
    note = {semconv.SAMPLING: {"rule": rule, "th": threshold_hex(threshold)}}
    return [
        trace_of(trace_id, observation(trace_id, start_ns=number * 10**8 + 1, metadata=note))
        for number, trace_id in enumerate(kept)
    ]


@pytest.mark.parametrize("share", [0.02, 0.1, 0.25, 0.5, 1.0])
def test_estimates_are_of_all_units_there_were(share):
    count = 4_000
    traces = stored(count, 0.25, seed=share)
    trial = try_policy(policy(baseline=share), traces)
    assert trial.units == len(traces)
    assert abs(trial.all_units.value - count) <= 3 * trial.all_units.standard_error
    truth = sum(1 for each in stored(count, share, seed=share))
    if share <= 0.25:
        assert trial.all_kept.value == truth == trial.kept  # all that it keeps was kept before
    else:
        assert abs(trial.all_kept.value - count * share) <= 3 * trial.all_kept.standard_error


def test_units_kept_for_context_are_counted_apart():
    trace_id = "ab" * 16
    trial = try_policy(policy(baseline=1.0), [trace_of(trace_id, observation(trace_id))])
    assert (trial.units, trial.kept, trial.uncounted, trial.all_units.value) == (1, 1, 1, 0.0)


def test_a_limit_is_tried_in_the_order_of_time():
    traces = stored(600, 1.0, seed=3)  # ten a second for a minute
    trial = try_policy(policy({"name": "few", "limit": {"per_second": 2}}), reversed(traces))
    assert trial.kept + trial.rules["rate_limit"].dropped == 600
    assert 100 <= trial.kept <= 130
    assert trial.rules["few"].kept == trial.kept


def test_units_are_told_apart_by_service_and_by_the_ledger():
    trace_id = "cd" * 16
    root = observation(trace_id, "answer.capture")
    same = observation(trace_id, "answer.grade", parent_observation_id=root.id)
    below = observation(trace_id, "llm.call", parent_observation_id=same.id, level="ERROR")
    other = observation(trace_id, "review", service="other", parent_observation_id=root.id)
    trace = trace_of(trace_id, below, other, same, root)
    by_service = {unit.facts.route: unit.facts.span_count for unit in units_of(trace)}
    assert by_service == {"answer.capture": 3, "review": 1}
    by_ledger = {unit.facts.route: unit for unit in units_of(trace, {same.id, root.id})}
    assert {name: unit.facts.span_count for name, unit in by_ledger.items()} == {
        "answer.capture": 1,
        "answer.grade": 2,
        "review": 1,
    }
    assert by_ledger["answer.grade"].facts.has_error
    assert not by_ledger["answer.capture"].facts.has_error


def test_a_circle_of_parents_ends():
    trace_id = "ef" * 16
    one = observation(trace_id, id="1" * 16, parent_observation_id="2" * 16)
    two = observation(trace_id, id="2" * 16, parent_observation_id="1" * 16)
    assert sum(unit.facts.span_count for unit in units_of(trace_of(trace_id, one, two))) == 2


def test_what_was_dropped_before_is_said_by_rule():
    gone = [Entry("ab" * 16, "1" * 16, False, rule, 3, 1) for rule in ("baseline", "baseline", "probes")]
    assert try_policy(policy(), [], gone).gone == {"baseline": 2, "probes": 1}


def test_a_live_gradings_cost_is_not_counted_twice(configured, tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text('[sampling]\nbaseline = 0.0\n[[sampling.rules]]\nname = "dear"\ncost_above_usd = 3.0\n')
    configured(sampling_policy=path)
    for each in (1.0, 1.6):
        with g.answer_grade(g.Answer(id="a-1", question_id="q-1"), planned=2):
            for index in (1, 2):
                with g.grade_pass(index) as attempt, g.llm_call("grader") as call:
                    call.answered(usage=g.Usage(cost_usd=each))
                    attempt.graded(grade=4)
    account = status().account
    assert (account.kept_by_rule, account.dropped) == ({"dear": 1}, {"baseline": 1})
