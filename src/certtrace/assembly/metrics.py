"""What certtrace says of itself through OpenTelemetry's metrics API.

Nothing is measured until a meter provider is set, before or after `configure()`: the instruments are read when somebody
collects. Counts go on over several `configure()` and `shutdown()`; a forked child counts for itself, from zero.
"""

import logging
import os
import time
import weakref
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Final, TypeAlias

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation

from certtrace.assembly.measures import DESTINATION, INSTRUMENTS, Attributes, Reading
from certtrace.assembly.running import Running

_log = logging.getLogger("certtrace")

_MAX_AGE_SECONDS: Final = 1.0
"""Age at which a reading is not used for the rest of a collection."""
_DURATIONS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0)

Values: TypeAlias = dict[Attributes, float]

DURATION: Final = "certtrace.delivery.duration"
"""The histogram: seconds from a record's spooling to the moment a destination had taken it."""


class Observed:
    """The pipelines of this process that run, and the counts of those that ran."""

    def __init__(self) -> None:
        """Start with none."""
        self._live: list[weakref.ref[Running]] = []
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._ended: dict[str, Values] = {}

    def add(self, running: Running) -> Callable[[], None]:
        """Observe a pipeline; return what ends that and keeps its counts."""
        own = weakref.ref(running)
        self._live = [*self._live, own]

        def end() -> None:
            ended = own()
            if ended is not None and any(each is own for each in self._live):
                self._live = [each for each in self._live if each is not own]
                self._remember(ended)

        return lambda: _guarded(end)

    def _remember(self, running: Running) -> None:
        self._notice_fork()
        for name, values in _values([running]).items():
            if _KINDS[name] == "counter":
                before = self._ended.setdefault(name, {})
                for attributes, value in values.items():
                    before[attributes] = before.get(attributes, 0) + value

    def _notice_fork(self) -> None:
        if self._pid != os.getpid():
            self._begin()  # what ended before the fork was the parent's

    def values(self) -> dict[str, Values]:
        """Return every instrument's values, all of one moment."""
        self._notice_fork()
        found = _values([running for each in self._live if (running := each()) is not None])
        for name, before in self._ended.items():
            values = found.setdefault(name, {})
            for attributes, value in before.items():
                values[attributes] = values.get(attributes, 0) + value
        return found


def _guarded(end: Callable[[], None]) -> None:
    try:
        end()
    except Exception as error:  # noqa: BLE001 - the end of a pipeline goes on without its last counts
        _log.error("The last metrics of a pipeline could not be read (%s).", type(error).__name__)


_KINDS: Final = {instrument.name: instrument.kind for instrument in INSTRUMENTS}


def _values(pipelines: Iterable[Running]) -> dict[str, Values]:
    found: dict[str, Values] = {}
    for running in pipelines:
        reading = Reading.of(running)
        for instrument in INSTRUMENTS:
            values = found.setdefault(instrument.name, {})
            for value, attributes in instrument.read(reading):
                values[attributes] = values.get(attributes, 0) + value
    return found


class Instruments:
    """The instruments on one meter."""

    def __init__(self, meter: Meter, observed: Observed) -> None:
        """Create the instruments; on a meter without a provider they wait for one."""
        self._observed = observed
        self._values: dict[str, Values] = {}
        self._asked: set[str] = set()
        self._read_at = float("-inf")
        self._failed = False
        for instrument in INSTRUMENTS:
            create = getattr(meter, f"create_observable_{instrument.kind}")
            create(
                instrument.name,
                callbacks=[self._callback(instrument.name)],
                unit=instrument.unit,
                description=instrument.description,
            )
        self._duration: Histogram = meter.create_histogram(
            DURATION,
            unit="s",
            description="From the spooling of a record to the moment a destination had taken it.",
            explicit_bucket_boundaries_advisory=_DURATIONS,
        )

    def delivered(self, destination: str, seconds: float) -> None:
        """Record one delivery."""
        self._duration.record(seconds, {DESTINATION: destination})

    def _callback(self, name: str) -> Callable[[CallbackOptions], list[Observation]]:
        def callback(_options: CallbackOptions) -> list[Observation]:
            try:
                return [Observation(value, dict(attributes)) for attributes, value in self._of(name).items()]
            except Exception as error:  # noqa: BLE001 - a collection is the host's; it must not fail for our sake
                if not self._failed:
                    self._failed = True
                    _log.error("Metrics could not be read (%s).", type(error).__name__)
                return []

        return callback

    def _of(self, name: str) -> Values:
        """Return an instrument's values; in one collection all instruments see one moment, so that sums hold."""
        now = time.monotonic()
        if name in self._asked or now - self._read_at > _MAX_AGE_SECONDS:
            self._asked = set()
            self._values = self._observed.values()
            self._read_at = now
        self._asked.add(name)
        return self._values.get(name, {})


class _Process:
    """What this process observes."""

    observed = Observed()
    instruments: Instruments | None = None


def observe(running: Running) -> Callable[[], None]:
    """Let the metrics speak of a running pipeline; return what ends that. Never raises."""
    try:
        if _Process.instruments is None:
            _Process.instruments = Instruments(metrics.get_meter("certtrace", _version()), _Process.observed)
        return _Process.observed.add(running)
    except Exception as error:  # noqa: BLE001 - a meter provider is the host's code; traces go on without metrics
        _log.error("Metrics could not be set up (%s); traces are not affected.", type(error).__name__)
        return lambda: None


def delivered(destination: str, seconds: float) -> None:
    """Record how long a record took to a destination; for `Delivery(on_delivered=...)`."""
    if _Process.instruments is not None:
        _Process.instruments.delivered(destination, seconds)


def _version() -> str:
    try:
        return version("certtrace")
    except PackageNotFoundError:
        return "0"
