"""The decision of the collector's `tail_sampling` processor, written from its reference (README.md, "decisions")."""

import math
from collections.abc import Sequence
from typing import Any

import yaml
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from tests.sampling.compile.ottl_reader import OttlError, View, read

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same, many times as fast where libyaml is there."""


def load(text: str) -> dict[str, Any]:
    """Read a configuration as the collector does: YAML, then `$$` for `$`."""
    loaded = _plain(yaml.load(text, Loader=LOADER))
    assert isinstance(loaded, dict)
    return loaded


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value


class TailSampling:
    def __init__(self, configuration: dict[str, Any], *, uses_tracestate: bool = False) -> None:
        self.policies = configuration["processors"]["tail_sampling"]["policies"]
        self.uses_tracestate = uses_tracestate
        self.spent: dict[str, float] = {}
        self._conditions: dict[str, Any] = {}

    def keeps(self, trace_id: int, units: Sequence[bytes]) -> bool:
        """Decide a trace, given the serialized `ResourceSpans` of it."""
        spans = [view for unit in units for view in views(unit)]
        votes = [(policy["type"], self.vote(policy, trace_id, spans)) for policy in self.policies]
        if any(kind == "drop" and vote for kind, vote in votes):
            return False
        return any(vote for kind, vote in votes if kind != "drop")

    def vote(self, policy: dict[str, Any], trace_id: int, spans: Sequence[View]) -> bool:
        kind = policy["type"]
        said = policy.get(kind, {})
        if kind in ("and", "drop"):
            return all(self.vote(each, trace_id, spans) for each in said[f"{kind}_sub_policy"])
        if kind == "always_sample":
            return True
        if kind == "status_code":
            codes = [{"UNSET": 0, "OK": 1, "ERROR": 2}[code] for code in said["status_codes"]]
            return any(view.span.status.code in codes for view in spans)
        if kind == "probabilistic":
            return self.probably(said, trace_id)
        if kind == "rate_limiting":
            self.spent[policy["name"]] = self.spent.get(policy["name"], 0) + len(spans)
            return self.spent[policy["name"]] <= said["spans_per_second"]
        assert kind == "ottl_condition", kind
        return any(self.holds(condition, view) for view in spans for condition in said["span"])

    def holds(self, condition: str, view: View) -> bool:
        if condition not in self._conditions:
            self._conditions[condition] = read(condition)
        try:
            return bool(self._conditions[condition](view))
        except OttlError:
            return False  # error_mode: ignore

    def probably(self, said: dict[str, Any], trace_id: int) -> bool:
        share = said["sampling_percentage"] / 100
        if self.uses_tracestate:
            return (trace_id & (2**56 - 1)) >= round((1 - share) * 2**56)
        number = 0xCBF29CE484222325
        for byte in said["hash_salt"].encode() + trace_id.to_bytes(16, "big"):
            number = ((number ^ byte) * 0x100000001B3) & (2**64 - 1)
        return number <= math.floor((2**64 - 1) * share)


def views(unit: bytes) -> list[View]:
    """Return the spans of a serialized `ResourceSpans`."""
    message = ResourceSpans.FromString(unit)
    resource = {each.key: _value(each.value) for each in message.resource.attributes}
    return [
        View(span, resource, {each.key: _value(each.value) for each in span.attributes})
        for scope in message.scope_spans
        for span in scope.spans
    ]


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return (
        [_value(each) for each in value.array_value.values]
        if kind == "array_value"
        else getattr(value, kind or "string_value")
    )
