"""A server with traces to look at, a reader who is signed in, and a browser."""

import shutil
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.server.pages import stored
from tests.server.pages.signing import signed_in
from tests.server.serving import Serving, serving

_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("filled")) as box:
        stored.write(box, *stored.grading(), scores=stored.scores())
        stored.write(box, *stored.grading(stored.FAILED, failed=True))
        stored.write(box, *(stored.plain(number) for number in range(100, 160)))
        yield box


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("empty")) as box:
        yield box


@pytest.fixture(scope="module")
def reader(filled: Serving) -> Iterator[httpx.Client]:
    with signed_in(filled) as client:
        yield client


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if found is None:
        pytest.skip("no Chromium on this machine: the pages are not looked at in a browser")
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=_FLAGS)
        except Error as error:
            pytest.skip(f"{found} does not start here: {error.message.splitlines()[0]}")
        yield browser
        browser.close()
