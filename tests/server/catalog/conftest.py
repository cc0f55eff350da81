"""One box for all tests of the catalog, the unmodified clients, and names that no other test uses."""

import itertools
from collections.abc import Callable, Iterator

import httpx
import pytest
from langfuse import Langfuse
from opentelemetry.sdk.trace import TracerProvider
from tests.server.serving import Serving, serving

from certtrace.server.access import Role


@pytest.fixture(scope="package")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("catalog")) as running:
        yield running


@pytest.fixture(scope="package")
def langfuse(box: Serving) -> Iterator[Langfuse]:
    """The unmodified client with an admin's key."""
    key = box.keys[Role.ADMIN]
    client = Langfuse(
        public_key=key.public_key,
        secret_key=key.secret_key,
        base_url=box.url,
        tracer_provider=TracerProvider(),
        flush_interval=0.1,
    )
    yield client
    client.shutdown()


@pytest.fixture
def http(box: Serving) -> httpx.Client:
    return box.client()


@pytest.fixture(scope="package")
def other(box: Serving) -> Iterator[httpx.Client]:
    """An admin of another project."""
    key = box.box.access.create(box.box.access.project("other"), [Role.ADMIN])
    with httpx.Client(base_url=box.url, auth=(key.public_key, key.secret_key), timeout=20) as client:
        yield client


@pytest.fixture(scope="package")
def counter() -> Iterator[int]:
    return itertools.count()


@pytest.fixture
def fresh(counter: Iterator[int]) -> Callable[[str], str]:
    """Return a name like the one given that no other test uses."""
    return lambda name: f"{name}-{next(counter)}"
