"""No SQLite connection is open while the process forks.

SQLite keeps its file locks in tables of the process. A forked child would inherit the tables, but not the locks, and
could damage the store even through a connection of its own. So uses are counted, a fork waits for those under way, and
idle connections are closed before it.

References:
    SQLite, "How To Corrupt An SQLite Database File", section 2.7.
"""

import os
import threading
import weakref
from typing import Final, Protocol

_LONGEST_WAIT_SECONDS: Final = 2.0


class HoldsConnection(Protocol):
    """Keeps a connection open between uses."""

    def close(self) -> None:
        """Close it; the next use opens another."""
        ...

    def forget(self) -> None:
        """Drop it without touching it: it belongs to the parent process."""
        ...


class ForkGate:
    """Entered for every use of a connection: `with GATE: …`. Any number of uses at once, none during a fork."""

    def __init__(self) -> None:
        """Start with no use under way."""
        self._changed = threading.Condition()
        self._uses = 0
        self._forking = False
        self._holders: weakref.WeakSet[HoldsConnection] = weakref.WeakSet()

    def register(self, holder: HoldsConnection) -> None:
        """Have the holder's connection closed before each fork."""
        self._holders.add(holder)

    def __enter__(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._forking)
            self._uses += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._uses -= 1
            self._changed.notify_all()

    def before_fork(self) -> None:
        """Wait for uses under way, but not for ever: the host's fork must not hang on a slow disk."""
        with self._changed:
            self._forking = True
            if self._changed.wait_for(lambda: self._uses == 0, _LONGEST_WAIT_SECONDS):
                for holder in list(self._holders):
                    holder.close()

    def after_in_parent(self) -> None:
        """Let uses go on."""
        with self._changed:
            self._forking = False
            self._changed.notify_all()

    def after_in_child(self) -> None:
        """Start afresh: threads that were waiting or working are not in the child."""
        self._changed = threading.Condition()
        self._uses = 0
        self._forking = False
        for holder in list(self._holders):
            holder.forget()


GATE: Final = ForkGate()

if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(
        before=GATE.before_fork, after_in_parent=GATE.after_in_parent, after_in_child=GATE.after_in_child
    )
