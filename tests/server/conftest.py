"""A server for each module of tests."""

from collections.abc import Iterator

import pytest
from tests.server.alone import sdk_alone  # noqa: F401 - a fixture
from tests.server.serving import Serving, serving


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("box")) as running:
        yield running
