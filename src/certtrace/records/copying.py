"""A copy of a store while others write to it, and a store made small again."""

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from certtrace.errors import InputError, StoreError
from certtrace.records.checking import whole_or_raise
from certtrace.records.forking import GATE
from certtrace.records.schema import StoreBusyError, connect, is_busy, open_any_version

_BUSY_SECONDS: Final = 30.0
_SPARE_SHARE: Final = 1.1


@dataclass(frozen=True, slots=True)
class Compacted:
    """What compacting did."""

    bytes_before: int
    bytes_after: int


def back_up(path: Path, target: Path, *, overwrite: bool) -> int:
    """Copy a store as it is at this moment into one file, and check the copy; return its size in bytes.

    Others go on writing meanwhile. The copy is readable by its owner only, and complete or not there at all.

    Raises:
        InputError: The target is there already, or cannot be written.
        StoreError: There is no store, it cannot be read, or the copy is not whole.
    """
    if target.exists() and not overwrite:
        raise _there_already(target)
    if not target.parent.is_dir():
        msg = f"The folder {target.parent} of the backup is not there. Make it first."
        raise InputError(msg)
    source = open_any_version(path, _BUSY_SECONDS)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with GATE, closing(source):
            _copy(source, part)
        whole_or_raise(part)
        _into_place(part, target, overwrite=overwrite)
    except FileExistsError:
        raise _there_already(target) from None
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "sqlite_errorname", type(error).__name__)
        msg = f"The backup {target} cannot be written: {reason}. Give another place, or free space there."
        raise InputError(msg) from None
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def compact(path: Path) -> Compacted:
    """Give free space in a store's file back to the disk. Others wait meanwhile, as long as they wait for a writer.

    Raises:
        StoreBusyError: Others held the store for too long.
        StoreError: There is no store, or it cannot be opened or rewritten.
        InputError: The disk has too little room for it.
    """
    _must_be_there(path)
    before = _bytes_of(path)
    _check_room(path, before)
    with GATE, closing(connect(path, _BUSY_SECONDS)) as connection:
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            if is_busy(error):
                msg = f"The store {path} is busy: others are writing. Try again when less is going on."
                raise StoreBusyError(msg) from None
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            msg = f"The store {path} cannot be compacted: {name}. It is as it was; check it with: certtrace store check"
            raise StoreError(msg) from None
    return Compacted(before, _bytes_of(path))


def _copy(source: sqlite3.Connection, part: Path) -> None:
    # Not SQLite's backup interface: it starts again with every write of another process, and may never end.
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    source.execute("VACUUM INTO ?", (part.as_posix(),))


def _into_place(part: Path, target: Path, *, overwrite: bool) -> None:
    with part.open("rb") as written:
        os.fsync(written.fileno())
    if overwrite:
        part.replace(target)
    else:
        # Unlike a rename a link never replaces what came to be there meanwhile.
        target.hardlink_to(part)
    with suppress(OSError):
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _check_room(path: Path, needed: int) -> None:
    """A store is rewritten into a temporary file first, and from there through its log."""
    temporary = Path(tempfile.gettempdir())
    folders = {path.parent.stat().st_dev: path.parent, temporary.stat().st_dev: temporary}
    times = 2 if len(folders) == 1 else 1
    for folder in folders.values():
        free = shutil.disk_usage(folder).free
        wanted = int(needed * times * _SPARE_SHARE)
        if free < wanted:
            msg = (
                f"Compacting {path} needs {wanted // 10**6:,} MB free in {folder}, there are {free // 10**6:,} MB. "
                "Free space, or name another temporary folder with TMPDIR."
            )
            raise InputError(msg)


def _must_be_there(path: Path) -> None:
    if not path.exists():
        msg = f"There is no store at {path}. Give its folder with --home or CERTTRACE_HOME."
        raise StoreError(msg)


def _bytes_of(path: Path) -> int:
    """Return the size of the file and its log."""
    log = path.with_name(f"{path.name}-wal")
    return path.stat().st_size + (log.stat().st_size if log.exists() else 0)


def _there_already(target: Path) -> InputError:
    return InputError(f"The backup {target} is there already. Give another name, or --force to replace it.")
