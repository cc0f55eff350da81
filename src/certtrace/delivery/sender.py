"""Delivery: every destination drains the spool on its own; what cannot be delivered stays on disk."""

import os
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from certtrace.delivery.counters import SpoolCounters
from certtrace.delivery.lane import Lane, LaneStatus, OnDelivered
from certtrace.delivery.spool import Spool
from certtrace.ports import Destination

_STOP_SECONDS: Final = 0.25
"""Of the time to close, what is left for lanes to end what they are doing."""
_LEAST_STOP_SECONDS: Final = 0.05


@dataclass(slots=True, frozen=True)
class FlushReport:
    """What a flush achieved."""

    undelivered: Mapping[str, int]
    """Payloads that are still owed, by destination; empty when everyone has everything."""
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether every destination has everything that was written before the flush."""
        return not self.undelivered


@dataclass(slots=True, frozen=True)
class DeliveryStatus:
    """Where this process's traces are."""

    spool: SpoolCounters
    degraded: bool
    """Whether the disk refuses at present, so that traces are in memory only."""
    destinations: Mapping[str, LaneStatus]


class Delivery:
    """Takes units from the spool to every destination. Thread-safe, fork-safe, never raises after construction.

    Threads are daemons, started by the first `wake`, never in a fork handler.
    """

    def __init__(
        self,
        spool: Spool,
        destinations: Sequence[Destination],
        *,
        linger_seconds: float = 0.5,
        on_delivered: OnDelivered | None = None,
    ) -> None:
        """Take the spool and who is owed from now on.

        Args:
            spool: What is drained.
            destinations: Their names must differ.
            linger_seconds: Shortest time between two deliveries to one destination.
            on_delivered: Told of each payload that was taken, on a delivery thread: the destination's name, and the
                seconds since it was spooled. It has to be quick.

        Raises:
            ValueError: Two destinations have one name.
        """
        names = [destination.name for destination in destinations]
        if len(set(names)) != len(names):
            msg = f"Two destinations have one name among {names}. Each keeps its own place in the spool by its name."
            raise ValueError(msg)
        self._spool = spool
        self._lanes = [
            Lane(spool, each, spool.maintain, linger_seconds=linger_seconds, on_delivered=on_delivered)
            for each in destinations
        ]
        self._closed = False
        spool.owe(names)
        _deliveries.add(self)

    def wake(self) -> None:
        """Tell that there is content in the spool. Cheap; for the worker after each unit."""
        if not self._closed:
            for lane in self._lanes:
                lane.wake()

    def retry_now(self) -> None:
        """Try every destination at once, even those that are paused or asked to wait."""
        if not self._closed:
            for lane in self._lanes:
                lane.retry_now()

    def flush(self, timeout_seconds: float) -> FlushReport:
        """Deliver what was written before this call, waiting at most so long."""
        return self._drain(timeout_seconds, retry=True)

    def close(self, timeout_seconds: float) -> FlushReport:
        """Deliver what can be delivered at once, then stop. The rest stays in the spool for the next process."""
        if self._closed:
            return FlushReport({}, 0.0)
        end = time.monotonic() + timeout_seconds
        # A backend that hangs is broken off within the timeout, not behind it.
        report = self._drain(timeout_seconds - min(_STOP_SECONDS, timeout_seconds / 4), retry=False)
        self._closed = True
        for lane in self._lanes:
            lane.stop()
        deadline = max(end, time.monotonic() + _LEAST_STOP_SECONDS)
        for lane in self._lanes:
            lane.finish(deadline)
        return report

    def status(self) -> DeliveryStatus:
        """Return where this process's traces are."""
        lanes = {lane.name: lane.status() for lane in self._lanes}
        return DeliveryStatus(self._spool.counters(), self._spool.is_degraded, lanes)

    def _drain(self, timeout_seconds: float, *, retry: bool) -> FlushReport:
        started = time.monotonic()
        deadline = started + max(timeout_seconds, 0.0)
        mark = self._spool.mark()

        undelivered: dict[str, int] = {}
        hurried = [(lane, lane.hurry()) for lane in self._lanes]
        for lane, attempts in hurried:
            reached = partial(self._spool.reached, lane.name, mark)
            if not lane.drained(reached, deadline, attempts, retry=retry):
                # At least one: its end may come between the two looks.
                undelivered[lane.name] = max(self._spool.pending(lane.name).units, 1)
        for lane in self._lanes:
            lane.end_hurry()
        return FlushReport(undelivered, time.monotonic() - started)

    def _after_fork_in_child(self) -> None:
        for lane in self._lanes:
            lane.after_fork_in_child()


_deliveries: "weakref.WeakSet[Delivery]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for delivery in list(_deliveries):
        delivery._after_fork_in_child()  # noqa: SLF001 - the same module; no caller outside may do this


os.register_at_fork(after_in_child=_after_fork_in_child)
