"""Run code through the real pipeline, keep everything that leaves it, and fail if a canary value is in it."""

import io
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from certtrace.assembly import current_running, install, restore
from certtrace.assembly.build import build
from certtrace.assembly.running import Running
from certtrace.errors import ConfigurationError
from certtrace.settings import isolated
from certtrace.testing.canaries import Canaries, Canary, canaries_of
from certtrace.testing.finding import Leak, Searcher, refuse
from certtrace.testing.recorder import FinishedSpan, Recorder
from certtrace.testing.sink import Sink
from certtrace.testing.sources import Sources, named_sources

_OWN: Final = frozenset({"home", "destinations", "langfuse_base_url", "langfuse_public_key", "langfuse_secret_key"})
"""Settings that the check itself decides."""
_PATIENCE_SECONDS: Final = 10.0


class LeakCheck:
    """What the code under test has exported so far, and the canary values that must not be in it."""

    def __init__(self, running: Running, sink: Sink, log: io.StringIO) -> None:
        """Take the pipeline and where its output arrives."""
        self._running = running
        self._sink = sink
        self._log = log
        self._canaries: list[Canary] = []
        self._added: list[tuple[str, bytes]] = []
        self._recorder = Recorder(lambda: running.pipeline.flush(_PATIENCE_SECONDS))
        running.pipeline.stations.listeners.append(self._recorder.take)

    def plant(self, canaries: Canaries) -> None:
        """Add values that must not leave.

        Raises:
            ConfigurationError: A canary is too short to be told from coincidence.
        """
        self._canaries += canaries_of(canaries)

    def add(self, name: str, source: Sources) -> None:
        """Also search this: a log of the service, a report, a file that it wrote."""
        self._added += named_sources(source, name)

    @property
    def spans(self) -> list[FinishedSpan]:
        """The finished, redacted spans, as `certtrace_spans` gives them."""
        return self._recorder.spans

    def exported(self) -> list[tuple[str, bytes]]:
        """Return every piece of data that left so far, with its name.

        Raises:
            AssertionError: Not everything could be exported in time.
        """
        __tracebackhide__ = True
        result = self._running.flush(_PATIENCE_SECONDS)
        if not result.delivered:
            msg = f"What was recorded was not exported within {_PATIENCE_SECONDS:.0f} s ({result}); nothing is proved."
            raise AssertionError(msg)
        found = [
            (f"request {number} ({request.method} {request.path.partition('?')[0]}), {part}", data)
            for number, request in enumerate(self._sink.requests, 1)
            for part, data in request.parts()
        ]
        found += named_sources(self._running.settings.home, "data folder")
        return [*found, ("log", self._log.getvalue().encode("utf-8", "surrogatepass")), *self._added]

    def leaks(self) -> list[Leak]:
        """Return where canary values stand in what was exported so far.

        Raises:
            AssertionError: No canary was planted, nothing was recorded, or not everything was exported.
        """
        __tracebackhide__ = True
        exported = self.exported()
        if not self._canaries:
            msg = "No canary was planted, so nothing is proved. Plant the values that the code under test is given."
            raise AssertionError(msg)
        if not self._sink.requests:
            msg = (
                "Nothing was recorded, so nothing is proved. Call traced code inside the check, and let it be sampled."
            )
            raise AssertionError(msg)
        return Searcher(tuple(self._canaries)).leaks(exported)

    def assert_none(self) -> None:
        """Fail if a canary value stands in what was exported so far.

        Raises:
            AssertionError: A canary was found; or none was planted, or nothing was recorded.
        """
        __tracebackhide__ = True
        refuse(self.leaks())


@contextmanager
def leak_check(canaries: Canaries = (), **settings: Any) -> Iterator[LeakCheck]:
    """Record what the code inside does through the real pipeline, and fail at the end if a canary value left it.

    Spans, scores and what a `langfuse` client sends go to a server on loopback; store, spool and ledger are files in a
    temporary folder; certtrace's log is kept too. All of it is searched. No environment variable is read, and what ran
    before runs again afterwards.

    Args:
        canaries: Values that must not leave, or values by the name that reports show instead.
        settings: Fields of `certtrace.settings.Settings`, such as `redaction_profile`.

    Raises:
        AssertionError: A canary was found; or none was planted, or nothing was recorded.
        ConfigurationError: A canary is too short, or a setting cannot be used.
    """
    __tracebackhide__ = True
    with observed(settings) as check:
        if canaries:
            check.plant(canaries)
        yield check
        check.assert_none()


@contextmanager
def observed(settings: dict[str, Any]) -> Iterator[LeakCheck]:
    """Run a pipeline of its own with everything it sends and writes kept; nothing is asserted."""
    own = sorted(_OWN & settings.keys())
    if own:
        msg = f"{', '.join(own)} cannot be given to a leak check: it has a data folder and a server of its own."
        raise ConfigurationError(msg)
    with tempfile.TemporaryDirectory(prefix="certtrace-") as folder, Sink() as sink, _kept_log() as log:
        running = build(isolated(**{**_settings(Path(folder), sink), **settings}))
        check = LeakCheck(running, sink, log)
        before = current_running()
        install(running)
        try:
            yield check
        finally:
            restore(before)
            running.close(time.monotonic() + _PATIENCE_SECONDS)


def _settings(folder: Path, sink: Sink) -> dict[str, Any]:
    return {
        "home": folder / "data",
        "destinations": ("store", "langfuse"),
        "langfuse_base_url": sink.url,
        "langfuse_public_key": "pk-lf-leak-check",
        "langfuse_secret_key": "sk-lf-leak-check",
        # Only where the code under test uses the SDK: loading it costs more than the whole check.
        "instrument_langfuse": "langfuse" in sys.modules,
    }


@contextmanager
def _kept_log() -> Iterator[io.StringIO]:
    """Keep what certtrace logs, at every level."""
    logger = logging.getLogger("certtrace")
    kept = io.StringIO()
    handler = logging.StreamHandler(kept)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield kept
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
