"""One rule of a policy: what it selects, and the operator."""

from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from certtrace.redaction.markers import Pii
from certtrace.redaction.policy.kinds import CLASS_OF_TYPE, FORMATS, TYPES, SensitivityClass

OPERATORS: Final = ("pseudonymise", "mask", "generalise", "hash", "drop", "keep")
"""`mask:4` keeps the last four letters or digits."""

_MAX_KEPT: Final = 8
_OF_FINDINGS: Final = frozenset({"D", "X", "K"})
_OF_SPANS: Final = frozenset(
    {
        "span", "generation", "retriever", "tool", "chain", "agent", "evaluator", "embedding", "guardrail", "event",
        "internal", "server", "client", "producer", "consumer",
    }
)  # fmt: skip


def operator_name(text: str) -> str:
    """Return an operator as it was written, if there is such a one.

    Raises:
        ValueError: There is none.
    """
    name, colon, number = text.partition(":")
    if name not in OPERATORS or (colon and (name != "mask" or not number.isdigit() or int(number) > _MAX_KEPT)):
        msg = f"Unknown operator {text!r}. Use one of {', '.join(OPERATORS)}; `mask:4` keeps the last four signs."
        raise ValueError(msg)
    return text


class Rule(BaseModel):
    """What all its selectors agree on gets the operator; the first rule that fits decides."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_by_name=True)

    operator: str
    """`pseudonymise`, `mask`, `generalise`, `hash`, `drop` or `keep`."""
    marker: str | None = None
    """What a field is marked with: a name of `Pii`, or `exam_secret`."""
    detector: str | None = None
    """A type that is found in text, such as `EMAIL` or `PERSON`."""
    key_path: str | None = None
    """Glob of a dotted path in captured data, such as `input.candidate.*`: the whole value."""
    attribute: str | None = None
    """Glob of a span attribute's key."""
    span: str | None = None
    """Langfuse observation type or OpenTelemetry span kind."""
    sensitivity: SensitivityClass | None = Field(default=None, alias="class")
    """`O`, `P`, `D`, `C`, `X` or `K`."""
    destination: str | None = None
    """Where this rule holds only: `store` or `langfuse`."""

    @field_validator("operator")
    @classmethod
    def _known_operator(cls, value: str) -> str:
        return operator_name(value)

    @field_validator("marker")
    @classmethod
    def _known_marker(cls, value: str | None) -> str | None:
        return known_marker(value) if value is not None else None

    @field_validator("detector")
    @classmethod
    def _known_detector(cls, value: str | None) -> str | None:
        if value is not None and value not in TYPES | FORMATS:
            msg = f"Unknown detector {value!r}. Known are {', '.join(sorted(TYPES | FORMATS))}."
            raise ValueError(msg)
        return value

    @field_validator("span")
    @classmethod
    def _known_span(cls, value: str | None) -> str | None:
        if value is not None and value not in _OF_SPANS:
            msg = f"Unknown span kind {value!r}. Known are {', '.join(sorted(_OF_SPANS))}."
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        selectors = (self.marker, self.detector, self.key_path, self.attribute, self.span, self.sensitivity)
        if all(selector is None for selector in selectors):
            msg = "A rule selects nothing. Give marker, detector, key_path, attribute, span or class."
            raise ValueError(msg)
        if self.key_path is not None and sum(selector is not None for selector in selectors) > 1:
            msg = "key_path takes the whole value: it goes together with destination only. Make two rules of it."
            raise ValueError(msg)
        if self.marker is not None and self.detector is not None:
            msg = "marker and detector select different things. Make two rules of it."
            raise ValueError(msg)
        if self.operator == "generalise" and self.selects_values:
            msg = "generalise needs to know what it generalises. Use it with marker or detector."
            raise ValueError(msg)
        return self

    @property
    def selects_values(self) -> bool:
        """Whether the rule takes whole values rather than what is found in them."""
        return self.marker is None and self.detector is None and self.sensitivity not in _OF_FINDINGS

    def types(self) -> frozenset[str]:
        """Return the types of findings that the rule speaks of; empty for whole values."""
        if self.selects_values:
            return frozenset()
        named = self.marker if self.marker is not None else self.detector
        types = TYPES if named is None else frozenset({named.upper()})
        if self.sensitivity is not None:
            types = frozenset(kind for kind in types if CLASS_OF_TYPE.get(kind) == self.sensitivity)
        return types


def known_marker(value: str) -> str:
    """Return a marker as it was written, if there is such a one.

    Raises:
        ValueError: There is none.
    """
    if value.upper() not in Pii.__members__ and value.lower() != "exam_secret":
        msg = f"Unknown marker {value!r}. Use exam_secret or one of {', '.join(sorted(Pii.__members__))}."
        raise ValueError(msg)
    return value
