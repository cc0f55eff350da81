"""Identifiers of Asia and the Pacific."""

from typing import Final

from certtrace.redaction.detect.national_ids.checksums import (
    born,
    divisible,
    is_date,
    starts,
    total,
    unchecked,
    verhoeff,
)
from certtrace.redaction.detect.national_ids.identifier import Identifier
from certtrace.redaction.text.lazy import lazy

_PAN: Final = lazy("[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z]")
_GSTIN: Final = lazy("(?:0[1-9]|[12][0-9]|3[0-8]|9[79])[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]")
_INDIAN_STATES: Final = """
    AN AP AR BR CG CH DD DL DN GA GJ HP HR JH JK KA KL LA LD MH ML MN MP MZ NL OD OR PB PY RJ SK TN TR TS UK UP UT WB
"""
_STATES: Final = frozenset(_INDIAN_STATES.split())
"""On Indian plates; without AS, which numbers autonomous systems."""
_NRIC: Final = {
    "S": ("JZIHGFEDCBA", 0), "T": ("JZIHGFEDCBA", 4), "F": ("XWUTRQPNMLK", 0), "G": ("XWUTRQPNMLK", 4),
    "M": ("XWUTRQPNJLK", 3),
}  # fmt: skip
_UEN_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWX0123456789"
_CHINA: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_KOREA: Final = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_KOREAN_PASSPORT: Final = lazy("[MSRODG][0-9]{3}[A-Z][0-9]{4}")
_THAI_PROVINCES: Final = frozenset(
    [*range(10, 28), *range(30, 50), *range(50, 59), *range(60, 68), *range(70, 78), *range(80, 87), *range(90, 97)]
)
_TAIWAN: Final = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
_ABN: Final = (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)
_JAPAN: Final = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_MALAYSIA: Final = frozenset(
    [*range(1, 17), *range(21, 60), 71, 72, *range(74, 80), *range(82, 94), 98, 99]
)  # fmt: skip
"""Places of birth in a Malaysian number."""


def _vehicle(number: str) -> bool:
    return number[:2] in _STATES


def _nric(number: str) -> bool:
    letters, offset = _NRIC.get(number[0], ("", 0))
    value = total(number[1:8], (2, 7, 6, 5, 4, 3, 2)) + offset
    return letters[value % 11 : value % 11 + 1] == number[8]


def _uen_business(number: str) -> bool:
    return "XMKECAWLJDB"[total(number, (10, 4, 9, 3, 8, 2, 7, 1)) % 11] == number[8]


def _uen_company(number: str) -> bool:
    return (
        number[:2] in {"18", "19", "20"}
        and "ZKCMDNERGWH"[total(number, (10, 8, 6, 4, 9, 7, 5, 3, 1)) % 11] == number[9]
    )


def _uen_other(number: str) -> bool:
    if number[0] not in "RST" or any(character not in _UEN_LETTERS for character in number):
        return False
    values = map(_UEN_LETTERS.index, number)
    value = sum(value * weight for value, weight in zip(values, (4, 3, 5, 3, 10, 2, 2, 5, 7), strict=False))
    return _UEN_LETTERS[(value - 5) % 11] == number[9]


def _chinese(number: str) -> bool:
    if number[0] not in "12345678" or not is_date(int(number[6:10]), int(number[10:12]), int(number[12:14])):
        return False
    return "10X98765432"[total(number, _CHINA) % 11] == number[17] and number[6:8] in {"18", "19", "20"}


def _korean_person(number: str) -> bool:
    return born(number[:6]) and number[6] in "1234"


def _korean_foreigner(number: str) -> bool:
    return born(number[:6]) and number[6] in "5678"


def _korean_business(number: str) -> bool:
    value = total(number, (1, 3, 7, 1, 3, 7, 1, 3, 5)) + int(number[8]) * 5 // 10
    return (10 - value % 10) % 10 == int(number[9]) and number[3:5] != "00"


def _korean_licence(number: str) -> bool:
    return 11 <= int(number[:2]) <= 28


def _thai(number: str) -> bool:
    if number[0] not in "12345678" or int(number[1:3]) not in _THAI_PROVINCES:
        return False
    return (11 - total(number, range(13, 1, -1)) % 11) % 10 == int(number[12])


def _japanese(number: str) -> bool:
    rest = total(number, _JAPAN) % 11
    return (0 if rest <= 1 else 11 - rest) == int(number[11])


def _taiwanese(number: str) -> bool:
    letter = _TAIWAN.index(number[0]) + 10
    return number[1] in "1289" and total(f"{letter}{number[1:]}", (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)) % 10 == 0


def _hong_kong(number: str) -> bool:
    letters = number[:-7].rjust(2)
    values = [36 if letter == " " else int(letter, 36) for letter in letters]
    value = values[0] * 9 + values[1] * 8 + total(number[-7:-1], range(7, 1, -1))
    return "0123456789A"[(11 - value % 11) % 11] == number[-1]


def _malaysian(number: str) -> bool:
    return born(number[:6]) and int(number[6:8]) in _MALAYSIA


def _abn(number: str) -> bool:
    return number[0] != "0" and (total(number, _ABN) - 10) % 89 == 0


def _acn(number: str) -> bool:
    return number.strip("0") != "" and (10 - total(number, range(8, 0, -1)) % 10) % 10 == int(number[8])


def _medicare(number: str) -> bool:
    return number[0] in "23456" and total(number, (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(number[8])


def _ird(number: str) -> bool:
    number = number.zfill(9)
    for weights in ((3, 2, 7, 6, 5, 4, 3, 2), (7, 4, 3, 2, 5, 2, 7, 6)):
        rest = -total(number, weights) % 11
        if rest != 10:
            return rest == int(number[8])
    return False


def _philippine_tax(number: str) -> bool:
    return total(number, range(9, 1, -1)) % 11 == int(number[8])


IDENTIFIERS: Final = (
    Identifier("in.aadhaar", "aadhaar; aadhar; uidai; uid; adhar; ?", starts("2 3 4 5 6 7 8 9", verhoeff),
               alone="999999999999|9999 9999 9999|9999-9999-9999"),
    Identifier("in.pan", "pan; permanent account; income tax; tax", lambda number: bool(_PAN.fullmatch(number)),
               anywhere="AAAAA9999A"),
    Identifier("in.pan-other", "pan; permanent account; income tax", unchecked, alone="AAAAA9999A"),
    Identifier("in.gstin", "gstin; gst; goods and services", lambda number: bool(_GSTIN.fullmatch(number)),
               anywhere="*15"),
    Identifier("in.voter", "voter; epic; election; elector; voter id", unchecked, alone="AAA9999999"),
    Identifier("in.passport", "passport; passports; travel document", unchecked, named="A9999999|A9 99999"),
    Identifier("in.vehicle", "vehicle; registration; plate; car; rto; registered; bike", _vehicle,
               alone="AA99AA9999|AA99A9999|AA99AAA9999|AA9AA9999|AA 99 AA 9999|AA 99 A 9999|AA-99-AA-9999|AA-99-A-9999"
               "|AA999999|AA9999"),
    Identifier("in.older-vehicle", "vehicle; registration; plate; car; rto; registered; bike", unchecked,
               named="AAA9999|AA9999|AA99AA9999|99AA9999A|99AA9999AA"),
    Identifier("sg.nric", "nric; fin; identification; singapore", _nric, anywhere="A9999999A"),
    Identifier("sg.other", "nric; fin; identification card", unchecked, alone="A9999999A"),
    Identifier("sg.uen-business", "uen; acra; company", _uen_business, anywhere="99999999A"),
    Identifier("sg.uen-company", "uen; acra; company", _uen_company, anywhere="999999999A"),
    Identifier("sg.uen", "uen; acra; company", _uen_other, anywhere="A99AA9999A"),
    Identifier("my.card", "mykad; nric; kad pengenalan; pengenalan", _malaysian, anywhere="999999-99-9999",
               named="999999999999"),
    Identifier("id.nik", "nik; ktp; kependudukan", unchecked, named="9999999999999999"),
    Identifier("th.citizen", "tnin; thai; citizen; laser; ?", _thai, anywhere="9-9999-99999-99-9|9 9999 99999 99 9",
               alone="9999999999999"),
    Identifier("ph.tin", "tin; bir; taxpayer", lambda number: _philippine_tax(number[:9]),
               named="999999999|999-999-999|999-999-999-999|999999999999|999-999-999-99999|999 999 999"),
    Identifier("ph.umid", "umid; crn; common reference", unchecked, alone="9999-9999999-9", named="999999999999"),
    Identifier("ph.health", "philhealth", unchecked, alone="99-999999999-9", named="999999999999"),
    Identifier("ph.social", "sss; social security", unchecked, alone="99-9999999-9", named="9999999999"),
    Identifier("ph.passport", "passport", unchecked, alone="A9999999A", named="AA9999999|AA999999"),
    Identifier("ph.plate", "plate; vehicle; registration; car", unchecked, named="AAA 9999|AAA9999|AAA 999|AAA999"),
    Identifier("ph.system", "philsys; philid; psn; pcn; national id", unchecked,
               named="9999-9999-9999-9999|9999999999999999"),
    Identifier("kr.person", "rrn; resident registration; ?", _korean_person, anywhere="999999-9999999",
               alone="9999999999999|999999 9999999"),
    Identifier("kr.foreigner", "frn; foreigner registration; alien registration; ?", _korean_foreigner,
               anywhere="999999-9999999", alone="9999999999999|999999 9999999"),
    Identifier("kr.business", "brn; business registration; ?", _korean_business, anywhere="999-99-99999",
               alone="9999999999"),
    Identifier("kr.licence", "licence; license; driver; driving; ?", _korean_licence,
               anywhere="99-99-999999-99|99 99 999999 99", named="999999999999"),
    Identifier("kr.passport", "passport; ?", lambda number: bool(_KOREAN_PASSPORT.fullmatch(number)),
               anywhere="A999A9999"),
    Identifier("kr.older-passport", "passport; ?", starts("M S R O D G", unchecked), alone="A99999999"),
    Identifier("jp.individual", "my number; mynumber; individual number; kojin bango; ?", _japanese,
               named="999999999999|9999 9999 9999|9999-9999-9999"),
    Identifier("jp.passport", "passport; ?", unchecked, named="AA9999999"),
    Identifier("cn.resident", "resident; identity card; shenfenzheng; id card; ?", _chinese,
               anywhere="999999999999999999|99999999999999999A"),
    Identifier("cn.passport", "passport; ?", starts("E G P S D H", unchecked), named="A99999999|AA9999999"),
    Identifier("tw.citizen", "national id; identity card; id card; arc; ?", _taiwanese, alone="A999999999"),
    Identifier("hk.card", "hkid; hkic; identity card; id card; ?", _hong_kong,
               anywhere="A999999(9)|A999999(A)|AA999999(9)|AA999999(A)", named="A9999999|AA9999999|A999999A|A999999-9"),
    Identifier("vn.citizen", "cccd; cmnd; can cuoc", unchecked, named="999999999999|999999999"),
    Identifier("pk.citizen", "cnic; nadra; nicop", unchecked, anywhere="99999-9999999-9", named="9999999999999"),
    Identifier("bd.citizen", "nid; national id; ?", unchecked, named="9999999999|9999999999999|99999999999999999"),
    Identifier("lk.citizen", "nic; national identity; ?", lambda number: number[-1] in "VX", named="999999999A"),
    Identifier("lk.citizen-long", "nic; national identity", unchecked, named="999999999999"),
    Identifier("au.abn", "abn; australian business; business number", _abn, anywhere="99 999 999 999",
               alone="99999999999"),
    Identifier("au.acn", "acn; australian company; company number", _acn, alone="999 999 999|999999999"),
    Identifier("au.tfn", "tfn; tax file; tax", divisible((1, 4, 3, 7, 5, 8, 6, 9, 10), 11),
               alone="999 999 999|999999999"
               "|999-999-999", named="99999999|999 999 99"),
    Identifier("au.medicare", "medicare; health card", _medicare, alone="9999 99999 9|9999-99999-9|9999999999",
               named="99999999999|9999 99999 9 9|9999 99999 9-9|9999 99999 9/9"),
    Identifier("au.passport", "passport", unchecked, named="A9999999|AA9999999"),
    Identifier("nz.ird", "ird; inland revenue", _ird, alone="99-999-999|999-999-999",
               named="99999999|999999999|999 999 999"),
    Identifier("nz.health", "nhi", unchecked, named="AAA9999|AAA99AA"),
)  # fmt: skip
"""Sources: the issuing authorities' published descriptions of number and check digit."""
