"""What comes from elsewhere than certtrace is redacted before it is stored, and says so."""

from collections.abc import Mapping
from typing import Any

import orjson

from certtrace import semconv
from certtrace.ports import Receipt
from certtrace.redaction.bodies import redacted_fields
from certtrace.redaction.receipts import receipt_text
from certtrace.server.box import Box


def redacted_body(box: Box, body: Any) -> Any:
    """Return a JSON body redacted: one record, or a list of them.

    Ids, times and enumerations stay as they are. Where something was found and the record carries metadata, the receipt
    stands in there.

    Args:
        box: Its redactor is used.
        body: JSON-ready data with the API's names: `model_dump(by_alias=True, exclude_unset=True)`.
    """
    if isinstance(body, list):
        return [redacted_body(box, item) for item in body]
    if not isinstance(body, Mapping):
        return box.redactor.redact_value(body)[0]
    clean, receipt = redacted_fields(box.redactor, body)
    metadata = clean.get("metadata")
    if isinstance(metadata, dict) and _found(receipt):
        clean["metadata"] = metadata | {semconv.REDACTION_RECEIPT: receipt_data(receipt)}
    return clean


def sought(box: Box, text: str) -> str:
    """Return the form in which a user, a session, a tag or a name of traces is stored, to look it up by."""
    return box.redactor.redact_text(text)


def sought_name(box: Box, text: str) -> str:
    """Return the form in which `redacted_body` stores a name: of prompts, datasets, runs, scores."""
    found = box.redactor.redact_value(text)[0]
    return found if isinstance(found, str) else text


def receipt_data(receipt: Receipt) -> Any:
    """Return a receipt as JSON-ready data."""
    return orjson.loads(receipt_text(receipt))


def _found(receipt: Receipt) -> bool:
    return bool(receipt.counts or receipt.withheld or receipt.operators)
