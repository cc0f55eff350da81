"""Identifiers of Africa and the Middle East."""

from typing import Final

from certtrace.redaction.detect.checks import luhn
from certtrace.redaction.detect.national_ids.checksums import born, is_date, starts, unchecked, verhoeff
from certtrace.redaction.detect.national_ids.identifier import Identifier

_GOVERNORATES: Final = frozenset([*range(1, 5), *range(11, 20), *range(21, 30), *range(31, 36), 88])


def _south_african(number: str) -> bool:
    return born(number[:6]) and number[10] in "012" and luhn(number)


def _egyptian(number: str) -> bool:
    century = {"2": 1900, "3": 2000}.get(number[0])
    if century is None or int(number[7:9]) not in _GOVERNORATES:
        return False
    return is_date(century + int(number[1:3]), int(number[3:5]), int(number[5:7]))


def _emirates(number: str) -> bool:
    return number.startswith("784") and number[3:5] in {"19", "20"} and luhn(number)


IDENTIFIERS: Final = (
    Identifier("za.citizen", "rsa; sa id; south african; refugee; identity; id; id number", _south_african,
               anywhere="999999 9999 999|999999 9999 99 9", alone="9999999999999"),
    Identifier("za.company", "company registration; cipc; registration", lambda number: number[:2] in {"19", "20"},
               anywhere="9999/999999/99"),
    Identifier("za.tax", "sars; tax; tax reference", starts("0 1 2 3 9", luhn), named="9999999999"),
    Identifier("ng.nin", "nin; nimc; national identification", verhoeff, alone="99999999999"),
    Identifier("ng.bvn", "bvn; bank verification", unchecked, named="99999999999"),
    Identifier("ng.plate", "plate; plates; vehicle; registration; car", unchecked, alone="AAA-999AA|AAA 999AA|AAA999AA"
               "|AAA-999-AA|AAA 999 AA"),
    Identifier("ng.passport", "passport", unchecked, named="A99999999"),
    Identifier("ke.citizen", "national id; huduma; kenya; kra", unchecked, named="99999999|A999999999A"),
    Identifier("gh.card", "ghana; ghana card", starts("GHA", unchecked), anywhere="AAA-999999999-9"),
    Identifier("eg.citizen", "national id; egypt; ?", _egyptian, alone="99999999999999"),
    Identifier("ma.card", "cin; cnie; carte nationale", unchecked, named="AA999999|A999999|AA99999"),
    Identifier("tn.card", "cin; carte d identite; ?", unchecked, named="99999999"),
    Identifier("dz.card", "nin; carte nationale; ?", unchecked, named="999999999999999999"),
    Identifier("mu.citizen", "nic; national identity", unchecked, named="A9999999999999|A999999999999A"),
    Identifier("il.citizen", "teudat zehut; teudat; zehut; israeli id; mispar zehut; israeli; ?", luhn,
               named="999999999|99999999-9|9-9999999-9"),
    Identifier("ae.citizen", "emirates; emirates id; eid; ?", _emirates, anywhere="999-9999-9999999-9",
               alone="999999999999999"),
    Identifier("sa.citizen", "iqama; saudi; national id; ?", starts("1 2", luhn), named="9999999999"),
    Identifier("kw.citizen", "civil id; kuwait; ?", starts("1 2 3", lambda number: born(number[1:7])),
               named="999999999999"),
    Identifier("qa.citizen", "qid; qatar; ?", starts("2 3", unchecked), named="99999999999"),
    Identifier("bh.citizen", "cpr; bahrain; ?", unchecked, named="999999999"),
)  # fmt: skip
"""Sources: the issuing authorities' published descriptions of number and check digit."""
