"""The pytest plugin: fixture `certtrace_spans` gives a test the finished, redacted spans of the code under test."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from certtrace.testing import Recorder


@pytest.fixture
def certtrace_spans() -> "Iterator[Recorder]":
    """Record what the test does, in memory; whatever was configured before is restored afterwards."""
    from certtrace.testing import recording  # noqa: PLC0415 - projects that do not use the fixture do not pay for the SDK

    with recording() as recorder:
        yield recorder
