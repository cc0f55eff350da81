"""What certtrace says of itself, read through the real metrics SDK over a real pipeline."""

import gc
import os
import re
import subprocess
import sys
import textwrap
import time
import weakref
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import certtrace
from certtrace.assembly import measures, metrics

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"


class Meters:
    """A real provider, and what it collects."""

    def __init__(self):
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader])

    def collect(self):
        data = self.reader.get_metrics_data()
        found = {}
        for resource in data.resource_metrics if data else []:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    found[metric.name] = {tuple(point.attributes.values()): point for point in metric.data.data_points}
        return found

    def value(self, name, *attributes):
        point = self.collect().get(name, {}).get(attributes)
        return None if point is None else point.value


@pytest.fixture
def meters(monkeypatch):
    """Observe the pipelines of this test alone, on a provider of its own."""
    own = Meters()
    observed = metrics.Observed()
    monkeypatch.setattr(metrics._Process, "observed", observed)
    monkeypatch.setattr(
        metrics._Process, "instruments", metrics.Instruments(own.provider.get_meter("certtrace"), observed)
    )
    yield own
    own.provider.shutdown()


@certtrace.traced(name="answer.grade")
def grade(text, *, fail=False):
    if fail:
        raise ValueError(text)
    return text


def work(good=3, bad=2):
    for number in range(good):
        grade(f"jane{number}@example.org")
    for _ in range(bad):
        with pytest.raises(ValueError):
            grade("no", fail=True)


def langfuse(sink):
    return {
        "destinations": ["langfuse"],
        "langfuse_base_url": sink.url,
        "langfuse_public_key": "pk",
        "langfuse_secret_key": "sk",
    }


def until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_units_are_counted_by_rule_and_reason(configured, meters):
    configured(sample_rate=0.0)
    work()
    assert certtrace.force_flush(10)
    found = meters.collect()
    assert found["certtrace.unit.started"][()].value == 5
    assert found["certtrace.unit.kept"][("error",)].value == 2
    assert sum(point.value for point in found["certtrace.unit.dropped"].values()) == 3
    assert found["certtrace.unit.active"][("open",)].value == 0


def test_an_open_unit_is_active_and_the_account_holds_in_one_collection(configured, meters):
    configured()
    with certtrace.span("open"):
        work(2, 0)
        found = meters.collect()
        assert found["certtrace.unit.active"][("open",)].value == 1
    kept = sum(point.value for point in found.get("certtrace.unit.kept", {}).values())
    active = sum(point.value for point in found["certtrace.unit.active"].values())
    assert found["certtrace.unit.started"][()].value == kept + active


def test_what_a_destination_took_is_counted_and_timed(configured, meters, sink):
    configured(**langfuse(sink))
    work()
    assert certtrace.force_flush(10)
    found = meters.collect()
    assert found["certtrace.spool.accepted"][()].value == 5
    assert found["certtrace.delivery.delivered"][("langfuse",)].value == 5
    assert found["certtrace.delivery.queue.size"][("langfuse",)].value == 0
    assert found["certtrace.delivery.queue.age"][("langfuse",)].value == 0
    assert found["otel.sdk.processor.span.processed"][()].value == 5
    duration = found["certtrace.delivery.duration"][("langfuse",)]
    assert duration.count == 5
    assert 0 < duration.sum < 5 * 60


def test_what_a_destination_owes_is_seen_with_its_age(configured, meters, sink):
    sink.answer = lambda _request: sink.Answer(status=401)
    configured(**langfuse(sink))
    work()
    certtrace.force_flush(2)
    until(lambda: meters.value("certtrace.delivery.paused", "langfuse") == 1)
    found = meters.collect()
    assert found["certtrace.delivery.queue.size"][("langfuse",)].value == 5
    assert found["certtrace.delivery.queue.bytes"][("langfuse",)].value > 0
    assert 0 < found["certtrace.delivery.queue.age"][("langfuse",)].value < 60
    assert found["certtrace.delivery.failures"][("langfuse",)].value >= 1
    assert found["certtrace.spool.refusing"][()].value == 0
    assert 0 < found["certtrace.spool.disk.used"][()].value <= found["certtrace.spool.disk.limit"][()].value


def test_redaction_is_counted_by_type_and_no_value_is_said(configured, meters):
    configured()
    work()
    assert certtrace.force_flush(10)
    found = meters.collect()
    assert found["certtrace.redaction.found"][("EMAIL",)].value >= 3
    assert "jane" not in repr(found)


def test_stress_is_seen_while_it_lasts(configured, meters):
    running = configured()
    assert meters.value("certtrace.stress") == 0
    running.pipeline.light_below = 1
    assert meters.value("certtrace.stress") == 1


def test_own_faults_are_counted_by_cause(configured, meters):
    running = configured()
    running.tracer.fault("capture", ValueError("jane@example.org"))
    assert meters.value("certtrace.fault", "capture: ValueError") == 1


def test_counts_go_on_over_a_new_configuration_and_nothing_is_kept_alive(configured, meters):
    ended = weakref.ref(configured())
    work(2, 0)
    configured(sample_rate=1.0)
    work(1, 0)
    assert certtrace.force_flush(10)
    assert meters.value("certtrace.unit.started") == 3
    assert meters.value("certtrace.delivery.delivered", "store") == 3
    certtrace.shutdown(5)
    gc.collect()
    assert ended() is None
    assert meters.value("certtrace.unit.started") == 3
    assert "certtrace.unit.active" not in meters.collect()


def test_ended_twice_is_counted_once(configured, meters):
    running = configured()
    work(2, 0)
    assert certtrace.force_flush(10)
    for undo in [*running.undo, *running.undo]:
        undo()
    assert meters.value("certtrace.unit.started") == 2


def test_a_reading_that_fails_costs_the_host_nothing(configured, meters, monkeypatch, caplog):
    running = configured()
    monkeypatch.setattr(type(running), "status", lambda _self: 1 / 0)
    assert "certtrace.unit.started" not in meters.collect()
    assert "certtrace.unit.started" not in meters.collect()
    assert [record.message for record in caplog.records] == ["Metrics could not be read (ZeroDivisionError)."]


def test_a_meter_provider_that_fails_costs_the_host_nothing(configured, monkeypatch, caplog):
    monkeypatch.setattr(metrics._Process, "instruments", None)
    monkeypatch.setattr(metrics.metrics, "get_meter", lambda *_given: 1 / 0)
    configured()
    assert grade("still") == "still"
    assert any("traces are not affected" in record.message for record in caplog.records)


def test_an_attribute_has_a_bounded_number_of_values():
    read = measures._each("key", lambda values: values)
    first = {attributes for _, attributes in read({f"cause {number:03}": 1 for number in range(150)})}
    again = [attributes for _, attributes in read({"a new one": 1, "cause 000": 1})]
    assert len(first) == 101
    assert again == [(("key", "other"),), (("key", "cause 000"),)]


def run(program, *, code=0):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CERTTRACE_", "OTEL_"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True, text=True, timeout=60, env=environment,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done


SETUP = """
    import os, sys, tempfile
    import certtrace
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()

    def started():
        data = reader.get_metrics_data()
        found = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics]
        return next(m.data.data_points[0].value for m in found if m.name == "certtrace.unit.started")

    @certtrace.traced
    def work():
        pass
"""


@pytest.mark.parametrize("first", ["configure", "provider"])
def test_the_provider_may_be_set_before_or_after(first):
    steps = {
        "configure": "certtrace.configure(home=tempfile.mkdtemp())",
        "provider": "metrics.set_meter_provider(MeterProvider([reader]))",
    }
    second = next(step for step in steps if step != first)
    program = f"""{SETUP}
    {steps[first]}
    work()
    {steps[second]}
    work()
    print(started())
    """
    assert run(program).stdout.split() == ["2" if first == "configure" else "1"]


def test_a_forked_child_counts_for_itself():
    program = f"""{SETUP}
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    metrics.set_meter_provider(MeterProvider([reader]))
    home = tempfile.mkdtemp()
    certtrace.configure(home=home)
    work()
    certtrace.configure(home=home)
    work()
    child = os.fork()
    if not child:
        work()
        print("child", started(), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print("parent", started())
    """
    assert run(program).stdout.split() == ["child", "1", "parent", "2"]


def test_without_a_provider_nothing_is_read(configured, monkeypatch):
    running = configured()
    asked = []
    monkeypatch.setattr(metrics.Reading, "of", classmethod(lambda cls, given: asked.append(given)))
    work()
    assert certtrace.force_flush(10)
    assert running is not None
    assert not asked


def test_every_instrument_has_a_row_with_its_kind_and_unit():
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| (.*) \|$", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE))
    kinds = {"counter": "counter", "up_down_counter": "up-down counter", "gauge": "gauge"}
    expected = {each.name: f"{kinds[each.kind]} | `{each.unit}` | " for each in measures.INSTRUMENTS}
    expected[metrics.DURATION] = "histogram | `s` | "
    described = {
        name: row for name, row in rows.items() if row.startswith(("counter", "up-down", "gauge", "histogram"))
    }
    assert set(described) == set(expected)
    assert not [name for name, start in expected.items() if not described[name].startswith(start)]


def test_every_attribute_of_a_metric_has_a_row():
    text = REFERENCE.read_text(encoding="utf-8")
    attributes = [
        measures.RULE,
        measures.REASON,
        measures.STATE,
        measures.DESTINATION,
        measures.FINDING,
        measures.CAUSE,
    ]
    assert not [key for key in attributes if f"| `{key}` |" not in text]


def test_names_of_the_conventions_are_those_of_the_conventions():
    from opentelemetry.semconv._incubating.metrics import otel_metrics

    conventional = {value for name, value in vars(otel_metrics).items() if name.startswith("OTEL_SDK_")}
    assert not [
        each.name for each in measures.INSTRUMENTS if each.name.startswith("otel.") and each.name not in conventional
    ]
