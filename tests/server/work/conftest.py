"""The unmodified Langfuse client, connected to the box."""

from collections.abc import Iterator

import httpx
import pytest
from langfuse.api import LangfuseAPI
from tests.server.serving import Serving

from certtrace.server.access import Role


@pytest.fixture(scope="module")
def api(box: Serving) -> Iterator[LangfuseAPI]:
    """The generated API client as `langfuse.api` has it, with an admin's key."""
    key = box.keys[Role.ADMIN]
    client = LangfuseAPI(
        base_url=box.url,
        username=key.public_key,
        password=key.secret_key,
        x_langfuse_public_key=key.public_key,
        x_langfuse_sdk_name="python",
        x_langfuse_sdk_version="5.0.4",
    )
    yield client
    client._client_wrapper.httpx_client.httpx_client.close()


@pytest.fixture(scope="module")
def anyone(box: Serving) -> Iterator[httpx.Client]:
    """A client without a key."""
    with httpx.Client(base_url=box.url, timeout=20) as client:
        yield client
