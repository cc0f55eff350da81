"""The keys below `home/keys`: made once, readable by their owner only, rotated and destroyed on command."""

import hashlib
import hmac
import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from certtrace.errors import ConfigurationError

KEY_BYTES: Final = 32
MIN_GIVEN_BYTES: Final = 16
REDACTION: Final = "redaction"
"""Key of the pseudonyms, and of trace ids that are made of a submission."""
LEDGER: Final = "ledger"
"""Key of the ledger's digests: it stays when pseudonyms get another, so that the chain can be verified."""

_RETIRED: Final = re.compile(r"redaction\.(\d{8}T\d{6}Z(?:-\d+)?)\.key")


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One key of pseudonyms, without the key."""

    name: str
    """`current`, or when it was retired (UTC): `20261122T101500Z`."""
    path: Path
    made: float
    """Modification time of the file, seconds since 1970."""
    fingerprint: str
    """8 hex digits that tell keys apart and say nothing about them."""


def load_or_create(folder: Path, name: str = REDACTION) -> bytes:
    """Return the key in `folder/name.key`, making it with mode 0600 when there is none.

    Raises:
        ConfigurationError: The folder or the file cannot be used, or others may read the file.
    """
    path = folder / f"{name}.key"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path)
    except OSError as error:
        raise ConfigurationError(_unusable(path, error)) from None
    return read(path)


def given(path: Path) -> bytes:
    """Return the key in a file that somebody else manages: a text without its line end, or bytes.

    Raises:
        ConfigurationError: The file cannot be read, others may read it, or it is too short.
    """
    try:
        found = _read(path, follow=True).rstrip(b"\r\n")
    except OSError as error:
        msg = f"The key file {path} cannot be read: {error.strerror or error}. Mend CERTTRACE_REDACTION_KEY_FILE."
        raise ConfigurationError(msg) from None
    if len(found) < MIN_GIVEN_BYTES:
        msg = f"The key file {path} holds {len(found)} bytes. Give at least {MIN_GIVEN_BYTES} random ones."
        raise ConfigurationError(msg)
    return found


def read(path: Path) -> bytes:
    """Return the key in a file of mode 0600.

    Raises:
        ConfigurationError: The file cannot be read, others may read it, or it is too short.
    """
    try:
        found = _read(path)
    except OSError as error:
        raise ConfigurationError(_unusable(path, error)) from None
    if len(found) < KEY_BYTES:
        msg = (
            f"The key {path} is too short ({len(found)} bytes; {KEY_BYTES} are needed). "
            "Restore it from a backup; without it pseudonyms change."
        )
        raise ConfigurationError(msg)
    return found


def fingerprint(key: bytes) -> str:
    """Return 8 hex digits that tell keys apart and say nothing about them."""
    return hmac.new(key, b"fingerprint", hashlib.sha256).hexdigest()[:8]


def entries(folder: Path) -> list[KeyEntry]:
    """Return the keys of pseudonyms there are, the current one first, then the latest retired.

    Raises:
        ConfigurationError: One of them cannot be read, or others may read it.
    """
    current = folder / f"{REDACTION}.key"
    retired = sorted((path for path in folder.glob("redaction.*.key") if _RETIRED.fullmatch(path.name)), reverse=True)
    return [_entry(path) for path in ([current] if current.exists() else []) + retired]


def rotate(folder: Path) -> tuple[KeyEntry, KeyEntry]:
    """Put a new key in the place of the current one, which stays beside it; return the retired and the new.

    Raises:
        ConfigurationError: There is no key yet, or the folder cannot be written.
    """
    current = folder / f"{REDACTION}.key"
    if not current.exists():
        msg = f"There is no key {current} to rotate. It is made when certtrace is first used with this home."
        raise ConfigurationError(msg)
    read(current)
    retired = _free(folder, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    aside = _written(folder)
    try:
        os.link(current, retired)
        aside.replace(current)  # in one step: a process that starts meanwhile finds the one or the other
        _sync(folder)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise ConfigurationError(_unusable(current, error)) from None
    return _entry(retired), _entry(current)


def destroy(folder: Path, name: str) -> KeyEntry:
    """Overwrite and delete a retired key: the pseudonyms made with it can no longer be linked to anybody.

    Raises:
        ConfigurationError: There is no such key, or it is the current one.
    """
    if name == "current":
        msg = "The current key is in use. Rotate it first: `certtrace policy rotate`; then destroy the retired one."
        raise ConfigurationError(msg)
    entry = next((entry for entry in entries(folder) if entry.name == name), None)
    if entry is None:
        known = ", ".join(entry.name for entry in entries(folder)[1:]) or "none"
        msg = f"There is no retired key {name!r} in {folder}. Retired are: {known}."
        raise ConfigurationError(msg)
    try:
        descriptor = os.open(entry.path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.write(descriptor, secrets.token_bytes(os.fstat(descriptor).st_size))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        entry.path.unlink()
        _sync(folder)
    except OSError as error:
        raise ConfigurationError(_unusable(entry.path, error)) from None
    return entry


def _entry(path: Path) -> KeyEntry:
    retired = _RETIRED.fullmatch(path.name)
    return KeyEntry(retired[1] if retired else "current", path, path.stat().st_mtime, fingerprint(read(path)))


def _free(folder: Path, stamp: str) -> Path:
    path, number = folder / f"redaction.{stamp}.key", 2
    while path.exists():
        path = folder / f"redaction.{stamp}-{number}.key"
        number += 1
    return path


def _create(path: Path) -> None:
    # Written aside and linked into place: two processes that start together end up with one key.
    if path.exists():
        return
    aside = _written(path.parent)
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()


def _written(folder: Path) -> Path:
    aside = folder / f".new.{os.getpid()}.{secrets.token_hex(4)}"
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(KEY_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return aside


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path, *, follow: bool = False) -> bytes:
    # Secrets that a cluster mounts are links; our own files never are.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
    try:
        mode = os.fstat(descriptor).st_mode
        if mode & 0o077:
            msg = f"The key {path} can be read by others (mode {mode & 0o777:04o}). Run: chmod 600 {path}"
            raise ConfigurationError(msg)
        return os.read(descriptor, 4_096)
    finally:
        os.close(descriptor)


def _unusable(path: Path, error: OSError) -> str:
    return (
        f"The key {path} cannot be used: {error.strerror or error}. "
        "Make file and folder usable for this user, or set CERTTRACE_HOME to a folder that is."
    )
