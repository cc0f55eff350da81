"""What stands in for content that a crash destroyed names the rule, counts as the unit did, and hides nothing."""

import json

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from certtrace import semconv
from certtrace.delivery.frames import Outcome
from certtrace.delivery.spool import Spool
from certtrace.ports import RULES


@pytest.fixture
def root(tmp_path):
    return tmp_path / "spool"


def adopted(root):
    spool = Spool(root)
    spool.owe(["store"])
    spool.maintain()
    found = []
    for source in spool.sources("store"):
        while batch := source.read("store", 1 << 20, 100):
            for item in batch:
                found += [s for c in ResourceSpans.FromString(item.payload.data).scope_spans for s in c.spans]
            source.ack("store", batch)
    spool.close()
    return found


def attributes(span):
    return {each.key: each.value for each in span.attributes}


def stamp(span):
    return json.loads(attributes(span)[semconv.metadata(semconv.SAMPLING)].string_value)


def test_rules_of_the_policy_are_named(root):
    spool = Spool(root, rules=("vip tenants", "slow"))
    spool.owe(["store"])
    numbers = spool.rule_numbers
    assert numbers["error"] == RULES.index("error")
    for trace, rule in enumerate(["vip tenants", "slow", "baseline"], 1):
        spool.accept(trace, trace, 1, 2, rule=numbers[rule])
    spool.accept(9, 9, 1, 2, rule=500)
    spool.close()

    assert [stamp(span)["rule"] for span in adopted(root)] == ["vip tenants", "slow", "baseline", "rule 500"]


def test_a_rule_keeps_its_number_when_the_policy_is_loaded_anew(root):
    spool = Spool(root, rules=("first",))
    spool.owe(["store"])
    before = spool.rule_numbers["first"]
    spool.accept(1, 1, 1, 2, rule=before)
    spool.add_rules(("second", "first"))
    assert spool.rule_numbers["first"] == before
    spool.accept(2, 2, 1, 2, rule=spool.rule_numbers["second"])
    spool.close()

    assert [stamp(span)["rule"] for span in adopted(root)] == ["first", "second"]


def test_what_does_not_count_carries_no_threshold(root):
    spool = Spool(root)
    spool.owe(["store"])
    spool.accept(1, 1, 1, 2, threshold=2**55, outcome=Outcome.UNCOUNTED, rule=RULES.index("context"))
    spool.accept(2, 2, 1, 2, threshold=2**55, rule=RULES.index("baseline"))
    spool.close()
    context, counted = adopted(root)

    assert "th" not in stamp(context)
    assert context.trace_state == ""
    assert stamp(counted)["th"] == "8"
    assert counted.trace_state == "ot=th:8"


@pytest.mark.parametrize(("flag", "said"), [(Outcome.CANCELLED, "cancelled"), (Outcome.ABANDONED, "abandoned")])
def test_how_a_unit_ended_survives(root, flag, said):
    spool = Spool(root)
    spool.owe(["store"])
    spool.accept(1, 1, 1, 2, outcome=flag)
    spool.close()
    (span,) = adopted(root)

    assert json.loads(attributes(span)[semconv.metadata(semconv.OUTCOME)].string_value) == said


def test_a_lost_part_never_takes_the_place_of_a_root_that_was_delivered(root, unit):
    spool = Spool(root)
    spool.owe(["store"])
    spool.accept(1, 7, 1, 2, outcome=Outcome.PART)
    whole = spool.accept(1, 7, 1, 2)
    spool.content(whole, unit("the root", 1))
    spool.close()
    real, lost = adopted(root)

    assert real.name == "the root"
    assert lost.name == "content lost"
    assert int.from_bytes(lost.span_id, "big") != 7
    assert int.from_bytes(lost.parent_span_id, "big") == 7


def test_a_lost_last_part_stands_in_for_the_root(root, unit):
    spool = Spool(root)
    spool.owe(["store"])
    first = spool.accept(1, 7, 1, 2, outcome=Outcome.PART)
    spool.content(first, unit("a part", 1))
    spool.accept(1, 7, 1, 2)
    spool.close()
    _, lost = adopted(root)

    assert int.from_bytes(lost.span_id, "big") == 7
    assert not lost.parent_span_id


def test_what_was_delivered_before_the_power_failed_is_not_replaced(root, write, drain):
    spool = Spool(root)
    spool.owe(["store"])
    write(spool, "delivered", 7)
    drain(spool)
    spool.accept(8, 8, 1, 2)
    segment = next(spool.path.glob("content-*"))
    spool._output._directory.release()
    # The disk kept the cursor and the skeletons, and of the content nothing.
    import os

    os.truncate(segment, 16)
    found = adopted(root)

    assert all(int.from_bytes(span.span_id, "big") not in (7, 8) for span in found)
    assert {int.from_bytes(span.parent_span_id, "big") for span in found} == {7, 8}
