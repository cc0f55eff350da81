"""Sampling on the way of a unit: limits, parts, stress, late spans, forced keeps, dry runs, promotion."""

import json
import time

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.propagators import get_global_response_propagator

import certtrace
from certtrace import assembly, semconv
from certtrace.assembly.sampling import read_policy
from certtrace.assembly.trial import try_policy
from certtrace.records.source import StoreSource, TraceFilter
from certtrace.testing import recording


@certtrace.traced
def work(value="x"):
    return value


@certtrace.traced
def fail():
    raise ValueError


def stamp_of(span):
    return json.loads(span.attributes[semconv.SAMPLING])


def policy(tmp_path, text):
    path = tmp_path / "policy.toml"
    path.write_text(text)
    return path


def summaries(home):
    return StoreSource(home / "store.db").list_traces(TraceFilter(), limit=10_000).traces


def observations(home):
    source = StoreSource(home / "store.db")
    return [each for found in summaries(home) for each in source.get_trace(found.trace_id).observations]


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


# --- rules and limits ------------------------------------------------------------------------------------------------


def test_a_policy_file_decides(configured, home, tmp_path):
    text = """
        [sampling]
        baseline = 0.0
        [[sampling.rules]]
        name = "long-ones"
        where = [{key = "pages", op = ">", value = 10}]
    """
    configured(sampling_policy=policy(tmp_path, text))
    for pages in (5, 50):
        with certtrace.span("read") as span:
            span.set_attribute("pages", pages)
    certtrace.force_flush(10)
    assert assembly.status().account.kept_by_rule == {"long-ones": 1}
    (kept,) = summaries(home)
    assert kept.name == "read"


def test_a_policy_that_kept_traces_with_a_seed_keeps_them_again_when_it_is_tried(configured, home, tmp_path):
    configured(sampling_policy=policy(tmp_path, "[sampling]\nbaseline = 0.5\n"))
    for number in range(60):
        with certtrace.span("answer.grade", seed=f"answer-{number}"):
            pass
    certtrace.force_flush(10)
    kept = assembly.status().account.kept
    assert 10 < kept < 50
    source = StoreSource(home / "store.db")
    tried = try_policy(
        read_policy(tmp_path / "policy.toml"), [source.get_trace(each.trace_id) for each in summaries(home)]
    )
    assert (tried.units, tried.kept) == (kept, kept)


def test_a_flush_closes_the_windows_of_limits_so_that_nothing_stays_pending(configured, home, tmp_path):
    text = """
        [sampling]
        baseline = 0.0
        [[sampling.rules]]
        name = "some"
        limit = {per_second = 5, key_per_day = 100, key = "cert.case_study.id"}
    """
    configured(sampling_policy=policy(tmp_path, text))
    for value in range(40):
        work(value)
    assert certtrace.force_flush(10)
    account = assembly.status().account
    assert account.pending == 0
    assert account.kept == len(summaries(home)) > 0
    assert account.kept + sum(account.dropped.values()) == 40


def test_a_limit_keeps_so_many_and_counts_the_rest(configured, home, tmp_path):
    text = """
        [sampling]
        baseline = 0.0
        [[sampling.rules]]
        name = "some"
        limit = {per_day = 480}
    """
    configured(sampling_policy=policy(tmp_path, text))
    for _ in range(500):
        work()
    with pytest.raises(ValueError):
        fail()
    account = assembly.status().account
    assert account.balanced
    certtrace.shutdown(10)
    kept = [
        json.loads(each.metadata[semconv.SAMPLING])
        if isinstance(each.metadata[semconv.SAMPLING], str)
        else each.metadata[semconv.SAMPLING]
        for each in observations(home)
    ]
    limited = [each for each in kept if each["rule"] == "some"]
    assert 20 <= len(limited) <= 22  # the worth of an hour, and of the moment that the loop took
    assert [each["rule"] for each in kept].count("error") == 1
    weights = [2**56 / (2**56 - int(each["th"].ljust(14, "0"), 16)) for each in limited]
    assert sum(weights) == pytest.approx(500, rel=2.0)  # over eight standard errors


def test_what_a_limit_holds_is_pending_and_not_lost(configured, tmp_path):
    text = """
        [sampling]
        baseline = 0.0
        [[sampling.rules]]
        name = "some"
        limit = {per_day = 1000}
    """
    running = configured(sampling_policy=policy(tmp_path, text))
    work()
    account = assembly.status().account
    assert (account.pending, account.kept, account.balanced) == (1, 0, True)
    until(lambda: running.pipeline.deciding.limits.pending == 0)
    until(lambda: assembly.status().account.pending == 0)  # what the limit gave back is decided after that
    account = assembly.status().account
    assert (account.kept, account.balanced) == (1, True)


def test_a_dry_run_keeps_everything_and_says_what_would_have_been():
    with recording(sample_rate=0.0, sampling_dry_run=True) as seen:
        work()
        with pytest.raises(ValueError):
            fail()
        stamps = {span.name: stamp_of(span) for span in seen.spans}
    assert stamps["work"]["rule"] == "dry_run"
    assert stamps["work"]["would"]["keep"] is False
    assert stamps["fail"]["would"] == {"keep": True, "rule": "error", "th": "0"}


# --- parts -----------------------------------------------------------------------------------------------------------


def test_a_large_unit_goes_on_in_parts_and_arrives_whole(configured, home):
    running = configured(max_unit_spans=10)
    with certtrace.span("root"):
        for number in range(35):
            work(number)
        assert running.pipeline.backlog()[0] <= 3
    certtrace.force_flush(10)
    found = observations(home)
    assert len(found) == 36
    assert len({each.id for each in found}) == 36
    account = assembly.status().account
    assert (account.kept, account.balanced) == (1, True)


def test_a_part_that_nothing_speaks_for_is_shed_and_the_rest_kept_for_a_later_error(configured, home):
    configured(max_unit_spans=10, sample_rate=0.0)
    with pytest.raises(ValueError), certtrace.span("root"):
        for _ in range(25):
            work()
        fail()
    certtrace.force_flush(10)
    found = observations(home)
    assert sorted({each.name for each in found}) == ["fail", "root", "work"]
    assert len(found) == 7
    root = next(each for each in found if each.name == "root")
    assert root.metadata[semconv.SAMPLING]["shed"] == 20
    assert assembly.status().account.kept_by_rule == {"error": 1}


def test_a_unit_kept_in_its_first_part_stays_kept(configured, home):
    configured(max_unit_spans=10, sample_rate=0.0)
    with certtrace.span("root"):
        with pytest.raises(ValueError):
            fail()
        for _ in range(30):
            work()
    certtrace.force_flush(10)
    assert len(observations(home)) == 32


def test_an_old_unit_is_decided_in_parts_so_that_a_crash_does_not_hide_it(configured, home, monkeypatch):
    # A part waits for whoever is still to be named in its trace, where others may continue that.
    monkeypatch.setattr("certtrace.assembly.worker.MAX_HOLD_SECONDS", 0.0)
    running = configured(max_unit_age_seconds=1.0)
    with certtrace.span("root"):
        work()
        running.pipeline.worker.start()
        until(lambda: any(each.name == "work" for each in observations(home)) or running.delivery.flush(1) is None)
        assert [each.name for each in observations(home)] == ["work"]
    certtrace.force_flush(10)
    assert sorted(each.name for each in observations(home)) == ["root", "work"]


# --- stress ----------------------------------------------------------------------------------------------------------


def test_under_stress_units_are_thinned_by_a_recorded_threshold_and_errors_stay(configured, home):
    running = configured(max_backlog_bytes=4_194_304, stress_sample_rate=0.125)
    with running.pipeline.worker._working:  # nothing leaves memory
        until_full = 0
        while not running.pipeline.light_below:
            work("x" * 10_000)
            until_full += 1
            assert until_full < 1_000
        before = assembly.status().account.kept
        for _ in range(400):
            work("x")
        with pytest.raises(ValueError):
            fail()
        account = assembly.status().account
    assert account.kept_by_rule["error"] == 1
    assert 20 <= account.kept - before - 1 <= 100
    assert account.dropped["stress"] == 400 - (account.kept - before - 1)
    assert account.balanced
    certtrace.force_flush(20)
    stamps = [each.metadata[semconv.SAMPLING] for each in observations(home)]
    assert {stamp["th"] for stamp in stamps if stamp["rule"] == "stress"} == {"e"}


def test_stress_lets_go_when_memory_is_free_again(configured, monkeypatch):
    monkeypatch.setattr("certtrace.assembly.pipeline.STRESS_SECONDS", 0.0)
    running = configured(max_backlog_bytes=4_194_304)
    with running.pipeline.worker._working:
        while not running.pipeline.light_below:
            work("x" * 10_000)
    until(lambda: not running.pipeline.light_below)
    work()
    certtrace.force_flush(20)
    assert assembly.status().account.kept_by_rule["baseline"] > 1


def test_a_spool_that_runs_full_is_stress_too(configured, monkeypatch):
    monkeypatch.setattr("certtrace.assembly.pipeline.SWEEP_SECONDS", 0.0)
    keys = {"langfuse_public_key": "pk-lf-x", "langfuse_secret_key": "sk-lf-x"}
    running = configured(
        spool_max_bytes=1_048_576, destinations=["langfuse"], langfuse_base_url="http://127.0.0.1:9", **keys
    )
    for _ in range(200):
        if running.pipeline.light_below:
            break
        work("a layer isolates change " * 1_000)
        certtrace.force_flush(0.0)
        running.pipeline.flush(10.0)
    assert running.pipeline.light_below
    assert running.spool.share_used() < 1.0
    for _ in range(100):
        work()
    assert assembly.status().account.dropped["stress"] > 50


# --- traces of several units -----------------------------------------------------------------------------------------


def test_a_late_span_follows_its_units_decision(configured, home):
    configured(sample_rate=0.0)
    with pytest.raises(ValueError), certtrace.span("root") as root:
        context = certtrace.in_context(work)
        fail()
    assert root
    context("late")
    certtrace.force_flush(10)
    found = {each.name: each for each in observations(home)}
    assert sorted(found) == ["fail", "root", "work"]
    assert found["work"].metadata[semconv.SAMPLING]["late"] is True


def test_a_kept_trace_keeps_what_of_it_comes_later_without_counting_it(configured, home):
    configured(sample_rate=0.0)
    headers = {}
    with pytest.raises(ValueError), certtrace.span("first"):
        certtrace.inject(headers)
        fail()
    with certtrace.continue_trace(headers):
        work()
    certtrace.force_flush(10)
    found = {each.name: each for each in observations(home)}
    assert found["work"].metadata[semconv.SAMPLING] == {"rule": "context"}
    assert assembly.status().account.kept_by_rule == {"context": 1, "error": 1}


def test_a_forced_keep_travels_forward_with_the_headers(configured, home):
    configured(sample_rate=0.0)
    headers = {}
    with certtrace.span("caller") as span:
        before = {}
        certtrace.inject(before)
        span.keep()
        certtrace.inject(headers)
    assert "k:1" not in before["tracestate"]
    assert "certtrace=t:1;k:1" in headers["tracestate"]
    certtrace.shutdown(10)
    configured(sample_rate=0.0)  # another process
    with certtrace.continue_trace(headers):
        work()
    with certtrace.continue_trace({**before, "traceparent": before["traceparent"].replace("00-", "00-f", 1)[:55]}):
        work()
    certtrace.force_flush(10)
    assert assembly.status().account.kept_by_rule == {"forced": 1}


def test_a_keep_travels_back_in_the_headers_of_a_reply(configured, home):
    configured(sample_rate=0.0)
    request, reply = {}, {}
    with certtrace.span("orchestrator") as span:
        certtrace.inject(request)
        with certtrace.continue_trace(request), certtrace.span("consumer") as there:
            there.keep()
            certtrace.inject(reply)
        span.heed(reply)
    certtrace.force_flush(10)
    assert assembly.status().account.kept_by_rule["forced"] >= 1
    assert "orchestrator" in {each.name for each in observations(home)}


def test_a_reply_over_http_that_asks_for_it_keeps_the_callers_trace(configured, sink):
    configured(sample_rate=0.0)
    sink.answer = lambda asked: sink.Answer(headers=(("certtrace-keep", "1"),) if b"grade" in asked.body else ())
    for body in (b"grade me", b"nothing"):
        with certtrace.span("caller"):
            httpx.post(f"{sink.url}/passes", content=body)
    account = assembly.status().account
    assert account.kept_by_rule == {"forced": 1}
    assert account.dropped == {"baseline": 1}


async def test_a_reply_to_an_async_client_does_so_too(configured, sink):
    configured(sample_rate=0.0)
    sink.answer = lambda _asked: sink.Answer(headers=(("certtrace-keep", "1"),))
    async with httpx.AsyncClient() as client:
        with certtrace.span("caller"):
            await client.post(f"{sink.url}/passes", content=b"")
    assert assembly.status().account.kept_by_rule == {"forced": 1}


def test_a_server_says_in_its_reply_that_it_keeps_the_trace(configured):
    configured(sample_rate=0.0)
    told, silent = {}, {}
    with certtrace.span("request") as span:
        get_global_response_propagator().inject(silent)
        span.keep()
        get_global_response_propagator().inject(told)
    assert (told, silent) == ({"certtrace-keep": "1"}, {})


def test_what_is_kept_for_an_error_asks_the_others_to_keep_the_trace(configured, home):
    configured(sample_rate=0.0)
    request, before, reply = {}, {}, {}
    with certtrace.span("orchestrator") as span:
        certtrace.inject(request)
        with certtrace.continue_trace(request), certtrace.span("consumer"):
            certtrace.inject(before)
            with pytest.raises(ValueError):
                fail()
            certtrace.inject(reply)
        span.heed(before)
        assert not certtrace.assembly.current_running().tracer.keeps()
        span.heed(reply)
    certtrace.force_flush(10)
    assert "k:1" not in before["tracestate"]
    assert assembly.status().account.kept_by_rule == {"error": 1, "forced": 1}


def test_a_score_on_the_sure_side_is_no_reason_to_ask(configured):
    configured(sample_rate=0.0)
    told = []
    with certtrace.span("graded") as span:
        for confidence in (0.9, 0.2):
            headers = {}
            span.set_attribute(semconv.CONFIDENCE, confidence)
            with certtrace.span("below") as below:
                below.set_attribute(semconv.CONFIDENCE, confidence)
                certtrace.inject(headers)
            told.append("k:1" in headers["tracestate"])
    assert told == [False, True]


def test_code_may_drop_a_unit_and_a_keep_is_never_taken_back(configured):
    configured()
    with certtrace.span("noise") as span:
        span.drop()
    with certtrace.span("both") as span:
        span.keep()
        span.drop()
    account = assembly.status().account
    assert (account.kept_by_rule, sum(account.dropped.values())) == ({"forced": 1}, 1)


def test_services_below_learn_the_threshold_only_where_the_trace_passes_it(configured):
    configured(sample_rate=0.5)
    said = set()
    for _ in range(60):
        with certtrace.span("root") as span:
            headers = {}
            certtrace.inject(headers)
            high = int(span.trace_id[-14:], 16) >= 2**55
            said.add((high, "ot=th:8" in headers["tracestate"]))
    assert said == {(True, True), (False, False)}


def test_a_chain_of_services_hands_on_randomness_threshold_and_other_vendors_entries(configured):
    configured(sample_rate=0.5)
    given = {
        "traceparent": f"00-{'0' * 15}1{'0' * 15}1-{'1' * 16}-01",
        "tracestate": "vendor=x,certtrace=t:1,ot=th:0;rv:ffffffffffffff",
    }
    for _ in range(3):
        taken = {}
        with certtrace.continue_trace(given), certtrace.span("hop"):
            certtrace.inject(taken)
        assert sorted(taken["tracestate"].split(",")) == ["certtrace=t:1", "ot=th:0;rv:ffffffffffffff", "vendor=x"]
        given = taken


def test_other_libraries_spans_hand_on_what_ours_do(configured):
    configured(sample_rate=1.0)
    tracer = trace.get_tracer("another library")
    headers, below = {}, {}
    with tracer.start_as_current_span("server") as span:
        certtrace.inject(headers)
        with certtrace.span("ours"):
            certtrace.inject(below)
    assert span
    assert sorted(headers["tracestate"].split(",")) == ["certtrace=t:1", "ot=th:0"]
    assert sorted(below["tracestate"].split(",")) == ["certtrace=t:1", "ot=th:0"]


def test_a_parents_threshold_keeps_the_trace_whole_where_our_own_rate_is_lower(configured):
    configured(sample_rate=0.0)
    trace_id = "f" * 32
    headers = {"traceparent": f"00-{trace_id}-{'1' * 16}-01", "tracestate": "ot=th:8,vendor=x"}
    with certtrace.continue_trace(headers):
        work()
    assert assembly.status().account.kept_by_rule == {"parent": 1}


# --- scores ----------------------------------------------------------------------------------------------------------


def test_a_score_of_a_dropped_trace_is_no_orphan(configured, home):
    running = configured(sample_rate=0.0)
    with certtrace.span("dropped") as span:
        span.score("before", 1.0)
    span.score("after", 1.0)
    certtrace.force_flush(10)
    assert running.pipeline.scores_dropped == 1
    assert running.delivery.status().destinations["store"].delivered == 0


def test_a_score_keeps_a_dropped_unit_where_the_policy_says_so(configured, home, tmp_path):
    text = """
        [sampling]
        baseline = 0.0
        scores = "keep"
    """
    configured(sampling_policy=policy(tmp_path, text), recorder_max_bytes=10_000_000)
    with certtrace.span("graded") as span:
        pass
    certtrace.force_flush(10)
    assert summaries(home) == ()
    span.score("expert", 1.0)
    certtrace.force_flush(10)
    (found,) = summaries(home)
    scores = StoreSource(home / "store.db").get_trace(found.trace_id).scores
    assert [score.name for score in scores] == ["expert"]
    account = assembly.status().account
    assert (account.kept_by_rule, account.balanced) == ({"promoted": 1}, True)


# --- the flight recorder ---------------------------------------------------------------------------------------------


def test_a_unit_that_was_not_kept_comes_after_all_when_its_trace_turns_out_to_matter(configured, home):
    configured(sample_rate=0.0, recorder_max_bytes=10_000_000)
    headers = {}
    with certtrace.span("early"):
        certtrace.inject(headers)
    certtrace.force_flush(10)
    assert summaries(home) == ()
    with pytest.raises(ValueError), certtrace.continue_trace(headers):
        fail()
    until(lambda: certtrace.force_flush(10) and len(observations(home)) == 2)
    found = {each.name: each for each in observations(home)}
    assert found["early"].metadata[semconv.SAMPLING] == {"rule": "promoted"}
    account = assembly.status().account
    assert (account.kept_by_rule, account.balanced) == ({"error": 1, "promoted": 1}, True)
    assert account.dropped == {}
