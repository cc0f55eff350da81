"""How much of the disk the spool may use, and whom it refuses then. What was accepted is never evicted."""

import logging
import os
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Final

from certtrace.delivery.files import folder_bytes
from certtrace.ports import RULES

_log = logging.getLogger(__name__)

_RESERVE: Final = 0.1
"""Share of the budget, and of the free disk asked for, that only units kept for certain may use."""
_BY_CHANCE: Final = frozenset(RULES.index(name) for name in ("baseline", "context", "dry_run", "stress"))
_MIB: Final = 1024 * 1024


class Gate(IntEnum):
    """Whom the spool takes."""

    OPEN = 0
    CERTAIN_ONLY = 1
    SHUT = 2


def is_certain(threshold: int, rule: int) -> bool:
    """Whether a unit was kept for a reason of its own, not because chance or a baseline that keeps all let it pass."""
    return threshold == 0 and rule not in _BY_CHANCE


class Budget:
    """Measures the disk now and then, and judges by that and by what was written since. Not thread-safe."""

    def __init__(
        self, root: Path, max_bytes: int, min_free_bytes: int, relieve: Callable[[int], object] | None = None
    ) -> None:
        """Take the bounds.

        Args:
            root: The spool's folder.
            max_bytes: For everything below it, all processes together.
            min_free_bytes: Free disk that is left to others.
            relieve: Called with a number of bytes when that little is free, before anybody is refused: whoever has
                what can be spared, such as a recorder of units that were not kept, frees it.
        """
        self._root = root
        self._min_free_bytes = min_free_bytes
        self._relieve = relieve
        self._measured_bytes = 0
        self.max_bytes = max_bytes
        self.free_bytes: int | None = None
        """Free disk when it was measured last; None where it is unknown."""

    def measure(self, *, is_refused: bool) -> None:
        """Look at the disk. Costs a walk through the spool's folder: never on a host's thread.

        Args:
            is_refused: Whether the disk refuses to be written to.
        """
        self._measured_bytes = folder_bytes(self._root)
        self.free_bytes = _free_bytes(self._root)
        low = self.free_bytes is not None and self.free_bytes < self._min_free_bytes
        if self._relieve is None or not (low or is_refused):
            return
        try:
            self._relieve(max(self._min_free_bytes - (self.free_bytes or 0), _MIB))
        except Exception as error:  # noqa: BLE001 - foreign code; the spool refuses units then, and goes on
            _log.debug("Nothing could be freed for the spool (%s).", type(error).__name__)
        self.free_bytes = _free_bytes(self._root)

    def used_bytes(self, written_bytes: int) -> int:
        """Return what the spool uses, given what this process wrote since `measure`."""
        return self._measured_bytes + written_bytes

    def judge(self, written_bytes: int) -> tuple[Gate, str]:
        """Return whom to take, and the reason why others are refused.

        Args:
            written_bytes: What this process wrote since `measure`.
        """
        used = self.used_bytes(written_bytes)
        # Free disk goes down by what is written until it is measured again.
        free = None if self.free_bytes is None else self.free_bytes - written_bytes
        if used >= self.max_bytes:
            return Gate.SHUT, "spool_full"
        if free is not None and free < self._min_free_bytes * _RESERVE:
            return Gate.SHUT, "disk_full"
        if used >= self.max_bytes * (1 - _RESERVE):
            return Gate.CERTAIN_ONLY, "spool_reserve"
        if free is not None and free < self._min_free_bytes:
            return Gate.CERTAIN_ONLY, "disk_low"
        return Gate.OPEN, ""


def _free_bytes(path: Path) -> int | None:
    try:
        facts = os.statvfs(path)
    except OSError:
        return None
    return facts.f_bavail * facts.f_frsize
