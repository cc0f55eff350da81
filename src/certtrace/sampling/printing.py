"""Write a sampling policy as TOML that can be read again."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from certtrace.sampling.model import SamplingPolicy
from certtrace.toml_lines import quoted

_SCALARS: Final = ("baseline", "keep_errors", "keep_confidence_below", "parent", "scores", "dry_run")
_COMMENTS: Final = {
    "baseline": "probability of a unit without any special reason",
    "keep_errors": "rules error and cancelled",
    "keep_confidence_below": "rule low_confidence; 0.0 for none",
    "parent": "keep, follow or ignore: what a remote parent's decision means",
    "scores": "drop or keep: what a score for a dropped unit does",
    "dry_run": "keep everything, and say what would have been done",
}


def sampling_to_toml(policy: SamplingPolicy) -> str:
    """Return the whole policy, defaults worked out, as the TOML table `sampling`."""
    return "\n".join(_lines(policy)) + "\n"


def _lines(policy: SamplingPolicy) -> Iterator[str]:
    yield f"# Sampling policy, version {policy.version}."
    yield "[sampling]"
    content = policy.canonical()
    for name in _SCALARS:
        value = content[name] if content[name] is not None else 0.0
        yield f"{f'{name} = {_value(value)}':30} # {_COMMENTS[name]}"
    if policy.baseline_limit is not None:
        yield f"baseline_limit = {_value(_without_none(content['baseline_limit']))}"
    for rule in content["rules"]:
        yield ""
        yield "[[sampling.rules]]"
        yield from (f"{name} = {_value(value)}" for name, value in rule.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_value(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return "[\n" + "".join(f"  {_value(each)},\n" for each in value) + "]"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str):
        return quoted(value)
    return repr(value) if isinstance(value, float) else json.dumps(value)


def _without_none(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if value is not None}
