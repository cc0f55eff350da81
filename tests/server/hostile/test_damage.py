"""A store that cannot be read says so to whoever runs the server, and to nobody else."""

import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.server.serving import Serving, serving

from certtrace.server.access import Role


@pytest.fixture
def damaged(tmp_path: Path) -> Iterator[Serving]:
    """A server whose store is overwritten when it has been used."""
    with serving(tmp_path) as box:
        box.client().get("/api/public/traces").raise_for_status()
        box.box.store.close()
        for path in tmp_path.glob("store.db*"):
            path.write_bytes(b"no store " * 1_000)
        yield box


def test_neither_page_nor_route_names_files_of_the_machine(damaged: Serving, caplog: pytest.LogCaptureFixture) -> None:
    key = damaged.keys[Role.READER]
    caplog.set_level(logging.ERROR)
    with httpx.Client(base_url=damaged.url, timeout=20) as browser:
        browser.post("/sign-in", data={"public_key": key.public_key, "secret_key": key.secret_key})
        answers = [browser.get("/"), damaged.client().get("/api/public/traces")]
    for answer in answers:
        assert answer.status_code == 503
        assert str(damaged.home) not in answer.text
    assert sum(str(damaged.home) in record.getMessage() for record in caplog.records) == 2
