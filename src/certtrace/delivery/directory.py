"""One process's directory in the spool: its name, its lock, and the small files in it.

`owner.lock` is held by `fcntl.lockf` for as long as the process lives. Such a lock dies with the process and does not
pass to a forked child, so a directory whose lock can be taken belongs to nobody and may be adopted.
"""

import fcntl
import json
import os
import shutil
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from certtrace.delivery.files import Handle, open_for_lock, read_from, replace_file
from certtrace.delivery.volume import LOCKS_UNKNOWN
from certtrace.ports import RULES

LOCK: Final = "owner.lock"
_MANIFEST: Final = "manifest.json"
_SETTLED: Final = "settled.json"
_DRAFT_PREFIX: Final = ".new-"
_GONE_PREFIX: Final = ".old-"
_DRAFT_SECONDS: Final = 3600.0
CONTENT_PREFIX: Final = "content-"
JOURNAL_PREFIX: Final = "skeletons-"
SUFFIX: Final = ".spl"

# A lock of `lockf` is per process: taking it twice in one process succeeds, and closing either descriptor gives it up.
# Who owns what inside this process is therefore kept here.
_owned: set[Path] = set()
_owned_guard = threading.Lock()


class Position(NamedTuple):
    """A place in a directory's content: segment number and byte offset. Ordered."""

    segment: int = 0
    offset: int = 0


class Manifest(NamedTuple):
    """What whoever adopts a directory has to know."""

    destinations: tuple[str, ...] = ()
    """Who is owed what the directory holds."""
    resource: dict[str, Any] = {}  # noqa: RUF012 - a default of a NamedTuple, never changed
    """Redacted resource attributes, for the spans that stand in for lost content."""
    rules: tuple[str, ...] = RULES
    """Names of the rules by their number in a skeleton: those of certtrace itself, then the policy's own."""


class ProcessDirectory:
    """A directory that this process owns, by creation or by adoption."""

    def __init__(self, path: Path, lock: Handle | None) -> None:
        """Take a locked directory; use `create` or `adopt`. Without a lock it is for reading only."""
        self.path = path
        self._lock: Handle | None = lock

    @classmethod
    def create(cls, root: Path) -> "ProcessDirectory":
        """Create and lock a directory.

        Raises:
            OSError: The file system refuses.
        """
        name = f"{_boot_id()}-{os.getpid()}-{os.urandom(4).hex()}"
        # Locked before it gets its name: otherwise another process could adopt it between creation and lock.
        draft = root / f"{_DRAFT_PREFIX}{name}"
        root.mkdir(mode=0o700, parents=True, exist_ok=True)  # an operator may have deleted it meanwhile
        draft.mkdir(mode=0o700)
        path = root / name
        try:
            lock = open_for_lock(draft / LOCK, create=True)
            _lock_if_there_are_locks(lock)
            draft.rename(path)
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        with _owned_guard:
            _owned.add(path)
        return cls(path, lock)

    @classmethod
    def adopt(cls, path: Path) -> "ProcessDirectory | None":
        """Take over a directory whose owner died, or return None: it is in use, gone, or not ours to read."""
        with _owned_guard:
            if path in _owned:
                return None
            lock = _try_lock(path / LOCK)
            if lock is None:
                return None
            _owned.add(path)
        return cls(path, lock)

    def forget_after_fork(self) -> None:
        """Drop the inherited descriptor; the parent's lock is not touched by that."""
        self._lock = None

    def release(self) -> None:
        """Give up ownership; the directory stays for whoever adopts it."""
        with _owned_guard:
            self._lock = None
            _owned.discard(self.path)

    def remove(self) -> None:
        """Delete the directory and give up ownership."""
        # Renamed first: what is killed halfway leaves something that is told from a process's directory, not one
        # without its lock, which nobody could adopt nor would delete.
        gone = self.path.with_name(f"{_GONE_PREFIX}{self.path.name}")
        try:
            self.path.rename(gone)
        except OSError:
            gone = self.path
        shutil.rmtree(gone, ignore_errors=True)
        self.release()

    def segment(self, number: int, prefix: str = CONTENT_PREFIX) -> Path:
        """Return the path of a segment."""
        return self.path / f"{prefix}{number:08d}{SUFFIX}"

    def segments(self, prefix: str = CONTENT_PREFIX) -> list[int]:
        """Return the numbers of the segments on disk, in order."""
        names = (entry.name for entry in self.path.iterdir())
        digits = (n.removeprefix(prefix).removesuffix(SUFFIX) for n in names if n.startswith(prefix))
        return sorted(int(number) for number in digits if number.isdecimal())

    def read_manifest(self) -> Manifest:
        """Return the manifest; an empty one where it is missing or damaged."""
        data = self._read_json(_MANIFEST)
        resource = data.get("resource")
        return Manifest(
            _names(data.get("destinations")),
            resource if isinstance(resource, dict) else {},
            _names(data.get("rules")) or RULES,
        )

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest."""
        self._write_json(
            _MANIFEST,
            {
                "destinations": list(manifest.destinations),
                "resource": manifest.resource,
                "rules": list(manifest.rules),
            },
        )

    def read_cursor(self, destination: str) -> Position:
        """Return how far a destination has taken the content; the beginning where the cursor is missing or damaged."""
        data = self._read_json(_cursor_name(destination))
        segment, offset = data.get("segment"), data.get("offset")
        if isinstance(segment, int) and isinstance(offset, int) and segment >= 0 and offset >= 0:
            return Position(segment, offset)
        return Position()

    def write_cursor(self, destination: str, position: Position) -> None:
        """Replace a destination's cursor."""
        self._write_json(_cursor_name(destination), {"segment": position.segment, "offset": position.offset})

    def read_settled(self) -> tuple[int, set[int]]:
        """Return the sequence below which all content was written, and those above it that were too."""
        data = self._read_json(_SETTLED)
        low, above = data.get("low"), data.get("above")
        if isinstance(low, int) and isinstance(above, list):
            return low, {number for number in above if isinstance(number, int)}
        return 0, set()

    def write_settled(self, low: int, above: Sequence[int], *, durable: bool = False) -> None:
        """Replace what `read_settled` returns; `durable` before content is deleted on the strength of it."""
        self._write_json(_SETTLED, {"low": low, "above": list(above)}, durable=durable)

    def _read_json(self, name: str) -> dict[str, Any]:
        try:
            data = json.loads(read_from(self.path / name, 0))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    def _write_json(self, name: str, data: dict[str, Any], *, durable: bool = False) -> None:
        replace_file(self.path / name, json.dumps(data, default=str).encode(), durable=durable)


def abandoned(root: Path) -> list[Path]:
    """Return the directories below `root` that look like a process's, oldest first; most are in use."""
    try:
        found = [e for e in root.iterdir() if not e.name.startswith(".") and not e.is_symlink() and (e / LOCK).exists()]
        return sorted(found, key=lambda path: path.stat().st_mtime)
    except OSError:
        return []


def is_owned_here(path: Path) -> bool:
    """Whether this very process owns a directory. To open its lock would give the lock up."""
    with _owned_guard:
        return path in _owned


def remove_stale_drafts(root: Path) -> None:
    """Delete what processes left behind that died before their directory had its name, or while they deleted it."""
    with suppress(OSError):
        for draft in root.iterdir():
            if draft.name.startswith((_DRAFT_PREFIX, _GONE_PREFIX)) and _is_stale(draft):
                shutil.rmtree(draft, ignore_errors=True)


def _is_stale(draft: Path) -> bool:
    with suppress(OSError):
        return time.time() - draft.stat(follow_symlinks=False).st_mtime > _DRAFT_SECONDS
    return False


def _lock_if_there_are_locks(lock: Handle) -> None:
    """Take the lock of a new directory. Without locks the directory is as good, but nobody will take it over."""
    try:
        fcntl.lockf(lock.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in LOCKS_UNKNOWN:
            raise


def _try_lock(path: Path) -> Handle | None:
    try:
        lock = open_for_lock(path, create=False)
        fcntl.lockf(lock.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        facts = os.fstat(lock.fd)
        # Another process may have drained and deleted the directory between our look and our lock.
        return lock if facts.st_nlink and facts.st_uid == os.geteuid() else None
    except OSError:
        return None


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(name) for name in value) if isinstance(value, list) else ()


def _cursor_name(destination: str) -> str:
    safe = "".join(c if c.isalnum() or c in "-_" else f"%{ord(c):x}" for c in destination)
    return f"cursor-{safe}.json"


def _boot_id() -> str:
    """Return a short id of this boot: a process id means nothing beyond it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
    except OSError:
        return "noboot"


def _forget_owned_after_fork() -> None:
    global _owned_guard  # the parent's lock may be held by a thread that does not exist here
    _owned_guard = threading.Lock()
    _owned.clear()


os.register_at_fork(after_in_child=_forget_owned_after_fork)
