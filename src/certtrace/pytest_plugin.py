"""The pytest plugin: a test sees the finished, redacted spans of the code under test, and that nothing leaked."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from certtrace.testing import LeakCheck, Recorder


@pytest.fixture
def certtrace_spans() -> "Iterator[Recorder]":
    """Record what the test does, in memory; whatever was configured before is restored afterwards."""
    from certtrace.testing import recording  # noqa: PLC0415 - projects that do not use the fixture do not pay for the SDK

    with recording() as recorder:
        yield recorder


@pytest.fixture
def certtrace_leaks() -> "Iterator[LeakCheck]":
    """Export what the test records to a server of its own, and fail if a planted value is in it.

    Call `certtrace_leaks.plant({"candidate": "Ada Zimmermann"})` with what the code under test is given.
    """
    from certtrace.testing import leak_check  # noqa: PLC0415 - as above

    __tracebackhide__ = True
    with leak_check() as check:
        yield check
