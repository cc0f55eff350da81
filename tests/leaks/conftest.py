"""A pipeline with everything it sends and writes kept, shared by the tests of one module."""

import io
import logging
from contextlib import contextmanager

import pytest
from tests.leaks.plants import CONTROL, EVERYTHING

import certtrace
from certtrace.testing import find_leaks
from certtrace.testing.sink import Sink


class WayOut:
    """What left: requests on a real server, files below the data folder, the log."""

    def __init__(self, sink, home, log):
        self.sink = sink
        self.home = home
        self.log = log
        self._mark = 0

    def flush(self):
        assert certtrace.force_flush(20).delivered

    def sent(self):
        """Return what was sent since the last call, with names."""
        self.flush()
        new, self._mark = self.sink.requests[self._mark :], len(self.sink.requests)
        return {f"{number} {each.path} {part}": data for number, each in enumerate(new) for part, data in each.parts()}

    def on_disk(self):
        return {"home": self.home, "log": self.log.getvalue()}

    def check(self, *, carries=True, canaries=EVERYTHING):
        """Assert that nothing planted was sent, and that the word beside it was."""
        sent = self.sent()
        assert find_leaks(canaries, sent) == []
        assert bool(find_leaks({"control": CONTROL}, sent)) == carries

    def check_disk(self, canaries=EVERYTHING):
        """Assert that nothing planted was written, in a log least of all."""
        self.flush()
        assert find_leaks(canaries, self.on_disk()) == []
        assert any(CONTROL.encode() in path.read_bytes() for path in self.home.rglob("*") if path.is_file())


@contextmanager
def configured(home, **settings):
    kept = io.StringIO()
    handler = logging.StreamHandler(kept)
    logger = logging.getLogger("certtrace")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    with Sink() as sink:
        given = {
            "service_name": "leaks",
            "destinations": ["store", "langfuse"],
            "langfuse_base_url": sink.url,
            "langfuse_public_key": "pk-lf-leaks",
            "langfuse_secret_key": "sk-lf-leaks",
            "instrument_langfuse": False,
        }
        certtrace.configure(home=home, **{**given, **settings})
        try:
            yield WayOut(sink, home, kept)
        finally:
            certtrace.shutdown(10)
            logger.setLevel(level)
            logger.removeHandler(handler)


@pytest.fixture(scope="module")
def way_out(tmp_path_factory):
    with configured(tmp_path_factory.mktemp("leaks") / "home") as opened:
        yield opened


@pytest.fixture
def fresh(tmp_path):
    """Configure a pipeline of the test's own, with settings of its own."""
    with_settings = []

    def start(**settings):
        manager = configured(tmp_path / "home", **settings)
        with_settings.append(manager)
        return manager.__enter__()

    yield start
    for manager in with_settings:
        manager.__exit__(None, None, None)
