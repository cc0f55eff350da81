"""Units of dead processes whose content is lost: the ledger tells of them too."""

from collections.abc import Callable, Sequence

from certtrace.delivery.adoption import StandIn
from certtrace.ledger import Ledger


def entering_in(ledger: Ledger) -> Callable[[Sequence[StandIn]], None]:
    """Return what enters such units in a ledger; for `Spool.on_content_lost`."""

    def enter(units: Sequence[StandIn]) -> None:
        for unit in units:
            ledger.append(
                trace_id=f"{unit.trace_id:032x}",
                root_span_id=f"{unit.root_span_id:016x}",
                decision=unit.decision,
                span_count=unit.span_count,
                content=unit.data,
                content_lost="crash",
            )

    return enter
