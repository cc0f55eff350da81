"""What comes from elsewhere than certtrace is redacted before it is stored, and says so."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from certtrace import semconv
from certtrace.ports import Receipt, ScopeRecord, SpanRecord
from certtrace.redaction.bodies import redacted_fields
from certtrace.redaction.receipts import receipt_text
from certtrace.server.box import Box
from certtrace.server.intake.spans import put_back, put_values, record_of, values_of

_RECEIPTS: Final = (semconv.REDACTION_RECEIPT, semconv.metadata(semconv.REDACTION_RECEIPT))
_NO_SCOPE: Final = ScopeRecord()


def redacted_body(box: Box, body: Any, *, adds_metadata: bool = False) -> Any:
    """Return a JSON body redacted: one record, or a list of them.

    Ids, times and enumerations stay as they are. Where something was found and the record carries metadata, the receipt
    stands in there.

    Args:
        box: Its redactor is used.
        body: JSON-ready data with the API's names: `model_dump(by_alias=True, exclude_unset=True)`.
        adds_metadata: Whether the receipt may be the first metadata of a record that came without.
    """
    if isinstance(body, list):
        return [redacted_body(box, item, adds_metadata=adds_metadata) for item in body]
    if not isinstance(body, Mapping):
        return box.redactor.redact_value(body)[0]
    clean, receipt = redacted_fields(box.redactor, body)
    metadata = clean.get("metadata")
    if metadata is None and adds_metadata:
        metadata = {}
    if isinstance(metadata, dict) and _found(receipt):
        clean["metadata"] = metadata | {semconv.REDACTION_RECEIPT: receipt_data(receipt)}
    return clean


def redact_spans(box: Box, message: ExportTraceServiceRequest) -> None:
    """Redact, in place, every span that does not carry the receipt of a policy that is trusted.

    All spans of a trace are redacted together: whom one of them names is known in the others. Resources and scopes are
    redacted whoever sends them.
    """
    foreign: dict[bytes, list[Span]] = {}
    for resource_spans in message.resource_spans:
        _redact_around(box, resource_spans)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                if not _is_trusted(box, span.attributes):
                    foreign.setdefault(span.trace_id, []).append(span)
    for spans in foreign.values():
        _redact_trace(box, spans)


def _redact_trace(box: Box, spans: list[Span]) -> None:
    clean = box.redactor.redact_unit([record_of(span, _NO_SCOPE) for span in spans], ())
    for span, record in zip(spans, clean, strict=True):
        put_back(record, span)


def _redact_around(box: Box, resource_spans: ResourceSpans) -> None:
    """Redact a resource and its scopes: as the attributes of a span would be."""
    resource = resource_spans.resource
    resource_spans.schema_url = ""
    if resource.attributes:
        put_values(_redacted(box, values_of(resource.attributes), _NO_SCOPE).attributes, resource.attributes)
    for scope_spans in resource_spans.scope_spans:
        _redact_scope(box, scope_spans)


def _redact_scope(box: Box, scope_spans: ScopeSpans) -> None:
    scope = scope_spans.scope
    record = ScopeRecord(scope.name, scope.version, values_of(scope.attributes))
    clean = _redacted(box, {}, record).scope
    scope.name, scope.version = clean.name, clean.version
    put_values(clean.attributes, scope.attributes)


def _redacted(box: Box, attributes: dict[str, object], scope: ScopeRecord) -> SpanRecord:
    record = SpanRecord(0, 0, 0, "", 0, 0, 0, 0, "", attributes, scope=scope)
    (clean,) = box.redactor.redact_unit([record], ())
    del clean.attributes[semconv.REDACTION_RECEIPT]
    return clean


def _is_trusted(box: Box, attributes: Iterable[KeyValue]) -> bool:
    return any(
        pair.key in _RECEIPTS and _policy(pair.value.string_value) in box.trusted_policies for pair in attributes
    )


def _policy(receipt: str) -> object:
    try:
        told = orjson.loads(receipt)
    except orjson.JSONDecodeError:
        return None
    policy = told.get("policy") if isinstance(told, dict) else None
    return policy if isinstance(policy, str) else None


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
