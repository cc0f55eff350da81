"""What was redacted and how a trace was sampled, from the marks that its observations carry."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from certtrace import semconv
from certtrace.records.facts import object_fact
from certtrace.records.model import Observation


@dataclass(frozen=True, slots=True)
class RedactionReceipt:
    """The receipts of some observations summed up."""

    policies: tuple[str, ...]
    by_type: tuple[tuple[str, int], ...]
    by_operator: tuple[tuple[str, int], ...]
    withheld: int
    without: int
    """Observations without a receipt."""


def redaction_of(observations: Iterable[Observation]) -> RedactionReceipt | None:
    """Return the receipts summed up; None where no observation has one."""
    given = [object_fact(each, semconv.REDACTION_RECEIPT) for each in observations]
    receipts = [receipt for receipt in given if receipt]
    if not receipts:
        return None
    types: Counter[str] = Counter()
    operators: Counter[str] = Counter()
    for receipt in receipts:
        types.update(_counts(receipt.get("counts")))
        operators.update(_counts(receipt.get("operators")))
    return RedactionReceipt(
        policies=tuple(dict.fromkeys(str(receipt["policy"])[:64] for receipt in receipts if receipt.get("policy"))),
        by_type=tuple(types.most_common()),
        by_operator=tuple(operators.most_common()),
        withheld=sum(_whole(receipt.get("withheld")) for receipt in receipts),
        without=len(given) - len(receipts),
    )


def _counts(counts: object) -> dict[str, int]:
    if not isinstance(counts, Mapping):
        return {}
    return {
        str(kind): sum(map(_whole, count.values())) if isinstance(count, Mapping) else _whole(count)
        for kind, count in counts.items()
    }


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
