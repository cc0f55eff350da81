"""Addresses of machines."""

from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from certtrace.redaction.detect.pattern import Pattern, Spans, touches_word
from certtrace.redaction.text.engine import Groups


def _ipv4(data: bytes, groups: Groups) -> tuple[Spans, int]:
    start, end = groups[0]
    if touches_word(data, start - 1) or touches_word(data, end) or data[start - 1 : start] == b".":
        return [], end
    try:
        IPv4Address(data[start:end].decode("ascii"))
    except AddressValueError:
        return [], end
    return [(start, end, "IP")], end


def _ipv6(data: bytes, groups: Groups) -> tuple[Spans, int]:
    start, end = groups[0]
    if touches_word(data, start - 1) or touches_word(data, end) or not data[start:end].strip(b":"):
        return [], end
    try:
        IPv6Address(data[start:end].decode("ascii"))
    except AddressValueError:
        return [], end
    return [(start, end, "IP")], end


def _mac(data: bytes, groups: Groups) -> tuple[Spans, int]:
    start, end = groups[0]
    longer = data[end : end + 1] in {b":", b"-"} and touches_word(data, end + 1)
    if touches_word(data, start - 1) or touches_word(data, end) or longer:
        return [], start + 1
    return [(start, end, "MAC")], end


PATTERNS: Final = (
    Pattern("IP", "ip.v4", rb"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", (b".",), _ipv4),
    Pattern("IP", "ip.v6", rb"(?i)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}", (b":",), _ipv6),
    Pattern("MAC", "mac", rb"(?i)[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}", (b":", b"-"), _mac),
)
