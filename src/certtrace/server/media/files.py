"""Files of media, one folder for each project."""

import base64
import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import BinaryIO, Final

_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_MEDIUM_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)


def path_of(folder: Path, project: str, medium_id: str) -> Path:
    """Return where the bytes of a medium lie; a project whose name is no file name has a folder named by its hash."""
    if not _MEDIUM_ID.fullmatch(medium_id):
        msg = "The id of a medium has 22 characters of the base64 alphabet for URLs."
        raise ValueError(msg)
    name = project if _PLAIN_NAME.fullmatch(project) else "project." + hashlib.sha256(project.encode()).hexdigest()
    return folder / name / medium_id


def hash_of(content: bytes) -> str:
    """Return the SHA-256 of some bytes in base64, as clients send it."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def write(path: Path, content: bytes) -> None:
    """Write a file for this user alone; it is there whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    growing = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with private_file(growing) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        growing.replace(path)
    finally:
        growing.unlink(missing_ok=True)


def remove(folder: Path, project: str, medium_id: str) -> None:
    """Remove the bytes of a medium that nothing uses any more."""
    path_of(folder, project, medium_id).unlink(missing_ok=True)


def private_file(path: Path) -> BinaryIO:
    """Make a file that this user alone can read, and open it for writing; there must be none."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
