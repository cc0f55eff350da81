import pytest

from .finding import found, of_type

ANSWERS = {
    "arp": "The host 192.168.1.10 sends an ARP request for 192.168.1.1 to the whole subnet.",
    "gateway": "PC A (10.0.0.5) sends the frame to its default gateway 10.0.0.1.",
    "nat": "After NAT the source 10.0.0.1:3345 becomes 138.76.29.7:5001.",
    "aggregation": "200.23.16.0/23 is aggregated from 200.23.16.0/24 and 200.23.17.0/24.",
    "longest match": "Longest prefix match: 200.23.18.5 goes out on interface 2.",
    "dhcp": "DHCPDISCOVER goes from 0.0.0.0 to 255.255.255.255, the server offers 223.1.2.4 by DHCP.",
    "dns": "A DNS request from 192.168.0.17 to 8.8.8.8 asks for www.example.com",
    "routing": "A packet from 131.155.12.7 to 131.155.14.9 is routed through R3.",
    "mask": "172.16.5.4 with mask 255.255.252.0 has the last host 172.16.7.254.",
    "ranges": "10.0.0.0 - 10.255.255.255, 127.0.0.0 to 127.255.255.255 and 98.255.255.255",
    "ipv6": "fe80::1 is link-local, 2001:db8::1 is documentation, ff02::1 is multicast, ::1 loopback.",
    "interface": "inet 192.168.1.17/24 brd 192.168.1.255 scope global",
    "private": "192.168.1.5 is a private address.",
    "switch": "The switch learns that AA:BB:CC:11:22:33 is on port 1 and forwards the frame.",
    "arp table": "ARP table: 192.168.1.1 -> 00:1a:2b:3c:4d:5e",
    "multicast": "01:00:5e:00:00:fb and 33:33:00:00:00:01",
    "docker": "docker run -p 127.0.0.1:8080:80, bind to 0.0.0.0:443",
}

HOSTS = {
    "access log": ('203.0.113.9 - jane [22/Nov/2026:10:11:12 +0000] "GET / HTTP/1.1" 200', "203.0.113.9"),
    "forwarded": ("X-Forwarded-For: 84.23.11.9", "84.23.11.9"),
    "field": ("remote_addr=10.2.3.4 method=GET", "10.2.3.4"),
    "mine": ("my ip is 192.168.1.7", "192.168.1.7"),
    "login": ("login from 10.3.3.3 failed", "10.3.3.3"),
    "sshd": ("Failed password for root from 91.200.12.7 port 2222 ssh2", "91.200.12.7"),
    "json": ('{"client_ip": "172.16.8.9"}', "172.16.8.9"),
    "candidate": ("The candidate's IP address was 84.12.33.7.", "84.12.33.7"),
    "session": ("session opened by 84.12.33.7", "84.12.33.7"),
    "database": ('connection to server at "10.3.67.197", port 5432 failed', "10.3.67.197"),
    "bare": ("84.12.33.7", "84.12.33.7"),
    "v6": ("user 2001:4860:4860::8888 logged out", "2001:4860:4860::8888"),
    "v6 with port": ("connect to [2a02:8070:1::7]:443", "2a02:8070:1::7"),
    "v6 sentence": ("it was 2400:c401::5054:ff:fe1b:b031.", "2400:c401::5054:ff:fe1b:b031"),
    "mapped": ("::ffff:84.12.33.7", "::ffff:84.12.33.7"),
    "server": ("server 84.12.33.7 and dev", "84.12.33.7"),
    "firewall": ("IN=eth0 SRC=84.12.33.7 LEN=60 TTL=51 PROTO=TCP", "84.12.33.7"),
    "short v6": ("my ip: 1::8", "1::8"),
    "word v6": ("dead:beef::cafe", "dead:beef::cafe"),
    "full v6": ("0:0:0:0:0:FFFF:129.144.52.38", "0:0:0:0:0:FFFF:129.144.52.38"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_in_answers_about_networks_addresses_are_subject_matter(name):
    kinds = {kind for kind, _ in found(ANSWERS[name])}
    assert kinds
    assert kinds <= {"IP_NETWORK", "MAC_NETWORK"}


@pytest.mark.parametrize("name", HOSTS)
def test_an_address_of_somebody_is_found_to_the_character(name):
    text, address = HOSTS[name]
    assert of_type("IP", text) == [address]


@pytest.mark.parametrize(
    "text",
    [
        "192.168.1.256 300.168.1.1 192.168.0 text192.168.1.1",
        "User-Agent: Mozilla/5.0 Chrome/120.0.0.0 Safari/537.36 Edg/120.0.6099.130",
        "numpy==1.26.4.1, version 4.0.3.1, OID 1.3.6.1.4.1.311, section 3.2.1.4, v1.2.3.4",
        "std::cout, a[::2], x[1::2], Foo::Bar, fe::be, 12:30:45, 1:2:3:4:5, :::",
        "::ffff:256.0.0.1, 2001::db8::1, 12345:db8::1",
        "Time 12:34:56.789, ratio 1:2:3:4, 123:abc, file:///x",
    ],
)
def test_versions_scopes_times_and_ratios_are_no_addresses(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Subnet: 192.168.1.0/24", "192.168.1.0/24"),
        ("2001:db8::/32 is for books", "2001:db8::/32"),
        ("fe80::1%eth0 on this network", "fe80::1%eth0"),
        ("2001:db8::/9999", "2001:db8::"),
        ("subnet:::ffff:0:0", "::ffff:0:0"),
    ],
)
def test_a_prefix_and_a_zone_belong_to_the_address(text, whole):
    assert of_type("IP_NETWORK", text) == [whole]


@pytest.mark.parametrize("text", ["00:1A:2B:3C:4D:5E", "0d-B3-4a-6A-d9-cF", "0012.3456.789a", "aabb.ccdd.eeff"])
def test_a_mac_address_is_found_in_every_notation(text):
    assert of_type("MAC", f"My MAC is {text}") == [text]


@pytest.mark.parametrize(
    "text",
    [
        "10:2F:33-AC-29-C3",
        "ZZ:ZZ:ZZ:ZZ:ZZ:ZZ",
        "fingerprint 16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48",
        "00:00:00:00:00:00 ff-ff-ff-ff-ff-ff",
        "1234.5678.9012",
    ],
)
def test_fingerprints_dumps_and_nobodys_addresses_are_no_mac_addresses(text):
    assert of_type("MAC", text) == []
