"""Signed in, as a browser is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from tests.server.serving import Serving

from certtrace.server.access import Role


def visitor(box: Serving) -> httpx.Client:
    """Return a client that is nobody."""
    return httpx.Client(base_url=box.url, timeout=20, verify=False)  # no certificates to load: it is plain HTTP


def ask(method: str, address: str, **given: Any) -> httpx.Response:
    """Ask once, without a session."""
    return httpx.request(method, address, timeout=20, verify=False, **given)


@contextmanager
def signed_in(box: Serving, role: Role = Role.READER) -> Iterator[httpx.Client]:
    """Give a client with a session of a key of that role."""
    key = box.keys[role]
    with visitor(box) as client:
        answer = client.post("/sign-in", data={"public_key": key.public_key, "secret_key": key.secret_key})
        assert answer.status_code == 303, answer.text
        yield client
