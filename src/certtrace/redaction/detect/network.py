"""Addresses of machines: what has the form of an IP or MAC address.

Each is of one of two types: `IP` and `MAC` speak of a machine or a person's connection, `IP_NETWORK` and `MAC_NETWORK`
are subject matter, as in a text about networks (see `subject_matter`).
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from certtrace.redaction.detect.pattern import Pattern, Spans, touches_word
from certtrace.redaction.detect.subject_matter import is_subject_ip, is_subject_mac
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_V6_SIGNS: Final = b"0123456789abcdefABCDEF:."
_MAX_V6: Final = 46
_MIN_V6_GROUP: Final = 3
_MIN_V6_GROUPS: Final = 5
_DIGIT: Final = lazy(rb"[0-9]")
_V6_NAMED: Final = lazy(
    rb"(?:\A|[^A-Za-z])(?:ip(?:v6)?|inet6?|addr(?:ess)?|host|server|from|src|dst|source|destination|gateway|via|ping6?)"
    rb"(?:[ ](?:is|address))?[ ]?[:=]?[ ]?[\"'\[]?\Z",
    re.IGNORECASE,
)
_V6_REACH: Final = 24
_PREFIX: Final = lazy(rb"/([0-9]{1,3})(?![0-9]|[./][0-9])")
_ZONE: Final = lazy(rb"%[A-Za-z0-9]{1,15}")
_V4_BITS: Final = 32
_V6_BITS: Final = 128
_VERSION: Final = lazy(
    rb"(?:\A|[^A-Za-z])(?:version|ver|release|build|revision|section|sect|chapter|clause|figure|table|step|v|\xa7)"
    rb"[\"'=: .]{0,4}\Z"
    rb"|[a-z][/-]\Z|[=<>~^!]=[ ]?\Z",
    re.IGNORECASE,
)
"""What stands in front of four numbers that are a version or a section: `Chrome/120.0.0.0`, `pkg==1.2.3.4`."""
_VERSION_REACH: Final = 16
_BYTE_BEFORE: Final = lazy(rb"(?:\A|[^0-9A-Za-z])[0-9A-Fa-f]{2}([:-])\Z")
_MAC_WORD: Final = lazy(rb"(?:mac|hw|hardware|physical|ethernet|address|ether|nic|bssid)[^0-9A-Za-z]", re.IGNORECASE)
_MAC_REACH: Final = 32
_NOBODY: Final = frozenset({b"0" * 12, b"f" * 12})
"""No machine has these: unset, and broadcast."""


def _ipv4(data: bytes, groups: Groups) -> tuple[Spans, int]:
    start, end = groups[0]
    before, after = data[start - 1 : start], data[end : end + 2]
    if touches_word(data, start - 1) or touches_word(data, end) or before == b".":
        return [], end
    if after[:1] == b"." and after[1:].isdigit():
        return [], end  # an object identifier or the number of a section
    if before == b":" and _v6_token(data, start) is not None:
        return [], end  # the last part of an IPv6 address
    if _VERSION.search(data, max(0, start - _VERSION_REACH), start):
        return [], end
    try:
        address = IPv4Address(data[start:end].decode("ascii"))
    except AddressValueError:
        return [], end
    bits, end = _with_prefix(data, end, _V4_BITS)
    kind = "IP_NETWORK" if is_subject_ip(address, bits, data, start, end) else "IP"
    return [(start, end, kind)], end


def _ipv6(data: bytes, groups: Groups) -> tuple[Spans, int]:
    token = _v6_token(data, groups[0][0])
    if token is None:
        return [], groups[0][1]
    start, end, address = token
    zone = _ZONE.match(data, end)
    bits, end = _with_prefix(data, zone.end() if zone else end, _V6_BITS)
    kind = "IP_NETWORK" if is_subject_ip(address, bits, data, start, end) else "IP"
    return [(start, end, kind)], end


def _v6_token(data: bytes, inside: int) -> tuple[int, int, IPv6Address] | None:
    """Return the place and value of the IPv6 address around a place."""
    left, right = data[max(0, inside - _MAX_V6) : inside], data[inside : inside + _MAX_V6]
    start = inside - len(left) + len(left.rstrip(_V6_SIGNS))
    token = data[start : inside + len(right) - len(right.lstrip(_V6_SIGNS))]
    # Punctuation around it: `addr:fe80::1`, `is 2001:db8::1.`, `2001:db8::1: refused`.
    if token.startswith((b":", b".")) and (token.startswith(b":::") or not token.startswith(b"::")):
        token, start = token[1:], start + 1
    token = token.rstrip(b".")
    if token.endswith(b":") and not token.endswith(b"::"):
        token = token[:-1]
    end = start + len(token)
    if (
        touches_word(data, start - 1)
        or touches_word(data, end)
        or not _reads_as_v6(token, data[max(0, start - _V6_REACH) : start])
    ):
        return None
    try:
        return start, end, IPv6Address(token.decode("ascii"))
    except (AddressValueError, UnicodeDecodeError):
        return None


def _reads_as_v6(token: bytes, before: bytes) -> bool:
    """Tell an address from a slice (`[::2]`), a scope (`ad::fc`), a time and a ratio."""
    groups = [group for group in token.split(b":") if group]
    if len(token) > _MAX_V6 or not (_DIGIT.search(token) or len(groups) >= _MIN_V6_GROUP):
        return False
    if any(len(group) >= _MIN_V6_GROUP for group in groups) or len(groups) >= _MIN_V6_GROUPS:
        return True
    # Short ones only where something says so: `::1` outside brackets, and what is called an address.
    return (token == b"::1" and not before.endswith(b"[")) or not before or _V6_NAMED.search(before) is not None


def _with_prefix(data: bytes, end: int, most: int) -> tuple[int | None, int]:
    """Return the length of the prefix behind an address, if there is one, and where the whole ends."""
    prefix = _PREFIX.match(data, end)
    if prefix is None or int(prefix[1]) > most:
        return None, end
    return int(prefix[1]), prefix.end()


def _mac(data: bytes, groups: Groups) -> tuple[Spans, int]:
    start, end = groups[0]
    found = data[start:end]
    sign = found[2:3] if found[2:3] in {b":", b"-"} else b"."
    if touches_word(data, start - 1) or touches_word(data, end) or not _is_regular(found, sign):
        return [], start + 1
    # A longer row of bytes is a fingerprint or a dump.
    row_before = _BYTE_BEFORE.search(data, max(0, start - 4), start)
    row_after = data[end : end + 1] == sign and touches_word(data, end + 1)
    if row_after or (row_before is not None and row_before[1] == sign):
        return [], end
    if sign == b"." and found.replace(b".", b"").isdigit() and not _is_named_mac(data, start):
        return [], end
    value = found.replace(sign, b"").lower()
    if value in _NOBODY:
        return [], end
    kind = "MAC_NETWORK" if is_subject_mac(value, data, start, end) else "MAC"
    return [(start, end, kind)], end


def _is_regular(found: bytes, sign: bytes) -> bool:
    return found.count(sign) == (2 if sign == b"." else 5)


def _is_named_mac(data: bytes, start: int) -> bool:
    return _MAC_WORD.search(data, max(0, start - _MAC_REACH), start) is not None


PATTERNS: Final = (
    Pattern("IP", "ip.v4", rb"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}", (b".",), _ipv4),
    Pattern("IP", "ip.v6", rb"::[0-9A-Fa-f]|[0-9A-Fa-f]::", (b"::",), _ipv6),
    Pattern("IP", "ip.v6", rb"(?:[0-9A-Fa-f]{1,4}:){6}[0-9A-Fa-f]", (b":",), _ipv6),
    Pattern("MAC", "mac", rb"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}", (b":", b"-"), _mac),
    Pattern("MAC", "mac", rb"[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}", (b".",), _mac),
)
"""`IP` also serves IP_NETWORK, `MAC` also serves MAC_NETWORK."""
