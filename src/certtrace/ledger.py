"""The ledger: one hash-chained line per decided unit, so that what was altered or removed later shows.

A line is JSON. Its `prev` is the hash of the line before, its `hash` the SHA-256 of the line without it. `digest` is a
keyed digest of the redacted content: it proves what a trace said to whoever holds the key, and tells others nothing.
"""

import fcntl
import hashlib
import hmac
import json
import logging
import os
import threading
import time
import weakref
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from certtrace.errors import InputError
from certtrace.ports import Decision

_log = logging.getLogger(__name__)

VERSION: Final = 1
_FIRST: Final = "0" * 64
_SUFFIX: Final = ".jsonl"
_NO_WEIGHT: Final[Mapping[bool, Mapping[str, object]]] = {True: {}, False: {"counts": False}}
"""What an entry says of a unit that was kept for context only."""
_HASH_START: Final = b',"hash":"'
_HASH_END: Final = b'"}'
_TAIL_BYTES: Final = len(_HASH_START) + 64 + len(_HASH_END)


class Ledger:
    """Appends entries to this process's own file. Thread-safe, fork-safe; after construction nothing raises."""

    def __init__(self, folder: Path, key: bytes, service: str = "") -> None:
        """Take where the files are and the key of the digests.

        Args:
            folder: Created if missing, closed to other users. The file is created by the first entry.
            key: Secret; without it nobody can test a guess about a trace's content against the ledger.
            service: Whose units are decided here; it stands in the file's opening line.
        """
        self._folder = folder
        self._key = key
        self._service = service
        self._begin()
        _ledgers.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._fd: int | None = None
        self._path: Path | None = None
        self._end = 0
        self._previous = _FIRST
        self._number = 0
        self._missed = 0
        self._failures = 0
        self._appended = 0
        self._closed = False

    @property
    def path(self) -> Path | None:
        """This process's file; None before the first entry."""
        return self._path

    @property
    def appended(self) -> int:
        """Entries written by this process."""
        return self._appended

    @property
    def failures(self) -> int:
        """Entries that could not be written. The next one that can says how many are missing before it."""
        return self._failures

    def append(
        self,
        *,
        trace_id: str,
        root_span_id: str,
        decision: Decision,
        span_count: int,
        content: bytes = b"",
        redactions: Mapping[str, int] | None = None,
        time_ns: int | None = None,
        content_lost: str = "",
    ) -> bool:
        """Write one entry; False, counted, where the disk refuses. Never raises.

        Args:
            trace_id: 32 lowercase hex digits.
            root_span_id: 16 lowercase hex digits: the unit's local root.
            decision: What sampling decided.
            span_count: Spans in the unit.
            content: The redacted, encoded unit as it goes to the spool; empty for a dropped one.
            redactions: How often what was found, by type.
            time_ns: When it was decided, unix time; now by default.
            content_lost: Why `content` only stands for what the unit held, such as `crash`.
        """
        try:
            entry = {
                "trace_id": trace_id,
                "root": root_span_id,
                "time_ns": time.time_ns() if time_ns is None else time_ns,
                "keep": decision.keep,
                "rule": decision.rule,
                "threshold": decision.threshold,
                **_NO_WEIGHT[decision.counts],
                "spans": span_count,
                "digest": self.digest(content) if content else "",
                "redactions": dict(redactions or {}),
                **({"content_lost": content_lost} if content_lost else {}),
            }
            with self._lock:
                return self._append(entry)
        except Exception as error:  # noqa: BLE001 - the pipeline has to go on; the failure is counted
            with self._lock:
                self._failed(error)
            return False

    def digest(self, content: bytes) -> str:
        """Return the keyed digest of redacted, encoded content: HMAC-SHA-256, 64 hex digits."""
        return hmac.digest(self._key, content, "sha256").hex()

    def close(self) -> None:
        """Write the closing entry. A file that has it and verifies lacks no line at its end."""
        with self._lock:
            try:
                if self._fd is not None and not self._closed:
                    self._write({"end": True, "time_ns": time.time_ns()})
                    os.fdatasync(self._fd)
            except OSError:
                _log.debug("The ledger's closing entry could not be written; the file verifies as not closed.")
            self._closed = True
            self._drop_file()

    def _append(self, entry: dict[str, Any]) -> bool:
        if self._closed:
            self._failures += 1
            return False
        try:
            if self._fd is None:
                self._open()
            self._write(entry)
        except OSError as error:
            self._failed(error)
            return False
        self._appended += 1
        return True

    def _open(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{_process_name()}{_SUFFIX}"
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self._fd, self._path, self._end, self._previous, self._number = fd, path, 0, _FIRST, 0
        # Held as long as the process lives: tells a file that grows from one whose process died.
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._write({"ledger": VERSION, "process": path.stem, "service": self._service, "time_ns": time.time_ns()})

    def _write(self, entry: dict[str, Any]) -> None:
        """Write one line whole, or nothing of it.

        Raises:
            OSError: The disk refuses.
        """
        if self._fd is None:
            return
        missed = {"missed": self._missed} if self._missed else {}
        line, digest = _seal({"n": self._number, **entry, **missed, "prev": self._previous})
        written = os.write(self._fd, line)
        if written != len(line):
            self._cut_back()
            msg = "The disk or a limit cut a write to the ledger short. Free space or raise the limit."
            raise OSError(msg)
        self._end += written
        self._number += 1
        self._previous = digest
        self._missed = 0

    def _cut_back(self) -> None:
        try:
            if self._fd is not None:
                os.ftruncate(self._fd, self._end)
        except OSError:
            # A half line would break the chain for all that follow: this file ends here, the next entry opens another.
            self._drop_file()

    def _drop_file(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        self._missed += 1
        if self._failures == 1:
            reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            _log.warning(
                "The ledger could not be written (%s). Free space or mend its folder; missing entries are counted.",
                reason,
            )

    def _after_fork_in_child(self) -> None:
        """Become a process of its own: nothing is written to the parent's file."""
        closed = self._closed
        self._drop_file()
        self._begin()
        self._closed = closed


@dataclass(slots=True, frozen=True)
class VerifyResult:
    """What the chain of one file says."""

    whole: bool
    """Every line follows from the one before. The end may still be cut between two lines: see `closed`."""
    entries: int
    """Decided units in the part that holds."""
    broken_line: int | None = None
    """The first line, from 1, that does not follow."""
    reason: str = ""
    torn_tail: bool = False
    """Whether the last line is incomplete, as a killed process leaves it. The lines before may still be whole."""
    closed: bool = False
    """Whether the file ends with its closing entry: then nothing was cut off behind it."""
    missed: int = 0
    """Entries that the writer itself reports as not written."""
    last_hash: str = _FIRST


def verify(path: Path) -> VerifyResult:
    """Check one ledger file without any key.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        msg = f"The ledger file {path} cannot be read: {reason}. Check its path and permissions."
        raise InputError(msg) from error
    *lines, rest = data.split(b"\n")
    return _Verification(torn_tail=bool(rest)).run(lines)


class _Verification:
    """Walks the lines of one file."""

    def __init__(self, *, torn_tail: bool) -> None:
        self._torn_tail = torn_tail
        self._entries = 0
        self._missed = 0
        self._previous = _FIRST
        self._closed = False

    def run(self, lines: list[bytes]) -> VerifyResult:
        for number, line in enumerate(lines):
            reason = self._step(number, line)
            if reason:
                return self._result(broken_line=number + 1, reason=reason)
        if not lines and not self._torn_tail:
            return self._result(broken_line=1, reason="the file is empty")
        return self._result()

    def _step(self, number: int, line: bytes) -> str:
        """Check one line; return what is wrong with it, or nothing."""
        entry = _unseal(line)
        if entry is None:
            return "the line is no entry, or its hash does not match it"
        if self._closed:
            return "the line stands behind the closing entry"
        if entry.get("prev") != self._previous or entry.get("n") != number:
            return "the line does not follow the one before: a line was removed, inserted or moved"
        if number == 0 and entry.get("ledger") != VERSION:
            return "the file does not begin with the opening entry of this version"
        self._previous = line[-_TAIL_BYTES + len(_HASH_START) : -len(_HASH_END)].decode("ascii")
        self._missed += entry["missed"] if isinstance(entry.get("missed"), int) else 0
        self._closed = entry.get("end") is True
        self._entries += number > 0 and not self._closed
        return ""

    def _result(self, *, broken_line: int | None = None, reason: str = "") -> VerifyResult:
        return VerifyResult(
            whole=broken_line is None,
            entries=self._entries,
            broken_line=broken_line,
            reason=reason,
            torn_tail=self._torn_tail,
            closed=self._closed and not self._torn_tail,
            missed=self._missed,
            last_hash=self._previous,
        )


@dataclass(slots=True, frozen=True)
class Entry:
    """One decided unit, as the ledger has it."""

    trace_id: str
    root: str
    """16 lowercase hex digits: span id of the local root."""
    keep: bool
    rule: str
    spans: int
    time_ns: int


def entries_of(folder: Path, trace_ids: Collection[str]) -> list[Entry]:
    """Return the entries of some traces in all files of a folder, oldest first; none where there is no ledger.

    Lines are taken as they are: whether the chain holds, `verify` tells.
    """
    wanted = [trace_id.encode("ascii") for trace_id in trace_ids]
    found = []
    for path in folder.glob(f"*{_SUFFIX}"):
        try:
            with path.open("rb") as lines:
                found += [_entry(line) for line in lines if any(trace_id in line for trace_id in wanted)]
        except OSError:
            continue  # removed meanwhile
    return sorted((e for e in found if e is not None and e.trace_id in trace_ids), key=lambda entry: entry.time_ns)


def all_entries(folder: Path) -> Iterator[Entry]:
    """Yield the entries of all files of a folder, in no particular order; lines are taken as they are."""
    for path in folder.glob(f"*{_SUFFIX}"):
        try:
            with path.open("rb") as lines:
                yield from (entry for line in lines if (entry := _entry(line)) is not None)
        except OSError:
            continue  # removed meanwhile


def _entry(line: bytes) -> Entry | None:
    try:
        told = json.loads(line)
        return Entry(told["trace_id"], told["root"], told["keep"] is True, told["rule"], told["spans"], told["time_ns"])
    except (ValueError, KeyError, TypeError):
        return None  # a torn tail, or a line of another kind


def _seal(entry: dict[str, Any]) -> tuple[bytes, str]:
    """Return the line, newline included, and its hash."""
    body = _json(entry)
    digest = hashlib.sha256(body).hexdigest()
    return body[:-1] + _HASH_START + digest.encode() + _HASH_END + b"\n", digest


def _json(entry: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(entry)
    except orjson.JSONEncodeError:  # a lone surrogate in a name: the standard library escapes it
        return json.dumps(entry, separators=(",", ":")).encode()


def _unseal(line: bytes) -> dict[str, Any] | None:
    """Return the entry if the line carries the hash of itself."""
    body, tail = line[:-_TAIL_BYTES] + b"}", line[-_TAIL_BYTES:]
    if tail != _HASH_START + hashlib.sha256(body).hexdigest().encode() + _HASH_END:
        return None
    try:
        entry = json.loads(body)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _process_name() -> str:
    """Return a name for this process's file that no other ever has: boot, process id, random."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
    except OSError:
        boot = "noboot"
    return f"{boot}-{os.getpid()}-{os.urandom(4).hex()}"


_ledgers: "weakref.WeakSet[Ledger]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for ledger in list(_ledgers):
        ledger._after_fork_in_child()  # noqa: SLF001 - the same module; no caller outside may do this


os.register_at_fork(after_in_child=_after_fork_in_child)
