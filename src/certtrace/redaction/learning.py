"""Who is known in a unit: what its values declare, and what was said of people."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from certtrace.redaction.known.collecting import Collector
from certtrace.redaction.known.people import merged
from certtrace.redaction.shortcuts import told
from certtrace.redaction.texts import Known, Tally

if TYPE_CHECKING:
    from certtrace.redaction.redactor import Redactor


def learned(redactor: "Redactor", collector: Collector, identities: Sequence[object], tally: Tally) -> Known | None:
    """Return who is known; `None` where somebody may be known whom we cannot look for.

    Args:
        redactor: What remembers people from unit to unit.
        collector: What the unit's values declared.
        identities: What was said of people.
        tally: Counts what failed.
    """
    said = told(identities) if identities and not (collector.people or collector.secrets) else None
    known = redactor.traces.get(said) if said is not None else None
    if known is not None:
        return known
    failures = tally.withheld
    found: Known | None = redactor.nobody
    if identities:
        redactor.guarded("identity", partial(collector.identities, identities), None, tally)
    if collector.people or collector.secrets:
        found = redactor.guarded(
            "identity", lambda: redactor.known(merged(collector.people), collector.secrets), None, tally
        )
    if found is None or tally.withheld > failures:
        return None
    if said is not None:
        redactor.traces.add(said, found)
    return found
