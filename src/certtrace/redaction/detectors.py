"""Detectors for what has a form: they return findings, exact to the character."""

import re
from base64 import b64decode
from binascii import Error as BinasciiError
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, TypeAlias

from certtrace.redaction import credentials, digits
from certtrace.redaction.checks import iban_length
from certtrace.redaction.engine import NATIVE, Folded, Groups, Matcher, matcher, pattern_set
from certtrace.redaction.fairness import Turns
from certtrace.redaction.patterns import PATTERNS, Pattern

Spans: TypeAlias = list[tuple[int, int, str]]
Check: TypeAlias = Callable[[bytes, Groups], tuple[Spans, int]]
"""Examines one match: what it holds, and where the search goes on."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A part of a text that must not leave, and what it is."""

    start: int
    end: int
    type: str
    subject: str = ""
    """Digest of the person it belongs to, when known; otherwise derived from the text found."""
    replacement: str = ""
    """What to write instead; empty lets the policy's operator decide."""


_IGNORE_CASE: Final = b"(?i)"
_LOCAL: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+/=?^_{|}~.-"
_LOCAL_NEVER_FIRST: Final = b"!#$%&'*/=?^{|}~.-+"
_DOMAIN: Final = re.compile(rb"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})\.){1,8}(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,40})")
_MAX_LOCAL: Final = 254
_AUTHORITY: Final = re.compile(rb"[^\s/?#\"'<>\\]{1,2048}")
_QUERY_VALUE: Final = re.compile(rb"[^\s&#\"'<>;]{1,16384}")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]+={0,2}")
_READABLE: Final = re.compile("[^\\x00-\\x08\\x0e-\\x1f\\x7f-\\x9f\\ufffd]*")
_MIN_ENCODED: Final = 10
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_HARMLESS_USERS: Final = frozenset({b"git", b"svn", b"hg"})


class Detectors:
    """The detectors that a policy switches on, compiled. Safe to share between threads."""

    __slots__ = ("_enabled", "_patterns", "_set")

    def __init__(self, enabled: Collection[str], *, native: bool = NATIVE) -> None:
        """Compile.

        Args:
            enabled: Names of types, such as `EMAIL`.
            native: False selects Python's `re` instead of RE2; the findings are the same.
        """
        self._enabled = frozenset(enabled)
        wanted = [pattern for pattern in PATTERNS if self._wants(pattern.detector)]
        self._set = pattern_set([p.expression for p in wanted], [p.literals for p in wanted], native=native)
        self._patterns = [(*_compiled(p, native=native), _CHECKS[p.check], p.detector) for p in wanted]

    def _wants(self, detector: str) -> bool:
        if detector == "NUMBER":
            return not self._enabled.isdisjoint({"CREDIT_CARD", "SSN", "PHONE"})
        return detector in self._enabled or detector == "BASE64"

    def find(self, text: Folded) -> Iterable[Finding]:
        """Return the findings in a folded text; they may overlap."""
        hits = self._set.hits(text)
        return self._examined(hits, text) if hits else ()

    def _examined(self, hits: Sequence[int], folded: Folded) -> Iterator[Finding]:
        turns = Turns()
        data = folded.data
        for index in hits:
            pattern, folds_case, check, detector = self._patterns[index]
            text = folded.low if folds_case else data
            place = 0
            while (groups := pattern.next(text, place)) is not None:
                turns.step()
                spans, place = check(data, groups)
                for start, end, kind in spans:
                    kind_found = kind or detector
                    if kind_found in self._enabled or kind_found in {"SECRET", "BASE64"}:
                        yield Finding(start, end, kind_found)
                place = max(place, groups[0][0] + 1)


def _compiled(pattern: Pattern, *, native: bool) -> tuple[Matcher, bool]:
    """Compile a pattern; `re` is faster on lower-case text than when it ignores case."""
    expression = pattern.expression
    if native or not expression.startswith(_IGNORE_CASE):
        return matcher(expression, native=native), False
    return matcher(expression.removeprefix(_IGNORE_CASE).lower(), native=False), True


def _touches(data: bytes, index: int) -> bool:
    return 0 <= index < len(data) and (data[index : index + 1].isalnum() or data[index] == 0x5F)


def _email(data: bytes, groups: Groups) -> tuple[Spans, int]:
    at = groups[0][0]
    before = data[max(0, at - _MAX_LOCAL) : at]
    local = before[len(before.rstrip(_LOCAL)) :].lstrip(_LOCAL_NEVER_FIRST)
    # `user=jane@…` and `to:/jane@…`: the address begins behind the last sign that separates.
    for separator in (b"=", b"/", b"?", b"&", b"|"):
        local = local.rpartition(separator)[2]
    local = local.lstrip(_LOCAL_NEVER_FIRST)
    domain = _DOMAIN.match(data, at + 1)
    if not local or domain is None:
        return [], at + 1
    end = domain.end()
    if local == b"git" and data[end : end + 1] in {b":", b"/"}:
        return [], end
    return [(at - len(local), end, "EMAIL")], end


def _url(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Find `user:password@` of a URL; the rest of the URL stays readable."""
    start = groups[0][1] - 1
    authority = _AUTHORITY.match(data, start)
    user, at, _ = authority[0].rpartition(b"@") if authority else (b"", b"", b"")
    if not at or not user or user in _HARMLESS_USERS:
        return [], groups[0][1]
    return [(start, start + len(user), "SECRET")], start + len(user)


def _query(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Find the value of a query parameter whose name says secret."""
    start = groups[0][1] - 1
    value = _QUERY_VALUE.match(data, start)
    end = value.end() if value else start + 1
    return [(start, end, "SECRET")], end


def _number(data: bytes, groups: Groups) -> tuple[Spans, int]:
    start, end = groups[0]
    return list(digits.classify(data, start, end)), end


def _iban(data: bytes, groups: Groups) -> tuple[Spans, int]:
    start, end = groups[0]
    if _touches(data, start - 1):
        return [], start + 1
    characters: list[int] = [index for index in range(start, end) if data[index : index + 1].isalnum()]
    compact = bytes(data[index] for index in characters).upper().decode("ascii", "replace")
    length = iban_length(compact)
    if not length:
        return [], start + 1
    end = characters[length - 1] + 1
    if data[end : end + 1].isdigit():
        return [], start + 1
    return [(start, end, "IBAN")], end


def _ipv4(data: bytes, groups: Groups) -> tuple[Spans, int]:
    start, end = groups[0]
    if _touches(data, start - 1) or _touches(data, end) or data[start - 1 : start] == b".":
        return [], end
    try:
        IPv4Address(data[start:end].decode("ascii"))
    except AddressValueError:
        return [], end
    return [(start, end, "IP")], end


def _ipv6(data: bytes, groups: Groups) -> tuple[Spans, int]:
    start, end = groups[0]
    if _touches(data, start - 1) or _touches(data, end) or not data[start:end].strip(b":"):
        return [], end
    try:
        IPv6Address(data[start:end].decode("ascii"))
    except AddressValueError:
        return [], end
    return [(start, end, "IP")], end


def _mac(data: bytes, groups: Groups) -> tuple[Spans, int]:
    start, end = groups[0]
    longer = data[end : end + 1] in {b":", b"-"} and _touches(data, end + 1)
    if _touches(data, start - 1) or _touches(data, end) or longer:
        return [], start + 1
    return [(start, end, "MAC")], end


def _base64(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Find a run that reads as text when it is decoded; what it says is for others to judge."""
    start = groups[0][0]
    run = _BASE64.match(data, start)
    end = run.end() if run else groups[0][1]
    return ([(start, end, "BASE64")] if base64_text(data[start:end]) else []), end


def base64_text(run: bytes) -> str:
    """Return the text that a run of base64 begins with, or an empty text when it begins with something else."""
    solid = run.rstrip(b"=").translate(_URL_SAFE)
    try:
        text = b64decode(solid[: len(solid) - (len(solid) % 4 == 1)] + b"==").decode("utf-8", "replace")
    except BinasciiError:
        return ""
    readable = _READABLE.match(text)
    return readable[0] if readable and len(readable[0]) >= _MIN_ENCODED else ""


def _group(data: bytes, groups: Groups) -> tuple[Spans, int]:
    if _touches(data, groups[0][0] - 1) or _touches(data, groups[1][1]):
        return [], groups[0][1]
    return [(groups[1][0], groups[1][1], "")], groups[1][1]


_CHECKS: Final[dict[str, Check]] = {
    "email": _email,
    "url": _url,
    "query": _query,
    "number": _number,
    "iban": _iban,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "mac": _mac,
    "base64": _base64,
    "group": _group,
    "token": credentials.token,
    "pem": credentials.pem,
    "bearer": credentials.bearer,
    "cookie": credentials.cookie,
    "assignment": credentials.assignment,
}
