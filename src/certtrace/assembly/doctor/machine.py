"""What certtrace stands on: keys, clocks, disk, spool and recorder. Nothing is changed but a probe that is deleted."""

import os
import stat
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from certtrace.assembly import keys
from certtrace.assembly.doctor.finding import Finding, ok, warning, wrong
from certtrace.delivery.deadletter import letters
from certtrace.delivery.directory import abandoned
from certtrace.delivery.files import folder_bytes
from certtrace.errors import ConfigurationError
from certtrace.settings import Settings

_SAMPLE_SECONDS: Final = 0.2
_DRIFT: Final = 0.05
"""Share by which the wall clock may run faster or slower than the monotonic one while it is slewed."""
_EARLIEST: Final = 1_700_000_000
"""Late 2023: no clock that is right says less."""
_AHEAD_SECONDS: Final = 60.0
_OLD_SECONDS: Final = 3_600.0
_TIGHT: Final = 5
_UNRELIABLE_LOCKS: Final = ("nfs", "cifs", "smb", "9p", "afs", "fuse", "ceph", "lustre", "gpfs", "glusterfs", "vboxsf")
_MOUNTS: Final = Path("/proc/self/mountinfo")


def check_machine(settings: Settings) -> Iterator[Finding]:
    """Yield what was found, area by area."""
    yield from _keys(settings)
    yield from _clocks(settings)
    yield from _disk(settings)
    yield from _spool(settings)
    if settings.recorder_max_bytes:
        yield from _recorder(settings)


def _keys(settings: Settings) -> Iterator[Finding]:
    area = "keys"
    folder = settings.keys_path
    files = sorted(folder.glob("*.key")) if folder.is_dir() else []
    for path in files:
        yield from _key(path)
    if settings.redaction_key_file is not None:
        try:
            keys.given(settings.redaction_key_file)
            yield ok(area, f"the key of pseudonyms in {settings.redaction_key_file} can be used")
        except ConfigurationError as error:
            yield wrong(area, str(error), "Pseudonyms cannot be made without it.")
    elif settings.redaction_key is not None:
        yield ok(area, "the key of pseudonyms is given by a setting")
    elif not files:
        yield ok(area, f"no keys in {folder} yet: the first service makes them")


def _key(path: Path) -> Iterator[Finding]:
    try:
        facts = path.lstat()
        if facts.st_uid != os.geteuid():
            yield wrong("keys", f"{path} belongs to user {facts.st_uid}", f"Run: chown {os.geteuid()} {path}")
            return
        keys.read(path)
    except (ConfigurationError, OSError) as error:
        yield wrong("keys", str(error), "Services that use this folder do not start.")
        return
    folder = path.parent.stat()
    if stat.S_IMODE(folder.st_mode) & 0o022:
        yield wrong("keys", f"{path.parent} is writable by others", f"Run: chmod 700 {path.parent}")
    yield ok("keys", f"{path.name} is there, and readable by its owner only")


def _clocks(settings: Settings) -> Iterator[Finding]:
    area = "clocks"
    wall, steady = time.time(), time.monotonic()
    time.sleep(_SAMPLE_SECONDS)
    went, passed = time.time() - wall, time.monotonic() - steady
    if wall < _EARLIEST:
        yield wrong(area, f"the clock says {time.strftime('%Y-%m-%d', time.gmtime(wall))}", "Set it: NTP or chrony.")
    elif abs(went - passed) > max(_DRIFT * passed, 0.02):
        yield warning(
            area,
            f"the wall clock went {went:.2f} s while {passed:.2f} s passed",
            "It is being set. Durations do not depend on it, start times do.",
        )
    else:
        yield ok(area, "wall clock and monotonic clock go alike")
    newest = _newest(settings.home)
    if newest is not None and newest - time.time() > _AHEAD_SECONDS:
        yield warning(
            area,
            f"a file in the data folder is {newest - time.time():.0f} s ahead of the clock",
            "The clock was set back, or the folder is on a server with another clock.",
        )


def _newest(home: Path) -> float | None:
    """Return when anything in the folders of the home was last written."""
    newest = None
    for folder in ("ledger", "spool"):
        for path in [home / folder, *(home / folder).glob("*")]:
            try:
                newest = max(newest or 0.0, path.stat().st_mtime)
            except OSError:
                continue
    return newest


def _disk(settings: Settings) -> Iterator[Finding]:
    area = "disk"
    home = settings.home
    there = next(path for path in (home, *home.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(b"certtrace")
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        yield wrong(area, f"{there} cannot be written: {reason}", "Mend it, or choose another with CERTTRACE_HOME.")
        return
    facts = os.statvfs(there)
    free = facts.f_bavail * facts.f_frsize
    said = f"{there} is writable, {_size(free)} free"
    if free < settings.spool_min_free_bytes:
        yield wrong(
            area,
            f"{said}, less than the {_size(settings.spool_min_free_bytes)} of spool_min_free_bytes",
            "Free space: units that are kept by chance are refused.",
            free_bytes=free,
        )
    elif free < _TIGHT * settings.spool_min_free_bytes or (facts.f_files and facts.f_favail < 1_000):
        yield warning(area, f"{said}, {facts.f_favail} files more", "Free space or inodes soon.", free_bytes=free)
    else:
        yield ok(area, said, free_bytes=free)
    yield from _file_system(there)


def _file_system(path: Path) -> Iterator[Finding]:
    kind = file_system_of(path)
    if kind.startswith(_UNRELIABLE_LOCKS):
        yield warning(
            "disk",
            f"{path} is on a {kind} file system, whose locks cannot be relied on",
            "Set CERTTRACE_HOME to a local disk, or give each machine a data folder of its own.",
            file_system=kind,
        )
    elif kind:
        yield ok("disk", f"file system {kind}", file_system=kind)


def file_system_of(path: Path) -> str:
    """Return the type of the file system that a path is on; empty where this machine does not say."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    target, best, kind = path.resolve(), Path("/"), ""
    for line in lines:
        left, _, right = line.partition(" - ")
        mount = Path(left.split()[4].replace("\\040", " "))
        if target.is_relative_to(mount) and mount.is_relative_to(best):
            best, kind = mount, right.split()[0]
    return kind


def _spool(settings: Settings) -> Iterator[Finding]:
    area = "spool"
    root = settings.spool_path
    directories = abandoned(root)
    used = folder_bytes(root)
    owed = [path for directory in directories for path in directory.glob("content-*")]
    ages = [time.time() - path.stat().st_mtime for path in owed if path.exists()]
    said = f"{_size(used)} of {_size(settings.spool_max_bytes)}, {_count(len(directories), 'process', 'processes')}"
    facts = {"bytes": used, "processes": len(directories), "oldest_seconds": round(max(ages, default=0.0))}
    remedy = "See: certtrace spool status"
    if used >= 0.9 * settings.spool_max_bytes:
        yield wrong(area, f"{said}: it is full, new units are refused", remedy, **facts)
    elif max(ages, default=0.0) > _OLD_SECONDS:
        yield warning(area, f"{said}; the oldest waits for {max(ages) / 3600:.1f} h", remedy, **facts)
    else:
        yield ok(area, said, **facts)
    dead = Counter(letter.destination for letter in letters(root))
    if dead:
        told = ", ".join(f"{number} for {name}" for name, number in sorted(dead.items()))
        yield warning(
            area, f"dead letters: {told}", "See why: certtrace spool status. Send again: certtrace spool retry"
        )


def _recorder(settings: Settings) -> Iterator[Finding]:
    used = folder_bytes(settings.recorder_path)
    yield ok("recorder", f"{_size(used)} of {_size(settings.recorder_max_bytes)}", bytes=used)
    folder = settings.signals_path
    if settings.recorder_signals is None and not folder.exists():
        return
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield wrong(
            "recorder",
            f"the folder of signals {folder} is not there, or cannot be read and written",
            "Make it, or mend CERTTRACE_RECORDER_SIGNALS: processes do not hear of each other.",
        )
    elif stat.S_IMODE(folder.stat().st_mode) & 0o002:
        yield warning("recorder", f"everybody may write to {folder}", "Close it: who writes there makes services send.")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _size(number: float) -> str:
    for unit in ("B", "kB", "MB"):
        if number < 1_000:
            return f"{number:.0f} {unit}"
        number /= 1_000
    return f"{number:.1f} GB"
