"""What every route shares: the store, who may do what, and what redacts."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from certtrace.ports import UnitRedactor
from certtrace.records.database import Database

if TYPE_CHECKING:
    from certtrace.server.access import Access


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what one request may cost."""

    body_bytes: int = 64 * 1024 * 1024
    """Longest body after unpacking."""
    packed_bytes: int = 16 * 1024 * 1024
    """Longest body as it comes over the wire."""
    depth: int = 128
    """Deepest nesting of JSON and of OTLP values."""
    requests: int = 64
    """Requests worked on at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One running server's parts."""

    store: Database
    access: "Access"
    redactor: UnitRedactor
    """Redacts what arrives from elsewhere than certtrace, before it is stored."""
    trusted_policies: frozenset[str] = frozenset()
    """Versions of redaction policies: a span whose receipt names one of them has been redacted already."""
    media_folder: Path
    base_url: str
    """Where clients reach this server, without a slash at the end; links are made with it."""
    hosts: frozenset[str] = frozenset()
    """Further names by which clients reach this server."""
    limits: Limits = field(default_factory=Limits)
    secure_cookies: bool = False
    """Whether cookies are for TLS only."""


def box_of(request: Request) -> Box:
    """Return the box that serves a request."""
    box: Box = request.app.state.box
    return box


InBox = Annotated[Box, Depends(box_of)]
