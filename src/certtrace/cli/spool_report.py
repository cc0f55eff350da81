"""What `certtrace spool` says: the spool's state as lines for people and as JSON for programs."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from certtrace.delivery.counters import Owed
from certtrace.delivery.draining import Drained
from certtrace.delivery.files import folder_bytes
from certtrace.delivery.replaying import Wanted, wanted_letters
from certtrace.delivery.survey import ENDED, RUNNING, DirectoryFacts, is_there, survey
from certtrace.delivery.volume import complaint_about, file_system_of
from certtrace.records.safe_text import one_line
from certtrace.settings import Settings

_GAP = 2


@dataclass(frozen=True, slots=True)
class Letters:
    """Dead letters of one destination and one reason."""

    destination: str
    reason: str
    count: int
    bytes: int
    oldest_time_ns: int


@dataclass(frozen=True, slots=True)
class Report:
    """The state of a spool."""

    root: Path
    exists: bool
    used_bytes: int
    max_bytes: int
    free_bytes: int | None
    min_free_bytes: int
    file_system: str
    warning: str
    directories: Sequence[DirectoryFacts]
    letters: Sequence[Letters]
    configured: Sequence[str]
    """Destinations that the settings name."""

    def owed(self) -> dict[str, Owed]:
        """Return what each destination is owed, all processes together; those configured in any case."""
        total = {name: Owed(0, 0, None) for name in self.configured}
        for facts in self.directories:
            for name, more in facts.owed.items():
                total[name] = _sum(total.get(name, Owed(0, 0, None)), more)
        return total


def report_of(settings: Settings) -> Report:
    """Look at a spool; changes nothing.

    Raises:
        SpoolError: There is something else where the spool should be, or it cannot be read.
    """
    root = settings.spool_path
    exists = is_there(root)
    free = os.statvfs(root if exists else _nearest(root))
    return Report(
        root=root,
        exists=exists,
        used_bytes=folder_bytes(root),
        max_bytes=settings.spool_max_bytes,
        free_bytes=free.f_bavail * free.f_frsize,
        min_free_bytes=settings.spool_min_free_bytes,
        file_system=file_system_of(root),
        warning=complaint_about(root) if exists and os.access(root, os.W_OK) else "",
        directories=list(survey(root)) if exists else [],
        letters=letters_of(root, Wanted()) if exists else [],
        configured=settings.destinations,
    )


def letters_of(root: Path, wanted: Wanted) -> list[Letters]:
    """Return the dead letters that are meant, counted by destination and reason, the most frequent first."""
    found: dict[tuple[str, str], Letters] = {}
    for letter in wanted_letters(root, wanted):
        key = (letter.destination, letter.reason)
        known = found.get(key) or Letters(*key, 0, 0, letter.time_ns)
        size = known.bytes + len(letter.payload.data)
        found[key] = Letters(*key, known.count + 1, size, min(known.oldest_time_ns, letter.time_ns))
    return sorted(found.values(), key=lambda each: (-each.count, each.destination, each.reason))


def left_of(settings: Settings, done: Drained | None) -> list[tuple[str, str]]:
    """Return what a drain left, and why: what ended processes still owe, to anybody."""
    if done is None:
        return []
    owed: dict[str, int] = {}
    left: list[tuple[str, str]] = []
    for facts in survey(settings.spool_path):
        if facts.state not in {RUNNING, ENDED} or (facts.user != os.geteuid() and facts.state == ENDED):
            left.append((facts.name, f"it belongs to user {facts.user}: run this as that user"))
            continue
        if facts.state == ENDED:
            for name, more in facts.owed.items():
                owed[name] = owed.get(name, 0) + more.records
            if facts.faults.get("unknown"):
                left.append((facts.name, "it was written by a later version of certtrace: use that one"))
    for name, units in sorted(owed.items()):
        left.append((f"{units:,} for {name}", _why(settings, done, name)))
    return left


def _why(settings: Settings, done: Drained, name: str) -> str:
    if name not in settings.destinations:
        return "it is not among the destinations that are configured here"
    return done.reasons.get(name) or "the time was over"


def drained_json(done: Drained | None, left: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return what a drain did."""
    return {
        "delivered": dict(done.delivered) if done else {},
        "dead_lettered": dict(done.dead_lettered) if done else {},
        "left": [{"what": what, "why": why} for what, why in left],
    }


def drained_lines(done: Drained | None, left: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield what a drain did, a line each."""
    if done is None or (not done.directories and not left):
        yield "Nothing to deliver: no ended process left anything."
        return
    for name, units in sorted(done.delivered.items()):
        dead = done.dead_lettered.get(name, 0)
        yield f"{name}: {units:,} delivered" + (f", {dead:,} refused and kept as dead letters" if dead else "")
    for what, why in left:
        yield f"Left: {one_line(what)}. Why: {one_line(why).rstrip('.')}."


def report_json(report: Report) -> dict[str, Any]:
    """Return the state for a program."""
    now = time.time_ns()
    return {
        "spool": str(report.root),
        "used_bytes": report.used_bytes,
        "max_bytes": report.max_bytes,
        "free_bytes": report.free_bytes,
        "min_free_bytes": report.min_free_bytes,
        "file_system": report.file_system,
        "warning": report.warning,
        "owed": {name: _owed_json(owed, now) for name, owed in report.owed().items()},
        "processes": [
            {
                "directory": facts.name,
                "pid": facts.pid,
                "user": facts.user,
                "state": facts.state,
                "written_age_seconds": _age(facts.written_time_ns, now),
                "bytes": facts.bytes,
                "without_content": facts.without_content,
                "faults": facts.faults,
                "owed": {name: _owed_json(owed, now) for name, owed in facts.owed.items()},
            }
            for facts in report.directories
        ],
        "dead_letters": [
            {
                "destination": each.destination,
                "reason": each.reason,
                "count": each.count,
                "bytes": each.bytes,
                "oldest_age_seconds": _age(each.oldest_time_ns, now),
            }
            for each in report.letters
        ],
    }


def report_lines(report: Report, width: int) -> Iterator[Text | str]:
    """Yield the state for a person."""
    yield Text.assemble(("Spool ", "bold"), str(report.root))
    yield from _disk_lines(report)
    if not report.exists:
        yield "Nothing was ever spooled here."
        return
    now = time.time_ns()
    yield ""
    yield from table(
        ("owed to", "records", "bytes", "oldest"),
        [(name, f"{o.records:,}", size_text(o.bytes), _age_text(o.oldest_time_ns, now)) for name, o in _sorted(report)],
        width,
    )
    if report.directories:
        yield ""
        yield from table(
            ("process", "state", "written", "size", "owes", "no content", "damaged"),
            [_row(facts, now) for facts in report.directories],
            width,
        )
    if report.letters:
        yield ""
        yield from letter_lines(report.letters, width)
    yield from _advice(report)


def letter_lines(found: Sequence[Letters], width: int) -> Iterator[Text]:
    """Yield dead letters by destination and reason."""
    now = time.time_ns()
    rows = [
        (f"{each.count:,}", each.destination, size_text(each.bytes), _age_text(each.oldest_time_ns, now), each.reason)
        for each in found
    ]
    yield from table(("dead letters", "refused by", "bytes", "oldest", "reason"), rows, width)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[Text]:
    """Yield rows in columns; the last column that is too long for the terminal is cut."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(headings, *cells, strict=True)]
    for number, row in enumerate([headings, *cells]):
        line = Text(style="dim" if number == 0 else "")
        for cell, room in zip(row, widths, strict=True):
            line.append(cell + " " * (room - cell_len(cell) + _GAP))
        line.rstrip()
        line.truncate(width, overflow="ellipsis")
        yield line


def size_text(size: int) -> str:
    """Return a number of bytes as people read it."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"


def _disk_lines(report: Report) -> Iterator[Text | str]:
    share = report.used_bytes / report.max_bytes
    line = f"{size_text(report.used_bytes)} of {size_text(report.max_bytes)} used ({share:.0%})"
    if report.free_bytes is not None:
        kind = f" ({report.file_system})" if report.file_system else ""
        line += f", {size_text(report.free_bytes)} free on the disk{kind}"
    yield line
    if share >= 1:
        yield Text("The spool is full: new traces are refused.", "red")
    elif share >= 0.9:
        yield Text("The spool is nearly full: traces that were kept by chance are refused.", "yellow")
    if report.free_bytes is not None and report.free_bytes < report.min_free_bytes:
        yield Text(f"The disk is nearly full: less than {size_text(report.min_free_bytes)} are free.", "red")
    if report.warning:
        yield Text(report.warning, "yellow")


def _row(facts: DirectoryFacts, now: int) -> tuple[str, ...]:
    owes = ", ".join(f"{owed.records:,} to {name}" for name, owed in sorted(facts.owed.items()))
    faults = ", ".join(f"{count} {fault}" for fault, count in sorted(facts.faults.items()))
    state = facts.state if facts.user == os.geteuid() else f"{facts.state}, user {facts.user}"
    return (
        str(facts.pid) if facts.pid is not None else facts.name,
        state,
        _age_text(facts.written_time_ns, now),
        size_text(facts.bytes),
        owes or "nothing",
        f"{facts.without_content:,}" if facts.without_content else "",
        faults,
    )


def _advice(report: Report) -> Iterator[str]:
    ended = [facts for facts in report.directories if facts.state == ENDED]
    if ended:
        yield ""
        yield f"{len(ended)} ended: the next service takes them over, or deliver now with: certtrace spool drain"
    if report.letters:
        yield "Dead letters are tried again with: certtrace spool retry"


def _sorted(report: Report) -> list[tuple[str, Owed]]:
    return sorted(report.owed().items())


def _sum(one: Owed, other: Owed) -> Owed:
    times = [each.oldest_time_ns for each in (one, other) if each.oldest_time_ns is not None]
    return Owed(one.records + other.records, one.bytes + other.bytes, min(times, default=None))


def _owed_json(owed: Owed, now: int) -> dict[str, Any]:
    age = _age(owed.oldest_time_ns, now) if owed.oldest_time_ns is not None else None
    return {"records": owed.records, "bytes": owed.bytes, "oldest_age_seconds": age}


def _age(time_ns: int, now: int) -> float:
    return round(max(now - time_ns, 0) / 1e9, 1)


def _age_text(time_ns: int | None, now: int) -> str:
    if time_ns is None:
        return ""
    seconds = int(_age(time_ns, now))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


def _nearest(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.exists())
