"""Identifiers of the United Kingdom and Ireland."""

from typing import Final

from certtrace.redaction.detect.national_ids.checksums import starts, total, unchecked
from certtrace.redaction.detect.national_ids.identifier import Identifier
from certtrace.redaction.text.lazy import lazy

_NINO: Final = lazy("(?!BG|GB|KN|NK|NT|TN|ZZ)[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z][0-9]{6}[A-D]")
_LICENCE: Final = lazy(
    "(?=.{16})[A-Z]{1,5}9{0,4}[0-9][0156][0-9](?:0[1-9]|[12][0-9]|3[01])[0-9][A-Z9]{2}[A-Z0-9][A-Z]{2}"
)
_PLATE: Final = lazy("[A-HJ-PR-Y][A-HJ-PR-Y](?:0[2-9]|[12][0-9]|5[1-9]|[67][0-9])[A-HJ-PR-Z]{3}")
_OLDER_PLATE: Final = lazy("[A-HJ-NPR-TV-Y][0-9]{1,3}[A-HJ-PR-Y]{3}|[A-HJ-PR-Y]{3}[0-9]{1,3}[A-HJ-NPR-TV-Y]")
_IRISH_PLATE: Final = lazy("[0-9]{2}[12]?[A-Z]{1,2}[0-9]{1,6}")
_PERSON: Final = "WABCDEFGHIJKLMNOPQRSTUV"


def _nhs(number: str) -> bool:
    return (11 - total(number, range(10, 1, -1)) % 11) % 11 == int(number[9]) and number.strip("0") != ""


def _licence(number: str) -> bool:
    return bool(_LICENCE.fullmatch(number)) and number[:5].rstrip("9").isalpha()


def _pps(number: str) -> bool:
    second = ord(number[8]) - 64 if len(number) > 8 and number[8] != "W" else 0
    return second <= 9 and _PERSON[(total(number, range(8, 1, -1)) + 9 * second) % 23] == number[7]


def _gb_vat(number: str) -> bool:
    value = total(number[2:9], range(8, 1, -1)) + int(number[9:11])
    return value % 97 == 0 or (value + 55) % 97 == 0


IDENTIFIERS: Final = (
    Identifier("uk.nhs", "nhs; national health; health number; patient", _nhs,
               alone="999 999 9999|999-999-9999|9999999999"),
    Identifier("uk.insurance", "nino; ni; national insurance; insurance number; insurance",
               lambda number: bool(_NINO.fullmatch(number)),
               anywhere="AA999999A|AA 99 99 99 A|AA 999999 A|AA 999999A|AA999999 A|AA-99-99-99-A|AA99 99 99A|"
               "AA 99 99 99A"),
    Identifier("uk.passport", "passport; passports", unchecked, alone="AA9999999", named="999999999|A99999999"),
    Identifier("uk.licence", "licence; license; driving; driver; dvla", _licence, anywhere="*16",
               alone="AAAAA 999999 AA9AA|AAAAA 999999 AA999|AAAAA-999999-AA9AA"),
    Identifier("uk.plate", "registration; vehicle; vehicles; plate; plates; car; reg; vrm; number plate",
               lambda number: bool(_PLATE.fullmatch(number)), alone="AA99 AAA|AA99AAA"),
    Identifier("uk.older-plate", "registration; vehicle; vehicles; plate; plates; car; reg; vrm; number plate",
               lambda number: bool(_OLDER_PLATE.fullmatch(number)),
               named="A9 AAA|A99 AAA|A999 AAA|AAA 9A|AAA 99A|AAA 999A|A99AAA|A999AAA|AAA99A|AAA999A"),
    Identifier("uk.tax", "utr; unique taxpayer; taxpayer; self assessment", unchecked, named="9999999999|99999 99999"),
    Identifier("uk.company", "company number; companies house; company no; registered number; company registration",
               unchecked, named="99999999|AA999999"),
    Identifier("uk.vat", "vat", starts("GB XI", _gb_vat), anywhere="AA999999999|AA 999 9999 99|AA 999999999"),
    Identifier("ie.pps", "pps; ppsn; pps number; personal public service; vat; tax", _pps, alone="9999999A|9999999AA"),
    Identifier("ie.plate", "registration; vehicle; plate; car; reg",
               lambda number: bool(_IRISH_PLATE.fullmatch(number)),
               named="|".join(f"{year}-{place}-{digits}" for year in ("99", "999") for place in ("A", "AA")
                              for digits in ("99", "999", "9999", "99999", "999999"))),
)  # fmt: skip
"""Sources: NHS Data Dictionary, HMRC NIM39110, DVLA INF45/1, Irish Department of Social Protection."""
