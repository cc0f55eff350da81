"""Removes the bytes of media that nothing uses any more, such as those of deleted traces."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from certtrace.records.catalog.media import all_media
from certtrace.server.box import Box
from certtrace.server.media import files

_SPARED_SECONDS: Final = 60.0
"""A younger file may be one that is being written."""


def remove_unused(box: Box, now: float | None = None) -> int:
    """Remove the files that belong to no medium; return how many there were."""
    before = (time.time() if now is None else now) - _SPARED_SECONDS
    with box.store.reading() as connection:
        kept = set(_kept(connection, box.media_folder))
    unused = [path for path in box.media_folder.glob("*/*") if path not in kept and _is_older(path, before)]
    for path in unused:
        path.unlink(missing_ok=True)
    return len(unused)


def _kept(connection: sqlite3.Connection, folder: Path) -> Iterator[Path]:
    for project, medium_id in all_media(connection):
        yield files.path_of(folder, project, medium_id)


def _is_older(path: Path, before: float) -> bool:
    try:
        return path.is_file() and path.stat().st_mtime < before
    except FileNotFoundError:
        return False
