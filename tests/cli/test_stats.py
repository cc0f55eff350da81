import json
import time

import pytest
from tests.records.spans import START_NS, meta, payload, span

from certtrace import settings
from certtrace.ledger import Ledger
from certtrace.ports import Decision
from certtrace.records.store import StoreDestination

HALF, QUARTER = 2**55, 2**54 * 3
KEPT = Decision(keep=True, rule="baseline", threshold=HALF)
CERTAIN = Decision(keep=True, rule="error", threshold=0)
DROPPED = Decision(keep=False, rule="baseline", threshold=HALF)
CONTEXT = Decision(keep=True, rule="promoted", threshold=0, counts=False)


def stamp(decision):
    told = {"rule": decision.rule}
    if decision.counts:
        told["th"] = f"{decision.threshold:014x}".rstrip("0") or "0"
    return told


class Recorded:
    """A data folder into which a test records units, decided one by one."""

    def __init__(self, folder):
        self.folder = folder
        self.settings = settings.load(home=folder)
        self.ledgers = {}
        self.payloads = []
        self.number = 0

    def unit(self, decision, service="grading", *, trace=None, stored=True, seconds=1.0, time_ns=None, **facts):
        """Record one unit; return the number of its trace."""
        self.number += 1
        trace = trace or self.number
        trace_id, root = f"{trace:032x}", f"{self.number:016x}"
        if service not in self.ledgers:
            self.ledgers[service] = Ledger(self.settings.ledger_path, b"key", service)
        self.ledgers[service].append(
            trace_id=trace_id,
            root_span_id=root,
            decision=decision,
            span_count=1,
            time_ns=time_ns or START_NS,
        )
        if decision.keep and stored:
            error = facts.pop("error", None)
            attributes = meta(cert__sampling=stamp(decision), **facts)
            made = span(
                "answer.grade",
                trace_id=trace_id,
                span_id=root,
                end_ms=seconds * 1000,
                start_ms=0 if time_ns is None else (time_ns - START_NS) / 1e6,
                attributes=attributes,
                error=error,
            )
            self.payloads.append(payload([made], resource={"service.name": service}))
        return trace

    def write(self):
        for ledger in self.ledgers.values():
            ledger.close()
        if self.payloads:
            destination = StoreDestination(self.settings.store_path)
            destination.deliver(self.payloads, time.monotonic() + 5)
            destination.close()
        return self.folder


@pytest.fixture
def recorded(tmp_path):
    return Recorded(tmp_path / "sampled")


@pytest.fixture
def stats(recorded, run):
    def call(*arguments):
        result = run("traces", "--stats", "--json", *arguments, home=recorded.write())
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout), result.stderr

    return call


def test_exact_counts_stand_beside_estimates(recorded, stats):
    for _ in range(40):
        recorded.unit(KEPT)
    for _ in range(44):
        recorded.unit(DROPPED)
    for _ in range(3):
        recorded.unit(CERTAIN, "capture", error="boom", cert__failure__class="malformed_json")
    recorded.unit(Decision(keep=False, rule="rate_limit", threshold=QUARTER), "capture")
    told, remarks = stats()
    exact = told["units"]["exact"]
    assert (exact["decided"], exact["kept"], exact["dropped"]) == (88, 43, 45)
    assert exact["kept_by_rule"] == {"baseline": 40, "error": 3}
    assert exact["dropped_by_reason"] == {"baseline": 44, "rate_limit": 1}
    assert told["units"]["stored"] == 43
    assert told["units"]["estimate"]["value"] == 83.0
    assert told["units"]["estimate"]["standard_error"] == pytest.approx(80**0.5)
    assert told["units"]["difference"]["absolute"] == -5.0
    assert told["units"]["by_service"]["grading"]["exact"] == 84
    assert told["units"]["by_service"]["grading"]["estimate"]["value"] == 80.0
    assert told["units"]["by_service"]["capture"]["estimate"]["value"] == 3.0
    traces = told["traces"]
    assert traces["estimate"]["value"] == 83.0
    assert traces["by_failure"]["malformed_json"]["estimate"] == {
        "value": 3.0,
        "standard_error": 0.0,
        "low": 3.0,
        "high": 3.0,
        "units": 3,
        "sampled": 0,
        "rough": False,
    }
    assert traces["by_service"]["grading"]["stored"] == 40
    assert remarks == ""


def test_means_and_cost_are_weighted(recorded, stats):
    recorded.unit(CERTAIN, seconds=4.0, cert__confidence=0.4)
    recorded.unit(KEPT, seconds=1.0, cert__confidence=0.7)
    recorded.unit(Decision(keep=True, rule="baseline", threshold=QUARTER), seconds=2.0)
    told, _ = stats()
    assert told["traces"]["mean_duration_seconds"]["value"] == pytest.approx((4 + 2 * 1 + 4 * 2) / 7)
    assert told["traces"]["mean_confidence"]["value"] == pytest.approx((0.4 + 2 * 0.7) / 3)
    assert told["traces"]["cost"] is None


def test_a_trace_counts_with_the_lowest_threshold_of_its_units(recorded, stats):
    trace = recorded.unit(KEPT)
    recorded.unit(Decision(keep=True, rule="baseline", threshold=QUARTER), "capture", trace=trace)
    told, _ = stats()
    assert told["traces"]["stored"] == 1
    assert told["traces"]["estimate"]["value"] == 2.0
    assert told["units"]["estimate"]["value"] == 6.0


def test_what_was_kept_for_context_only_is_told_apart(recorded, stats):
    recorded.unit(CERTAIN)
    recorded.unit(CONTEXT)
    told, remarks = stats()
    assert told["traces"]["stored"] == 2
    assert told["traces"]["context_only"] == 1
    assert told["traces"]["estimate"]["value"] == 1.0
    assert told["units"]["exact"]["kept_for_context"] == 1
    assert "Units kept for context only: 1." in remarks
    assert "Traces kept for context only: 1." in remarks


def test_a_unit_that_was_dropped_and_brought_back_is_one_unit(recorded, stats):
    recorded.unit(DROPPED)
    recorded.number = 0
    recorded.unit(CONTEXT, "recall")
    told, _ = stats()
    assert told["units"]["exact"]["decided"] == 1
    assert told["units"]["exact"]["kept"] == 1


def test_a_recalled_unit_stays_with_the_service_that_dropped_it(recorded, stats):
    recorded.unit(DROPPED)
    recorded.unit(DROPPED, "capture")
    recorded.number = 0
    recorded.unit(CONTEXT, "")
    assert {name: one["exact"] for name, one in stats()[0]["units"]["by_service"].items()} == {
        "capture": 1,
        "grading": 1,
    }
    exact = stats("--service", "grading")[0]["units"]["exact"]
    assert (exact["decided"], exact["kept"]) == (1, 1)
    assert stats("--service", "capture")[0]["units"]["exact"]["kept"] == 0


def test_a_dry_run_says_so(recorded, stats):
    recorded.unit(Decision(keep=True, rule="dry_run", threshold=0))
    told, remarks = stats()
    assert told["traces"]["dry_run"] == 1
    assert "dry run, which keeps everything" in remarks


def test_kept_units_that_are_not_stored_are_named(recorded, stats):
    recorded.unit(KEPT)
    recorded.unit(KEPT, stored=False)
    told, remarks = stats()
    assert told["units"]["exact"]["kept"] == 2
    assert told["units"]["stored"] == 1
    assert "Kept units that are not in the store: 1," in remarks


def test_a_filter_that_nothing_matches_is_not_taken_for_an_empty_folder(recorded, run):
    recorded.unit(KEPT)
    home = str(recorded.write())
    assert "No such trace under" in run("--home", home, "traces", "--stats", "--service", "nope").stderr
    assert "Nothing recorded yet under" in run("--home", home + "-new", "traces", "--stats").stderr


def test_filters_by_time_and_service_leave_exact_counts(recorded, stats, since):
    recorded.unit(KEPT)
    recorded.unit(DROPPED)
    recorded.unit(KEPT, "capture", time_ns=START_NS + 100_000_000_000)
    told, _ = stats("--since", since(50))
    assert told["units"]["exact"]["decided"] == 1
    assert told["traces"]["stored"] == 1


def test_a_filter_by_service_keeps_the_units_of_that_service(recorded, stats):
    recorded.unit(KEPT)
    recorded.unit(DROPPED)
    recorded.unit(KEPT, "capture")
    told, _ = stats("--service", "grading")
    assert told["units"]["exact"]["decided"] == 2
    assert list(told["units"]["by_service"]) == ["grading"]
    assert told["traces"]["stored"] == 1


def test_filters_by_content_leave_estimates_only(recorded, stats):
    recorded.unit(CERTAIN, error="boom")
    recorded.unit(KEPT)
    told, remarks = stats("--failed")
    assert told["units"] is None
    assert told["traces"]["stored"] == 1
    assert "the ledger knows nothing of what happened" in remarks


def test_traces_that_do_not_say_how_they_were_sampled_stand_for_nothing(run):
    result = run("traces", "--stats", "--json")
    told = json.loads(result.stdout)
    assert told["traces"]["stored"] == 3
    assert told["traces"]["unknown_sampling"] == 2
    assert told["traces"]["context_only"] == 1
    assert told["traces"]["estimate"] is None
    assert "Traces that do not say how they were sampled: 2." in result.stderr


def test_nothing_recorded_says_what_to_run(run, tmp_path):
    result = run("traces", "--stats", home=tmp_path / "nothing")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "certtrace demo" in result.stderr


def test_a_ledger_that_is_being_written_or_damaged_is_read_as_far_as_it_goes(recorded, stats):
    recorded.unit(KEPT)
    folder = recorded.settings.ledger_path
    (folder / "damaged.jsonl").write_bytes(b'{"ledger":1}\n{"keep":true,"trace_id":"00\n[1]\n{"keep":false}\n\xff')
    told, _ = stats()
    assert told["units"]["exact"]["decided"] == 1


@pytest.mark.parametrize("width", ["40", "60", "100", "160"])
def test_numbers_stay_whole_on_any_width(recorded, run, monkeypatch, width):
    for _ in range(40):
        recorded.unit(KEPT)
    for _ in range(2_000):
        recorded.unit(DROPPED, "another-service-with-a-long-name")
    recorded.unit(CERTAIN, error="x", cert__failure__class="a_failure_class_with_a_very_long_name_indeed")
    monkeypatch.setenv("COLUMNS", width)
    result = run("traces", "--stats", home=recorded.write())
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= int(width)
    assert any("2,041" in line and "81 ± 9" in line for line in lines)
    assert any("2,000" in line and "dropped" in line for line in lines)
