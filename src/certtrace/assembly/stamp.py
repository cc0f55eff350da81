"""What a kept span says of how it came through: rule, threshold, receipt."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import orjson

from certtrace import semconv
from certtrace.ports import Decision, SpanRecord
from certtrace.sampling import NEVER, threshold_hex, tracestate_with
from certtrace.tracing.units import Unit

_RANDOMNESS: Final = re.compile(r"(?<![a-z0-9])rv:([0-9a-f]{14})(?![0-9a-f])")
_NOTHING_FOUND: Final = '"counts":{},"withheld":0'
"""In most receipts; the others are read."""


def stamp(spans: Sequence[SpanRecord], decision: Decision, unit: Unit) -> tuple[dict[str, int], int]:
    """Put rule, threshold and receipt where they can be read; return what was found and withheld in all spans."""
    total: dict[str, int] = {}
    withheld = 0
    # Of the state that came from outside only the randomness: the rest was redacted away on the span itself.
    randomness = _RANDOMNESS.search(unit.trace_state)
    plain = randomness is None and unit.shed == 0 and not (unit.late or unit.is_part or unit.parts or unit.light)
    told = _stamp_of(decision) if plain else _text(decision, unit, randomness[1] if randomness else "")
    threshold = decision.threshold if decision.counts else None
    state = tracestate_with(f"{semconv.TRACESTATE_KEY}={randomness[0]}" if randomness else "", threshold)
    for span in spans:
        own = span.scope.name == semconv.SCOPE_NAME
        receipt = span.attributes.pop(semconv.REDACTION_RECEIPT, None)
        withheld += _add_up(receipt, total)
        # Langfuse shows a foreign span's metadata only under its own prefix.
        span.attributes[semconv.SAMPLING if own else semconv.metadata(semconv.SAMPLING)] = told
        if receipt is not None:
            key = semconv.REDACTION_RECEIPT if own else semconv.metadata(semconv.REDACTION_RECEIPT)
            span.attributes[key] = receipt
        span.trace_state = tracestate_with(span.trace_state, threshold) if span.trace_state else state
    return total, withheld


@lru_cache(maxsize=256)
def _stamp_of(decision: Decision) -> str:
    return orjson.dumps(_told(decision)).decode()


def _told(decision: Decision) -> dict[str, Any]:
    told: dict[str, Any] = {"rule": decision.rule}
    if decision.counts:
        told["th"] = threshold_hex(decision.threshold)
    if decision.would is not None:
        would = decision.would
        told["would"] = {"keep": would.keep, "rule": would.rule, "th": threshold_hex(min(would.threshold, NEVER - 1))}
    return told


def _text(decision: Decision, unit: Unit, randomness: str) -> str:
    told = _told(decision)
    if randomness:
        told["rv"] = randomness  # where it is not the trace id's, a policy cannot be tried without it
    told |= {name: True for name in ("late", "light") if getattr(unit, name)}
    if unit.is_part or unit.parts:
        told["part"] = "more follows" if unit.is_part else "last"
    if unit.shed:
        told["shed"] = unit.shed
    return orjson.dumps(told).decode()


def _add_up(receipt: object, total: dict[str, int]) -> int:
    """Add what a receipt says was found to `total`; return how much was withheld."""
    if not isinstance(receipt, str) or _NOTHING_FOUND in receipt:
        return 0
    told = orjson.loads(receipt)
    for kind, number in told.get("counts", {}).items():
        total[kind] = total.get(kind, 0) + number
    return int(told.get("withheld", 0))
