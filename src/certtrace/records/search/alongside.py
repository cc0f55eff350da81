"""A process of its own that keeps the index of one store up to date: `python -m` this module, the store's path.

A server's threads wait for each other: indexing among them, even a page of a list took some tenths of a second.
It ends when its standard input does, so with whoever started it, however that ends.
"""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Final

from certtrace.records.database import Database
from certtrace.records.search.index import SearchIndex

_PAUSE_SECONDS: Final = 1.0
_BUDGET_SECONDS: Final = 1.0
_BUSY_SECONDS: Final = 5.0
_AT_ONCE_BYTES: Final = 4096
_NICENESS: Final = 5
"""Whoever waits for an answer comes first where there is one core for both."""


def keep_up(path: Path, ended: threading.Event) -> None:
    """Index what is written to a store until the event is set.

    Raises:
        StoreError: The store cannot be opened or read.
        sqlite3.Error: It cannot be written.
    """
    database = Database(path)
    index = SearchIndex(database, busy_seconds=_BUSY_SECONDS)
    try:
        while not ended.is_set():
            left = index.catch_up(_BUDGET_SECONDS)
            ended.wait(0.0 if left else _PAUSE_SECONDS)
    finally:
        database.close()


def _await_end(descriptor: int, ended: threading.Event) -> None:
    while os.read(descriptor, _AT_ONCE_BYTES):
        pass
    ended.set()


def main() -> None:
    """Keep the store up to date whose path is the only argument."""
    # Ctrl-C reaches every process of a terminal; the one that started this ends it in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    ended = threading.Event()
    threading.Thread(target=_await_end, args=(sys.stdin.fileno(), ended), daemon=True).start()
    keep_up(Path(sys.argv[1]), ended)


if __name__ == "__main__":
    main()
