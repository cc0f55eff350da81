"""The receipt of a span as it travels: JSON in an attribute."""

from functools import lru_cache

import orjson

from certtrace.ports import Receipt


def receipt_text(receipt: Receipt) -> str:
    """Return a receipt as JSON."""
    head, tail = _frame(receipt.policy)
    if not (receipt.counts or receipt.withheld or receipt.operators):  # most spans
        return f"{head}{{}}{tail}{receipt.microseconds}}}"
    counts, operators = orjson.dumps(receipt.counts).decode(), orjson.dumps(receipt.operators).decode()
    withheld = tail.replace("0", str(receipt.withheld), 1).replace("{}", operators, 1)
    return f"{head}{counts}{withheld}{receipt.microseconds}}}"


@lru_cache(maxsize=64)
def _frame(policy: str) -> tuple[str, str]:
    return f'{{"policy":{orjson.dumps(policy).decode()},"counts":', ',"withheld":0,"operators":{},"microseconds":'
