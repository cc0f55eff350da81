"""Faults of the policy itself: rules that fail, files that are wrong, tracestates from strangers."""

import logging

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState, set_span_in_context
from tests.assembly.test_pipeline import summaries

import certtrace
from certtrace import assembly
from certtrace.errors import ConfigurationError
from certtrace.sampling.deciding import MAX_FAULTS

_COMPARING = """
[sampling]
baseline = 0.0
[[sampling.rules]]
name = "small"
where = [{ key = "size", op = "<", value = 3 }]
"""


@pytest.fixture
def policy_file(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(_COMPARING)
    return path


def unit(name, **attributes):
    with certtrace.span(name) as span:
        for key, value in attributes.items():
            span.set_attribute(key, value)


def test_a_rule_that_cannot_compare_keeps_its_unit_and_is_counted_and_logged_once(
    configured, home, policy_file, caplog
):
    running = configured(sampling_policy=policy_file)
    with caplog.at_level(logging.ERROR, logger="certtrace"):
        for value in ("private text", float("nan"), "another"):
            unit("odd", size=value)
    unit("large", size=9)
    unit("small", size=1)
    assert certtrace.force_flush(10).delivered
    assert sorted(each.name for each in summaries(home)) == ["odd", "odd", "odd", "small"]
    assert assembly.status().account.kept_by_rule == {"fault": 3, "small": 1}
    assert running.pipeline.deciding.sampler.faults == {"small": 3}
    (said,) = [record.getMessage() for record in caplog.records if "sampling rule" in record.getMessage()]
    assert "small" in said
    assert "private" not in caplog.text


def test_a_rule_that_always_fails_is_switched_off(configured, policy_file):
    configured(sampling_policy=policy_file)
    for _ in range(MAX_FAULTS + 5):
        unit("odd", size="x")
    account = assembly.status().account
    assert account.kept_by_rule == {"fault": MAX_FAULTS}
    assert account.dropped == {"baseline": 5}
    unit("small", size=1)  # switched off whole: it fails for this attribute or for none
    assert assembly.status().account.dropped == {"baseline": 6}


@pytest.mark.parametrize("wrong", ["[sampling", "[sampling]\nbaseline = 2.0\n", 'profile = "strict"\n', None])
def test_a_wrong_file_stops_configure_and_what_runs_goes_on(configured, home, policy_file, wrong):
    before = configured(sampling_policy=policy_file)
    if wrong is None:
        policy_file.unlink()
    else:
        policy_file.write_text(wrong)
    with pytest.raises(ConfigurationError, match=r"policy\.toml"):
        configured(sampling_policy=policy_file)
    assert assembly.current_running() is before
    unit("small", size=1)
    unit("large", size=9)
    assert certtrace.force_flush(10).delivered
    assert [each.name for each in summaries(home)] == ["small"]


def test_a_file_that_changes_while_a_unit_is_open_decides_nothing(configured, home, policy_file):
    running = configured(sampling_policy=policy_file)
    version = running.pipeline.deciding.sampler.version
    with certtrace.span("open") as span:
        policy_file.write_text("[sampling]\nbaseline = 1.0\n")
        span.set_attribute("size", 9)
    assert certtrace.force_flush(10).delivered
    assert summaries(home) == ()
    assert running.pipeline.deciding.sampler.version == version


def remote_parent(trace_id, state, *, sampled=True):
    context = SpanContext(
        trace_id=trace_id,
        span_id=7,
        is_remote=True,
        trace_flags=TraceFlags(int(sampled)),
        trace_state=TraceState.from_header([state]) if state else TraceState(),
    )
    return set_span_in_context(NonRecordingSpan(context))


_LONG = ",".join(f"vendor{number}={'x' * 40}" for number in range(10)) + ",last=" + "y" * 16


@pytest.mark.parametrize("sampled", [True, False])
@pytest.mark.parametrize(
    ("state", "randomness_low", "kept"),
    [
        ("", True, False),
        ("", False, True),
        ("ot=rv:00000000000001", False, False),
        ("ot=rv:ffffffffffffff", True, True),
        ("ot=rv:zz;th:;;x", False, True),
        ("ot=th:qq", True, False),
        (_LONG, True, False),
        (_LONG, False, True),
    ],
)
def test_strange_tracestates_decide_by_r_and_reach_those_below(configured, home, state, randomness_low, kept, sampled):
    configured(sample_rate=0.5)
    trace_id = (0xABCDEF << 100) | (1 if randomness_low else 2**56 - 1)
    tracer = trace.get_tracer("theirs", tracer_provider=assembly.current_running().provider)
    carried = {}
    with tracer.start_as_current_span("work", context=remote_parent(trace_id, state, sampled=sampled)):
        certtrace.inject(carried)
    assert certtrace.force_flush(10).delivered
    assert bool(summaries(home)) is kept
    foreign = [member for member in state.split(",") if member and not member.startswith("ot=")]
    members = carried.get("tracestate", "").split(",")
    assert [member for member in members if member in foreign] == foreign


def test_an_upstream_that_did_not_sample_does_not_hide_an_error(configured, home):
    configured(sample_rate=0.0)
    tracer = trace.get_tracer("theirs", tracer_provider=assembly.current_running().provider)
    with (
        pytest.raises(ValueError),
        tracer.start_as_current_span("work", context=remote_parent(1 << 100 | 1, "", sampled=False)),
    ):
        raise ValueError
    assert certtrace.force_flush(10).delivered
    assert [each.status for each in summaries(home)] == ["error"]


@pytest.mark.parametrize(("high", "kept"), [(True, True), (False, False)])
def test_a_follower_keeps_what_its_parent_keeps_by_the_parents_threshold(configured, home, tmp_path, high, kept):
    path = tmp_path / "policy.toml"
    path.write_text('[sampling]\nbaseline = 1.0\nparent = "follow"\n')
    configured(sample_rate=0.5)
    trace_id = (0xABCDEF << 100) | (2**56 - 1 if high else 1)
    carried = {}
    first = {"traceparent": f"00-{trace_id:032x}-00000000000000ab-01"}
    with certtrace.continue_trace(first), certtrace.span("above"):
        certtrace.inject(carried)
    configured(sampling_policy=path)  # the service below has another policy
    with certtrace.continue_trace(carried), certtrace.span("below"):
        pass
    account = assembly.status().account
    assert account.kept_by_rule == ({"parent": 1} if kept else {})
    assert account.dropped == ({} if kept else {"parent": 1})
