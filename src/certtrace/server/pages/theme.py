"""Light or dark: as the system has it, or as chosen, which a cookie keeps."""

from typing import Final

from fastapi import Request

THEMES: Final = ("system", "light", "dark")
THEME_COOKIE: Final = "certtrace_theme"


def theme_of(request: Request) -> str:
    """Return the chosen theme: `system`, `light` or `dark`."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else "system"
