"""A browser on the pages, with everything that it should never do written down."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.server.serving import Serving

from certtrace.server.access import Role

WIDE, MIDDLE, NARROW = 1440, 768, 360


@dataclass
class Window:
    """One tab."""

    page: Any
    box: Serving
    complaints: list[str] = field(default_factory=list)
    """Dialogs, errors on the console, and requests to elsewhere."""

    def go(self, path: str) -> None:
        """Open a path of the server."""
        self.page.goto(self.box.url + path)

    def sign_in(self, role: Role = Role.READER, secret: str | None = None) -> None:
        """Fill in the form that is shown."""
        key = self.box.keys[role]
        self.page.get_by_label("Public key").fill(key.public_key)
        self.page.get_by_label("Secret key").fill(secret or key.secret_key)
        self.page.get_by_role("button", name="Sign in").click()

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def heading(self) -> str:
        """Return the page's first heading."""
        return self.page.locator("h1").inner_text()


@contextmanager
def window(
    chromium: Any, box: Serving, *, width: int = WIDE, theme: str = "light", role: Role | None = Role.READER
) -> Iterator[Window]:
    """Open a tab, signed in unless `role` is None."""
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    opened = Window(context.new_page(), box)
    opened.page.on("dialog", lambda dialog: (opened.complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
    opened.page.on("pageerror", lambda error: opened.complaints.append(f"error {error}"))
    opened.page.on("console", lambda said: opened.complaints.append(f"console {said.text}"))
    opened.page.on("request", lambda asked: _note_elsewhere(opened, asked.url))
    try:
        if role is not None:
            opened.go("/sign-in")
            opened.sign_in(role)
            opened.page.wait_for_url(f"{box.url}/")
        yield opened
    finally:
        context.close()


def _note_elsewhere(opened: Window, address: str) -> None:
    if not address.startswith(opened.box.url + "/"):
        opened.complaints.append(f"request {address}")
