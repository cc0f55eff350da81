"""What the detectors of one test find, as pairs of a type and the text."""

from certtrace.redaction.detect.detectors import Detectors
from certtrace.redaction.text.views import views

FORMS = frozenset(
    {"EMAIL", "PHONE", "CREDIT_CARD", "IBAN", "SSN", "DOB", "IP", "IP_NETWORK", "MAC", "MAC_NETWORK", "USERNAME", "ID"}
)
NATIVE = Detectors(FORMS)
PLAIN = Detectors(FORMS, native=False)


def found(text: str, detectors: Detectors = NATIVE) -> list[tuple[str, str]]:
    """Return type and text of every finding, by place."""
    return [
        (finding.type, text[slice(*view.to_source(finding.start, finding.end))])
        for view in views(text)
        for finding in detectors.find(view)
    ]


def of_type(kind: str, text: str) -> list[str]:
    """Return the texts that are found as one type."""
    return [part for type_, part in found(text) if type_ == kind]
