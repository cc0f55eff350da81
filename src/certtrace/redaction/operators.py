"""What takes the place of something personal."""

import ipaddress
from collections.abc import Callable
from typing import Final

from certtrace.redaction.pseudonyms import Pseudonymizer
from certtrace.redaction.text.lazy import lazy

_YEAR: Final = lazy(r"(?<![0-9])(?:1[89]|20)[0-9]{2}(?![0-9])")
_CALLING_CODE: Final = lazy(r"\+\s?\(?(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9][0-9]{2})")
_NOT_HEX: Final = lazy(r"[^0-9a-f]")
_IPV4_PREFIX: Final = 24
_IPV6_PREFIX: Final = 48


class Operators:
    """Applies the operators of a policy to single findings."""

    __slots__ = ("_pseudonymizer",)

    def __init__(self, pseudonymizer: Pseudonymizer) -> None:
        self._pseudonymizer = pseudonymizer

    def replacement(self, operator: str, kind: str, text: str, subject: str = "") -> str:
        """Return what stands for `text`.

        Args:
            operator: As in a policy; `keep` is for the caller.
            kind: Type of the finding.
            text: What was found.
            subject: Digest of the person it belongs to, when known.
        """
        name = type_name(kind)
        if operator == "pseudonymise":
            return f"<{name}:{subject or self._pseudonymizer.digest(text, kind.lower())}>"
        if operator == "hash":
            return f"<{name}:{self._pseudonymizer.withheld(text)} len={len(text)}>"
        if operator.startswith("mask"):
            return masked(text, int(operator.partition(":")[2] or 0))
        coarse = _COARSE[kind](text) if operator == "generalise" and kind in _COARSE else ""
        return f"<{name} {coarse}>" if coarse else f"<{name}>"


def type_name(kind: str) -> str:
    """Return a type as it stands in a placeholder."""
    return "exam-secret" if kind == "EXAM_SECRET" else kind.lower()


def masked(text: str, keep_last: int = 0) -> str:
    """Return `text` with its letters and digits as `*`, signs and spaces kept.

    Args:
        text: What was found.
        keep_last: How many letters or digits at the end stay; none of a text that has no more than twice as many.
    """
    signs = sum(character.isalnum() for character in text)
    hidden = signs if signs <= 2 * keep_last else signs - keep_last
    result: list[str] = []
    for character in text:
        result.append("*" if character.isalnum() and hidden > 0 else character)
        hidden -= character.isalnum()
    return "".join(result)


def _year(text: str) -> str:
    found = _YEAR.search(text)
    return found[0] if found else ""


def _network(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return ""
    prefix = _IPV4_PREFIX if address.version == 4 else _IPV6_PREFIX
    return str(ipaddress.ip_network((address, prefix), strict=False))


def _calling_code(text: str) -> str:
    found = _CALLING_CODE.match(text.strip(" ("))
    return f"+{found[1]}" if found else ""


def _country(text: str) -> str:
    code = text[:2].upper()
    return code if code.isascii() and code.isalpha() else ""


def _vendor(text: str) -> str:
    digits = _NOT_HEX.sub("", text.lower())
    return ":".join((digits[:2], digits[2:4], digits[4:6])) if len(digits) >= 6 else ""


_COARSE: Final[dict[str, Callable[[str], str]]] = {
    "DOB": _year,
    "IP": _network,
    "IP_NETWORK": _network,
    "PHONE": _calling_code,
    "IBAN": _country,
    "MAC": _vendor,
    "MAC_NETWORK": _vendor,
}
"""Types that have a coarser form; of the others only the type stays."""
