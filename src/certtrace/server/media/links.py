"""Addresses that lead to one medium for a while, without a key: they are signed, and say what they are for."""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import orjson

from certtrace.server.media.files import private_file

UPLOAD_SECONDS: Final = 3600
DOWNLOAD_SECONDS: Final = 3600
_SECRET_FILE: Final = ".links-secret"  # noqa: S105 - the name of a file
_SECRET_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 32

Purpose = Literal["upload", "download"]


@dataclass(frozen=True, slots=True)
class Link:
    """What an address is for."""

    purpose: Purpose
    project: str
    medium_id: str
    expires_at: int
    """Seconds since the epoch."""


def signed(folder: Path, link: Link) -> str:
    """Return the part of an address that stands for a link."""
    content = orjson.dumps([link.purpose, link.project, link.medium_id, link.expires_at])
    return base64.urlsafe_b64encode(_signature(folder, content) + content).decode().rstrip("=")


def opened(folder: Path, token: str, purpose: Purpose) -> Link | None:
    """Return the link that a part of an address stands for, None where it is forged, too old or for something else."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    signature, content = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(folder, content)):
        return None
    link = Link(*orjson.loads(content))
    return link if link.purpose == purpose and link.expires_at >= time.time() else None


def _signature(folder: Path, content: bytes) -> bytes:
    return hmac.digest(_secret(folder), content, hashlib.sha256)


def _secret(folder: Path) -> bytes:
    """Return the secret of this folder, made at the first use; several processes agree on one."""
    path = folder / _SECRET_FILE
    with suppress(FileNotFoundError):
        return path.read_bytes()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    growing = path.with_name(f"{_SECRET_FILE}.{secrets.token_hex(8)}")
    with private_file(growing) as file:
        file.write(secrets.token_bytes(_SECRET_BYTES))
    try:
        # A link to a file that is whole: nobody reads half a secret, and the first one stays.
        with suppress(FileExistsError):
            path.hardlink_to(growing)
    finally:
        growing.unlink()
    return path.read_bytes()
