"""What redaction and capture leave in the place of a value, found in text."""

import re
from dataclasses import dataclass
from typing import Final

from certtrace.redaction.policy.kinds import TYPES

_NAMES: Final = "|".join(sorted((kind.lower() for kind in TYPES), key=len, reverse=True)) + "|exam-secret"
_SHOUTED: Final = "|".join(
    sorted(
        TYPES
        | {
            "NAME", "EMAIL_ADDRESS", "PHONE_NUMBER", "IP_ADDRESS", "IBAN_CODE", "US_SSN", "LOCATION", "DATE_TIME",
            "PII", "REDACTED", "MASKED", "FILTERED", "REMOVED", "CARD_NUMBER", "TOKEN", "API_KEY", "PASSWORD",
        },
        key=len,
        reverse=True,
    )
)  # fmt: skip
"""As other tools write them, such as `[EMAIL]` and `<PERSON>`."""
MARK: Final = re.compile(
    rf"<(?P<who>{_NAMES}|text|value):[0-9a-f]{{6,16}}(?: len=(?P<length>[0-9]+))?>"
    rf"|<(?P<gone>{_NAMES}|personal|dropped)(?: (?P<coarse>[^<>\s][^<>\n]{{0,47}}))?>"
    r"|<(?P<lost>withheld|cut|cycle|data uri|value|integer of)(?::? [^<>\n]{1,200})?>"
    rf"|[<\[](?P<shouted>{_SHOUTED})(?:_[0-9]{{1,4}})?[>\]]"
)
_SECRETS: Final = ("exam-secret", "text", "value")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of mark: its class in the style sheet, and what it means."""

    css: str
    name: str
    meaning: str


PSEUDONYM: Final = Kind(
    "who", "pseudonym", "A person or an identifier of theirs. The same digits mean the same person."
)
REMOVED: Final = Kind("gone", "removed", "Only the type of what stood here is kept.")
WITHHELD: Final = Kind("held", "withheld", "The text is withheld. Equal digits mean equal text.")
LOST: Final = Kind("lost", "left out", "Cut or not recorded; nothing of it is stored.")
LEGEND: Final = (
    ("<person:7f3a91c204>", PSEUDONYM),
    ("<address>", REMOVED),
    ("<exam-secret:05a52b0b57 len=383>", WITHHELD),
    ("<cut: 40000 characters in all, 19c3a0be21>", LOST),
)


def kind_of(found: re.Match[str]) -> tuple[Kind, str]:
    """Return the kind of a mark, and a few words on this one."""
    if found["who"] is not None:
        if found["who"] in _SECRETS:
            length = f", {found['length']} characters" if found["length"] else ""
            return WITHHELD, f"{found['who']} withheld{length}: equal digits mean equal text"
        return PSEUDONYM, f"{found['who']}, pseudonym: the same digits mean the same person"
    if found["lost"] is not None:
        return LOST, "withheld or cut when it was recorded"
    name = (found["gone"] or found["shouted"]).lower().replace("_", " ")
    coarse = f", kept only {found['coarse']}" if found["coarse"] else ""
    return REMOVED, f"{name} removed{coarse}"
