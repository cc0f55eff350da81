"""What a checksum or a length table says about a number."""

from typing import Final

_LUHN_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

_IBAN_LENGTHS: Final = """
    AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29
    ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20
    LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29
    PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20
    YE30
"""

IBAN_LENGTHS: Final = {entry[:2]: int(entry[2:]) for entry in _IBAN_LENGTHS.split()}
"""Length of an account number by country. Source: SWIFT IBAN registry."""

_MIN_CARD: Final = 12
_CARD_LENGTHS: Final = {
    "2": (16,),
    "34": (15,),
    "37": (15,),
    "30": (14, 16, 19),
    "36": (14, 16, 19),
    "38": (14, 16, 19),
    "39": (14, 16, 19),
    "35": (16, 17, 18, 19),
    "1800": (15,),
    "2131": (15,),
    "4": (13, 16, 19),
    "5": (12, 13, 14, 15, 16, 17, 18, 19),
    "6": (12, 13, 14, 15, 16, 17, 18, 19),
    "8": (16, 17, 18, 19),
    "9": (16,),
}
"""Lengths by the leading digits of a scheme (ISO/IEC 7812): the longest prefix that is listed decides."""


def luhn(digits: str) -> bool:
    """Tell whether the last digit is the Luhn check digit of the others."""
    total = sum(map(int, digits[-1::-2])) + sum(_LUHN_DOUBLED[int(digit)] for digit in digits[-2::-2])
    return total % 10 == 0


def is_card(digits: str) -> bool:
    """Tell whether the digits are a payment card number of a known scheme."""
    size = len(digits)
    if size < _MIN_CARD or len(set(digits)) < 2:
        return False
    for width in (4, 2, 1):
        lengths = _CARD_LENGTHS.get(digits[:width])
        if lengths is not None:
            return size in lengths and luhn(digits)
    return False


def iban_length(characters: str) -> int:
    """Return how many of the characters (no spaces, upper case) form a valid IBAN; 0 if none."""
    size = IBAN_LENGTHS.get(characters[:2], 0)
    candidate = characters[:size]
    if not size or len(candidate) < size:
        return 0
    moved = candidate[4:] + candidate[:4]
    number = int("".join(str(int(character, 36)) for character in moved))
    return size if number % 97 == 1 else 0


def is_ssn(area: str, group: str, serial: str) -> bool:
    """Tell whether the parts can be a United States social security number."""
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"
