"""Files as the spool needs them: private, never through a symbolic link, whole writes or none."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from certtrace.errors import SpoolError

_OPEN_FLAGS: Final = os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700


class Handle:
    """A file descriptor that is closed once nobody can be writing through it any more.

    Closing it by hand while another thread is about to write would let that write hit whatever file, or socket of the
    host, got the number next. A writer holds a reference for the length of its call; the last reference closes.
    """

    __slots__ = ("__weakref__", "_close", "fd")

    def __init__(self, fd: int) -> None:
        """Take ownership of an open descriptor."""
        self.fd = fd
        self._close = os.close  # kept here: `os` may be gone when the interpreter shuts down

    def __del__(self) -> None:
        with suppress(OSError):  # a host that turns itself into a daemon may have closed every descriptor
            self._close(self.fd)


class ShortWriteError(OSError):
    """The kernel took only a part: the disk is full, or a limit was reached."""


def create_for_append(path: Path) -> Handle:
    """Create a file that must not exist yet, for appending."""
    return Handle(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | _OPEN_FLAGS, _FILE_MODE))


def open_for_lock(path: Path, *, create: bool) -> Handle:
    """Open the file that carries a directory's lock."""
    return Handle(os.open(path, os.O_RDWR | (os.O_CREAT if create else 0) | _OPEN_FLAGS, _FILE_MODE))


def open_for_reading(path: Path) -> Handle:
    """Open an existing file."""
    return Handle(os.open(path, os.O_RDONLY | _OPEN_FLAGS))


def write_whole(handle: Handle, data: bytes) -> None:
    """Write everything by one call to the kernel.

    Raises:
        OSError: Nothing or, for `ShortWriteError`, a part was written.
    """
    written = os.write(handle.fd, data)
    if written != len(data):
        msg = "The disk or a limit cut a write to the spool short. Free space or raise the limit."
        raise ShortWriteError(msg)


def read_from(path: Path, start: int, end: int | None = None) -> bytes:
    """Return the bytes of a file from `start` to `end`, or to its end."""
    handle = open_for_reading(path)
    wanted = (os.fstat(handle.fd).st_size if end is None else end) - start
    parts: list[bytes] = []
    while wanted > 0:
        part = os.pread(handle.fd, wanted, start)
        if not part:
            break
        parts.append(part)
        start += len(part)
        wanted -= len(part)
    return b"".join(parts)


def replace_file(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Give the file new content in one step: a reader sees the old or the new, never a mix.

    Args:
        path: The file.
        data: What it is to hold.
        durable: Whether the content is on the disk itself before the file gets its name.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    handle = Handle(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _OPEN_FLAGS, _FILE_MODE))
    try:
        write_whole(handle, data)
        if durable:
            os.fsync(handle.fd)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def make_private_folder(path: Path) -> None:
    """Create the folder, or check that the existing one is ours, and close it to everyone else.

    Raises:
        SpoolError: It cannot be created, is no folder, is a symbolic link, or belongs to somebody else.
    """
    try:
        path.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        handle = Handle(os.open(path, os.O_RDONLY | os.O_DIRECTORY | _OPEN_FLAGS))
        facts = os.fstat(handle.fd)
        if facts.st_uid != os.geteuid():
            msg = f"The spool folder {path} belongs to user {facts.st_uid}. Give each user a folder of their own."
            raise SpoolError(msg)
        if stat.S_IMODE(facts.st_mode) & 0o077:
            os.fchmod(handle.fd, _FOLDER_MODE)
        if not os.access(path, os.W_OK | os.X_OK):
            msg = f"The spool folder {path} is not writable. Change its permissions or choose another folder."
            raise SpoolError(msg)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        msg = f"The spool folder {path} cannot be used: {reason}. It must be a folder of your own and no symbolic link."
        raise SpoolError(msg) from error


def folder_bytes(path: Path) -> int:
    """Return the size of all files below a folder; what vanishes meanwhile counts as nothing."""
    total = 0
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    total += folder_bytes(Path(entry.path))
                else:
                    total += _size(entry)
    except OSError:
        pass
    return total


def _size(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:
        return 0
