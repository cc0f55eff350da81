"""Tell an address that speaks of a machine or a person's connection from one that a text on networks is about.

The address itself decides first (masks, ranges, reserved blocks), then the words around it.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final

from certtrace.redaction.text.lazy import lazy

_JOINT: Final = (
    rb"(?:[ ]?(?:by|for|as) [^ ]{1,64})?[\"'\])]{0,2}"
    rb"(?:[ ]?(?:[:=,]|=>|is|was|from|at|of|with|via|ip|address|host)){0,4}[ \"'\[(]{0,3}\Z"
)
_HOST_FIELD: Final = lazy(
    rb"(?:\A|[^A-Za-z])(?:(?:x-)?forwarded(?:-for)?|real[-_]?ip|remote[-_]?(?:addr(?:ess)?|host|ip)|client[-_]?(?:addr(?:ess)?|ip|host)"
    rb"|(?:user|caller|visitor|peer|attacker|login|candidate|student|device)(?:'?s)?[-_ ]?(?:ip|address)"
    rb"|(?:my|his|her|their|your|home) (?:public |own |current )?(?:ip|address)(?:[- ]?address)?"
    rb"|log(?:ged)?[- ]?(?:in|on|out)(?: attempt)?|sign(?:ed)?[- ]?(?:in|on|out)|logins?"
    rb"|rhost|ip_?addr|src_?ip|source_?ip)" + _JOINT,
    re.IGNORECASE,
)
"""What stands right in front of the address of somebody in headers and fields, and `logged in from`."""
_HOST_WORD: Final = lazy(
    rb"(?:\A|[^A-Za-z])(?:sessions?|requests?|requested|connect(?:ed|ing|ion) from|connection to server|accepted"
    rb"|disconnect(?:ed)?|failed|password|rejected|blocked|banned|submitted|uploaded|visited|accessed|authenticated"
    rb"|(?:host|src|dst|client|peer|remote|user)=)" + _JOINT,
    re.IGNORECASE,
)
"""What stands in front of it in logs; packets and their routes are spoken of in the same words."""
_LOG_FORM: Final = lazy(rb" [^ ]{1,64} [^ ]{1,64} \[[0-9]{1,2}/[A-Za-z]{3}/[0-9]{4}:")
"""What follows the address in an access log line."""

_SUBJECT_WORDS: Final = """
    subnet subnets subnetting subnetwork supernet mask masks netmask wildcard router routers route routes routed routing
    prefix prefixes gateway gateways hop hops packet packets datagram datagrams nat napt dhcp cidr vlsm arp rarp icmp
    traceroute broadcast broadcasts multicast unicast anycast loopback classful classless network networks ospf rip bgp
    igp egp autonomous octet octets vlan vlans lan lans wan longest aggregation notation rfc netz netzwerk teilnetz
    maske schnittstelle adressbereich
"""
_SUBJECT_HINTS: Final = """
    interface interfaces forwarding forward forwards pat dns ping class range ranges reserved private host hosts match
    table switch switches encapsulation tunnel tunneling header headers destination payload fragment fragmentation mtu
    ttl tcp udp segment segments socket sockets topology bits binary resolver nameserver lookup protocol
    layer link links neighbor neighbour addressing
"""
_FRAME_WORDS: Final = """
    frame frames switch switches bridge bridges broadcast multicast unicast arp rarp stp spanning vlan vlans cam fdb
    forwarding learning learns flood floods flooding oui vendor router routers packet packets hosts hub collision
    topology subnet lan lans payload
"""
_SUBJECT: Final = frozenset(_SUBJECT_WORDS.split())
_HINTS: Final = frozenset(_SUBJECT_HINTS.split())
_EITHER: Final = _SUBJECT | _HINTS
_FRAMES: Final = frozenset(_FRAME_WORDS.split())
_ENOUGH_HINTS: Final = 2
_WORD: Final = lazy(r"[a-z]{2,}")
_UNTIL: Final = rb"\.?[ ]{0,3}(?:-|~|to|until|through|up to|bis|\.\.)[ ]{0,3}"
_RANGE_BEHIND: Final = lazy(_UNTIL + rb"(?:[0-9]{1,3}\.[0-9]{1,3}\.|[0-9a-f]{1,4}:)", re.IGNORECASE)
_RANGE_BEFORE: Final = lazy(rb"(?:[0-9]{1,3}\.[0-9]{1,3}|[0-9a-f]{0,4}:[0-9a-f]{0,4})" + _UNTIL + rb"\Z", re.IGNORECASE)
_BEFORE: Final = 96
_NEAR: Final = 120
_WIDE: Final = 240
_LOG_REACH: Final = 160
_SMALL_V4: Final = 1 << 24
_MULTICAST_V4: Final = 224 << 24
_LOCAL: Final = tuple(
    ip_network(block)
    for block in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "192.0.2.0/24",
        "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "fc00::/7", "fe80::/10", "2001:db8::/32",
    )
)  # fmt: skip
"""Blocks that texts on networks take their examples from: private, shared, link-local, documentation, benchmarks."""
_MULTICAST_MAC: Final = (b"01005e", b"0180c2", b"3333")


def is_subject_ip(address: IPv4Address | IPv6Address, bits: int | None, data: bytes, start: int, end: int) -> bool:
    """Tell whether an IP address is subject matter.

    Args:
        address: Its value.
        bits: Length of the prefix written behind it, if there is one.
        data: The text, folded.
        start: Where the address begins.
        end: Where it ends, the prefix included.
    """
    if _never_a_host(address) or _is_network(address, bits):
        return True
    before = data[max(0, start - _BEFORE) : start]
    if _HOST_FIELD.search(before) or _LOG_FORM.match(data, end, end + _LOG_REACH):
        return False
    local = _is_local(address)
    if _HOST_WORD.search(before):
        return not (_EITHER if local else _SUBJECT).isdisjoint(_around(data, start, end, _NEAR))
    if address.is_loopback or bits is not None or _ends_like_network(address) or _is_in_range(before, data, end):
        return True
    if local:
        return not _EITHER.isdisjoint(_around(data, start, end, _WIDE))
    words = _around(data, start, end, _NEAR)
    return not _SUBJECT.isdisjoint(words) or len(words & _HINTS) >= _ENOUGH_HINTS


def is_subject_mac(value: bytes, data: bytes, start: int, end: int) -> bool:
    """Tell whether a MAC address is subject matter.

    Args:
        value: Its twelve digits in lower case.
        data: The text, folded.
        start: Where the address begins.
        end: Where it ends.
    """
    return value.startswith(_MULTICAST_MAC) or not _FRAMES.isdisjoint(_around(data, start, end, _NEAR))


def _never_a_host(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether no machine can have the address: unspecified, mask, multicast, reserved."""
    if isinstance(address, IPv6Address):
        return address.is_multicast or address.is_unspecified
    number = int(address)
    return number < _SMALL_V4 or number >= _MULTICAST_V4


def _is_network(address: IPv4Address | IPv6Address, bits: int | None) -> bool:
    """Tell whether the address with its prefix names a network, not a machine in it."""
    if bits is None or bits == address.max_prefixlen:
        return False
    return int(address) & ((1 << (address.max_prefixlen - bits)) - 1) == 0


def _ends_like_network(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        return int(address) & 0xFFFF_FFFF_FFFF_FFFF == 0
    return int(address) & 0xFF in {0, 0xFF}


def _is_in_range(before: bytes, data: bytes, end: int) -> bool:
    return _RANGE_BEHIND.match(data, end, end + 24) is not None or _RANGE_BEFORE.search(before) is not None


def _around(data: bytes, start: int, end: int, reach: int) -> set[str]:
    """Return the words near a place."""
    near = data[max(0, start - reach) : start] + b" " + data[end : end + reach]
    return set(_WORD.findall(near.lower().decode("latin-1")))


def _is_local(address: IPv4Address | IPv6Address) -> bool:
    return any(address.version == block.version and address in block for block in _LOCAL)
