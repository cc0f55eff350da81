"""The redaction policy: one frozen model, with a version hash that every receipt carries."""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from certtrace.redaction.markers import EXAM_SECRET, Mark, Pii
from certtrace.redaction.policy.kinds import FORMATS, OPERATOR_OF_TYPE, TYPES
from certtrace.redaction.policy.rules import Rule, known_marker, operator_name
from certtrace.redaction.structure.secret_keys import SECRET_KEYS

Profile = Literal["standard", "strict", "open"]
Names = Literal["off", "standard", "high"]
Period = Literal["none", "month", "quarter", "year"]

_NOT_BY_DEFAULT: Final = frozenset({"IP_NETWORK", "MAC_NETWORK"})

PROFILES: Final = {
    "standard": FORMATS - _NOT_BY_DEFAULT,
    "strict": FORMATS,
    "open": frozenset({"URL", "SECRET"}),
}
_NAMES: Final[dict[str, Names]] = {"standard": "standard", "strict": "high", "open": "off"}


class RedactionPolicy(BaseModel):
    """What is looked for, what happens to it, and how large a value may be."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    profile: Profile = "standard"
    """`strict` also takes what is subject matter and withholds text that nothing classified; `open` keeps forms."""
    detectors: frozenset[str] | None = None
    """Types to look for; None takes the profile's."""
    names: Names | None = None
    """Whether names that nobody declared are recognized in free text, and how eagerly; None takes the profile's."""
    unclassified: Literal["keep", "withhold"] | None = None
    """What happens to free text that nothing classified; None takes the profile's."""
    operators: dict[str, str] = Field(default_factory=dict)
    """Type of finding to operator, where it differs from the default."""
    rules: tuple[Rule, ...] = ()
    """Exceptions, in order: the first that fits decides."""
    key_paths: dict[str, str] = Field(default_factory=dict)
    """Glob of a dotted path, such as `input.candidate.*`, to a marker: a name of `Pii` or `exam_secret`."""
    secret_keys: frozenset[str] = SECRET_KEYS
    """Keys (last part, words joined by `_`) whose value is dropped."""
    identity_keys: bool = True
    """Whether keys such as `email` and `date_of_birth` in plain mappings declare their values."""
    allow: frozenset[str] = frozenset()
    """Texts that are never personal, compared without case: a support address, the name of a product."""
    period: Period = "none"
    """How long a pseudonym lasts; `none`: as long as the key."""
    binary: Literal["describe", "hash", "drop"] = "describe"
    """What stands for binary data and data URIs: kind and size, a keyed hash as well, or nothing."""
    quoted_values: Literal["withhold", "keep"] = "withhold"
    """What happens to the values that error messages quote."""
    max_value_bytes: int = Field(default=1 << 20, ge=256)
    """Longest text that leaves; the tail beyond is cut and counted. Texts of one structure share the bound."""
    max_value_seconds: float = Field(default=2.0, gt=0.0, le=60.0)
    """Longest time for one text; what was not examined by then is withheld."""
    max_depth: int = Field(default=64, ge=1, le=200)
    max_items: int = Field(default=10_000, ge=1)
    """Most items of one list or mapping."""

    @field_validator("detectors")
    @classmethod
    def _known_detectors(cls, value: frozenset[str] | None) -> frozenset[str] | None:
        unknown = sorted((value or frozenset()) - FORMATS)
        if unknown:
            msg = f"Unknown detectors {unknown}. Known are {sorted(FORMATS)}."
            raise ValueError(msg)
        return value

    @field_validator("operators")
    @classmethod
    def _known_operators(cls, value: dict[str, str]) -> dict[str, str]:
        for kind, operator in value.items():
            if kind not in TYPES:
                msg = f"Unknown type {kind!r}. Known are {', '.join(sorted(TYPES))}."
                raise ValueError(msg)
            operator_name(operator)
        return value

    @model_validator(mode="after")
    def _known_markers(self) -> Self:
        for marker in self.key_paths.values():
            known_marker(marker)
        return self

    @property
    def enabled(self) -> frozenset[str]:
        """The detectors that are on."""
        return PROFILES[self.profile] if self.detectors is None else self.detectors

    @property
    def recognizes_names(self) -> Names:
        """How eagerly names are recognized."""
        return self.names or _NAMES[self.profile]

    @property
    def withholds_free_text(self) -> bool:
        """Whether text that nothing classified is refused."""
        return (self.unclassified or ("withhold" if self.profile == "strict" else "keep")) == "withhold"

    @cached_property
    def version(self) -> str:
        """12 hex digits of the SHA-256 of the policy as canonical JSON."""
        return hashlib.sha256(orjson.dumps(self.canonical(), option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with other values; its version is worked out anew."""
        copied = super().model_copy(update=update, deep=deep)
        vars(copied).pop("version", None)  # pydantic copies cached properties along with the fields
        return copied

    def canonical(self) -> dict[str, Any]:
        """Return the policy as JSON-like data, with what each default stands for."""
        content = self.model_dump(mode="json", by_alias=True)
        # What a default stands for, so that a policy has one version however it is written.
        return {
            **content,
            "secret_keys": sorted(self.secret_keys),
            "allow": sorted(self.allow),
            "detectors": sorted(self.enabled),
            "names": self.recognizes_names,
            "unclassified": "withhold" if self.withholds_free_text else "keep",
            "operators": {**OPERATOR_OF_TYPE, **self.operators},
        }

    def marks_by_path(self) -> dict[str, Mark]:
        """Return the path rules with their markers."""
        return {
            path: EXAM_SECRET if marker.lower() == "exam_secret" else Pii[marker.upper()]
            for path, marker in self.key_paths.items()
        }

    def destinations(self) -> frozenset[str]:
        """Return the destinations that have rules of their own."""
        return frozenset(rule.destination for rule in self.rules if rule.destination is not None)

    def for_destination(self, destination: str | None) -> "RedactionPolicy":
        """Return the policy as it holds for one destination; None for all without rules of their own."""
        rules = tuple(
            rule.model_copy(update={"destination": None})
            for rule in sorted(self.rules, key=lambda rule: rule.destination is None)
            if rule.destination in {None, destination}
        )
        return self if rules == self.rules else self.model_copy(update={"rules": rules})
