"""Settings to sampling: the policy of the file, with what was set beside it, and the sampler that applies it."""

import logging
import re
from pathlib import Path
from typing import Any, Final

from certtrace.errors import ConfigurationError
from certtrace.sampling.deciding import Sampler
from certtrace.sampling.loading import sampling_from_toml
from certtrace.sampling.model import SamplingPolicy
from certtrace.sampling.rule import Rule
from certtrace.settings import Settings

_log = logging.getLogger("certtrace")

_FIELDS: Final = {
    "sample_rate": "baseline",
    "keep_errors": "keep_errors",
    "keep_confidence_below": "keep_confidence_below",
    "sampling_dry_run": "dry_run",
}
"""Settings that say the same as a part of the policy."""
_RESTATED: Final = {"keep_errors": ("error", "cancelled"), "keep_confidence_below": ("low_confidence",)}
DROP_NAMES: Final = "drop_names"
"""Name of the rule that the setting makes."""


def sampling_policy_of(settings: Settings) -> SamplingPolicy:
    """Return the sampling policy that the settings name; what is set explicitly wins over what the file says.

    Raises:
        ConfigurationError: The file cannot be read, or holds no valid policy.
    """
    path = settings.sampling_policy
    policy = read_policy(path) if path is not None else None
    if path is not None and policy is None:
        msg = (
            f"The sampling policy {path} has no table [sampling]. Add one, or take the file out of "
            "CERTTRACE_SAMPLING_POLICY."
        )
        raise ConfigurationError(msg)
    policy = policy or SamplingPolicy()
    changed: dict[str, Any] = {
        field: getattr(settings, name) for name, field in _FIELDS.items() if name in settings.model_fields_set
    }
    # A rule of the file that restates what is set here would say it twice.
    said = {name for field, names in _RESTATED.items() if field in changed for name in names}
    rules = [rule for rule in policy.rules if rule.name not in said]
    if settings.drop_names:
        rules = [*(rule for rule in rules if rule.name != DROP_NAMES), drop_rule(settings.drop_names)]
    if len(rules) != len(policy.rules) or settings.drop_names:
        changed["rules"] = tuple(rules)
    return policy.changed(**changed) if changed else policy


def drop_rule(names: frozenset[str]) -> Rule:
    """Return the rule that drops local roots of exactly these names."""
    return Rule(name=DROP_NAMES, drop=True, route=tuple(re.sub(r"([*?[])", r"[\1]", name) for name in sorted(names)))


def sampler_of(policy: SamplingPolicy, service: str) -> Sampler:
    """Return the sampler of a policy; a rule that fails is logged once per cause, without values."""
    return Sampler(policy, service=service, on_fault=_log_fault)


def _log_fault(rule: str, cause: str) -> None:
    _log.error("The sampling rule %s met a fault (%s); units are kept rather than dropped for it.", rule, cause)


def read_policy(path: Path) -> SamplingPolicy | None:
    """Return the sampling policy in a file; None if the file has no table `sampling`.

    Raises:
        ConfigurationError: The file cannot be read, or what it holds is no policy.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        msg = f"The sampling policy {path} cannot be read: {reason}. Mend CERTTRACE_SAMPLING_POLICY or the file."
        raise ConfigurationError(msg) from None
    return sampling_from_toml(text, str(path))
