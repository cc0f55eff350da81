"""What a real pipeline sends in a dry run is decided by the compiled policies as certtrace itself decides."""

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.sampling.compile.tail_sampling import TailSampling, load

import certtrace
from certtrace import semconv
from certtrace.assembly.sampling import sampling_policy_of
from certtrace.sampling.compile import Target, compile_policy
from certtrace.settings import isolated

POLICY = """
[sampling]
baseline = 0.0

[[sampling.rules]]
name = "probes"
drop = true
route = "GET /health*"

[[sampling.rules]]
name = "near"
pass_mark_within = 5.0

[[sampling.rules]]
name = "costly"
cost_above_usd = 0.5

[[sampling.rules]]
name = "acme"
where = [{ key = "tenant", value = "acme" }]

[[sampling.rules]]
name = "retried"
where = [{ key = "attempt", op = ">=", value = 2 }]

[[sampling.rules]]
name = "spread"
passes_disagree = 1.0

[[sampling.rules]]
name = "private"
where = [{ key = "mail", op = "matches", value = "@example\\\\.org$" }]
"""


def work(route, attributes=None, *, fail=False, force=""):
    with certtrace.span(route) as unit, certtrace.span("below") as below:
        for key, value in (attributes or {}).items():
            below.set_attribute(key, value)
        if force:
            getattr(unit, force)()
        if fail:
            raise ValueError


CASES = {
    "nothing": ("a", {}, {}),
    "error": ("b", {}, {"fail": True}),
    "low confidence": ("c", {semconv.CONFIDENCE: 0.2}, {}),
    "high confidence": ("d", {semconv.CONFIDENCE: 0.9}, {}),
    "near": ("e", {semconv.GRADE: 8.2, semconv.GRADE_MAX: 10.0}, {}),
    "far": ("f", {semconv.GRADE: 5.0, semconv.GRADE_MAX: 10.0}, {}),
    "costly": ("g", {semconv.COST_USD: 0.7}, {}),
    "cheap": ("h", {semconv.COST_USD: 0.1}, {}),
    "tenant": ("i", {"tenant": "acme"}, {}),
    "other tenant": ("j", {"tenant": "acme "}, {}),
    "retried": ("k", {"attempt": 2}, {}),
    "first": ("l", {"attempt": 1}, {}),
    "spread": ("m", {semconv.AGGREGATE_SPREAD: 1.5}, {}),
    "private": ("n", {"mail": "jane.doe@example.org"}, {}),
    "probe": ("GET /health/live", {}, {}),
    "failed probe": ("GET /health/ready", {}, {"fail": True}),
    "forced": ("o", {}, {"force": "keep"}),
    "forced away": ("p", {}, {"fail": True, "force": "drop"}),
}
KEPT = {"error", "low confidence", "near", "costly", "tenant", "retried", "spread", "private", "forced"}


@pytest.fixture
def sent(configured, sink, tmp_path):
    """Run every case; return the serialized units by case, and the compiled policies."""
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    configured(
        sampling_policy=path,
        sampling_dry_run=True,
        destinations=["langfuse"],
        langfuse_base_url=sink.url,
        langfuse_public_key="pk",
        langfuse_secret_key="sk",
    )
    for route, attributes, how in CASES.values():
        try:
            work(route, attributes, **how)
        except ValueError:
            assert how["fail"]
    assert certtrace.force_flush(20)
    units = {}
    for request in sink.taken:
        for unit in ExportTraceServiceRequest.FromString(request.body).resource_spans:
            names = [span.name for scope in unit.scope_spans for span in scope.spans if not span.parent_span_id]
            units[names[0]] = unit.SerializeToString()
    policy = sampling_policy_of(isolated(sampling_policy=path))
    return units, TailSampling(load(compile_policy(policy, Target()).tier2))


def test_the_collector_keeps_what_certtrace_would_keep(sent):
    units, collector = sent
    assert len(units) == len(CASES)
    kept = {case for case, (route, _, _) in CASES.items() if collector.keeps(1, [units[route]])}
    assert kept == KEPT


def test_rules_that_see_what_redaction_takes_away_are_told_by_the_stamp(sent):
    units, _ = sent
    assert b"jane.doe" not in units["n"]
    assert b'"would":{"keep":true,"rule":"private"' in units["n"]
