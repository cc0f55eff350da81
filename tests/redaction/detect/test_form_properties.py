"""Generated values of every checked form are found exactly wherever they stand, with a wrong check digit never."""

import time
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from certtrace.redaction.detect.checks import IBAN_LENGTHS, is_card, is_ssn, mod97

from .finding import NATIVE, PLAIN, found, of_type

DIGITS = "0123456789"
PROSE = st.sampled_from(
    [
        "",
        " ",
        "The reviewer wrote: ",
        "see ",
        "(",
        '{"value": "',
        "Antwort – ",
        "答え：",
        "because TCP is reliable, ",
        "line one\n",
        "a=",
        "<p>",
    ]
)
BEHIND = st.sampled_from(["", " ", ".", ", thanks", ")", '"}', "\nnext line", "</p>", "; and so on", "!"])


def _luhn_digit(payload: str) -> str:
    doubled = [int(digit) * 2 for digit in payload[::-2]]
    total = sum(value - 9 if value > 9 else value for value in doubled) + sum(map(int, payload[-2::-2]))
    return str(-total % 10)


SCHEMES = """
    4:13 4:16 4:19 51:16 55:16 2221:16 2720:16 34:15 37:15 1800:15 2131:15 3528:16 3589:19 36:14 300:14 6011:16 65:16
    62:19 5018:12 6304:12 6759:18 9792:16 2200:16
"""


@st.composite
def card_numbers(draw):
    prefix, _, length = draw(st.sampled_from(SCHEMES.split())).partition(":")
    size = int(length)
    payload = prefix + draw(st.text(DIGITS, min_size=size - len(prefix) - 1, max_size=size - len(prefix) - 1))
    assume(len(set(payload[len(prefix) :])) > 2)
    return payload + _luhn_digit(payload)


@st.composite
def written_cards(draw):
    number = draw(card_numbers())
    if len(number) != 16:
        return number
    sign = draw(st.sampled_from(["", " ", "-", "."]))
    return sign.join(number[at : at + 4] for at in range(0, 16, 4))


@given(PROSE, written_cards(), BEHIND)
@settings(max_examples=300, deadline=None)
def test_a_valid_card_is_found_exactly(before, card, behind):
    assert of_type("CREDIT_CARD", before + card + behind) == [card]


@given(card_numbers(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_card_with_one_digit_changed_is_none(card, data):
    at = data.draw(st.integers(0, len(card) - 1))
    digit = data.draw(st.sampled_from([digit for digit in DIGITS if digit != card[at]]))
    changed = card[:at] + digit + card[at + 1 :]
    assert not is_card(changed)
    assert of_type("CREDIT_CARD", f"value {changed} here") == []


@st.composite
def ibans(draw):
    country, size = draw(st.sampled_from(sorted(IBAN_LENGTHS.items())))
    account = draw(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=size - 4, max_size=size - 4))
    check = 98 - int("".join(str(int(sign, 36)) for sign in f"{account}{country}00")) % 97
    return f"{country}{check:02}{account}"


@given(PROSE, ibans(), st.booleans(), BEHIND)
@settings(max_examples=300, deadline=None)
def test_a_valid_iban_is_found_exactly(before, iban, spaced, behind):
    written = " ".join(iban[at : at + 4] for at in range(0, len(iban), 4)) if spaced else iban
    assert written in of_type("IBAN", before + written + behind)


@given(ibans(), st.data())
@settings(max_examples=200, deadline=None)
def test_an_iban_with_one_digit_changed_is_none(iban, data):
    at = data.draw(st.sampled_from([at for at, sign in enumerate(iban) if sign.isdigit()]))
    digit = data.draw(st.sampled_from([digit for digit in DIGITS if digit != iban[at]]))
    changed = iban[:at] + digit + iban[at + 1 :]
    assert not mod97(changed)
    assert of_type("IBAN", f"value {changed}, here") == []


@given(PROSE, st.integers(1, 899), st.integers(1, 99), st.integers(1, 9999), BEHIND)
@settings(max_examples=200, deadline=None)
def test_a_social_security_number_is_found_exactly(before, area, group, serial, behind):
    parts = f"{area:03}", f"{group:02}", f"{serial:04}"
    number = "-".join(parts)
    assert of_type("SSN", before + number + behind) == ([number] if is_ssn(*parts) else [])


_ENDINGS = "js ts jsx tsx css json html png jpg jpeg gif svg webp yml yaml toml lock exe dll"
FILES = frozenset(_ENDINGS.split())
LOCAL = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,18}[A-Za-z0-9]", fullmatch=True)
DOMAIN = st.from_regex(r"[a-z][a-z0-9-]{0,12}[a-z0-9](\.[a-z]{2,8}){1,3}", fullmatch=True)


@given(PROSE, LOCAL, DOMAIN, BEHIND)
@settings(max_examples=300, deadline=None)
def test_an_email_address_is_found_exactly(before, local, domain, behind):
    assume(domain.rpartition(".")[2] not in FILES)
    address = f"{local}@{domain}"
    assert address in of_type("EMAIL", before + address + behind)


@given(PROSE, st.ip_addresses(v=4), BEHIND)
@settings(max_examples=200, deadline=None)
def test_an_ipv4_address_is_found_exactly(before, address: IPv4Address, behind):
    text = before + str(address) + behind
    assert [part for kind, part in found(text) if kind in {"IP", "IP_NETWORK"}] == ([str(address)])


@given(PROSE, st.ip_addresses(v=6), st.booleans(), BEHIND)
@settings(max_examples=200, deadline=None)
@example("", IPv6Address("2001:db8::8a2e:370:7334"), False, ".")
def test_an_ipv6_address_is_found_exactly(before, address: IPv6Address, exploded, behind):
    written = address.exploded if exploded else address.compressed
    assume(any(len(group) > 2 for group in written.split(":")))  # `::2` and `1::2` are slices
    text = before + written + behind
    assert [part for kind, part in found(text) if kind in {"IP", "IP_NETWORK"}] == [written]


@given(PROSE, st.binary(min_size=6, max_size=6), st.sampled_from(":-"), st.booleans(), BEHIND)
@settings(max_examples=200, deadline=None)
def test_a_mac_address_is_found_exactly(before, value, sign, upper, behind):
    assume(set(value) not in ({0}, {255}))
    written = value.hex(sign).upper() if upper else value.hex(sign)
    assert [part for kind, part in found(before + written + behind) if kind in {"MAC", "MAC_NETWORK"}] == [written]


@given(
    PROSE,
    st.sampled_from(["+49", "+44", "+33", "+34", "+90", "+63", "+82", "+66", "+91", "+55", "+420", "+353"]),
    st.from_regex(r"[1-9][0-9]{1,2}[ -][0-9]{3,4}[ -]?[0-9]{3,4}", fullmatch=True),
    BEHIND,
)
@settings(max_examples=200, deadline=None)
def test_an_international_telephone_number_is_found_exactly(before, country, number, behind):
    written = f"{country} {number}"
    assert of_type("PHONE", before + written + behind) == [written]


PIECES = st.sampled_from(
    [
        *(
            "@",
            "jane",
            "@jane",
            "user=",
            " (at) ",
            " at x dot com",
            "github.com/",
            "linkedin.com/in/",
            "/home/",
            "a@b.io",
        ),
        *(
            "4111 1111 1111 1111",
            "card",
            "5018",
            "-",
            ".",
            " ",
            "\n",
            "0",
            "12",
            "9",
            "+49 171 1234567",
            "Tel ",
            "(",
            ")",
        ),
        *("555-0187", " office", "SSN ", "078-05-1123", "078051121", "DE89370400440532013000", "IBAN "),
        *(
            "10.0.0.1",
            "/24",
            "::1",
            "2001:db8::",
            "fe80::1%e",
            ":",
            "a0:",
            "00:1A:2B:3C:4D:5E",
            "0012.3456.789a",
            "1.1.1.1",
        ),
        *(
            "subnet ",
            "login from ",
            "born on ",
            "3 May 1990",
            "dob: ",
            "né le ",
            "candidate no. ",
            "AB-12345",
            "\u00e9",
            "\u200b",
        ),
    ]
)


@given(st.lists(PIECES | st.text(max_size=6), max_size=24).map("".join))
@settings(max_examples=400, deadline=None)
def test_both_engines_find_the_same(text):
    assert found(text, NATIVE) == found(text, PLAIN)


LONG = {
    "digits": "1",
    "digits and spaces": "1 ",
    "groups of a card": "4111 ",
    "digits and hyphens": "12-34-",
    "at signs": "a@",
    "spelled": "a (at) b dot ",
    "handles": "@jane ",
    "hex": "a1b2",
    "colons": ":",
    "hex and colons": "a0:",
    "double colons": "a::1 ",
    "addresses": "10.0.0.1 ",
    "address ranges": "10.0.0.1-",
    "octets": "1.1.",
    "births": "born ",
    "births with dates": "born 3 May 1990 ",
    "fields": "user=",
    "homes": "/home/a",
    "profiles": "github.com/a",
    "codes": "AB-12345 ",
    "candidates": "candidate no. 123456 ",
    "phones": "Tel 555 0187 ",
    "iban": "DE89 ",
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("detectors", [NATIVE, PLAIN], ids=["re2", "re"])
def test_no_text_takes_more_than_linear_time(name, detectors):
    def cost(size: int) -> float:
        text = (LONG[name] * size)[:size]
        begin = time.thread_time()
        found(text, detectors)
        return time.thread_time() - begin

    small = min(cost(5_000) for _ in range(3))
    # Eight times the text: linear is a factor of 8, quadratic 64. Once may be the collector's turn.
    assert min(cost(40_000) for _ in range(2)) < max(24 * small, 0.25)
