"""The order in which things are checked; one that fails unexpectedly does not stop the others."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from certtrace.assembly.doctor.canary import check_canary
from certtrace.assembly.doctor.configuration import check_configuration
from certtrace.assembly.doctor.finding import Finding, ok, wrong
from certtrace.assembly.doctor.langfuse import check_langfuse
from certtrace.assembly.doctor.machine import check_machine
from certtrace.errors import CerttraceError
from certtrace.records.source import StoreSource
from certtrace.settings import Settings

AREAS: Final = (
    "configuration",
    "keys",
    "clocks",
    "disk",
    "spool",
    "recorder",
    "store",
    "langfuse",
    "counters",
    "account",
    "metrics",
    "canary",
)
"""In the order in which they are shown."""

_KNOWN_TO_FAIL_SECONDS: Final = 2.0
"""How long the canary waits for a destination that does not work."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What is examined, and how thoroughly."""

    settings: Settings
    given: Mapping[str, Any]
    """What `configure` is called with besides what the environment says."""
    canary: bool = True
    timeout_seconds: float = 10.0


def examine(examination: Examination) -> Iterator[Finding]:
    """Yield findings as they are made. Never raises: a check that fails is a finding."""
    settings, timeout = examination.settings, examination.timeout_seconds
    yield from _guarded("configuration", lambda: check_configuration(settings))
    yield from _guarded("disk", lambda: check_machine(settings))
    if "store" in settings.destinations:
        yield from _guarded("store", lambda: _check_store(settings))
    patience = timeout
    if "langfuse" in settings.destinations:
        for finding in _guarded("langfuse", lambda: check_langfuse(settings, timeout)):
            yield finding
            if finding.state == "wrong":
                patience = min(timeout, _KNOWN_TO_FAIL_SECONDS)
    if examination.canary:
        yield from _guarded(
            "canary", lambda: check_canary(settings, examination.given, timeout, patience_seconds=patience)
        )


def _guarded(area: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except CerttraceError as error:
        yield wrong(area, str(error), "Mend this first.")
    except Exception as error:  # noqa: BLE001 - whatever is broken here, the rest has to be looked at
        reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        yield wrong(area, f"the check itself failed: {reason}", "Please report it, with the output of --json.")


def _check_store(settings: Settings) -> Iterator[Finding]:
    path = settings.store_path
    if not path.exists():
        yield ok("store", f"{path} is made by the first trace")
        return
    StoreSource(path).list_traces(limit=1)
    yield ok("store", f"{path.name} can be read, {path.stat().st_size / 1e6:.1f} MB")
