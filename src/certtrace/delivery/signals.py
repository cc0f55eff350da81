"""The folder through which processes tell each other which traces are kept; it may be a network folder.

Each process appends the ids to files of its own and reads those of all others, so that no lock is needed between
machines. A file holds trace ids and nothing else, one of 32 hex digits a line. A folder that hangs, as network folders
do, holds up the thread here and nobody else.
"""

import logging
import os
import re
import stat
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from certtrace.delivery.files import Handle, write_whole

_log = logging.getLogger(__name__)

_SUFFIX: Final = ".ids"
_LINE: Final = 33
_ID: Final = re.compile(rb"[0-9a-f]{32}")
_POLL_SECONDS: Final = 1.0
_READ_BYTES: Final = 1_048_576
"""Longest part of one file that is read in one look; the rest is read in the next."""
_FILES_PER_LIFE: Final = 8
"""A process begins another file when the present one is this part of the life of a signal old."""
_MAX_REMEMBERED: Final = 65_536
_READ_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_APPEND_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Signals:
    """One process's part in the folder. Thread-safe; never raises, never waits for the folder but in `close`."""

    def __init__(self, folder: Path, *, max_seconds: float) -> None:
        """Take the folder and how long a signal holds. The thread starts with the first use."""
        self._folder = folder
        self._max_seconds = max_seconds
        self._lock = threading.Lock()
        self._known: dict[int, float] = {}
        self._published: dict[int, float] = {}
        self._outgoing: deque[int] = deque(maxlen=_MAX_REMEMBERED)
        self._incoming: deque[int] = deque(maxlen=_MAX_REMEMBERED)
        self._name = ""
        self._begun = 0.0
        self._offsets: dict[str, tuple[int, int]] = {}
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._closed = False
        self._complained = False
        self.failures = 0
        """Attempts to read or write the folder that failed."""

    def start(self) -> None:
        """Begin to read what the others say."""
        if self._thread is None and not self._closed:
            thread = threading.Thread(target=self._run, name="certtrace-signals", daemon=True)
            with suppress(RuntimeError):  # the interpreter is ending
                thread.start()
                self._thread = thread

    def publish(self, trace_id: int) -> None:
        """Tell everyone, this process included, that a trace is kept."""
        now = time.monotonic()
        with self._lock:
            self._learn(trace_id, now)
            if now - self._published.get(trace_id, -self._max_seconds) < self._max_seconds / 2:
                return  # it is in the folder, and will be for as long as it matters
            _remember(self._published, trace_id, now)
            self._outgoing.append(trace_id)
        self.start()
        self._wake.set()

    def heard(self) -> list[int]:
        """Return the ids that became known since the last call."""
        self.start()
        found = []
        while self._incoming:
            found.append(self._incoming.popleft())
        return found

    def is_kept(self, trace_id: int) -> bool:
        """Whether a process said lately that it keeps the trace."""
        known = self._known.get(trace_id)
        return known is not None and time.monotonic() - known < self._max_seconds

    def close(self, timeout_seconds: float) -> None:
        """Write what is still to be said, and stop; a folder that hangs is not waited for any longer."""
        self._closed = True
        thread = self._thread
        self._wake.set()
        if thread is None:
            self._say()
        elif thread is not threading.current_thread():
            thread.join(timeout_seconds)

    def _learn(self, trace_id: int, now: float) -> None:
        if now - self._known.get(trace_id, -self._max_seconds) >= self._max_seconds / 2:
            self._incoming.append(trace_id)
        _remember(self._known, trace_id, now)

    # --- on the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closed:
            self._say()
            self._listen()
            if not self._closed:
                self._wake.wait(_POLL_SECONDS)
            self._wake.clear()
        self._say()

    def _say(self) -> None:
        waiting = [self._outgoing.popleft() for _ in range(len(self._outgoing))]
        if not waiting:
            return
        try:
            self._append(b"".join(f"{trace_id:032x}\n".encode() for trace_id in waiting))
        except OSError as error:
            self._outgoing.extendleft(reversed(waiting))
            self._name = ""  # perhaps a line was cut short: nothing may follow it
            self._failed(error)

    def _append(self, lines: bytes) -> None:
        now = time.monotonic()
        if not self._name or now - self._begun > self._max_seconds / _FILES_PER_LIFE:
            for missing in reversed([each for each in (self._folder, *self._folder.parents) if not each.exists()]):
                missing.mkdir(mode=0o700, exist_ok=True)  # `parents=True` would open those above to everybody
            self._name, self._begun = f"{os.getpid()}-{os.urandom(8).hex()}{_SUFFIX}", now
        # Opened for each write: a network file system shows others what was written when the file is closed.
        write_whole(Handle(os.open(self._folder / self._name, _APPEND_FLAGS, self._mode())), lines)

    def _mode(self) -> int:
        """Return who may read: the owner; where an operator opened the folder to a group, that group too."""
        return 0o600 | (self._folder.stat().st_mode & 0o040)

    def _listen(self) -> None:
        try:
            with os.scandir(self._folder) as entries:
                names = {entry.name: entry for entry in entries if entry.name.endswith(_SUFFIX)}
        except FileNotFoundError:
            return
        except OSError as error:
            self._failed(error)
            return
        self._offsets = {name: place for name, place in self._offsets.items() if name in names}
        now = time.monotonic()
        for name, entry in names.items():
            if name == self._name:
                continue
            try:
                for trace_id in self._news(name, entry):
                    with self._lock:
                        self._learn(trace_id, now)
            except OSError as error:
                if not isinstance(error, FileNotFoundError):
                    self._failed(error)

    def _news(self, name: str, entry: "os.DirEntry[str]") -> Iterator[int]:
        facts = entry.stat(follow_symlinks=False)
        age = time.time() - facts.st_mtime
        if not stat.S_ISREG(facts.st_mode):
            return
        if age > self._max_seconds:
            self._tidy(entry, age)
            return
        inode, offset = self._offsets.get(name, (facts.st_ino, 0))
        if inode != facts.st_ino or facts.st_size < offset:
            offset = 0
        if facts.st_size - offset < _LINE:
            return
        handle = Handle(os.open(entry.path, _READ_FLAGS))
        data = os.pread(handle.fd, _READ_BYTES, offset)
        whole = data[: data.rfind(b"\n") + 1]
        self._offsets[name] = (facts.st_ino, offset + (len(whole) or len(data)))
        yield from (int(line, 16) for line in whole.split(b"\n") if _ID.fullmatch(line))

    def _tidy(self, entry: "os.DirEntry[str]", age: float) -> None:
        """Delete what nobody reads any more; with a margin, for the clocks of machines differ."""
        if age > 2 * self._max_seconds:
            with suppress(OSError):
                os.unlink(entry.path)  # noqa: PTH108 - the entry has its path as text

    def _failed(self, error: OSError) -> None:
        self.failures += 1
        if not self._complained:
            self._complained = True
            reason = error.strerror or type(error).__name__
            _log.warning(
                "The folder of keep signals cannot be used (%s). Mend it or set CERTTRACE_RECORDER_SIGNALS; until then "
                "other processes do not learn which traces are kept.",
                reason,
            )


def _remember(ids: dict[int, float], trace_id: int, now: float) -> None:
    """Note an id as the latest; the oldest is forgotten where there are too many."""
    ids.pop(trace_id, None)
    ids[trace_id] = now
    if len(ids) > _MAX_REMEMBERED:
        del ids[next(iter(ids))]
