"""How an operator tells the running processes of a spool to try again at once: a file that is touched."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from certtrace.delivery.files import make_private_folder

_NAME: Final = ".retry"
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def nudge(root: Path) -> None:
    """Make every process below a spool's root try its destinations within a second, paused ones too.

    Raises:
        OSError: The file cannot be touched.
        SpoolError: The folder is not ours.
    """
    make_private_folder(root)
    descriptor = os.open(root / _NAME, _FLAGS, 0o600)
    try:
        os.utime(descriptor)
    finally:
        os.close(descriptor)


class Nudges:
    """Sees nudges."""

    def __init__(self, root: Path) -> None:
        """Take the spool's root; what was before does not count."""
        self._path = root / _NAME
        self._seen = self._touched()

    def is_new(self) -> bool:
        """Whether somebody nudged since the last call."""
        touched = self._touched()
        if touched == self._seen:
            return False
        self._seen = touched
        return True

    def _touched(self) -> int:
        with suppress(OSError):
            return self._path.stat().st_mtime_ns
        return 0
