"""The fault plan: repeatable, spread over the first answers, spent once unless it lasts."""

from certtrace.demo.faults import ALL, FEW, PROVIDER_FAULTS, Fault, FaultLevel, FaultPlan, request_id


def _planned(level: FaultLevel, seed: int, **options: object) -> dict[str, str]:
    plan = FaultPlan(level, seed, **options)
    for number in range(60):
        plan.assign(f"a-{number}")
    return plan.planned


def test_a_seed_repeats_its_plan_and_another_one_differs():
    assert _planned(FaultLevel.ALL, 1) == _planned(FaultLevel.ALL, 1) != _planned(FaultLevel.ALL, 2)


def test_each_level_plans_each_of_its_faults_once():
    assert _planned(FaultLevel.NONE, 0) == {}
    assert sorted(_planned(FaultLevel.FEW, 0).values()) == sorted(FEW)
    assert sorted(_planned(FaultLevel.ALL, 0).values()) == sorted(ALL)


def test_a_provider_that_is_not_ours_is_left_alone():
    planned = _planned(FaultLevel.ALL, 0, own_provider=False)
    assert planned
    assert not set(planned.values()) & set(PROVIDER_FAULTS)


def test_a_known_copy_meets_the_cache():
    assert _planned(FaultLevel.ALL, 0, copies=frozenset(("a-7",)))["a-7"] == Fault.CACHE_REUSE


def test_a_passing_fault_strikes_once_and_a_lasting_one_always():
    plan = FaultPlan(FaultLevel.NONE, 0)
    plan._by_answer.update({"once": Fault.RATE_LIMIT, "always": Fault.MALFORMED_ALWAYS, "first": Fault.PROVIDER_OUTAGE})
    assert [plan.strike(request_id("once", 1)) for _ in range(2)] == [Fault.RATE_LIMIT, None]
    assert [plan.strike(request_id("always", n)) for n in (1, 2, 2)] == [Fault.MALFORMED_ALWAYS] * 3
    assert [plan.strike(request_id("first", n)) for n in (1, 1, 2)] == [Fault.PROVIDER_OUTAGE] * 2 + [None]
    assert plan.strike("unknown/1") is plan.strike("") is None
