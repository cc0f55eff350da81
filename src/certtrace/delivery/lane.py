"""One destination's way out of the spool: its thread, its batches, its backoff, its counts."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Final

from certtrace.delivery.addressed import is_for
from certtrace.delivery.backlog import Item, Pending
from certtrace.delivery.directory import Position
from certtrace.delivery.fates import Fate
from certtrace.delivery.isolation import Isolator
from certtrace.delivery.nudge import Nudges
from certtrace.delivery.pacing import CONFIG, FAULT, NETWORK, Pace
from certtrace.delivery.spool import Source, Spool
from certtrace.delivery.trouble import Notice
from certtrace.ports import DeliveryError, Destination, DestinationPausedError, Payload

_log = logging.getLogger(__name__)

_ATTEMPT_SECONDS: Final = 30.0
_IDLE_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.05
_LOG_AGAIN_SECONDS: Final = 3600.0
_LOGGED_CAUSES: Final = 50

OnDelivered = Callable[[str, float], None]
"""Told, for each payload that a destination took, its name and the seconds since the payload was spooled."""


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
    failure: str = ""
    """What kind of error the last one is: `config` (an operator has to mend something), `network` (it may pass by
    itself), `fault` (ours); empty after a success."""
    failures: int = 0
    """Failed attempts since the last success."""
    last_success_ns: int | None = None
    """When the destination last took something, wall clock; None: never in this process."""
    reduced: int = 0
    """Dead letters of which the destination took a part: with cut texts, or without content."""
    doubtful: int = 0
    """Successes whose answer was none of OTLP."""
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    """Those of this process by reason."""


class Lane:
    """Drains the spool to one destination on a daemon thread of its own, so that no other waits for it."""

    def __init__(
        self,
        spool: Spool,
        destination: Destination,
        upkeep: Callable[[], None],
        *,
        linger_seconds: float,
        on_delivered: OnDelivered | None = None,
    ) -> None:
        """Take the destination.

        Args:
            spool: What is drained.
            destination: Where to.
            upkeep: Called in every round, on this lane's thread.
            linger_seconds: Shortest time between two deliveries, so that single units gather to batches.
            on_delivered: Called on this lane's thread; what it raises is logged and costs nothing.
        """
        self._spool = spool
        self._destination = destination
        self._upkeep = upkeep
        self._linger_seconds = linger_seconds
        self._on_delivered = on_delivered
        self._logged: dict[str, float] = {}
        self._begin()

    def _begin(self) -> None:
        self._delivered = 0
        self._isolator = Isolator(self._spool.root, self.name, self._attempt, self._log_once)
        self._nudges = Nudges(self._spool.root)
        self._notice = Notice(self.name)
        self._done: dict[Source, dict[Position, Fate]] = {}
        self._thread: threading.Thread | None = None
        self._may_start: list[None] = [None]
        self._awake = threading.Event()
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._hurried = threading.Event()
        self._urgent = 0
        self._attempts = 0
        self._pace = Pace()

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
        # Claimed, not locked: under gevent a thread that is started lets others run, who would wait for the lock.
        try:
            self._may_start.pop()
        except IndexError:
            return
        thread = threading.Thread(target=self._run, name=f"certtrace-{self.name}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The interpreter is ending, or the process may have no more threads. The spool keeps what there is.
            self._may_start.append(None)
            self._log_once("No thread could be started; the traces stay in the spool.")
            return
        self._thread = thread

    def hurry(self) -> int:
        """Deliver without lingering until `end_hurry`, at once unless asked to wait; return what `drained` wants."""
        with self._changed:
            self._urgent += 1
            self._hurried.set()
            self._pace.retry_now()
            attempts = self._attempts
        self.wake()
        return attempts

    def retry_now(self) -> None:
        """Try at once, even where the destination is paused or asked to wait."""
        with self._changed:
            self._pace.retry_now(even_if_asked_to_wait=True)
        self.wake()

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
                failed = self._attempts > attempts and self._pace.failures > 0
                hopeless = self._thread is None or self._pace.retry_at > deadline or (failed and not retry)
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
        with self._changed:
            pace = replace(self._pace)
        waiting = pace.retry_at - time.monotonic()
        return LaneStatus(
            pending_units=pending.units,
            pending_bytes=pending.bytes,
            oldest_age_seconds=age,
            delivered=self._delivered,
            rejected=self._told("rejected"),
            dead_lettered=self._isolator.dead_lettered,
            lost=self._isolator.lost,
            paused=pace.paused,
            last_error=pace.error,
            retry_in_seconds=waiting if waiting > 0 else None,
            failure=pace.failure,
            failures=pace.failures,
            last_success_ns=pace.last_success_ns,
            reduced=self._isolator.reduced,
            doubtful=self._told("doubtful"),
            dead_letters=dict(self._isolator.by_reason),
        )

    def _told(self, count: str) -> int:
        return int(getattr(self._destination, count, 0))

    # --- on the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._awake.wait(self._seconds_to_wait())
            self._awake.clear()
            try:
                self._upkeep()
                if self._nudges.is_new():
                    self.retry_now()
                if not self._stopped.is_set() and time.monotonic() >= self._pace.retry_at:
                    self._round()
            except Exception as error:  # noqa: BLE001 - the thread must live; what failed is still in the spool
                self._failed(f"Unexpected {type(error).__name__}.", FAULT)
            self._notice.tell(self._spool.path, self._pace)
            self._linger()
        self._close_destination()

    def _seconds_to_wait(self) -> float:
        if self._pace.retry_at <= 0:
            return _IDLE_SECONDS
        return min(max(self._pace.retry_at - time.monotonic(), _LOOK_SECONDS), _IDLE_SECONDS)

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
            return source.read(self.name, self._pace.batch_bytes, self._pace.batch_units)
        except OSError as error:
            # One unreadable directory must not hold up the others.
            reason = error.strerror or type(error).__name__
            self._log_once(f"A part of the spool cannot be read ({reason}). It stays and is tried again.")
            return []

    def _deliver(self, source: Source, batch: Sequence[Item]) -> bool:
        """Deliver a batch; return whether all of it is done. What is done stays noted where the rest has to wait."""
        done = self._done.setdefault(source, {})
        # What is for others is passed over, and not counted.
        done.update((item.after, Fate.PASSED) for item in batch if not is_for(item.payload, self.name))
        try:
            try:
                # Spans and their scores alternate in the spool; one request per kind, not one per change.
                for kind in dict.fromkeys(item.payload.kind for item in batch):
                    left = [item for item in batch if item.payload.kind == kind and item.after not in done]
                    self._send(left, done)
            finally:
                self._ack(source, batch, done)
        except DestinationPausedError as error:
            self._failed(str(error), CONFIG, error.retry_after_seconds)
        except DeliveryError as error:
            self._failed(str(error), NETWORK, error.retry_after_seconds)
        except Exception as error:  # noqa: BLE001 - a destination is foreign code; the batch stays in the spool
            self._failed(f"Unexpected {type(error).__name__}.", FAULT)
        else:
            with self._changed:
                self._pace.settled()
            return True
        return False

    def _send(self, items: Sequence[Item], done: dict[Position, Fate]) -> None:
        before = self._told("rejected")
        self._isolator.send(items, done)
        refused = self._told("rejected") - before
        if refused > 0:
            said = str(getattr(self._destination, "rejection", ""))
            reason = f"{refused} spans or scores were refused inside a batch that was taken."
            # The other side's words may quote what was sent: they go where the content is, not into the log.
            if self._log_once(f"{reason} They are not sent again; one unit of the batch is kept as a sample."):
                self._isolator.keep_sample(items[0], f"Sample: {reason} {said}".rstrip())

    def _ack(self, source: Source, batch: Sequence[Item], done: dict[Position, Fate]) -> None:
        """Move the cursor over what is done without a gap, and count it."""
        prefix = list(takewhile(lambda item: item.after in done, batch))
        fates = {item.after: done.pop(item.after) for item in prefix}
        taken = [item for item in prefix if fates[item.after] == Fate.DELIVERED]
        # Counted first: who waits for the cursor reads the counts as soon as it has moved.
        self._delivered += len(taken)
        source.ack(self.name, prefix, fates)
        if not done:
            del self._done[source]
        self._tell_delivered(taken)

    def _tell_delivered(self, items: Sequence[Item]) -> None:
        if self._on_delivered is None:
            return
        now = time.time_ns()
        try:
            for item in items:
                # The wall clock, as another process may have spooled it; one that was set back gives no negative time.
                self._on_delivered(self.name, max(now - item.time_ns, 0) / 1e9)
        except Exception as error:  # noqa: BLE001 - whoever listens must not stop delivery
            self._log_once(f"Whoever listens to deliveries failed with {type(error).__name__}.")

    def _attempt(self, payloads: Sequence[Payload]) -> None:
        if self._stopped.is_set():
            msg = "Closing."
            raise DeliveryError(msg)
        self._destination.deliver(payloads, time.monotonic() + _ATTEMPT_SECONDS)
        if self._pace.failures:
            self._log_once("It takes traces again.")
        with self._changed:
            self._attempts += 1
            self._pace.succeeded()

    def _failed(self, reason: str, failure: str, retry_after: float | None = None) -> None:
        if self._stopped.is_set():
            return
        with self._changed:
            self._attempts += 1
            self._pace.failed(reason, failure, retry_after)
            self._changed.notify_all()
        self._log_once(f"{reason} Its traces wait in the spool.")

    def _log_once(self, reason: str) -> bool:
        """Log a cause, and not again for a while: a destination that comes and goes must not flood the host's log."""
        now = time.monotonic()
        if len(self._logged) >= _LOGGED_CAUSES:
            self._logged = {cause: again for cause, again in self._logged.items() if again > now}
        if now < self._logged.get(reason, 0.0) or len(self._logged) >= _LOGGED_CAUSES:
            return False
        self._logged[reason] = now + _LOG_AGAIN_SECONDS
        _log.warning("Destination %s: %s", self.name, reason)
        return True
