"""A trace through the whole way: traced, redacted, entered in the ledger, spooled, delivered, and read back."""

import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from certtrace.assembly import configure, current_running, force_flush, shutdown
from certtrace.assembly.doctor.finding import Finding, ok, warning, wrong
from certtrace.assembly.doctor.langfuse import LangfuseReader
from certtrace.assembly.doctor.probe import ProbeError
from certtrace.assembly.measures import INSTRUMENTS, Reading
from certtrace.assembly.redaction import policy_of
from certtrace.errors import CerttraceError, TraceNotFoundError
from certtrace.ledger import entries_of
from certtrace.records.langfuse_json import trace_json
from certtrace.records.removal import remove_trace
from certtrace.records.source import StoreSource
from certtrace.settings import Settings
from certtrace.tracing import identify, propagate_attributes, span, traced

AREA: Final = "canary"
NAME: Final = "certtrace.canary"
_STEP: Final = f"{NAME}.step"
_SPANS: Final = 2
_SHUTDOWN_SECONDS: Final = 2.0
_FIRST: Final = ("Marcella", "Thorvald", "Ludmilla", "Cornelis")
_LAST: Final = ("Quisenberry", "Abernathy", "Zoetemelk", "Featherstone")


class Canary:
    """One trace with a person in it who does not exist."""

    def __init__(self) -> None:
        """Invent the person anew each time, so that nothing of an earlier canary is taken for this one."""
        self.name = f"{secrets.choice(_FIRST)} {secrets.choice(_LAST)}"
        self.email = f"{self.name.replace(' ', '.').lower()}.{secrets.token_hex(4)}@example.invalid"
        self.trace_id = ""

    def send(self) -> None:
        """Trace a call that says who the person is, in arguments, result and metadata."""
        identify(name=self.name, email=self.email)

        @traced(name=_STEP)
        def step(text: str) -> str:
            return f"Graded: {len(text)} characters. A copy goes to {self.email}."

        with propagate_attributes(tags=[NAME]), span(NAME) as handle:
            handle.keep()
            handle.update(metadata={"contact": f"{self.name} <{self.email}>"})
            self.trace_id = handle.trace_id
            step(f"This is the answer of {self.name}. Write to {self.email}.")

    def is_in(self, text: str) -> bool:
        """Tell whether anything of the person is in a text."""
        folded = text.casefold()
        words = (self.email, self.name, *self.name.split())
        return any(word.casefold() in folded for word in words)


def check_canary(
    settings: Settings, given: Mapping[str, Any], timeout_seconds: float, *, patience_seconds: float
) -> Iterator[Finding]:
    """Send a canary and yield how far it got.

    Args:
        settings: Where it is looked for.
        given: What `configure` is called with besides what the environment says.
        timeout_seconds: How long each destination may take to show it.
        patience_seconds: How long delivery may take.
    """
    canary = Canary()
    try:
        configure(**given)
    except CerttraceError as error:
        yield wrong(AREA, f"recording cannot start: {error}", "Mend this first.")
        return
    try:
        canary.send()
        flushed = force_flush(patience_seconds)
        running = current_running()
        seen = Reading.of(running) if running is not None else None
    finally:
        shutdown(_SHUTDOWN_SECONDS)
    if seen is None or not canary.trace_id.strip("0"):
        yield wrong(AREA, "recording is switched off", "Unset CERTTRACE_ENABLED=false, or whatever says so.")
        return
    yield from _counters(seen)
    yield from _in_ledger(settings, canary)
    for name in settings.destinations:
        if flushed.undelivered.get(name):
            yield wrong(
                AREA,
                f"not delivered to {name} within {patience_seconds:g} s",
                "See above what is wrong with it. The canary waits in the spool and is delivered later.",
            )
        elif name == "store":
            yield from _in_store(settings, canary)
        elif name == "langfuse":
            yield from _in_langfuse(settings, canary, timeout_seconds)


def _counters(seen: Reading) -> Iterator[Finding]:
    """Yield what this process counted, and the metrics that a service would export."""
    account = seen.account
    redactions = sum(seen.findings.values())
    said = f"{account.started} unit started, {account.kept} kept, {seen.spans} spans, {redactions} values redacted"
    facts = {"dropped": dict(account.dropped), "faults": dict(seen.faults), "withheld": seen.withheld}
    if account.kept != 1:
        yield wrong("counters", f"{said}; dropped: {dict(account.dropped)}", "Which rule drops it?", **facts)
    elif seen.faults:
        yield warning("counters", f"{said}; own faults: {', '.join(seen.faults)}", "Please report them.", **facts)
    else:
        yield ok("counters", said, **facts)
    sums = seen.sums.replace("\n", "; ")
    if seen.imbalance:
        yield wrong("account", f"it does not add up: {sums}", "This is a fault of certtrace. Please report it.")
    else:
        yield ok("account", sums)
    metrics: dict[str, float] = {}
    for instrument in INSTRUMENTS:
        for value, attributes in instrument.read(seen):
            told = ",".join(value for _, value in attributes)
            metrics[f"{instrument.name}{{{told}}}" if told else instrument.name] = value
    shown = ", ".join(f"{name.removeprefix('certtrace.')} {value:g}" for name, value in metrics.items() if value)
    yield ok("metrics", shown, **metrics)


def _in_ledger(settings: Settings, canary: Canary) -> Iterator[Finding]:
    entries = entries_of(settings.ledger_path, [canary.trace_id])
    if [entry.keep for entry in entries] == [True]:
        yield ok(AREA, "it is in the ledger")
    else:
        yield wrong(AREA, f"the ledger has {len(entries)} entries for it", f"Is {settings.ledger_path} writable?")


def _in_store(settings: Settings, canary: Canary) -> Iterator[Finding]:
    try:
        trace = StoreSource(settings.store_path).get_trace(canary.trace_id)
    except TraceNotFoundError:
        yield wrong(AREA, "it did not arrive in the store", "See: certtrace spool status")
        return
    except CerttraceError as error:
        yield wrong(AREA, str(error), "Mend the store, or move it away.")
        return
    names = [observation.name for observation in trace.observations]
    yield from _judged(settings, canary, "store", names, json.dumps(trace_json(trace), default=str))
    try:
        remove_trace(settings.store_path, canary.trace_id)
    except CerttraceError as error:
        yield warning(AREA, str(error), f"It stays as {canary.trace_id}.")


def _in_langfuse(settings: Settings, canary: Canary, timeout_seconds: float) -> Iterator[Finding]:
    deadline = time.monotonic() + timeout_seconds
    try:
        found = LangfuseReader(settings).wait_for(canary.trace_id, _SPANS, deadline)
    except ProbeError as error:
        yield wrong(AREA, f"it cannot be read back from langfuse: {error.what}", error.remedy)
        return
    if not found:
        yield warning(
            AREA,
            f"langfuse took it and does not show it after {timeout_seconds:g} s",
            f"Its workers may be behind: look for trace {canary.trace_id} later, or give --timeout more.",
        )
        return
    yield from _judged(settings, canary, "langfuse", [str(each.get("name")) for each in found], json.dumps(found))


def _judged(settings: Settings, canary: Canary, where: str, names: Sequence[str], text: str) -> Iterator[Finding]:
    if sorted(names) != [NAME, _STEP]:
        yield wrong(AREA, f"{where} has {len(names)} of its {_SPANS} spans", "See the log of the destination.")
    else:
        yield ok(AREA, f"it arrived whole: {where}", trace_id=canary.trace_id)
    if not canary.is_in(text):
        yield ok(AREA, f"nothing of its invented person arrived: {where}")
    elif policy_of(settings).for_destination(where).profile == "open":
        yield warning(AREA, f"its invented person is readable: {where}", 'The redaction profile is "open".')
    else:
        yield wrong(AREA, f"its invented person is readable: {where}", "Redaction leaks. Stop services, and report it.")
