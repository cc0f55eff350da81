"""The files that pages load: one style sheet and one icon, from this server only."""

import hashlib
from functools import lru_cache
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Response

from certtrace.server.pages.headers import SAFE

router = APIRouter(include_in_schema=False)

_TYPES: Final = {"page.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}
_KEPT: Final = "public, max-age=31536000, immutable"


@router.get("/assets/{version}/{name}")
def asset(version: str, name: str) -> Response:
    """Answer with one file. Its address changes with its content, so that browsers may keep it."""
    if name not in _TYPES:
        return Response(status_code=404, headers=SAFE)
    content, current = _read(name)
    # An address of another version is answered too: a page of before an update may still be open.
    kept = _KEPT if version == current else "no-store"
    return Response(content, headers={**SAFE, "Cache-Control": kept}, media_type=_TYPES[name])


def asset_url(name: str) -> str:
    """Return the address of a file."""
    return f"/assets/{_read(name)[1]}/{name}"


@lru_cache(maxsize=len(_TYPES))
def _read(name: str) -> tuple[bytes, str]:
    content = (files("certtrace.server.pages") / "assets" / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:12]
