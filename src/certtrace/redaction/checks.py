"""What a checksum or a length table says about a number."""

from typing import Final

_LUHN_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

IBAN_LENGTHS: Final = {
    **{"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29},
    **{"BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29},
    **{"ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28},
    **{"HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20},
    **{"LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19},
    **{"MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29},
    **{"PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24},
    **{"SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20},
    **{"YE": 30},
}
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
