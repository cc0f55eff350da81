"""Taking over the directory of a dead process: nothing that it accepted vanishes."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from certtrace import semconv
from certtrace.delivery import frames
from certtrace.delivery.backlog import Backlog
from certtrace.delivery.content import SegmentWriter
from certtrace.delivery.directory import JOURNAL_PREFIX, Manifest, ProcessDirectory
from certtrace.delivery.files import read_from
from certtrace.delivery.frames import SKELETON_PAYLOAD, Outcome, Record, RecordType
from certtrace.delivery.otlp import encode_unit
from certtrace.delivery.settlement import Settlement
from certtrace.ports import Decision, ScopeRecord, SpanRecord

CONTENT_LOST_NAME = "content lost"
_INTERNAL_KIND = 1


class StandIn(NamedTuple):
    """A unit that was accepted and whose content a crash destroyed."""

    trace_id: int
    root_span_id: int
    decision: Decision
    span_count: int
    data: bytes
    """What stands for it, encoded."""


def adopt(
    directory: ProcessDirectory,
    destinations: Sequence[str],
    *,
    on_fault: Callable[[str], None],
    on_content_lost: Callable[[Sequence[StandIn]], None],
) -> Backlog:
    """Return what an adopted directory owes, skeletons without content included.

    Args:
        directory: Locked by this process.
        destinations: Who is owed if the directory does not say.
        on_fault: Told of each `torn`, `corrupt`, `unknown`.
        on_content_lost: Told of the units whose skeletons had no content.

    Raises:
        OSError: The directory cannot be read or written now. It may be tried again: every step can be repeated.
    """
    manifest = directory.read_manifest()
    backlog = Backlog(directory, on_fault=on_fault)
    backlog.owe(manifest.destinations or destinations)
    settled = Settlement(*directory.read_settled())
    for sequence in backlog.load():
        settled.settle(sequence)
    not_ours: set[int] = set()
    # By number: one that a failing disk left in doubt was written twice.
    found = {skeleton.sequence: skeleton for skeleton in _skeletons(directory, on_fault, not_ours)}
    lost = [skeleton for skeleton in found.values() if not settled.is_settled(skeleton.sequence)]
    if lost:
        on_content_lost(_append_lost(directory, backlog, manifest, lost, _later_parts(found, settled)))
    # Only now: whoever adopts after a crash in between finds the content that was appended.
    for number in directory.segments(JOURNAL_PREFIX):
        if number not in not_ours:
            directory.segment(number, JOURNAL_PREFIX).unlink(missing_ok=True)
    if not_ours:
        backlog.keep_directory()
    backlog.seal()
    return backlog


def _skeletons(directory: ProcessDirectory, on_fault: Callable[[str], None], not_ours: set[int]) -> Iterator[Record]:
    """Yield what the journals hold; put the numbers of those that a later version wrote to `not_ours`."""
    for number in directory.segments(JOURNAL_PREFIX):
        data = read_from(directory.segment(number, JOURNAL_PREFIX), 0)
        if frames.is_from_a_later_version(data):
            not_ours.add(number)
            on_fault("unknown")
            continue
        start = frames.FILE_HEADER.size if data.startswith(frames.file_header()) else 0
        for found in frames.scan(data, start):
            if found.record is None:
                if found.fault == "unknown":
                    not_ours.add(number)
                on_fault(found.fault)
            elif found.record.type == RecordType.SKELETON and len(found.record.payload) == SKELETON_PAYLOAD.size:
                yield found.record


def _later_parts(found: Mapping[int, Record], settled: Settlement) -> dict[tuple[int, int], int]:
    """Return the last part with content of each local root: units beyond a bound are accepted in parts."""
    last: dict[tuple[int, int], int] = {}
    for sequence, skeleton in sorted(found.items()):
        if settled.is_settled(sequence):
            last[skeleton.trace_id, skeleton.root_span_id] = sequence
    return last


def _append_lost(
    directory: ProcessDirectory,
    backlog: Backlog,
    manifest: Manifest,
    lost: Sequence[Record],
    parts: Mapping[tuple[int, int], int],
) -> list[StandIn]:
    numbers = directory.segments()
    last = numbers[-1] if numbers else 0
    writer = SegmentWriter(directory, frames.MAX_PAYLOAD_BYTES, last_segment=last, is_synced=True)
    # What a destination has beyond the end of the segments was delivered and then lost with the machine: a stand-in
    # must not take the place of what it has.
    ahead = backlog.is_behind_a_cursor()
    written = []
    for skeleton in lost:
        has_root = ahead or parts.get((skeleton.trace_id, skeleton.root_span_id), 0) > skeleton.sequence
        data = encode_unit([_stand_in(skeleton, manifest.rules, has_root=has_root)], manifest.resource)
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
        _, span_count, _, flags = SKELETON_PAYLOAD.unpack(skeleton.payload)
        counts = not flags & Outcome.UNCOUNTED
        rule = _rule_name(skeleton.rule, manifest.rules)
        decision = Decision(keep=True, rule=rule, threshold=skeleton.threshold, counts=counts)
        written.append(StandIn(skeleton.trace_id, skeleton.root_span_id, decision, span_count, data))
    writer.sync()
    writer.close()
    return written


def _stand_in(skeleton: Record, rules: Sequence[str], *, has_root: bool) -> SpanRecord:
    """Return the span that says: a trace was here, this is when and how it ended, and its content is gone.

    Args:
        skeleton: What is left of the unit.
        rules: Names of the rules by number.
        has_root: Whether the local root itself may have been delivered, so that this stands below it.
    """
    start, span_count, status, flags = SKELETON_PAYLOAD.unpack(skeleton.payload)
    stamp: dict[str, object] = {"rule": _rule_name(skeleton.rule, rules)}
    if not flags & Outcome.UNCOUNTED:
        stamp["th"] = threshold_hex(skeleton.threshold)
    attributes: dict[str, object] = {
        semconv.OBSERVATION_TYPE: "span",
        semconv.IS_APP_ROOT: not has_root,
        semconv.CONTENT_LOST: "crash",
        semconv.SAMPLING: json.dumps({**stamp, "spans": span_count}),
    }
    if flags & (Outcome.CANCELLED | Outcome.ABANDONED):
        attributes[semconv.OUTCOME] = "cancelled" if flags & Outcome.CANCELLED else "abandoned"
    return SpanRecord(
        trace_id=skeleton.trace_id,
        # Another id below the root, the same at every attempt.
        span_id=_span_id_of_part(skeleton) if has_root else skeleton.root_span_id,
        parent_span_id=skeleton.root_span_id if has_root else 0,
        name=CONTENT_LOST_NAME,
        kind=_INTERNAL_KIND,
        start_time_ns=start,
        end_time_ns=skeleton.time_ns,
        status_code=status,
        status_message="",
        attributes=attributes,
        trace_state=f"{semconv.TRACESTATE_KEY}=th:{stamp['th']}" if "th" in stamp else "",
        scope=ScopeRecord(name=semconv.SCOPE_NAME),
    )


def _span_id_of_part(skeleton: Record) -> int:
    named = f"{skeleton.trace_id:032x}{skeleton.root_span_id:016x}{skeleton.sequence}".encode()
    return int.from_bytes(hashlib.blake2b(named, digest_size=8).digest(), "big") or 1


def threshold_hex(threshold: int) -> str:
    """Return a threshold as OpenTelemetry's `th`: 14 hex digits, trailing zeros cut."""
    return f"{min(max(threshold, 0), 2**56 - 1):014x}".rstrip("0") or "0"


def _rule_name(number: int, rules: Sequence[str]) -> str:
    return rules[number] if number < len(rules) else f"rule {number}"
