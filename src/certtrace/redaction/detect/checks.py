"""What a checksum or a length table says about a number."""

from bisect import bisect_right
from typing import Final

_VALUES: Final = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED: Final = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))

_IBAN_LENGTHS: Final = """
    AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29
    ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20
    LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29
    PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20
    YE30
    AO25 BF28 BJ28 CF27 CG27 CI28 CM27 CV25 DZ26 GA27 GQ27 GW25 IR26 KM27 MA28 MG27 ML28 MZ25 NE28 SN28 TD27 TG28
"""

IBAN_LENGTHS: Final = {entry[:2]: int(entry[2:]) for entry in _IBAN_LENGTHS.split()}
"""Length of an account number by country. Source: SWIFT IBAN registry; last line: in use without being registered."""

MIN_IBAN: Final = 15
"""The shortest there is (ISO 13616)."""

_LONG: Final = (16, 17, 18, 19)
_MAESTRO: Final = (12, 13, 14, 15, 16, 17, 18, 19)
_CARD_RANGES: Final = (
    (1800, 1800, (15,)),
    (2131, 2131, (15,)),
    (2200, 2204, _LONG),
    (2221, 2720, (16,)),
    (3000, 3059, (14, *_LONG)),
    (3095, 3095, (14, *_LONG)),
    (3400, 3499, (15,)),
    (3528, 3589, _LONG),
    (3600, 3699, (14, *_LONG)),
    (3700, 3799, (15,)),
    (3800, 3999, (14, *_LONG)),
    (4000, 4999, (13, 16, 19)),
    (5000, 5099, _MAESTRO),
    (5100, 5599, (16,)),
    (5600, 5899, _MAESTRO),
    (6000, 6303, _LONG),
    (6304, 6304, _MAESTRO),
    (6305, 6389, _LONG),
    (6390, 6390, _MAESTRO),
    (6391, 6699, _LONG),
    (6700, 6799, _MAESTRO),
    (6800, 6999, _LONG),
    (8100, 8299, _LONG),
    (8600, 8600, (16,)),
    (9792, 9792, (16,)),
    (9860, 9860, (16,)),
)
"""First and last leading four digits of a scheme with its lengths. Source: ISO/IEC 7812 and the schemes."""
_CARD_STARTS: Final = [first for first, _, _ in _CARD_RANGES]

_ADVERTISED: Final = frozenset({("078", "05", "1120"), ("219", "09", "9999")})
"""Social security numbers that were printed in advertisements and withdrawn."""


def luhn(digits: str) -> bool:
    """Tell whether the last digit is the Luhn check digit of the others."""
    data = digits.encode("ascii")
    return (sum(data[-1::-2].translate(_VALUES)) + sum(data[-2::-2].translate(_DOUBLED))) % 10 == 0


def is_card(digits: str) -> bool:
    """Tell whether the digits are a payment card number of a known scheme."""
    leading = int(digits[:4])
    first, last, lengths = _CARD_RANGES[max(0, bisect_right(_CARD_STARTS, leading) - 1)]
    return first <= leading <= last and len(digits) in lengths and len(set(digits)) > 1 and luhn(digits)


def iban_length(characters: str) -> int:
    """Return how many of the characters (no spaces, upper case) form a valid IBAN; 0 if none."""
    size = IBAN_LENGTHS.get(characters[:2], 0)
    candidate = characters[:size]
    return size if size and len(candidate) == size and mod97(candidate) else 0


def mod97(characters: str) -> bool:
    """Tell whether letters and digits have the right ISO 7064 check digits at places 3 and 4, as IBANs have."""
    moved = characters[4:] + characters[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def is_ssn(area: str, group: str, serial: str, *, named: bool = False) -> bool:
    """Tell whether the parts can be a United States social security number.

    Args:
        area: Three digits.
        group: Two digits.
        serial: Four digits.
        named: Whether the text calls it one; then an area from 900, which only taxpayer numbers have, passes too.
    """
    if area in {"000", "666"} or group == "00" or serial == "0000":
        return False
    return (named or area < "900") and (area, group, serial) not in _ADVERTISED
