"""Whether the server works."""

from typing import Final

from fastapi import APIRouter, Response

from certtrace.server.answers import answer
from certtrace.server.box import InBox

router: Final = APIRouter(prefix="/api/public", tags=["health"])

LANGFUSE_VERSION: Final = "4.59.0"
"""The Langfuse server this one answers like: the first that the SDK 5.x works with."""


@router.get("/health")
def health(box: InBox) -> Response:
    """Tell that the store can be read; needs no key."""
    with box.store.reading():
        return answer({"status": "OK", "version": LANGFUSE_VERSION})
