"""What kind of file system the spool is on: some lose what is written to them, or do not keep its locks."""

import errno
import fcntl
import os
import re
import tempfile
from pathlib import Path
from typing import Final

_MOUNTS: Final = Path("/proc/self/mountinfo")
_REMOTE: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "glusterfs", "9p", "afs", "lustre", "gpfs"})
_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
_LAYERED: Final = frozenset({"overlay", "aufs"})
LOCKS_UNKNOWN: Final = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})
"""What `lockf` answers where a file system has no locks."""


def file_system_of(path: Path) -> str:
    """Return the type of the file system that holds a path, such as `ext4`; empty where the machine does not say."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        real = str(path.resolve())
    except OSError:
        return ""
    best, found = -1, ""
    for line in lines:
        fields, _, about = line.partition(" - ")
        parts = fields.split(" ")
        if len(parts) < 5 or not about:
            continue
        point = _unescaped(parts[4])
        # Of two on one point the later one is on top.
        if _is_below(real, point) and len(point) >= best:
            best, found = len(point), about.split(" ")[0]
    return found


def locks_hold(folder: Path) -> bool:
    """Whether locks can be taken in a folder; True where it cannot be told."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            fcntl.lockf(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in LOCKS_UNKNOWN
    return True


def complaint_about(folder: Path) -> str:
    """Return what an operator should know about the spool's place, or nothing."""
    kind = file_system_of(folder)
    if not locks_hold(folder):
        return (
            f"The spool is on a file system without locks ({kind or 'unknown'}): what a killed process leaves is not "
            "taken over by itself. Put the data folder on a local disk."
        )
    if kind in _REMOTE:
        return (
            f"The spool is on a network file system ({kind}). Each process writes to a folder of its own, but locks "
            "and syncing are only as good as the server's. Put the data folder on a local disk."
        )
    if kind in _LAYERED:
        return (
            f"The spool is on a container's own layer ({kind}): what is not delivered is gone with the container. Put "
            "the data folder on a volume."
        )
    if kind in _IN_MEMORY:
        return (
            f"The spool is in memory ({kind}): what is not delivered is gone after a restart of the machine. Put the "
            "data folder on a disk."
        )
    return ""


def _is_below(path: str, point: str) -> bool:
    return point in {"/", path} or path.startswith(point + os.sep)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
