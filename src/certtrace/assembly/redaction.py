"""Build what redacts: the policy, its key, its recognizers, one redactor for each group of destinations."""

import importlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from certtrace.assembly import keys
from certtrace.errors import ConfigurationError
from certtrace.ports import Recognized, Recognizer, UnitRedactor
from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.redaction.periods import PeriodicRedactor
from certtrace.redaction.policy.loading import policy_from_toml
from certtrace.settings import Settings
from certtrace.tracing.skipped import record_nothing

OTHERS: Final = "others"
"""In a policy: the exporters of other libraries in this process."""

_PRODUCTION: Final = frozenset({"production", "prod", "live"})


@dataclass(frozen=True, slots=True)
class Route:
    """A redactor and whom its output is for."""

    redactor: UnitRedactor
    destinations: tuple[str, ...] = ()
    """Empty: for all."""


def policy_of(settings: Settings) -> RedactionPolicy:
    """Return the policy that the settings name.

    Raises:
        ConfigurationError: The file cannot be read or is no policy, or the policy is too open for the environment.
    """
    policy = _read(settings)
    changed: dict[str, Any] = {}
    if settings.redaction_profile is not None:
        changed["profile"] = settings.redaction_profile
    if settings.max_value_bytes is not None:
        changed["max_value_bytes"] = settings.max_value_bytes
    policy = policy.model_copy(update=changed) if changed else policy
    if policy.profile == "open" and not _PRODUCTION.isdisjoint(re.split(r"[-_]", settings.environment)):
        msg = (
            f'The redaction profile "open" must not run in the environment {settings.environment!r}: it lets personal '
            'data out. Use "standard" or "strict", or set CERTTRACE_ENVIRONMENT to what this really is.'
        )
        raise ConfigurationError(msg)
    return policy


def _read(settings: Settings) -> RedactionPolicy:
    path = settings.redaction_policy
    if path is None:
        return RedactionPolicy()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        msg = f"The redaction policy {path} cannot be read: {reason}. Mend CERTTRACE_REDACTION_POLICY or the file."
        raise ConfigurationError(msg) from None
    return policy_from_toml(text, str(path))


def key_of(settings: Settings, *, persist: bool = True) -> bytes:
    """Return the key of the pseudonyms.

    Raises:
        ConfigurationError: It cannot be had, or is too short.
    """
    if settings.redaction_key_file is not None:
        return keys.given(settings.redaction_key_file)
    given = settings.redaction_key
    if given is None:
        return keys.load_or_create(settings.keys_path) if persist else os.urandom(keys.KEY_BYTES)
    if not callable(given):
        return given.get_secret_value().encode()
    try:
        found = given()
        key = found.encode() if isinstance(found, str) else bytes(found)
    except Exception as error:  # noqa: BLE001 - the host's code; its message may hold the key
        msg = f"redaction_key was given as a function, which raised {type(error).__name__}. Mend it, or give a key."
        raise ConfigurationError(msg) from None
    if len(key) < keys.MIN_GIVEN_BYTES:
        msg = f"The function given as redaction_key returned {len(key)} bytes. Give at least {keys.MIN_GIVEN_BYTES}."
        raise ConfigurationError(msg)
    return key


def redactor_of(
    policy: RedactionPolicy, key: bytes, *, destination: str | None = None, foreign: Sequence[Recognizer] = ()
) -> Redactor | PeriodicRedactor:
    """Return the redactor of a policy as it holds for one destination."""
    held = policy.for_destination(destination)
    own = _shipped(held)

    def make(of_period: bytes) -> Redactor:
        return Redactor(held, of_period, own=own, foreign=foreign)

    return make(key) if held.period == "none" else PeriodicRedactor(make, key, held.period)


def routes(
    policy: RedactionPolicy, key: bytes, destinations: Sequence[str], foreign: Sequence[Recognizer] = ()
) -> list[Route]:
    """Return a redactor for each group of destinations that the policy treats alike.

    The first is the one whose output listeners get and the ledger vouches for: that of the store, if there is one.
    """
    groups: dict[str, list[str]] = {}
    for destination in sorted(destinations, key=lambda name: name != "store"):
        groups.setdefault(policy.for_destination(destination).version, []).append(destination)
    if len(groups) <= 1:
        only = destinations[0] if destinations else None
        return [Route(redactor_of(policy, key, destination=only, foreign=foreign))]
    return [
        Route(redactor_of(policy, key, destination=names[0], foreign=foreign), tuple(names))
        for names in groups.values()
    ]


def recognizers_of(settings: Settings) -> list[Recognizer]:
    """Return the recognizers that the host gave.

    Raises:
        ConfigurationError: One of them cannot be imported or made.
    """
    return [_Unrecorded(_made(each) if isinstance(each, str) else each) for each in settings.recognizers]


class _Unrecorded:
    """A recognizer of the host whose own calls and requests make no traces: each of them would be redacted again."""

    def __init__(self, recognizer: Recognizer) -> None:
        self.name = recognizer.name
        self._recognizer = recognizer

    def recognize(self, texts: Sequence[str]) -> Sequence[Sequence[Recognized]]:
        """See `Recognizer.recognize`."""
        record_nothing()  # for good: it is called on a thread of its own, and its answer may be lazy
        return self._recognizer.recognize(texts)


def _made(name: str) -> Recognizer:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
        recognizer: Any = found if hasattr(found, "recognize") and not isinstance(found, type) else found()
    except Exception as error:  # noqa: BLE001 - the host's code may raise anything
        msg = f"The recognizer {name!r} cannot be made ({type(error).__name__}). Mend CERTTRACE_RECOGNIZERS."
        raise ConfigurationError(msg) from None
    if not callable(getattr(recognizer, "recognize", None)) or not isinstance(getattr(recognizer, "name", None), str):
        msg = f"The recognizer {name!r} has no `name` or no `recognize(texts)`. See certtrace.ports.Recognizer."
        raise ConfigurationError(msg)
    made: Recognizer = recognizer
    return made


def _shipped(policy: RedactionPolicy) -> list[Recognizer]:
    if policy.recognizes_names == "off":
        return []
    from certtrace.redaction.recognize.shipped import load  # noqa: PLC0415 - two megabytes of weights, once a process

    return [load(sensitivity=policy.recognizes_names)]
