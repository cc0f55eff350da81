"""No violation that axe-core knows of, on any view, in both themes."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from tests.server.pages import stored
from tests.server.pages.browsing import NARROW, WIDE, Window, window
from tests.server.serving import Serving

from certtrace.server.access import Role

SIGNED_IN = (
    "/",
    "/?failed=1&tag=pilot&since=soon&order=newest",
    "/?name=none",
    f"/traces/{stored.FAILED}",
    f"/traces/{stored.GRADED}?observation={20:016x}",
    f"/traces/{stored.GRADED}?observation={20:016x}&whole=input",
    "/nowhere",
)


def check(tab: Window, path: str) -> None:
    found = Axe().run(tab.page)
    said = [
        f"{each['id']}: {node['target']} {node.get('failureSummary', '')}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]
    assert said == [], path


def test_the_page_of_a_failed_trace_has_no_violation(chromium: Any, filled: Serving) -> None:
    with window(chromium, filled, theme="dark") as tab:
        tab.go(f"/traces/{stored.FAILED}")
        check(tab, stored.FAILED)


@pytest.mark.slow
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_view_has_a_violation(chromium: Any, filled: Serving, empty: Serving, theme: str, width: int) -> None:
    with window(chromium, filled, theme=theme, width=width) as tab:
        for path in SIGNED_IN:
            tab.go(path)
            # Backwards: the menu of the account stands first and lies above what follows.
            for each in reversed(tab.page.locator("details:not(.below) > summary").all()):
                each.click()
            check(tab, path)
    with window(chromium, filled, theme=theme, width=width, role=None) as tab:
        tab.go("/sign-in")
        check(tab, "/sign-in")
        tab.sign_in(secret="sk-lf-wrong")
        check(tab, "a wrong key")
        tab.sign_in(Role.WRITER)
        tab.page.wait_for_url(f"{filled.url}/")
        check(tab, "a wrong role")
    with window(chromium, empty, theme=theme, width=width) as tab:
        check(tab, "nothing recorded")
