"""The broker: at least once, in order, to every group, with a bound on both queues and deliveries."""

import threading

from certtrace.demo.bus import MAX_DELIVERIES, MAX_WAITING, SHORT_ANSWER_CAPTURE, Broker

TOPIC = SHORT_ANSWER_CAPTURE


def _broker(*groups: str) -> Broker:
    broker = Broker()
    for group in groups or ("workers",):
        broker.subscribe(TOPIC, group)
    return broker


def test_headers_and_body_arrive_in_order_with_offsets():
    broker = _broker()
    ids = [broker.publish(TOPIC, f"{n}".encode(), {"traceparent": f"t{n}"}) for n in range(3)]
    got = [broker.receive(TOPIC, "workers") for _ in range(3)]
    assert [(d.message_id, d.body, d.headers["traceparent"], d.offset, d.attempt) for d in got] == [
        (ids[n], f"{n}".encode(), f"t{n}", n, 1) for n in range(3)
    ]


def test_every_group_gets_every_message_once():
    broker = _broker("a", "b")
    broker.publish(TOPIC, b"x", {})
    broker.close(TOPIC)
    for group in ("a", "b"):
        delivery = broker.receive(TOPIC, group)
        broker.acknowledge(delivery)
        assert broker.receive(TOPIC, group) is None


def test_a_redelivered_message_says_its_attempt_until_it_is_given_up():
    broker = _broker()
    broker.publish(TOPIC, b"x", {"idempotency-key": "k"})
    broker.close(TOPIC)
    attempts = []
    while (delivery := broker.receive(TOPIC, "workers")) is not None:
        attempts.append((delivery.attempt, delivery.headers["idempotency-key"]))
        broker.redeliver(delivery)
    assert attempts == [(n, "k") for n in range(1, MAX_DELIVERIES + 1)]
    assert len(broker.dead_letters) == 1


def test_a_closed_topic_waits_for_messages_that_may_come_back():
    broker = _broker()
    broker.publish(TOPIC, b"x", {})
    broker.close(TOPIC)
    first = broker.receive(TOPIC, "workers")
    got = []
    waiting = threading.Thread(target=lambda: got.append(broker.receive(TOPIC, "workers")))
    waiting.start()
    broker.redeliver(first)
    waiting.join(5)
    assert got[0].attempt == 2


def test_a_publisher_waits_while_the_queue_is_full():
    broker = _broker()
    for _ in range(MAX_WAITING):
        broker.publish(TOPIC, b"x", {})
    published = threading.Event()
    publisher = threading.Thread(target=lambda: (broker.publish(TOPIC, b"last", {}), published.set()))
    publisher.start()
    assert not published.wait(0.1)
    broker.receive(TOPIC, "workers")
    assert published.wait(5)
    publisher.join()


def test_receive_gives_up_after_its_timeout():
    assert _broker().receive(TOPIC, "workers", timeout_seconds=0.01) is None
