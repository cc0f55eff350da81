"""What a check says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

State: TypeAlias = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of an examination. Holds no key and nothing personal: it is printed and pasted into tickets."""

    area: str
    """Such as `configuration`, `disk` or the name of a destination."""
    state: State
    what: str
    remedy: str = ""
    """What to do; empty where nothing is to be done."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """The same for programs."""


def ok(area: str, what: str, **facts: Any) -> Finding:
    """Return that something is as it should be."""
    return Finding(area, "ok", what, facts=facts)


def warning(area: str, what: str, remedy: str, **facts: Any) -> Finding:
    """Return that something works, and may not be what is wanted."""
    return Finding(area, "warning", what, remedy, facts)


def wrong(area: str, what: str, remedy: str, **facts: Any) -> Finding:
    """Return that something does not work."""
    return Finding(area, "wrong", what, remedy, facts)
