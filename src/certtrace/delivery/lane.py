"""One destination's way out of the spool: its thread, its batches, its backoff, its counts."""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final

from certtrace.delivery.addressed import is_for
from certtrace.delivery.backlog import Item, Pending
from certtrace.delivery.deadletter import bury
from certtrace.delivery.directory import Position
from certtrace.delivery.otlp import halve_unit
from certtrace.delivery.spool import Source, Spool
from certtrace.errors import SpoolError
from certtrace.ports import BatchRejectedError, DeliveryError, Destination, DestinationPausedError, Payload

_log = logging.getLogger(__name__)

_BATCH_BYTES: Final = 4 * 1024 * 1024
_BATCH_UNITS: Final = 512
_ATTEMPT_SECONDS: Final = 30.0
_IDLE_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.05
_FIRST_BACKOFF_SECONDS: Final = 0.5
_LAST_BACKOFF_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 60.0
_LOG_AGAIN_SECONDS: Final = 3600.0


@dataclass(slots=True, frozen=True)
class LaneStatus:
    """How one destination stands."""

    pending_units: int
    pending_bytes: int
    oldest_age_seconds: float | None
    delivered: int
    """Payloads that the destination took."""
    rejected: int
    """Spans and scores that it refused inside batches that it took."""
    dead_lettered: int
    lost: int
    """Refused payloads that could not be kept as dead letters either."""
    paused: bool
    """Whether an operator has to mend something."""
    last_error: str
    """Empty after a success."""
    retry_in_seconds: float | None


class Lane:
    """Drains the spool to one destination on a daemon thread of its own, so that no other waits for it."""

    def __init__(
        self, spool: Spool, destination: Destination, upkeep: Callable[[], None], *, linger_seconds: float
    ) -> None:
        """Take the destination.

        Args:
            spool: What is drained.
            destination: Where to.
            upkeep: Called in every round, on this lane's thread.
            linger_seconds: Shortest time between two deliveries, so that single units gather to batches.
        """
        self._spool = spool
        self._destination = destination
        self._upkeep = upkeep
        self._linger_seconds = linger_seconds
        self._logged: dict[str, float] = {}
        self._begin()

    def _begin(self) -> None:
        self._delivered = self._dead_lettered = self._lost = 0
        self._done: dict[Source, dict[Position, bool]] = {}
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._awake = threading.Event()
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._hurried = threading.Event()
        self._urgent = 0
        self._attempts = 0
        self._failures = 0
        self._retry_at = 0.0
        self._asked_to_wait = False
        self._paused = False
        self._last_error = ""

    @property
    def name(self) -> str:
        """The destination's name."""
        return self._destination.name

    def after_fork_in_child(self) -> None:
        """Start anew without a thread; the counts of this process begin at zero."""
        self._begin()

    def wake(self) -> None:
        """Look for work soon; start the thread if there is none."""
        self._awake.set()
        if self._thread is None and not self._stopped.is_set():
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._run, name=f"certtrace-{self.name}", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                # The interpreter is ending, or the process may have no more threads. The spool keeps what there is.
                self._log_once("No thread could be started; the traces stay in the spool.")
                return
            self._thread = thread

    def hurry(self) -> int:
        """Deliver without lingering until `end_hurry`, at once unless asked to wait; return what `drained` wants."""
        with self._changed:
            self._urgent += 1
            self._hurried.set()
            if not self._asked_to_wait and not self._paused:
                self._retry_at = 0.0
            attempts = self._attempts
        self.wake()
        return attempts

    def end_hurry(self) -> None:
        """Undo one `hurry`."""
        with self._changed:
            self._urgent -= 1
            if not self._urgent and not self._stopped.is_set():
                self._hurried.clear()

    def drained(self, reached: Callable[[], bool], deadline: float, attempts: int, *, retry: bool) -> bool:
        """Wait until `reached`, or until waiting is of no use; return whether it was reached.

        Args:
            reached: Whether everything that matters was delivered.
            deadline: `time.monotonic()` value at which to give up.
            attempts: What `hurry` returned.
            retry: Whether to wait for another attempt after a failed one, if it comes before the deadline.
        """
        while not reached():
            with self._changed:
                now = time.monotonic()
                failed = self._attempts > attempts and self._failures > 0
                hopeless = self._thread is None or self._retry_at > deadline or (failed and not retry)
                if now >= deadline or hopeless:
                    break
                self._changed.wait(min(deadline - now, _LOOK_SECONDS))
        return reached()

    def stop(self) -> None:
        """End the thread after what it is doing now."""
        self._stopped.set()
        self._hurried.set()
        self._awake.set()

    def finish(self, deadline: float) -> None:
        """Wait for the thread's end, which closes the destination; after the deadline break off what it is doing."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(max(deadline - time.monotonic(), 0.0))
        if thread is None or thread.is_alive():
            self._close_destination()

    def _close_destination(self) -> None:
        try:
            self._destination.close()
        except Exception as error:  # noqa: BLE001 - a destination is foreign code; closing must go on
            self._log_once(f"Closing failed with {type(error).__name__}.")

    def status(self) -> LaneStatus:
        """Return how the destination stands."""
        pending: Pending = self._spool.pending(self.name)
        age = max(time.time_ns() - pending.oldest_time_ns, 0) / 1e9 if pending.oldest_time_ns is not None else None
        waiting = self._retry_at - time.monotonic()
        return LaneStatus(
            pending_units=pending.units,
            pending_bytes=pending.bytes,
            oldest_age_seconds=age,
            delivered=self._delivered,
            rejected=int(getattr(self._destination, "rejected", 0)),
            dead_lettered=self._dead_lettered,
            lost=self._lost,
            paused=self._paused,
            last_error=self._last_error,
            retry_in_seconds=waiting if waiting > 0 else None,
        )

    # --- on the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._awake.wait(self._seconds_to_wait())
            self._awake.clear()
            try:
                self._upkeep()
                if not self._stopped.is_set() and time.monotonic() >= self._retry_at:
                    self._round()
            except Exception as error:  # noqa: BLE001 - the thread must live; what failed is still in the spool
                self._failed(f"Unexpected {type(error).__name__}.", None)
            self._linger()
        self._close_destination()

    def _seconds_to_wait(self) -> float:
        if self._retry_at <= 0:
            return _IDLE_SECONDS
        return min(max(self._retry_at - time.monotonic(), _LOOK_SECONDS), _IDLE_SECONDS)

    def _linger(self) -> None:
        with self._changed:
            self._changed.notify_all()
        self._hurried.wait(self._linger_seconds)

    def _round(self) -> None:
        """Deliver batch after batch, one of each source in turn, until nothing is left or one fails."""
        delivered = True
        while delivered and not self._stopped.is_set():
            delivered = False
            for source in self._spool.sources(self.name):
                batch = self._read(source)
                if batch:
                    delivered = True
                    if not self._deliver(source, batch):
                        return

    def _read(self, source: Source) -> list[Item]:
        try:
            return source.read(self.name, _BATCH_BYTES, _BATCH_UNITS)
        except OSError as error:
            # One unreadable directory must not hold up the others.
            reason = error.strerror or type(error).__name__
            self._log_once(f"A part of the spool cannot be read ({reason}). It stays and is tried again.")
            return []

    def _deliver(self, source: Source, batch: Sequence[Item]) -> bool:
        """Deliver a batch; return whether all of it is done. What is done stays noted where the rest has to wait."""
        done = self._done.setdefault(source, {})
        # What is for others is passed over, and not counted.
        done.update((item.after, False) for item in batch if not is_for(item.payload, self.name))
        try:
            try:
                # Spans and their scores alternate in the spool; one request per kind, not one per change.
                for kind in dict.fromkeys(item.payload.kind for item in batch):
                    self._send([item for item in batch if item.payload.kind == kind and item.after not in done], done)
            finally:
                self._ack(source, batch, done)
        except DestinationPausedError as error:
            self._failed(str(error), error.retry_after_seconds, paused=True)
        except DeliveryError as error:
            self._failed(str(error), error.retry_after_seconds)
        except Exception as error:  # noqa: BLE001 - a destination is foreign code; the batch stays in the spool
            self._failed(f"Unexpected {type(error).__name__}.", None)
        else:
            return True
        return False

    def _ack(self, source: Source, batch: Sequence[Item], done: dict[Position, bool]) -> None:
        """Move the cursor over what is done without a gap, and count it."""
        prefix = list(takewhile(lambda item: item.after in done, batch))
        # Counted first: who waits for the cursor reads the counts as soon as it has moved.
        self._delivered += sum(done.pop(item.after) for item in prefix)
        source.ack(self.name, prefix)
        if not done:
            del self._done[source]

    def _send(self, items: Sequence[Item], done: dict[Position, bool]) -> None:
        """Deliver items of one kind, in order; halve what is rejected until the culprit is alone."""
        if not items:
            return
        try:
            self._attempt([item.payload for item in items])
        except BatchRejectedError as error:
            if len(items) > 1:
                middle = len(items) // 2
                self._send(items[:middle], done)
                self._send(items[middle:], done)
            else:
                self._send_alone(items[0], str(error))
                done[items[0].after] = False
        else:
            done.update((item.after, True) for item in items)
            self._succeeded()

    def _send_alone(self, item: Item, reason: str) -> None:
        """Halve a rejected unit down to its spans; keep as dead letter what is rejected alone."""
        halves = halve_unit(item.payload.data) if item.payload.kind == "spans" else None
        if halves is None:
            self._bury(item, reason)
            return
        for data in halves:
            half = replace(item, payload=replace(item.payload, data=data))
            try:
                self._attempt([half.payload])
            except BatchRejectedError as error:
                self._send_alone(half, str(error))

    def _attempt(self, payloads: Sequence[Payload]) -> None:
        if self._stopped.is_set():
            msg = "Closing."
            raise DeliveryError(msg)
        self._destination.deliver(payloads, time.monotonic() + _ATTEMPT_SECONDS)

    def _bury(self, item: Item, reason: str) -> None:
        try:
            bury(self._spool.root, self.name, item, reason)
            self._dead_lettered += 1
            self._log_once(f"{reason} What is refused alone is kept as a dead letter; the rest goes on.")
        except (OSError, SpoolError) as error:
            self._lost += 1
            self._log_once(f"A dead letter could not be kept ({type(error).__name__}); it is lost.")

    def _succeeded(self) -> None:
        if self._failures:
            self._log_once("It takes traces again.")
        with self._changed:
            self._attempts += 1
            self._failures = 0
            self._retry_at = 0.0
            self._paused = self._asked_to_wait = False
            self._last_error = ""

    def _failed(self, reason: str, retry_after: float | None, *, paused: bool = False) -> None:
        if self._stopped.is_set():
            return
        with self._changed:
            self._attempts += 1
            self._failures += 1
            self._last_error = reason
            self._paused = paused
            self._asked_to_wait = retry_after is not None
            self._retry_at = time.monotonic() + self._backoff(retry_after, paused=paused)
            self._changed.notify_all()
        self._log_once(f"{reason} Its traces wait in the spool.")

    def _backoff(self, retry_after: float | None, *, paused: bool) -> float:
        growing = min(_FIRST_BACKOFF_SECONDS * 2 ** min(self._failures - 1, 10), _LAST_BACKOFF_SECONDS)
        base = max(retry_after or 0.0, _PAUSE_SECONDS if paused else growing)
        # Up to a quarter more, never less: a fleet must not come back at one moment, nor before it was asked to.
        return base * random.uniform(1.0, 1.25)  # noqa: S311 - spreads retries, keeps no secret

    def _log_once(self, reason: str) -> None:
        """Log a cause, and not again for a while: a destination that comes and goes must not flood the host's log."""
        now = time.monotonic()
        if now >= self._logged.get(reason, 0.0):
            self._logged[reason] = now + _LOG_AGAIN_SECONDS
            _log.warning("Destination %s: %s", self.name, reason)
