"""What a unit looks like that was set aside first and is sent after all."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from certtrace.delivery.asides import Aside
from certtrace.delivery.restamp import restamp, trace_state_of
from certtrace.ports import Decision, Payload
from certtrace.sampling import randomness_of

RULE: Final = "promoted"


def promoted(aside: Aside) -> tuple[Decision, Sequence[Payload]]:
    """Return the decision and the content that a unit is sent with.

    It counts only where its own threshold would have kept it: else it is there for context, without `th`, and weighs
    nothing in an estimate.

    Raises:
        ValueError: The content is not what the pipeline wrote.
    """
    first = next((payload.data for payload in aside.payloads if payload.kind == "spans"), b"")
    threshold = aside.decision.threshold
    counts = aside.decision.counts and randomness_of(aside.trace_id, trace_state_of(first)) >= threshold
    decision = Decision(keep=True, rule=RULE, threshold=threshold if counts else 0, counts=counts)
    stamp = threshold if counts else None
    return decision, [
        replace(payload, data=restamp(payload.data, RULE, stamp)) if payload.kind == "spans" else payload
        for payload in aside.payloads
    ]
