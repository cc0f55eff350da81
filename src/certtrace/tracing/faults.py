"""Our own faults: counted, logged once per cause, never shown to the host."""

import logging
import threading

_log = logging.getLogger("certtrace")


class Faults:
    """What went wrong inside certtrace, by cause."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}

    def __call__(self, where: str, error: BaseException) -> None:
        """Count a fault and log its cause once, without the message: it may quote the host's data."""
        cause = f"{where}: {type(error).__name__}"
        with self._lock:
            self._counts[cause] = self._counts.get(cause, 0) + 1
            first = self._counts[cause] == 1
        if not first:
            return
        try:  # noqa: SIM105 - `suppress` is a call more, and the stack may be at its end
            _log.error("Tracing failed in %s; the traced code is not affected, the span may be incomplete.", cause)
        except Exception:  # noqa: BLE001, S110 - a handler is the host's code, or the stack is at its end: it is counted
            pass

    def counts(self) -> dict[str, int]:
        """Return how often, by cause."""
        with self._lock:
            return dict(self._counts)
