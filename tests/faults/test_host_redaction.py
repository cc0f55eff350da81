"""Redaction that raises, hangs or answers nonsense, and texts made to stall it: nothing raw leaves, the trace does."""

import threading
import time
from functools import partial
from itertools import repeat

import httpx
import pytest
from tests.assembly.conftest import bytes_of
from tests.faults.service import attributes_of, wait_until
from tests.redaction.text.hostile import KINDS

import certtrace
from certtrace import assembly, semconv, span, traced
from certtrace.assembly.redaction import Route
from certtrace.ports import Recognized

SECRET = "the canary of Jane Doe <jane.doe@example.com> sang"
RAW = (b"canary", b"jane.doe@")


@traced(name="grade")
def grade(answer):
    return len(answer)


class Recognizer:
    """A recognizer of the host that behaves as it was told to."""

    name = "host"

    def __init__(self, behave):
        self.behave = behave
        self.calls = 0

    def recognize(self, texts):
        self.calls += 1
        return self.behave(texts)


def raises(_texts):
    raise RuntimeError(SECRET)


def exits(_texts):
    raise SystemExit(3)


def interrupts(_texts):
    raise KeyboardInterrupt


ANSWERS = {
    "raises": raises,
    "exits": exits,
    "interrupts": interrupts,
    "nothing": lambda texts: None,
    "too many": lambda texts: [[]] * (len(texts) + 1),
    "beyond": lambda texts: [[Recognized(0, 10_000)] for _ in texts],
    "not a place": lambda texts: [["jane"] for _ in texts],
    "a place without number": lambda texts: [[Recognized("jane", "doe")] for _ in texts],
    "an endless answer": lambda texts: repeat([]),
    "an endless list of places": lambda texts: [repeat(Recognized(0, 0)) for _ in texts],
}


def assert_nothing_raw(running, caplog):
    on_disk, on_the_wire = bytes_of(running.home), b"".join(request.body for request in running.sink.seen)
    logged = caplog.text.encode()
    for raw in RAW:
        assert raw not in on_disk
        assert raw not in on_the_wire
        assert raw not in logged


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_recognizer_that_fails_costs_the_text_and_not_the_trace(service, caplog, answer):
    running = service(recognizers=[Recognizer(ANSWERS[answer])])
    assert [grade(SECRET) for _ in range(3)] == [len(SECRET)] * 3
    status = running.settle()
    assert status.account.kept == 3
    assert status.withheld >= 3
    assert running.stored() == {"grade": 3}
    assert_nothing_raw(running, caplog)
    assert len([record for record in caplog.records if "withheld" in record.getMessage()]) == 1


def hangs_when_asked(released, texts):
    released.wait(60)
    return [[] for _ in texts]


def hangs_when_read(released, texts):
    for _ in texts:
        released.wait(60)
        yield []


@pytest.mark.parametrize("behave", [hangs_when_asked, hangs_when_read])
def test_a_recognizer_that_hangs_a_minute_holds_up_neither_the_host_nor_the_other_traces(service, caplog, behave):
    released = threading.Event()
    hangs = Recognizer(partial(behave, released))
    running = service(recognizers=[hangs])
    try:
        began = time.monotonic()
        assert grade(SECRET) == len(SECRET)
        assert time.monotonic() - began < 1.0
        for _ in range(20):
            grade(SECRET)
        status = running.settle()
        assert time.monotonic() - began < 20
    finally:
        released.set()
    assert status.account.kept == 21
    assert hangs.calls == 1  # it is left alone for a while; its texts are withheld meanwhile
    assert running.stored() == {"grade": 21}
    assert_nothing_raw(running, caplog)


def test_a_recognizer_that_is_traced_and_asks_a_service_makes_no_traces_of_its_own(service, sink):
    @traced(name="asked")
    def asks(texts):
        with httpx.Client() as client:
            client.post(f"{sink.url}/names", json={"count": len(texts)})
        return [[] for _ in texts]

    running = service(instrument_httpx=True, recognizers=[Recognizer(asks)])
    for _ in range(3):
        grade(SECRET)
    status = running.settle()
    assert [request.path for request in running.sink.seen].count("/names") >= 1
    assert status.account.started == 3
    assert running.stored() == {"grade": 3}


def without_answer(*_):
    raise RuntimeError(SECRET)


NONSENSE = {
    "raises": without_answer,
    "nothing": lambda *_: None,
    "no spans": lambda *_: [object()],
    "texts": lambda spans, *_: [SECRET for _ in spans],
}


@pytest.mark.parametrize("behaviour", NONSENSE)
def test_a_redactor_that_fails_as_a_whole_leaves_the_bare_trace(service, caplog, behaviour):
    running = service()
    pipeline = assembly.current_running().pipeline
    broken = staticmethod(NONSENSE[behaviour])
    members = {"redact_unit": broken, "redact_value": broken, "redact_text": broken}
    route = pipeline.stations.routes[0]
    pipeline.stations.routes = [Route(type("Broken", (), members)(), route.destinations)]
    with pytest.raises(ValueError), span("grade", input=SECRET) as handle:
        handle.score("quality", 1.0, comment=SECRET)
        raise ValueError(SECRET)
    assert certtrace.force_flush(20).delivered
    (sent,) = running.sent()
    assert attributes_of(sent)[semconv.metadata(semconv.CONTENT_LOST)] == '"redaction_failed"'
    assert (sent.name, sent.status.code) == ("withheld", 2)
    assert_nothing_raw(running, caplog)


def test_texts_made_to_stall_a_redactor_arrive_and_the_host_does_not_wait(service):
    running = service()
    grade("warm")
    running.settle()
    caller = time.thread_time()
    for make in KINDS.values():
        value = make(2_000)
        with span("grade", input=value) as handle:
            handle.update(output={"text": value}, metadata={"m": [value]})
            handle.add_event("said", {"value": value})
    assert time.thread_time() - caller < 5.0
    status = running.settle()
    assert status.account.kept == len(KINDS) + 1
    assert running.stored() == {"grade": len(KINDS) + 1}
    assert status.faults == {}


@pytest.mark.slow
def test_the_worker_outlives_a_megabyte_of_each_kind(service):
    running = service(max_value_bytes=65_536)
    kinds = list(KINDS.values())
    began = time.process_time()
    for make in kinds:
        grade_any(make(1 << 20))
    assert wait_until(lambda: certtrace.force_flush(10).delivered, 300)
    assert time.process_time() - began < 240
    running.settle()
    assert running.stored() == {"any": len(kinds)}


@traced(name="any")
def grade_any(_value):
    return None
