"""Taking over the directory of a dead process: nothing that it accepted vanishes."""

import json
from collections.abc import Callable, Iterator, Sequence

from certtrace import semconv
from certtrace.delivery import frames
from certtrace.delivery.backlog import Backlog
from certtrace.delivery.content import SegmentWriter
from certtrace.delivery.directory import JOURNAL_PREFIX, Manifest, ProcessDirectory
from certtrace.delivery.files import read_from
from certtrace.delivery.frames import SKELETON_PAYLOAD, Record, RecordType
from certtrace.delivery.otlp import encode_unit
from certtrace.delivery.settlement import Settlement
from certtrace.ports import RULES, ScopeRecord, SpanRecord

CONTENT_LOST_NAME = "content lost"
_INTERNAL_KIND = 1


def adopt(
    directory: ProcessDirectory,
    destinations: Sequence[str],
    *,
    on_fault: Callable[[str], None],
    on_content_lost: Callable[[int], None],
) -> Backlog:
    """Return what an adopted directory owes, skeletons without content included.

    Args:
        directory: Locked by this process.
        destinations: Who is owed if the directory does not say.
        on_fault: Told of each `torn`, `corrupt`, `unknown`.
        on_content_lost: Told how many skeletons had no content.

    Raises:
        OSError: The directory cannot be read or written now. It may be tried again: every step can be repeated.
    """
    manifest = directory.read_manifest()
    backlog = Backlog(directory, on_fault=on_fault)
    backlog.owe(manifest.destinations or destinations)
    settled = Settlement(*directory.read_settled())
    for sequence in backlog.load():
        settled.settle(sequence)
    lost = [skeleton for skeleton in _skeletons(directory, on_fault) if not settled.is_settled(skeleton.sequence)]
    if lost:
        _append_lost(directory, backlog, manifest, lost)
        on_content_lost(len(lost))
    # Only now: whoever adopts after a crash in between finds the content that was appended.
    for number in directory.segments(JOURNAL_PREFIX):
        path = directory.segment(number, JOURNAL_PREFIX)
        if not frames.is_from_a_later_version(read_from(path, 0, frames.FILE_HEADER.size)):
            path.unlink(missing_ok=True)
    backlog.seal()
    return backlog


def _skeletons(directory: ProcessDirectory, on_fault: Callable[[str], None]) -> Iterator[Record]:
    for number in directory.segments(JOURNAL_PREFIX):
        data = read_from(directory.segment(number, JOURNAL_PREFIX), 0)
        if frames.is_from_a_later_version(data):
            on_fault("unknown")
            continue
        start = frames.FILE_HEADER.size if data.startswith(frames.file_header()) else 0
        for found in frames.scan(data, start):
            if found.record is None:
                on_fault(found.fault)
            elif found.record.type == RecordType.SKELETON and len(found.record.payload) == SKELETON_PAYLOAD.size:
                yield found.record


def _append_lost(directory: ProcessDirectory, backlog: Backlog, manifest: Manifest, lost: Sequence[Record]) -> None:
    numbers = directory.segments()
    writer = SegmentWriter(directory, frames.MAX_PAYLOAD_BYTES, last_segment=numbers[-1] if numbers else 0)
    for skeleton in lost:
        data = encode_unit([_stand_in(skeleton)], manifest.resource)
        writer.append(
            frames.pack(
                Record(
                    type=RecordType.SPANS,
                    sequence=skeleton.sequence,
                    trace_id=skeleton.trace_id,
                    payload=data,
                    root_span_id=skeleton.root_span_id,
                    threshold=skeleton.threshold,
                    time_ns=skeleton.time_ns,
                    rule=skeleton.rule,
                )
            )
        )
        backlog.grew(writer.segment, writer.end)
    writer.sync()
    writer.close()


def _stand_in(skeleton: Record) -> SpanRecord:
    """Return the span that says: a trace was here, this is when and how it ended, and its content is gone."""
    start, span_count, status, _outcome = SKELETON_PAYLOAD.unpack(skeleton.payload)
    return SpanRecord(
        trace_id=skeleton.trace_id,
        span_id=skeleton.root_span_id,
        parent_span_id=0,
        name=CONTENT_LOST_NAME,
        kind=_INTERNAL_KIND,
        start_time_ns=start,
        end_time_ns=skeleton.time_ns,
        status_code=status,
        status_message="",
        attributes={
            semconv.OBSERVATION_TYPE: "span",
            semconv.IS_APP_ROOT: True,
            semconv.CONTENT_LOST: "crash",
            semconv.SAMPLING: json.dumps(
                {"rule": _rule_name(skeleton.rule), "th": threshold_hex(skeleton.threshold), "spans": span_count}
            ),
        },
        trace_state=f"{semconv.TRACESTATE_KEY}=th:{threshold_hex(skeleton.threshold)}",
        scope=ScopeRecord(name=semconv.SCOPE_NAME),
    )


def threshold_hex(threshold: int) -> str:
    """Return a threshold as OpenTelemetry's `th`: 14 hex digits, trailing zeros cut."""
    return f"{min(max(threshold, 0), 2**56 - 1):014x}".rstrip("0") or "0"


def _rule_name(number: int) -> str:
    return RULES[number] if number < len(RULES) else f"rule {number}"
