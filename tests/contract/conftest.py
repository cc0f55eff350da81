"""The server that the contract is asserted against: a box of our own, or any other by environment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from langfuse import Langfuse
from opentelemetry.sdk.trace import TracerProvider
from tests.contract.target import Target
from tests.server.alone import sdk_alone  # noqa: F401 - a fixture
from tests.server.serving import serving

from certtrace.server.access import Role

URL, PUBLIC_KEY, SECRET_KEY = (f"CERTTRACE_CONTRACT_{name}" for name in ("URL", "PUBLIC_KEY", "SECRET_KEY"))


@contextmanager
def target_at(url: str, public_key: str, secret_key: str, *, foreign: bool) -> Iterator[Target]:
    client = Langfuse(
        public_key=public_key, secret_key=secret_key, base_url=url, tracer_provider=TracerProvider(), timeout=20
    )
    with httpx.Client(base_url=url, auth=(public_key, secret_key), timeout=30) as http:
        [project] = http.get("/api/public/projects").raise_for_status().json()["data"]
        try:
            yield Target(url, public_key, secret_key, http, client, project["id"], foreign)
        finally:
            client.shutdown()


@pytest.fixture(scope="session")
def foreign_target() -> Iterator[Target]:
    """Take the server that the environment names (CERTTRACE_CONTRACT_URL and its keys)."""
    with target_at(os.environ[URL], os.environ[PUBLIC_KEY], os.environ[SECRET_KEY], foreign=True) as foreign:
        yield foreign


@pytest.fixture(scope="module")
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Serve a box, or take the server that the environment names."""
    if os.environ.get(URL):
        yield request.getfixturevalue("foreign_target")
        return
    # One for each module: between two modules, tests of others may put a gate before the client.
    with serving(tmp_path_factory.mktemp("contract")) as box:
        key = box.keys[Role.ADMIN]
        with target_at(box.url, key.public_key, key.secret_key, foreign=False) as ours:
            yield ours
