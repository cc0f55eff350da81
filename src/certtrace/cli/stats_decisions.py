"""What the ledgers say was decided: exact counts, unit by unit, kept or not."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

_SUFFIX: Final = ".jsonl"
_KEPT: Final = b'"keep":true'
_DROPPED: Final = b'"keep":false'
_NEEDED: Final = {"trace_id", "root", "time_ns", "rule", "threshold"}


class Kept(NamedTuple):
    """A unit that was kept."""

    service: str
    rule: str
    threshold: int | None
    """None for one kept for context only."""


@dataclass(slots=True)
class Decisions:
    """All units that the ledgers of a folder tell of."""

    kept: dict[int, Kept] = field(default_factory=dict)
    """By `key_of`."""
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By service and reason."""

    @property
    def total(self) -> int:
        """Units that were decided."""
        return len(self.kept) + self.dropped.total()

    def by_service(self) -> dict[str, int]:
        """Return how many units were decided, by service."""
        counts = Counter(unit.service for unit in self.kept.values())
        for (service, _reason), number in self.dropped.items():
            counts[service] += number
        return dict(sorted(counts.items()))

    def by_rule(self) -> dict[str, int]:
        """Return how many units were kept, by rule, most frequent first."""
        return dict(Counter(unit.rule for unit in self.kept.values()).most_common())

    def by_reason(self) -> dict[str, int]:
        """Return how many units were dropped, by reason, most frequent first."""
        counts: Counter[str] = Counter()
        for (_service, reason), number in self.dropped.items():
            counts[reason] += number
        return dict(counts.most_common())


def key_of(trace_id: str, root_span_id: str) -> int:
    """Return what tells a unit from all others; there may be millions, so it is small."""
    return int(trace_id + root_span_id, 16)


def decisions_of(folder: Path, *, since_ns: int | None = None, service: str | None = None) -> Decisions:
    """Read all ledgers of a folder.

    Args:
        folder: Where they are; it need not exist.
        since_ns: Only what was decided from then on.
        service: Only units of this service.
    """
    found = Decisions()
    # Twice: a unit may be dropped first and brought back later, in the ledger of another process.
    for own, entry in _entries(folder, service, kept=True):
        if entry["time_ns"] >= (since_ns or 0):
            _add_kept(found.kept, own, entry)
    for own, entry in _entries(folder, service, kept=False):
        unit = found.kept.get(key := key_of(entry["trace_id"], entry["root"]))
        if unit is None:
            if entry["time_ns"] >= (since_ns or 0):
                found.dropped[own, entry["rule"]] += 1
        elif not unit.service:
            found.kept[key] = _shared(own, unit.rule, unit.threshold)
    if service is not None:
        found.kept = {key: unit for key, unit in found.kept.items() if unit.service == service}
    return found


def _add_kept(kept: dict[int, Kept], service: str, entry: Mapping[str, Any]) -> None:
    """Note a kept unit; of one that was kept in parts the lowest threshold is that of the whole."""
    key = key_of(entry["trace_id"], entry["root"])
    threshold = entry["threshold"] if entry.get("counts", True) else None
    before = kept.get(key)
    if before is None or before.threshold is None or (threshold is not None and threshold <= before.threshold):
        kept[key] = _shared(service, entry["rule"], threshold)


@lru_cache(maxsize=1_024)
def _shared(service: str, rule: str, threshold: int | None) -> Kept:
    return Kept(service, rule, threshold)


def _entries(folder: Path, service: str | None, *, kept: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the entries about units that were kept, or dropped, with the service that the opening line names.

    A ledger without a service is that of a recall: whose units it has, the ledger knows in which they were dropped.
    """
    wanted = _KEPT if kept else _DROPPED
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        try:
            with path.open("rb") as lines:
                opening = _parsed(next(lines, b""))
                own = str(opening.get("service") or "")
                if service is not None and own != service and not (kept and not own):
                    continue
                for line in lines:
                    if wanted in line and (entry := _parsed(line)).keys() >= _NEEDED:
                        yield own, entry
        except OSError:
            continue  # removed meanwhile


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        entry = orjson.loads(line)
    except ValueError:
        return {}  # the torn tail of a ledger that is being written
    return entry if isinstance(entry, dict) else {}
