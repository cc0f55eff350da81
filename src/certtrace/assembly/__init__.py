"""From settings to a running pipeline: `configure`, `force_flush`, `shutdown`, `status`."""

import atexit
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any, Final

from certtrace.assembly.build import build
from certtrace.assembly.instruments import use_langfuse
from certtrace.assembly.redaction import policy_of
from certtrace.assembly.running import Running
from certtrace.assembly.sampling import sampling_policy_of
from certtrace.assembly.status import FlushResult, Status
from certtrace.settings import load
from certtrace.tracing.active import ACTIVE

__all__ = [
    "FlushResult",
    "Running",
    "Status",
    "configure",
    "current_running",
    "force_flush",
    "install",
    "restore",
    "shutdown",
    "status",
]

_log = logging.getLogger("certtrace")

INTERPRETER_SECONDS: Final = 0.6
"""What the interpreter itself takes to end after us: part of the time that the end of the process may take."""


class _Process:
    """What this process runs at present."""

    lock = threading.RLock()
    running: Running | None = None
    hooked = False


def configure(
    *,
    home: str | Path | None = None,
    destinations: list[str] | tuple[str, ...] | None = None,
    service_name: str | None = None,
    environment: str | None = None,
    release: str | None = None,
    **settings: Any,
) -> None:
    """Start recording. Without it traced functions run as if untraced.

    Calling it again replaces what runs; what was recorded until then is delivered first. If a setting or a policy
    cannot be used, what runs goes on as it is.

    Args:
        home: Data folder; default `CERTTRACE_HOME`, else the user's data directory.
        destinations: `store`, `langfuse`; default `CERTTRACE_DESTINATIONS`, else `store`.
        service_name: Default `OTEL_SERVICE_NAME`.
        environment: Langfuse environment; default `LANGFUSE_TRACING_ENVIRONMENT`.
        release: Default `LANGFUSE_RELEASE`.
        settings: Any other field of `certtrace.settings.Settings`.

    Raises:
        ConfigurationError: A value cannot be used; the message names it and where it came from.
        StoreError: The store cannot be opened, for example because a newer version wrote it.
        SpoolError: The spool folder cannot be used.
    """
    loaded = load(
        home=home,
        destinations=destinations,
        service_name=service_name,
        environment=environment,
        release=release,
        **settings,
    )
    if loaded.enabled:
        # Read before what runs is stopped: with a policy that cannot be used it goes on with the one it has.
        policy_of(loaded)
        sampling_policy_of(loaded)
    with _Process.lock:
        shutdown(loaded.shutdown_timeout_seconds)
        if loaded.enabled:
            install(build(loaded))


def install(running: Running) -> None:
    """Make a built pipeline the one that traced calls use."""
    with _Process.lock:
        _Process.running = running
        running.provider.gate.use(running.tracer)
        ACTIVE.runtime = running.tracer
        if running.langfuse is not None:
            running.langfuse_before = use_langfuse(running.langfuse)
        if not _Process.hooked:
            _Process.hooked = True
            atexit.register(_at_exit)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=_after_fork)


def current_running() -> Running | None:
    """Return what runs, or `None` before `configure()` and after `shutdown()`."""
    return _Process.running


def restore(before: Running | None) -> None:
    """Let what ran before `install` run again, or nothing; `langfuse` clients get back the gate that they had."""
    with _Process.lock:
        active, _Process.running = _Process.running, before
        if active is not None:
            active.provider.gate.use(None)
            if active.langfuse is not None:
                use_langfuse(active.langfuse_before)
                active.langfuse_before = None
        elif before is not None:
            use_langfuse(before.langfuse)
        ACTIVE.runtime = None
        if before is not None:
            before.provider.gate.use(before.tracer)
            ACTIVE.runtime = before.tracer


def force_flush(timeout_seconds: float = 10.0) -> FlushResult:
    """Deliver what has ended; keeps its timeout.

    Returns:
        Whether everything was delivered, and what was not, by destination. Spans that are still open are not waited
        for.
    """
    active = _Process.running
    return FlushResult(delivered=True) if active is None else active.flush(timeout_seconds)


def shutdown(timeout_seconds: float = 2.0) -> FlushResult:
    """Stop recording and deliver within the timeout; what is left stays on disk for the next process."""
    with _Process.lock:
        active, _Process.running = _Process.running, None
        if active is None:
            return FlushResult(delivered=True)
        ACTIVE.runtime = None
        active.provider.gate.use(None)
        result = active.close(time.monotonic() + timeout_seconds)
        if active.langfuse is not None:
            active.langfuse.rest()
            active.langfuse_before = None
        return result


def status() -> Status | None:
    """Return the account, the redaction counts and where the data is; `None` when nothing runs."""
    active = _Process.running
    return None if active is None else active.status()


def _at_exit() -> None:
    active = _Process.running
    if active is not None:
        budget = active.settings.shutdown_timeout_seconds
        result = shutdown(max(budget - INTERPRETER_SECONDS, budget / 2))
        if not result.delivered:
            _log.info("Not everything was delivered at exit: %s. It is kept on disk.", result)


def _after_fork() -> None:
    _Process.lock = threading.RLock()
    if _Process.running is not None:
        _Process.running.forked()
