"""The key of pseudonyms and seeded trace ids: given, or made once below `home/keys`."""

import os
import secrets
from pathlib import Path
from typing import Final

from certtrace.errors import ConfigurationError

KEY_BYTES: Final = 32


def load_or_create(folder: Path) -> bytes:
    """Return the key in `folder/redaction.key`, making it with mode 0600 when there is none.

    Raises:
        ConfigurationError: The folder or the file cannot be used, or others may read the file.
    """
    path = folder / "redaction.key"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path)
        found = _read(path)
    except OSError as error:
        msg = (
            f"The redaction key {path} cannot be used: {error.strerror or error}. "
            "Make the folder writable for this user, or set CERTTRACE_HOME to one that is."
        )
        raise ConfigurationError(msg) from None
    if len(found) < KEY_BYTES:
        msg = (
            f"The redaction key {path} is too short ({len(found)} bytes). "
            "Restore it from a backup; without it pseudonyms change."
        )
        raise ConfigurationError(msg)
    return found


def _create(path: Path) -> None:
    # Written aside and linked into place: two processes that start together end up with one key.
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if path.exists():
        return
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(KEY_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if mode & 0o077:
            msg = f"The redaction key {path} can be read by others (mode {mode & 0o777:04o}). Run: chmod 600 {path}"
            raise ConfigurationError(msg)
        return os.read(descriptor, 4_096)
    finally:
        os.close(descriptor)
