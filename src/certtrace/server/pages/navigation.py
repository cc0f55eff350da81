"""The views that the pages' navigation leads to. A new view adds its row here."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class View:
    """One entry of the navigation."""

    id: str
    """What a page gives as `view` to stand out here."""
    label: str
    href: str


VIEWS: Final = (View("traces", "Traces", "/"),)
