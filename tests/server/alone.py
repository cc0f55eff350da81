"""Tests that use the `langfuse` SDK by itself, in a process where other tests had certtrace configured."""

from collections.abc import Iterator

import pytest

from certtrace.assembly.langfuse_gate import release


@pytest.fixture(scope="module", autouse=True)
def sdk_alone() -> Iterator[None]:
    """Take the gate away that certtrace put before the SDK: its clients speak to the server themselves."""
    release()
    yield
    release()
