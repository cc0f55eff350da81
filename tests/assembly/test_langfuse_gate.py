"""The `langfuse` SDK beside certtrace, against a real HTTP sink: only what is redacted and sampled leaves."""

import json
import logging

import pytest
from opentelemetry.sdk.trace import TracerProvider
from tests.assembly.conftest import bytes_of

import certtrace
from certtrace.assembly.instruments import use_langfuse
from certtrace.records.source import StoreSource, TraceFilter
from certtrace.testing import leak_check

langfuse = pytest.importorskip("langfuse")

PERSONAL = (b"Lindqvist", b"maria.l@example.org", b"joe@example.org")
ITEM = {
    "id": "x", "status": "ACTIVE", "input": None, "expectedOutput": None, "metadata": None, "sourceTraceId": None,
    "sourceObservationId": None, "datasetId": "d", "datasetName": "d", "createdAt": "2026-01-01T00:00:00Z",
    "updatedAt": "2026-01-01T00:00:00Z", "mediaReferences": [],
}  # fmt: skip


@pytest.fixture
def with_langfuse(configured, sink, request):
    def answer(asked):
        if asked.path.endswith("dataset-items"):
            return sink.Answer(body=json.dumps(ITEM).encode())
        return sink.Answer(202 if asked.path.endswith("scores") else 200)

    sink.answer = answer
    key = f"pk-lf-{request.node.name}"

    def configure(**settings):
        given = {
            "destinations": ["store", "langfuse"],
            "langfuse_base_url": sink.url,
            "langfuse_public_key": key,
            "langfuse_secret_key": "sk-lf-test",
        }
        return configured(instrument_langfuse=True, **{**given, **settings})

    yield configure
    langfuse.get_client().flush()  # what a client still holds would come out through the gate of the next test


def sent(sink):
    return b"\n".join(request.path.encode() + b" " + request.body for request in sink.seen)


@langfuse.observe(as_type="generation")
def generate(prompt):
    langfuse.get_client().update_current_generation(model="m", metadata={"who": "Maria Lindqvist"})
    langfuse.get_client().score_current_span(name="q", value=0.5, comment="Maria Lindqvist, maria.l@example.org")
    return "answer for maria.l@example.org"


@langfuse.observe
def broken(name):
    msg = f"no {name}"
    raise ValueError(msg)


@certtrace.traced
def grade(answer):
    certtrace.identify(name="Maria Lindqvist", email="maria.l@example.org")
    with pytest.raises(ValueError, match="Maria Lindqvist"):
        broken("Maria Lindqvist")
    return generate(answer)


def test_observed_functions_join_the_trace_and_leave_redacted(with_langfuse, sink, home):
    with_langfuse()
    assert grade("I am Maria Lindqvist") == "answer for maria.l@example.org"
    langfuse.get_client().flush()
    assert certtrace.force_flush(10).delivered
    (found,) = StoreSource(home / "store.db").list_traces(TraceFilter(), limit=9).traces
    assert found.observation_count == 3
    trace = StoreSource(home / "store.db").get_trace(found.trace_id)
    by_name = {one.name: one for one in trace.observations}
    assert by_name["generate"].parent_observation_id == by_name["grade"].id
    assert by_name["generate"].model == "m"
    assert [score.name for score in trace.scores] == ["q"]
    for personal in PERSONAL:
        assert personal not in sent(sink)
        assert personal not in bytes_of(home)
    assert sorted(sink.names()) == ["broken", "generate", "grade"]


def test_every_span_and_score_is_sent_once(with_langfuse, sink):
    with_langfuse()
    grade("x")
    client = langfuse.get_client()
    client.flush()
    certtrace.force_flush(10)
    client.flush()
    assert sorted(sink.names()) == ["broken", "generate", "grade"]
    scores = [score for request in sink.seen if request.path.endswith("/scores") for score in json.loads(request.body)]
    assert [score["name"] for score in scores] == ["q"]


def test_scores_and_dataset_items_pass_the_redactor_also_outside_a_trace(with_langfuse, sink, home):
    with_langfuse()
    grade("x")
    client = langfuse.get_client()
    client.create_score(
        name="free", value="by Lindqvist", data_type="CATEGORICAL", trace_id="a" * 32, comment="joe@example.org"
    )
    client.create_dataset_item(
        dataset_name="d",
        input={"email": "joe@example.org"},
        expected_output="maria.l@example.org",
        metadata={"by": "Lindqvist"},
    )
    client.flush()
    certtrace.force_flush(10)
    for personal in PERSONAL:
        assert personal not in sent(sink)
        assert personal not in bytes_of(home)
    item = next(json.loads(request.body) for request in sink.seen if request.path.endswith("dataset-items"))
    assert item["datasetName"] == "d"
    assert item["input"]["email"].startswith("<email:")


def test_sampling_decides_over_observed_functions_too(with_langfuse, sink):
    with_langfuse(sample_rate=0.0)
    langfuse.observe(lambda: None, name="quiet")()
    with pytest.raises(ValueError, match="x"):
        broken("x")
    langfuse.get_client().flush()
    certtrace.force_flush(10)
    assert sink.names() == ["broken"]


def test_a_client_of_another_project_is_behind_the_gate_as_well(with_langfuse, sink):
    with_langfuse()
    other = langfuse.Langfuse(public_key="pk-lf-other", secret_key="sk-lf-other", base_url=sink.url)
    other.create_score(name="g", value=1.0, trace_id="b" * 32, comment="joe@example.org")
    with other.start_as_current_observation(name="other", input="joe@example.org"):
        pass
    other.flush()
    certtrace.force_flush(10)
    assert b"joe@example.org" not in sent(sink)
    from langfuse._client.resource_manager import LangfuseResourceManager

    LangfuseResourceManager._instances.pop("pk-lf-other")


def test_without_keys_the_sdk_records_into_the_store_and_sends_nothing(configured, sink, home):
    configured(instrument_langfuse=True)
    grade("I am Maria Lindqvist")
    client = langfuse.get_client()
    client.flush()
    certtrace.force_flush(10)
    (found,) = StoreSource(home / "store.db").list_traces(TraceFilter(), limit=9).traces
    assert found.observation_count == 3
    assert len(StoreSource(home / "store.db").get_trace(found.trace_id).scores) == 1
    assert sink.seen == []
    assert b"Lindqvist" not in bytes_of(home)


def test_media_do_not_travel(with_langfuse, sink):
    with_langfuse()
    from langfuse.media import LangfuseMedia

    with langfuse.get_client().start_as_current_observation(name="m") as span:
        span.update(input=LangfuseMedia(content_bytes=b"PNG of Maria Lindqvist", content_type="image/png"))
    langfuse.get_client().flush()
    certtrace.force_flush(10)
    assert b"Lindqvist" not in sent(sink)
    assert b"UE5HIG9mIE1hcmlh" not in sent(sink)


def test_the_log_never_shows_a_value(with_langfuse, caplog):
    caplog.set_level(logging.DEBUG, logger="certtrace")
    with_langfuse()
    grade("I am Maria Lindqvist")
    certtrace.force_flush(10)
    assert "Lindqvist" not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("certtrace")
    )


def made_clients():
    from langfuse._client.resource_manager import LangfuseResourceManager

    return LangfuseResourceManager._instances


def scored(comment):
    langfuse.get_client().create_score(name="free", value=1.0, trace_id="a" * 32, comment=comment)
    langfuse.get_client().flush()


def test_what_ran_before_a_leak_check_gets_its_clients_back(with_langfuse, sink):
    with_langfuse()
    with leak_check({"name": "Maria Lindqvist"}):
        grade("I am Maria Lindqvist")
        scored("inside, by joe@example.org")
    assert sink.names() == []
    assert b"inside, by" not in sent(sink)
    grade("I am Maria Lindqvist")
    scored("outside, by joe@example.org")
    certtrace.force_flush(10)
    assert sorted(sink.names()) == ["broken", "generate", "grade"]
    assert b"outside, by" in sent(sink)
    assert not any(personal in sent(sink) for personal in PERSONAL)


def test_a_leak_check_inside_a_leak_check_leaves_the_outer_one_whole():
    with leak_check({"name": "Maria Lindqvist"}) as outer:
        with leak_check({"name": "Maria Lindqvist"}):
            grade("I am Maria Lindqvist")
        assert outer.spans == []
        scored("outside, by joe@example.org")
        grade("I am Maria Lindqvist")
        exported = b"\n".join(data for _, data in outer.exported())
    assert b"outside, by" in exported
    assert b"joe@example.org" not in exported


def test_nothing_of_a_leak_check_stays_where_nothing_ran_before(sink):
    certtrace.shutdown(5.0)
    use_langfuse(None)
    with leak_check({"name": "Maria Lindqvist"}):
        grade("I am Maria Lindqvist")
        assert langfuse.get_client()._resources.public_key == "pk-lf-leak-check"
    assert "pk-lf-leak-check" not in made_clients()
    own = langfuse.Langfuse(
        public_key="pk-lf-own", secret_key="sk-lf-own", base_url=sink.url, tracer_provider=TracerProvider()
    )
    try:
        own.create_score(name="free", value=1.0, trace_id="a" * 32, comment="of the host")
        own.flush()
    finally:
        made_clients().pop("pk-lf-own")
    assert b"of the host" in sent(sink)


def test_what_waits_in_a_client_at_shutdown_is_sent_by_it_and_redacted(with_langfuse, sink):
    with_langfuse()
    grade("I am Maria Lindqvist")
    certtrace.shutdown(10.0)
    scored("late, by joe@example.org")
    assert b"late, by" in sent(sink)
    assert not any(personal in sent(sink) for personal in PERSONAL)


def test_a_score_for_a_trace_that_went_on_elsewhere_and_was_kept_by_chance_is_sent(with_langfuse, sink):
    with_langfuse()
    with certtrace.span("root") as root:
        certtrace.inject({})  # from here on the fate of the trace is remembered
    assert certtrace.force_flush(10)
    client = langfuse.get_client()
    client.create_score(name="q", value=0.5, trace_id=root.trace_id)
    client.flush()
    assert certtrace.force_flush(10)
    scores = [score for request in sink.seen if request.path.endswith("/scores") for score in json.loads(request.body)]
    assert [score["traceId"] for score in scores] == [root.trace_id]
