"""Write a policy as TOML that can be read again."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from certtrace.redaction.policy.kinds import CLASS_OF_TYPE, OPERATOR_OF_TYPE
from certtrace.redaction.policy.model import RedactionPolicy
from certtrace.toml_lines import quoted

_TABLES: Final = ("operators", "key_paths")


def policy_to_toml(policy: RedactionPolicy) -> str:
    """Return the whole policy, defaults worked out, as TOML."""
    return "\n".join(_lines(policy)) + "\n"


def _lines(policy: RedactionPolicy) -> Iterator[str]:
    yield f"# Redaction policy, version {policy.version}."
    yield f"profile = {_value(policy.profile)}"
    yield f"names = {_value(policy.recognizes_names)}"
    yield f"unclassified = {_value('withhold' if policy.withholds_free_text else 'keep')}"
    yield f"detectors = {_value(sorted(policy.enabled))}"
    for name in sorted(
        set(type(policy).model_fields) - {"profile", "names", "unclassified", "detectors", "rules", *_TABLES}
    ):
        value = getattr(policy, name)
        yield f"{name} = {_value(sorted(value) if isinstance(value, frozenset) else value)}"
    yield ""
    yield "# What happens to what is found: pseudonymise, mask, generalise, hash, drop or keep."
    yield "[operators]"
    yield from _operators(policy)
    yield ""
    yield "[key_paths]"
    yield from (f"{_key(path)} = {_value(marker)}" for path, marker in policy.key_paths.items())
    for rule in policy.rules:
        yield ""
        yield "[[rules]]"
        yield from _table(rule.model_dump(by_alias=True, exclude_none=True))


def _operators(policy: RedactionPolicy) -> Iterator[str]:
    effective = {**OPERATOR_OF_TYPE, **policy.operators}
    width = max(len(kind) for kind in effective)
    for kind in sorted(effective):
        yield f"{kind:{width}} = {_value(effective[kind]):16} # class {CLASS_OF_TYPE[kind]}"


def _table(content: Mapping[str, Any]) -> Iterable[str]:
    return (f"{_key(name)} = {_value(value)}" for name, value in content.items())


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() and name.isascii() else quoted(name)


def _value(value: Any) -> str:
    """Return a TOML value: JSON writes numbers and truth in the same way."""
    if isinstance(value, list) and len(value) > 6:
        return "[\n" + "".join(f"  {_value(item)},\n" for item in value) + "]"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)
