"""Media that items of datasets refer to: where each reference stands, and where its bytes are.

Only a text that is a reference as a whole counts: clients put the medium in the place of the whole text.
"""

import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from certtrace.records.catalog import media
from certtrace.records.langfuse_json import iso
from certtrace.server.box import Box
from certtrace.server.media.links import DOWNLOAD_SECONDS, Link, signed

_REFERENCE: Final = re.compile(r"@@@langfuseMedia:([^@]+)@@@")
_MOST: Final = 1_000
"""References looked up for one item."""


def media_references(
    box: Box, connection: sqlite3.Connection, project: str, fields: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the references in an item whose media are here.

    Args:
        box: Makes the addresses.
        connection: An open store.
        project: The project.
        fields: The item's values by the names of its fields.
    """
    found: list[dict[str, Any]] = []
    looked_up: dict[str, dict[str, Any] | None] = {}
    for field, path, reference, medium_id in _references(fields):
        if medium_id not in looked_up:
            if len(looked_up) >= _MOST:
                break
            looked_up[medium_id] = _medium(box, connection, project, medium_id)
        medium = looked_up[medium_id]
        if medium is not None:
            found.append({"field": field, "referenceString": reference, "jsonPath": path, "media": medium})
    return found


def _references(fields: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for field, value in fields.items():
        for path, text in _texts("$", value):
            match = _REFERENCE.fullmatch(text)
            medium_id = _id_in(match[1]) if match else None
            if medium_id is not None:
                yield field, path, text, medium_id


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the texts in a value with their JSON paths; keys stand in quotes as they are."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(f"{path}['{key}']", each)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(f"{path}[{index}]", each)


def _id_in(inner: str) -> str | None:
    parts = dict(part.partition("=")[::2] for part in inner.split("|"))
    return parts.get("id") if parts.keys() >= {"type", "id", "source"} else None


def _medium(box: Box, connection: sqlite3.Connection, project: str, medium_id: str) -> dict[str, Any] | None:
    known = media.get_medium(connection, project, medium_id)
    if known is None or not known.is_stored:
        return None
    expires_at = int(time.time()) + DOWNLOAD_SECONDS
    token = signed(box.media_folder, Link("download", project, known.id, expires_at))
    return {
        "mediaId": known.id,
        "contentType": known.content_type,
        "contentLength": known.content_length,
        "url": f"{box.base_url}/api/public/media/files/{token}",
        "urlExpiry": iso(expires_at * 1_000_000_000),
    }
