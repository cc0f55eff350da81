"""The redaction policy: one frozen model, with a version hash that every receipt carries."""

import hashlib
from functools import cached_property
from typing import Final, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from certtrace.redaction.markers import EXAM_SECRET, Mark, Pii
from certtrace.redaction.structure.secret_keys import SECRET_KEYS

FORMATS: Final = frozenset({"EMAIL", "PHONE", "URL", "CREDIT_CARD", "IBAN", "SSN", "DOB", "SECRET", "IP", "MAC"})
"""All detectors by the type they find; `URL` stands for credentials and secret parameters in addresses."""

_NOT_BY_DEFAULT: Final = frozenset({"IP", "MAC"})

PROFILES: Final = {
    "standard": FORMATS - _NOT_BY_DEFAULT,
    "strict": FORMATS,
    "open": frozenset({"URL", "SECRET"}),
}


class RedactionPolicy(BaseModel):
    """What is looked for, what is dropped by its key, and how large a value may be."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    profile: Literal["standard", "strict", "open"] = "standard"
    """`strict` also takes addresses of machines and withholds free text that nothing classified; `open` keeps forms."""
    detectors: frozenset[str] | None = None
    """Types to look for; None takes the profile's."""
    max_value_bytes: int = Field(default=1 << 20, ge=256)
    """Longest text that leaves; the tail beyond is cut and counted. Texts of one structure share the bound."""
    max_depth: int = Field(default=64, ge=1, le=200)
    max_items: int = Field(default=10_000, ge=1)
    """Most items of one list or mapping."""
    secret_keys: frozenset[str] = SECRET_KEYS
    """Keys (last part, words joined by `_`) whose value is dropped."""
    identity_keys: bool = True
    """Whether keys such as `email` and `date_of_birth` in plain mappings declare their values."""
    key_paths: dict[str, str] = Field(default_factory=dict)
    """Glob of a dotted path, such as `input.candidate.*`, to a marker: a name of `Pii` or `exam_secret`."""
    allow: frozenset[str] = frozenset()
    """Texts that are never personal, compared without case: a support address, the name of a product."""

    @field_validator("detectors")
    @classmethod
    def _known_detectors(cls, value: frozenset[str] | None) -> frozenset[str] | None:
        unknown = sorted((value or frozenset()) - FORMATS)
        if unknown:
            msg = f"Unknown detectors {unknown}. Known are {sorted(FORMATS)}."
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _known_markers(self) -> Self:
        for path, marker in self.key_paths.items():
            if marker.upper() not in Pii.__members__ and marker != "exam_secret":
                msg = f"Path {path!r} has an unknown marker. Use `exam_secret` or one of {sorted(Pii.__members__)}."
                raise ValueError(msg)
        return self

    @property
    def enabled(self) -> frozenset[str]:
        """The detectors that are on."""
        return PROFILES[self.profile] if self.detectors is None else self.detectors

    @property
    def withholds_free_text(self) -> bool:
        """Whether text that nothing classified is refused."""
        return self.profile == "strict"

    @cached_property
    def version(self) -> str:
        """12 hex digits of the SHA-256 of the policy as canonical JSON."""
        content = {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in self.model_dump(mode="python").items()
        }
        content["enabled"] = sorted(self.enabled)
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]

    def marks_by_path(self) -> dict[str, Mark]:
        """Return the path rules with their markers."""
        return {
            path: EXAM_SECRET if marker == "exam_secret" else Pii[marker.upper()]
            for path, marker in self.key_paths.items()
        }
