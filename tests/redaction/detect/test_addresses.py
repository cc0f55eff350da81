"""Postal addresses: many countries' forms are covered whole; streets of data and other numbers are left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certtrace.redaction.detect.detectors import Detectors
from certtrace.redaction.text.views import View

BOTH = [Detectors({"ADDRESS"}, native=native) for native in (True, False)]

ADDRESSES = [
    "1600 Pennsylvania Ave NW, Washington, DC 20500",
    "350 Fifth Ave, 21st Floor, New York, NY 10118",
    "123 N Main St, Apt 4B, Austin, TX 78701",
    "123 Main Street\nSpringfield, IL 62704\nUSA",
    "P.O. Box 123, Springfield, IL 62704",
    "10 Downing Street, London SW1A 2AA",
    "Flat 3, 10 High Street, Bristol BS1 4ST",
    "221B Baker Street",
    "24 Sussex Drive, Ottawa, ON K1M 1M4",
    "1/23 Smith St, Fitzroy VIC 3065",
    "Musterstraße 12, 10115 Berlin",
    "Am Alten Markt 4, 50667 Köln",
    "Bahnhofstrasse 21, 8001 Zürich",
    "Kerkstraat 5, 1012 AB Amsterdam",
    "Storgatan 12, 111 23 Stockholm",
    "Karl Johans gate 22, 0162 Oslo",
    "Vesterbrogade 3, 1620 København V",
    "12 rue de la Paix, 75002 Paris",
    "5 Avenue Anatole France, 75007 Paris, France",
    "Via Roma 1, 00184 Roma",
    "Calle Mayor 5, 28013 Madrid",
    "C/ Mayor, 5, 28013 Madrid",
    "Rua Augusta 100, 1100-053 Lisboa",
    "ul. Marszałkowska 10/12, 00-590 Warszawa",
    "Kossuth Lajos utca 12, 1053 Budapest",
    "6750 Koskikatu 25 Apt. 864\nArtilleros\n, CO\n Uruguay 64677",
    "5112 39 Rue Ibn El-Jazzar\n Apt. 243\n Cite Belle Vue\n Tunisia 99827",
    "PSC 4095, Box 8316\nAPO AE 85103",
    "USS Mahler\nFPO AA 70489",
]


def found(text: str) -> list[tuple[int, int]]:
    """Return the places that both engines find."""
    sides = [[(f.start, f.end) for f in detectors.find(View(text))] for detectors in BOTH]
    assert sides[0] == sides[1]
    return sides[0]


def covered(text: str) -> str:
    """Return the letters and digits that are found."""
    places = {place for start, end in found(text) for place in range(start, end)}
    return "".join(text[place] for place in sorted(places) if text[place].isalnum())


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda text: text.split("\n")[0])
def test_an_address_is_covered_whole_and_nothing_else_is(address):
    wanted = "".join(filter(str.isalnum, address))
    assert covered(address) == wanted
    assert covered(f"please write to {address}; then wait") == wanted


@pytest.mark.parametrize(
    "text",
    [
        "my home address is Hobujaama 12",
        "she lives at Jahu 80, Liiva",
        "the corner of ul. Jesionowa 127 and Philip Bypass",
        "PLZ 10115",
        "M1 1AA",
    ],
)
def test_a_word_or_the_whole_text_may_speak_for_it(text):
    assert found(text)


@pytest.mark.parametrize(
    "text",
    [
        "a 5 way handshake is used", "2 drive failures in RAID 5", "3 Court decisions were cited", "a 500 GB Drive",
        "10 Gigabit Ethernet", "2 Way Authentication", "20 Minute Walk", "2 Phase Commit", "3 Tier Architecture, AWS",
        "Section 4, 2023 Edition", "RFC 791, 1981 Internet Protocol", "Kafka 3, 9092 Port", "Table 4, 50000 Rows",
        "the address is 10.0.0.1", "IP address: 192.168.0.1", "destination address: Router 1", "address: 0x7ffee000",
        "Unit 5 covers networks", "in unit 3 tests pass", "the packet is sent to Host 3", "String 5 and Buffer 3",
        "Via Port 80", "AND gate 3", "NAND gate 12", "E1 1GB link", "S3 5TB", "T1 1ST", "on Wall Street Journal pages",
        "IEEE 802 Project 12, Group 3", "the corner of the network and Router 1", "100 Mbps Link",
    ],
)  # fmt: skip
def test_subject_matter_is_no_address(text):
    assert found(text) == []


@given(st.text(alphabet="AbStreet Ratgs12345 ,.\n?>/-", max_size=200))
def test_both_engines_agree_on_anything(text):
    assert all(0 <= start < end <= len(text) for start, end in found(text))
