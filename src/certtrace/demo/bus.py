"""An in-process message broker with topics, consumer groups, acknowledgement and redelivery.

Delivery is at least once: a message that is not acknowledged comes again with a higher `delivery_attempt`, up to a
bound, then it lies in `dead_letters`. Headers travel with the message; trace context crosses in them.
"""

import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

SHORT_ANSWER_CAPTURE: Final = "Short Answer Capture Topic"
ARCHITECTURE_SOLUTION_CAPTURE: Final = "Architecture Solution Capture Topic"
SHORT_ANSWER_REVIEW: Final = "Short Answer Manual Grading Queue"
ARCHITECTURE_SOLUTION_REVIEW: Final = "Architecture Solution Manual Grading Queue"
TOPICS: Final = (
    SHORT_ANSWER_CAPTURE,
    ARCHITECTURE_SOLUTION_CAPTURE,
    SHORT_ANSWER_REVIEW,
    ARCHITECTURE_SOLUTION_REVIEW,
)
MAX_DELIVERIES: Final = 5
MAX_WAITING: Final = 64


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of one message to one consumer group."""

    topic: str
    group: str
    message_id: str
    headers: Mapping[str, str]
    body: bytes
    offset: int
    attempt: int = 1


class Broker:
    """Keeps one bounded queue per topic and consumer group; a publisher waits while one is full."""

    def __init__(self) -> None:
        """Open every topic without a consumer group."""
        self._changed = threading.Condition()
        self._queues: dict[tuple[str, str], deque[Delivery]] = {}
        self._in_flight: dict[tuple[str, str], int] = {}
        self._offsets: dict[str, int] = dict.fromkeys(TOPICS, 0)
        self._closed: set[str] = set()
        self.dead_letters: list[Delivery] = []

    def subscribe(self, topic: str, group: str) -> None:
        """Give consumer group `group` its own queue of `topic`, from the next message on."""
        with self._changed:
            self._queues.setdefault((topic, group), deque())
            self._in_flight.setdefault((topic, group), 0)

    def publish(self, topic: str, body: bytes, headers: Mapping[str, str]) -> str:
        """Append a message to `topic` for every group and return its id. Waits while a queue is full."""
        with self._changed:
            keys = [key for key in self._queues if key[0] == topic]
            self._changed.wait_for(lambda: all(len(self._queues[key]) < MAX_WAITING for key in keys))
            message_id = uuid.uuid4().hex
            offset = self._offsets[topic]
            self._offsets[topic] += 1
            for key in keys:
                self._queues[key].append(Delivery(topic, key[1], message_id, dict(headers), body, offset))
            self._changed.notify_all()
        return message_id

    def receive(self, topic: str, group: str, timeout_seconds: float | None = None) -> Delivery | None:
        """Take the next message; `None` when the topic is closed and drained, or after the timeout, if there is one."""
        key = (topic, group)
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        with self._changed:
            while not self._queues[key]:
                rest = None if deadline is None else deadline - time.monotonic()
                # A message in flight may still come back, so a closed topic is drained only when none is left.
                if (topic in self._closed and not self._in_flight[key]) or (rest is not None and rest <= 0):
                    return None
                self._changed.wait(rest)
            self._in_flight[key] += 1
            delivery = self._queues[key].popleft()
            self._changed.notify_all()
            return delivery

    def acknowledge(self, delivery: Delivery) -> None:
        """Settle a delivery: the message will not come again to this group."""
        with self._changed:
            self._in_flight[delivery.topic, delivery.group] -= 1
            self._changed.notify_all()

    def redeliver(self, delivery: Delivery) -> None:
        """Put a delivery back: the consumer failed, or its acknowledgement was lost."""
        with self._changed:
            if delivery.attempt >= MAX_DELIVERIES:
                self.dead_letters.append(delivery)
            else:
                again = replace(delivery, attempt=delivery.attempt + 1)
                self._queues[delivery.topic, delivery.group].append(again)
            self._in_flight[delivery.topic, delivery.group] -= 1
            self._changed.notify_all()

    def abandon(self) -> None:
        """Throw away what waits and close every topic: the run was interrupted."""
        with self._changed:
            for queue in self._queues.values():
                queue.clear()
            self._closed.update(TOPICS)
            self._changed.notify_all()

    def close(self, topic: str) -> None:
        """Say that nothing more will be published to `topic`; waiting consumers get `None` once it is drained."""
        with self._changed:
            self._closed.add(topic)
            self._changed.notify_all()
