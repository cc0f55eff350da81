"""What runs between `configure()` and `shutdown()`, and how it is flushed and ended."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from certtrace.assembly.instruments import LangfuseHook
from certtrace.assembly.pipeline import Pipeline
from certtrace.assembly.status import FlushResult, Status
from certtrace.assembly.sums import Audit, Sums, read_sums
from certtrace.delivery.recorder import Recorder
from certtrace.delivery.sender import Delivery
from certtrace.delivery.spool import Spool
from certtrace.ledger import Ledger
from certtrace.ports import UnitRedactor
from certtrace.settings import Settings
from certtrace.tracing.provider import CerttraceTracerProvider
from certtrace.tracing.runtime import Tracer

REDACTION_SHARE: Final = 0.6
"""Of the time to the end, what redaction may take while something waits to be delivered too."""
BARE_SHARE: Final = 0.9
"""The share after which nothing is spooled any more."""


@dataclass(slots=True, weakref_slot=True)
class Running:
    """Everything that runs between `configure()` and `shutdown()`."""

    settings: Settings
    provider: CerttraceTracerProvider
    tracer: Tracer
    pipeline: Pipeline
    redactor: UnitRedactor
    spool: Spool | None = None
    delivery: Delivery | None = None
    ledger: Ledger | None = None
    recorder: Recorder | None = None
    audit: Audit | None = None
    undo: list[Any] = field(default_factory=list)
    langfuse: LangfuseHook | None = None
    langfuse_before: LangfuseHook | None = None
    """Which one counted before this one."""

    def flush(self, timeout_seconds: float) -> FlushResult:
        """Deliver what has ended, within the timeout."""
        deadline = time.monotonic() + timeout_seconds
        self.pipeline.flush(timeout_seconds)
        undelivered: Mapping[str, int] = {}
        if self.delivery is not None:
            undelivered = self.delivery.flush(max(deadline - time.monotonic(), 0.0)).undelivered
        return self._result(undelivered)

    def close(self, deadline: float) -> FlushResult:
        """Decide what is waiting, deliver until the deadline, stop."""
        for unit in self.tracer.units.waiting():
            self.tracer.complete(unit, partly=True)
        left = max(deadline - time.monotonic(), 0.0)
        self.pipeline.close(REDACTION_SHARE * left, BARE_SHARE * left)
        undelivered: Mapping[str, int] = {}
        if self.delivery is not None:
            undelivered = self.delivery.close(max(deadline - time.monotonic(), 0.0)).undelivered
        if self.recorder is not None:
            self.recorder.close(max(min(deadline - time.monotonic(), 0.5), 0.0))
        if self.spool is not None:
            self.spool.close()
        if self.ledger is not None:
            self.ledger.close()
        for undo in self.undo:
            undo()
        return self._result(undelivered)

    def _result(self, undelivered: Mapping[str, int]) -> FlushResult:
        waiting = self.pipeline.backlog()[0]
        return FlushResult(not undelivered and waiting == 0, dict(undelivered), waiting)

    def forked(self) -> None:
        """Start anew in a forked child."""
        self.tracer.forked()
        self.pipeline.forked()
        self.watch_sums()

    def watch_sums(self) -> None:
        """Let the worker check the account's sums every few seconds."""
        self.audit = self.pipeline.audit = Audit(self.sums)

    def sums(self) -> Sums:
        """Return the account's sums."""
        return read_sums(self.pipeline, self.tracer, self.spool)

    def status(self) -> Status:
        """Return the account and where the data is."""
        sums = self.sums()
        lanes = self.delivery.status().destinations if self.delivery is not None else {}
        return Status(
            account=sums.account,
            redaction=dict(sorted(self.pipeline.outlet.findings.items())),
            withheld=self.pipeline.outlet.withheld,
            spans=self.pipeline.outlet.spans_out,
            waiting=self.pipeline.backlog()[0],
            pending={name: lane.pending_units for name, lane in lanes.items()},
            delivered={name: lane.delivered for name, lane in lanes.items()},
            faults=self.tracer.fault.counts(),
            home=self.settings.home,
            store=self.settings.store_path if "store" in self.settings.destinations else None,
            handover=sums.handover,
            passages=sums.passages,
            account_faults=self.audit.faults if self.audit is not None else 0,
        )
