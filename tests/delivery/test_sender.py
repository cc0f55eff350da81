"""Delivery: every destination on its own, deadlines kept, nothing accepted lost, nothing poisoned forever."""

import logging
import threading
import time

import pytest

from certtrace.delivery import pacing
from certtrace.delivery.deadletter import letters, replay
from certtrace.delivery.langfuse import LangfuseDestination
from certtrace.delivery.parting import LOST_NAME
from certtrace.delivery.sender import Delivery
from certtrace.delivery.spool import Spool
from certtrace.ports import BatchRejectedError, DeliveryError, DestinationPausedError, Payload


@pytest.fixture(autouse=True)
def quick_backoff(monkeypatch):
    monkeypatch.setattr(pacing, "_FIRST_BACKOFF_SECONDS", 0.03)


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path / "spool")
    yield spool
    spool.close()


@pytest.fixture
def deliver(spool):
    """Return what starts a delivery and closes it after the test."""
    started = []

    def start(*destinations, **options):
        delivery = Delivery(spool, destinations, **{"linger_seconds": 0.01, **options})
        started.append(delivery)
        return delivery

    yield start
    for delivery in started:
        delivery.close(0)


@pytest.fixture
def langfuse(sink):
    return LangfuseDestination(sink.url, "pk", "sk", timeout_seconds=5)


def fail(error):
    def refuse(_batch):
        raise error

    return refuse


def test_content_is_delivered_to_every_destination_in_order(spool, write, deliver, collector):
    store, other = collector("store"), collector("other")
    delivery = deliver(store, other)
    for number in range(1, 51):
        write(spool, f"unit{number}", number)
        delivery.wake()

    assert delivery.flush(5).complete
    assert store.names == other.names == [f"unit{n}" for n in range(1, 51)]
    status = delivery.status()
    assert {name: lane.delivered for name, lane in status.destinations.items()} == {"store": 50, "other": 50}
    assert (status.spool.accepted, status.spool.spooled) == (50, 50)


def test_no_thread_runs_before_the_first_wake(spool, deliver, collector):
    before = threading.active_count()
    deliver(collector())

    assert threading.active_count() == before


def test_a_hanging_destination_does_not_delay_the_store_nor_the_flush(spool, write, deliver, collector, sink, langfuse):
    sink.answer = lambda _: sink.Answer(behaviour="hang")
    store = collector()
    delivery = deliver(langfuse, store)
    write(spool, "unit")
    report = delivery.flush(0.7)

    assert store.names == ["unit"]
    assert dict(report.undelivered) == {"langfuse": 1}
    assert 0.6 < report.seconds < 2.0  # the hang lasts 5 s; the room is for a loaded machine


def test_closing_with_a_hanging_destination_keeps_its_timeout(spool, write, deliver, sink, langfuse):
    sink.answer = lambda _: sink.Answer(behaviour="hang")
    delivery = deliver(langfuse)
    write(spool, "unit")
    delivery.wake()
    started = time.monotonic()

    assert dict(delivery.close(0.5).undelivered) == {"langfuse": 1}
    assert time.monotonic() - started < 2.0
    assert delivery.close(5).complete


def test_a_dead_backend_is_given_up_at_once_when_closing(spool, write, deliver, collector):
    destination = collector()
    destination.refuse = fail(DeliveryError("down"))
    delivery = deliver(destination)
    write(spool, "unit")

    report = delivery.close(20)
    assert dict(report.undelivered) == {"store": 1}
    assert report.seconds < 2


def test_what_failed_is_delivered_when_the_backend_returns(spool, write, deliver, sink, langfuse):
    answers = iter([503, 500, 429])
    sink.answer = lambda _: sink.Answer(next(answers, 200))
    delivery = deliver(langfuse)
    for number in range(1, 6):
        write(spool, f"unit{number}", number)

    assert delivery.flush(10).complete
    assert sink.names() == [f"unit{n}" for n in range(1, 6)]
    assert delivery.status().destinations["langfuse"].last_error == ""


def test_a_reset_connection_costs_nothing(spool, write, deliver, sink, langfuse):
    behaviours = iter(["reset", "reset"])
    sink.answer = lambda _: sink.Answer(behaviour=next(behaviours, ""))
    delivery = deliver(langfuse)
    write(spool, "unit")

    assert delivery.flush(10).complete
    assert sink.names() == ["unit"]


def test_retry_after_is_honoured_even_by_a_flush(spool, write, deliver, sink, langfuse):
    sink.answer = lambda _: sink.Answer(429, headers=(("Retry-After", "3600"),))
    delivery = deliver(langfuse)
    write(spool, "unit")

    first = delivery.flush(5)
    assert first.seconds < 4
    again = delivery.flush(5)
    assert again.seconds < 2
    assert len(sink.seen) == 1
    assert 3_500 < delivery.status().destinations["langfuse"].retry_in_seconds < 4_600


def test_poison_is_isolated_and_kept_as_a_dead_letter(spool, write, deliver, sink, langfuse):
    sink.answer = lambda request: sink.Answer(400 if b"poison" in request.body else 200)
    delivery = deliver(langfuse)
    for number in range(1, 41):
        write(spool, "poison" if number in (7, 30) else f"unit{number}", number)

    assert delivery.flush(10).complete
    assert sink.names() == [f"unit{n}" if n not in (7, 30) else LOST_NAME for n in range(1, 41)]
    status = delivery.status().destinations["langfuse"]
    assert (status.delivered, status.dead_lettered, status.reduced, status.pending_units) == (38, 2, 2, 0)
    assert dict(status.dead_letters) == {"HTTP 400: the batch was rejected.": 2}
    found = list(letters(spool.root))
    assert [int(letter.payload.trace_id, 16) for letter in found] == [7, 30]
    assert all(letter.destination == "langfuse" and "400" in letter.reason for letter in found)
    assert b"poison" in found[0].payload.data


def test_a_poisoned_span_does_not_take_its_unit_along(spool, deliver, sink, langfuse):
    from certtrace.delivery.otlp import encode_unit
    from certtrace.ports import SpanRecord

    sink.answer = lambda request: sink.Answer(413 if b"poison" in request.body else 200)
    delivery = deliver(langfuse)
    names = ["a", "b", "poison", "d", "e"]
    spans = [SpanRecord(1, n, 0, name, 1, 1, 2, 0, "", {}) for n, name in enumerate(names, start=1)]
    spool.content(spool.accept(1, 1, 1, 2), Payload("spans", encode_unit(spans, {}), f"{1:032x}"))

    assert delivery.flush(10).complete
    assert sorted(sink.names()) == sorted(["a", "b", LOST_NAME, "d", "e"])
    assert delivery.status().destinations["langfuse"].dead_lettered == 1


def test_a_dead_letter_is_delivered_after_the_cause_was_mended(spool, write, deliver, sink, langfuse):
    sink.answer = lambda _: sink.Answer(400)
    delivery = deliver(langfuse)
    write(spool, "unit")
    assert delivery.flush(10).complete
    sink.answer = lambda _: sink.Answer(200)
    (letter,) = letters(spool.root)

    assert replay(letter, spool)
    assert delivery.flush(10).complete
    assert sink.names() == ["unit"]
    assert list(letters(spool.root)) == []


def test_damaged_dead_letters_are_passed_over(spool, write, deliver, sink, langfuse):
    sink.answer = lambda _: sink.Answer(400)
    delivery = deliver(langfuse)
    write(spool, "a", 1)
    write(spool, "b", 2)
    assert delivery.flush(10).complete
    first, _ = letters(spool.root)
    first.path.write_bytes(first.path.read_bytes()[:-5])

    assert [int(letter.payload.trace_id, 16) for letter in letters(spool.root)] == [2]


def test_spans_and_scores_that_alternate_take_one_request_each(spool, write, deliver, sink, langfuse):
    delivery = deliver(langfuse)
    for number in range(1, 51):
        write(spool, f"unit{number}", number)
        spool.content(0, Payload("scores", b'[{"id":"%d"}]' % number, ""))

    assert delivery.flush(10).complete
    assert len(sink.names()) == 50
    assert len(sink.taken) <= 4


def test_spans_are_not_sent_again_because_scores_failed(spool, write, deliver, sink, langfuse):
    answers = iter([503, 503])
    sink.answer = lambda request: sink.Answer(next(answers, 200) if "scores" in request.path else 200)
    delivery = deliver(langfuse)
    for number in range(1, 6):
        spool.content(0, Payload("scores", b'[{"id":"%d"}]' % number, ""))
        write(spool, f"unit{number}", number)

    assert delivery.flush(10).complete
    assert sorted(sink.names()) == [f"unit{n}" for n in range(1, 6)]
    assert delivery.status().destinations["langfuse"].delivered == 10


def test_a_poisoned_score_leaves_the_others(spool, deliver, sink, langfuse):
    sink.answer = lambda request: sink.Answer(400 if b"poison" in request.body else 202)
    delivery = deliver(langfuse)
    for name in ("a", "poison", "c"):
        spool.content(0, Payload("scores", b'[{"id":"%s"}]' % name.encode(), ""))

    assert delivery.flush(10).complete
    assert b"".join(request.body for request in sink.taken) == b'[{"id":"a"}][{"id":"c"}]'
    assert delivery.status().destinations["langfuse"].dead_lettered == 1


@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_a_refusing_destination_is_paused_and_keeps_its_traces(spool, write, deliver, sink, langfuse, status):
    sink.answer = lambda _: sink.Answer(status)
    delivery = deliver(langfuse)
    write(spool, "unit")
    report = delivery.flush(5)

    assert report.seconds < 2
    found = delivery.status().destinations["langfuse"]
    assert found.paused
    assert str(status) in found.last_error
    assert found.pending_units == 1


def test_a_paused_destination_goes_on_once_it_is_mended(spool, write, deliver, sink, langfuse, monkeypatch):
    monkeypatch.setattr(pacing, "_FIRST_PAUSE_SECONDS", 0.05)
    answers = iter([401, 401])
    sink.answer = lambda _: sink.Answer(next(answers, 200))
    delivery = deliver(langfuse)
    write(spool, "unit")

    assert delivery.flush(5).complete
    assert not delivery.status().destinations["langfuse"].paused


def test_rejections_inside_a_success_are_counted(spool, write, deliver, sink, langfuse):
    sink.answer = lambda _: sink.Answer(body=b'{"partialSuccess": {"rejectedSpans": 3}}')
    delivery = deliver(langfuse)
    write(spool, "unit")

    assert delivery.flush(5).complete
    assert delivery.status().destinations["langfuse"].rejected == 3


def test_a_cause_is_logged_once_and_never_with_payload(spool, write, deliver, sink, langfuse, caplog, monkeypatch):
    monkeypatch.setattr(pacing, "_FIRST_BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(pacing, "_LAST_BACKOFF_SECONDS", 0.02)
    sink.answer = lambda _: sink.Answer(500, body=b"secret Mustermann")
    delivery = deliver(langfuse)
    write(spool, "Erika Mustermann")
    with caplog.at_level(logging.DEBUG):
        delivery.flush(0.5)

    assert len(sink.seen) > 3
    assert len(caplog.records) == 1
    assert "500" in caplog.text
    assert "Mustermann" not in caplog.text


def test_a_destination_that_comes_and_goes_does_not_flood_the_log(spool, write, deliver, collector, caplog):
    destination = collector()
    calls = iter(range(10_000))

    def flap(_batch):
        if next(calls) % 2 == 0:
            raise DeliveryError("Down.", retry_after_seconds=0.0)

    destination.refuse = flap
    delivery = deliver(destination)
    for number in range(1, 9):
        write(spool, f"unit{number}", number)
        assert delivery.flush(5).complete

    assert len(caplog.records) == 2
    assert "takes traces again" in caplog.text


@pytest.mark.parametrize("error", [ValueError("secret"), RecursionError(), KeyError("x")])
def test_a_broken_destination_costs_nothing(spool, write, deliver, collector, error, caplog):
    destination = collector()
    destination.refuse = fail(error)
    delivery = deliver(destination)
    write(spool, "unit")
    assert not delivery.flush(0.2).complete
    destination.refuse = lambda _: None

    assert delivery.flush(5).complete
    assert destination.names == ["unit"]
    assert "secret" not in caplog.text


def test_batches_are_cut_by_bytes(spool, write, deliver, collector):
    destination = collector()
    sizes = []
    destination.refuse = lambda batch: sizes.append(sum(len(payload.data) for payload in batch))
    delivery = deliver(destination)
    for number in range(1, 13):
        write(spool, f"unit{number}", number, pad=1 << 20)

    assert delivery.flush(10).complete
    assert len(sizes) >= 3
    assert max(sizes) <= 4 << 20


def test_single_units_gather_to_batches(spool, write, deliver, sink, langfuse):
    delivery = deliver(langfuse, linger_seconds=0.2)
    for number in range(1, 101):
        write(spool, f"unit{number}", number)
        delivery.wake()

    assert delivery.flush(5).complete
    assert len(sink.names()) == 100
    assert len(sink.taken) < 20


def test_orphans_of_dead_processes_are_drained(tmp_path, write, collector):
    root = tmp_path / "spool"
    dead = Spool(root)
    dead.owe(["store"])
    write(dead, "from the dead")
    dead._output._directory.release()

    spool, destination = Spool(root), collector()
    arrived = threading.Event()
    destination.refuse = lambda _: arrived.set()
    delivery = Delivery(spool, [destination], linger_seconds=0.01)
    delivery.wake()
    assert arrived.wait(5)
    delivery.close(1)
    spool.close()
    assert destination.names == ["from the dead"]
    assert list(root.iterdir()) == []


def test_an_unreadable_orphan_does_not_hold_up_the_living(tmp_path, write, collector, caplog):
    root = tmp_path / "spool"
    dead = Spool(root)
    dead.owe(["store"])
    write(dead, "unreadable")
    dead._output._directory.release()
    spool, destination = Spool(root), collector()
    delivery = Delivery(spool, [destination], linger_seconds=0.01)
    spool.maintain()
    next(dead.path.glob("content-*")).unlink()
    for name in ("a", "b"):
        write(spool, name)
        assert delivery.flush(5).complete

    assert destination.names == ["a", "b"]
    assert delivery.status().destinations["store"].last_error == ""
    assert "cannot be read" in caplog.text
    delivery.close(1)
    spool.close()


def test_the_account_is_exact_after_chaos(spool, write, deliver, collector):
    """accepted = delivered + dead-lettered + pending, for each destination."""
    destination = collector()
    calls = iter(range(10_000))

    def chaos(batch):
        if any(int(payload.trace_id, 16) % 17 == 0 for payload in batch):
            raise BatchRejectedError("no")
        if next(calls) % 5 == 4:
            raise DeliveryError("later", retry_after_seconds=0.0)

    destination.refuse = chaos
    delivery = deliver(destination)
    for number in range(1, 201):
        write(spool, f"unit{number}", number)
        delivery.wake()
    deadline = time.monotonic() + 20
    while not delivery.flush(5).complete:
        assert time.monotonic() < deadline

    status = delivery.status()
    found = status.destinations["store"]
    assert found.dead_lettered == 200 // 17
    assert found.delivered + found.dead_lettered == status.spool.accepted == 200
    assert sorted(destination.names) == sorted(f"unit{n}" for n in range(1, 201) if n % 17)


def test_the_destination_is_closed_by_the_thread_that_used_it(spool, write, deliver, collector):
    destination = collector()
    users = set()
    destination.refuse = lambda _: users.add(threading.get_ident())
    closed_by = []
    destination.close = lambda: closed_by.append(threading.get_ident())
    delivery = deliver(destination)
    write(spool, "unit")
    delivery.close(5)

    assert set(closed_by) == users


def test_two_destinations_of_one_name_are_refused(spool, collector):
    with pytest.raises(ValueError, match="one name"):
        Delivery(spool, [collector("a"), collector("a")])


def test_a_flush_without_destinations_is_complete(spool, write):
    delivery = Delivery(spool, [])
    write(spool, "unit")

    assert delivery.flush(1).complete


def test_a_pause_is_an_error_of_delivery():
    assert issubclass(DestinationPausedError, DeliveryError)
