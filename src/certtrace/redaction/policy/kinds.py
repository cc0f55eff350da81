"""What can be found, how sensitive it is, and what happens to it unless a policy says otherwise."""

from functools import lru_cache
from typing import Final, Literal

from certtrace import semconv

SensitivityClass = Literal["O", "P", "D", "C", "X", "K"]
"""Operational, pseudonymous id, direct identifier, candidate content, exam secret, credential."""

FORMATS: Final = frozenset(
    {
        "EMAIL", "PHONE", "URL", "CREDIT_CARD", "IBAN", "SSN", "DOB", "SECRET", "IP", "IP_NETWORK", "MAC",
        "MAC_NETWORK", "NATIONAL_ID", "ADDRESS", "USERNAME", "ID",
    }
)  # fmt: skip
"""All detectors by the type they find; `URL` stands for credentials and secret parameters in addresses.

`IP` and `MAC` are addresses that speak of somebody's machine; `IP_NETWORK` and `MAC_NETWORK` are the subject matter of
a text on networks.
"""

TYPES: Final = FORMATS - {"URL"} | {"PERSON", "EXAM_SECRET", "OTHER"}
"""Everything a finding can be."""

CLASS_OF_TYPE: Final[dict[str, SensitivityClass]] = {
    **dict.fromkeys(TYPES, "D"),
    "ID": "P",
    "EXAM_SECRET": "X",
    "SECRET": "K",
}

PSEUDONYMISED: Final = frozenset({"PERSON", "EMAIL", "USERNAME", "ID", "PHONE", "IP", "IP_NETWORK"})
"""Types that stay distinguishable: their placeholder carries a keyed digest."""

OPERATOR_OF_TYPE: Final = {
    **dict.fromkeys(TYPES, "drop"),
    **dict.fromkeys(PSEUDONYMISED, "pseudonymise"),
    "EXAM_SECRET": "hash",
}

_IDS: Final = frozenset(
    {
        semconv.USER_ID, semconv.SESSION_ID, semconv.SUBMISSION_ID, semconv.ATTEMPT_ID, semconv.CANDIDATE,
        semconv.APPEAL_ID, semconv.APPEAL_SECOND_REVIEWER, "enduser.id", "client.address",
    }
)  # fmt: skip
_CONTENT: Final = (
    semconv.OBSERVATION_INPUT, semconv.OBSERVATION_OUTPUT, semconv.OBSERVATION_METADATA,
    semconv.OBSERVATION_STATUS_MESSAGE, semconv.TRACE_METADATA, semconv.TRACE_INPUT, semconv.TRACE_OUTPUT,
    semconv.EXCEPTION_MESSAGE, semconv.EXCEPTION_STACKTRACE, "gen_ai.input.", "gen_ai.output.", "gen_ai.prompt",
    "gen_ai.completion", "gen_ai.system_instructions", "gen_ai.tool.", "gen_ai.evaluation.explanation",
    "value.comment", "value.metadata", "value.input", "value.expectedOutput", "value.output", "value.prompt",
)  # fmt: skip
"""`value.` are the fields of what stands in no span: scores, dataset items, prompts."""
_OPERATIONAL: Final = (
    "cert.", "langfuse.", "gen_ai.", "messaging.", "http.", "url.", "server.", "network.", "service.", "telemetry.",
    "code.", "process.", "host.", "os.", "container.", "k8s.", "db.", "rpc.", "deployment.", "otel.", "thread.",
    semconv.ERROR_TYPE, semconv.EXCEPTION_TYPE, "exception.escaped", "value.",
)  # fmt: skip


@lru_cache(maxsize=4096)
def attribute_class(key: str) -> SensitivityClass:
    """Return the class of a span attribute by its key: what nobody knows counts as candidate content."""
    if key in _IDS:
        return "P"
    if key.startswith(_CONTENT):
        return "C"
    return "O" if key.startswith(_OPERATIONAL) else "C"
