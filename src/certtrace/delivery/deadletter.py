"""Payloads that a destination will never take: kept on disk with the reason, readable, replayable, out of the way."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from certtrace.delivery import frames
from certtrace.delivery.addressed import payload_of, record_of
from certtrace.delivery.backlog import Item
from certtrace.delivery.directory import SUFFIX
from certtrace.delivery.files import Handle, create_for_append, make_private_folder, read_from, write_whole
from certtrace.delivery.frames import Record, RecordType
from certtrace.delivery.spool import Spool
from certtrace.ports import Payload

FOLDER: Final = ".dead-letters"


@dataclass(slots=True, frozen=True)
class DeadLetter:
    """One refused payload as it lies on disk."""

    path: Path
    payload: Payload
    destination: str
    reason: str
    time_ns: int


def bury(root: Path, destination: str, item: Item, reason: str) -> Path:
    """Write one refused payload; return its path.

    Raises:
        OSError: The disk refuses.
        SpoolError: The folder is not ours.
    """
    folder = root / FOLDER
    make_private_folder(folder)
    now = time.time_ns()
    path = folder / f"{now:020d}-{os.getpid()}-{os.urandom(4).hex()}{SUFFIX}"
    payload = item.payload
    trace_id = int(payload.trace_id, 16) if payload.trace_id else 0
    content = record_of(payload, item.sequence, item.time_ns)
    note = json.dumps({"destination": destination, "reason": reason}).encode()
    why = Record(RecordType.REASON, item.sequence, trace_id, note, time_ns=now)
    handle = create_for_append(path)
    try:
        _write(handle, frames.file_header() + frames.pack(content) + frames.pack(why))
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return path


def letters(root: Path) -> Iterator[DeadLetter]:
    """Yield the dead letters below a spool's root, oldest first; damaged ones are passed over."""
    for path in sorted((root / FOLDER).glob(f"*{SUFFIX}")):
        letter = _read(path)
        if letter is not None:
            yield letter


def replay(letter: DeadLetter, spool: Spool) -> bool:
    """Put a dead letter back into the spool, for all of its destinations; return whether it was taken.

    Those that had it get it again: spans and scores are stored by their ids.
    """
    if not spool.content(0, letter.payload):
        return False
    letter.path.unlink(missing_ok=True)
    return True


def _read(path: Path) -> DeadLetter | None:
    try:
        data = read_from(path, 0)
        records = [found.record for found in frames.scan(data, frames.FILE_HEADER.size) if found.record is not None]
        content, why = records
        note = json.loads(why.payload)
        return DeadLetter(path, payload_of(content), str(note["destination"]), str(note["reason"]), why.time_ns)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(handle: Handle, data: bytes) -> None:
    write_whole(handle, data)
    os.fdatasync(handle.fd)
