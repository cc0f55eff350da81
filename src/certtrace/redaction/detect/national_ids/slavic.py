"""Identifiers of central, eastern and southern Europe and of Turkey."""

from typing import Final

from certtrace.redaction.detect.checks import luhn
from certtrace.redaction.detect.national_ids.checksums import (
    born,
    dated,
    is_date,
    mod11_10,
    starts,
    tail,
    total,
    unchecked,
    weighted,
)
from certtrace.redaction.detect.national_ids.identifier import Identifier
from certtrace.redaction.text.lazy import lazy

_PESEL: Final = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
_BALTIC: Final = ((1, 2, 3, 4, 5, 6, 7, 8, 9, 1), (3, 4, 5, 6, 7, 8, 9, 1, 2, 3))
_JMBG: Final = (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_INN: Final = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
_ELEVEN_TO_ZERO: Final = "01234567890"
_FROM_ELEVEN: Final = "0!987654321"
_TURKISH_PLATE: Final = lazy("(?:0[1-9]|[1-7][0-9]|8[01])(?:[A-Z][0-9]{3,5}|[A-Z]{2}[0-9]{2,4}|[A-Z]{3}[0-9]{2,4})")
_MONTHS: Final = frozenset(
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", "MAI", "OKT", "DEZ"]
)


def _month_of(number: str, steps: tuple[int, ...]) -> bool:
    """Tell whether a date stands in front, the century or the sex added to its month."""
    year, month, day = int(number[:2]), int(number[2:4]), int(number[4:6])
    return any(
        is_date(century + year, month - step, day)
        for step in steps
        for century in (1900, 2000)
        if 1 <= month - step <= 12
    )


def _pesel(number: str) -> bool:
    return _month_of(number, (0, 20, 40, 60, 80)) and total(number, _PESEL) % 10 == 0


def _polish_card(number: str) -> bool:
    values = [int(character, 36) for character in number]
    return sum(value * weight for value, weight in zip(values, (7, 3, 1, 9, 7, 3, 1, 7, 3), strict=True)) % 10 == 0


def _birth_number(number: str) -> bool:
    if not _month_of(number, (0, 20, 50, 70)):
        return False
    return int(number) % 11 == 0 or (int(number[:9]) % 11 == 10 and number[9] == "0")


def _bulgarian(number: str) -> bool:
    return (
        _month_of(number, (0, 20, 40))
        and _ELEVEN_TO_ZERO[total(number, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11] == number[9]
    )


def _baltic(number: str) -> bool:
    if number[0] not in "123456" or not born(number[1:7]):
        return False
    rest = total(number, _BALTIC[0]) % 11
    if rest == 10:
        rest = total(number, _BALTIC[1]) % 11 % 10
    return rest == int(number[10])


def _latvian(number: str) -> bool:
    if number.startswith("32"):
        return True
    rest = (1101 - total(number, (1, 6, 3, 7, 9, 10, 5, 8, 4, 2))) % 11
    return born(number[:6], "dmy") and rest == int(number[10])


def _jmbg(number: str) -> bool:
    day, month = int(number[:2]), int(number[2:4])
    rest = 11 - total(number, _JMBG) % 11
    return is_date(2000, month, day) and number[4] in "089" and (0 if rest == 11 else rest) == int(number[12])


def _inn(number: str) -> bool:
    if len(number) == 10:
        return _ELEVEN_TO_ZERO[total(number, _INN[2:]) % 11] == number[9]
    first = _ELEVEN_TO_ZERO[total(number, _INN[1:]) % 11] == number[10]
    return first and _ELEVEN_TO_ZERO[total(number, _INN) % 11] == number[11]


def _snils(number: str) -> bool:
    return total(number, range(9, 0, -1)) % 101 % 100 == int(number[9:])


def _turkish(number: str) -> bool:
    digits = list(map(int, number))
    if digits[0] == 0:
        return False
    tenth = (7 * sum(digits[0:9:2]) - sum(digits[1:8:2])) % 10
    return digits[9] == tenth and digits[10] == sum(digits[:10]) % 10


def _turkish_plate(number: str) -> bool:
    return bool(_TURKISH_PLATE.fullmatch(number)) and number[2:5] not in _MONTHS and number[2:3] not in "QWX"


def _greek_tax(number: str) -> bool:
    return number.strip("0") != "" and total(number, (256, 128, 64, 32, 16, 8, 4, 2)) % 11 % 10 == int(number[-1])


_PLATE_SHAPES: Final = "|".join(
    f"99{gap}{letters}{gap}{digits}" for gap in (" ", "") for letters in ("A", "AA", "AAA")
    for digits in ("99", "999", "9999") if gap or len(letters + digits) > 4
)  # fmt: skip

IDENTIFIERS: Final = (
    Identifier("pl.pesel", "pesel; ewidencyjny", _pesel, alone="99999999999"),
    Identifier("pl.nip", "nip; podatkowy; vat", weighted((6, 5, 7, 2, 3, 4, 5, 6, 7), 11, "0123456789!"),
               anywhere="999-999-99-99|999-99-99-999", named="9999999999"),
    Identifier("pl.vat", "nip; vat", starts("PL", tail(2, weighted((6, 5, 7, 2, 3, 4, 5, 6, 7), 11, "0123456789!"))),
               anywhere="AA9999999999"),
    Identifier("pl.regon", "regon", weighted((8, 9, 2, 3, 4, 5, 6, 7), 11, _ELEVEN_TO_ZERO), named="999999999"),
    Identifier("pl.card", "dowod; dowod osobisty; dowodu; identity card; id card", _polish_card,
               alone="AAA999999|AAA 999999"),
    Identifier("pl.passport", "paszport; paszportu; passport", unchecked, named="AA9999999|AA 9999999"),
    Identifier("cz.birth", "rodne cislo; rodneho cisla; cislo", _birth_number, anywhere="999999/9999",
               alone="9999999999"),
    Identifier("cz.company", "ico; dic", lambda number: (11 - total(number, range(8, 1,
               -1)) % 11) % 10 == int(number[7]),
               named="99999999"),
    Identifier("cz.vat", "dic; dph; vat", starts("CZ", tail(2, lambda number: (
        11 - total(number, range(8, 1, -1)) % 11) % 10 == int(number[7]))), anywhere="AA99999999"),
    Identifier("sk.vat", "dic; dph; vat", starts("SK", lambda number: int(number[2:]) % 11 == 0),
               anywhere="AA9999999999"),
    Identifier("bg.egn", "egn; ?", _bulgarian, alone="9999999999"),
    Identifier("hu.tax", "adoazonosito; adoazonosito jel; ado; tax", starts("8", weighted(
        range(1, 10), 11, "0123456789!")), named="9999999999"),
    Identifier("hu.social", "taj; tajszam; biztositasi", weighted((3, 7) * 4, 10, "0123456789"),
               named="999999999|999 999 999|999-999-999"),
    Identifier("hu.company", "adoszam; vat", lambda number: (10 - total(number, (9, 7, 3, 1, 9, 7,
               3))) % 10 == int(number[7]),
               anywhere="99999999-9-99"),
    Identifier("hr.oib", "oib; osobni identifikacijski; porezni", mod11_10, alone="99999999999"),
    Identifier("hr.vat", "pdv; vat", starts("HR", tail(2, mod11_10)), anywhere="HR99999999999"),
    Identifier("yu.jmbg", "jmbg; emso; umcn; maticni broj; embg; maticna stevilka; ?", _jmbg, alone="9999999999999"),
    Identifier("si.tax", "davcna; ddv; davcna stevilka; vat", lambda number: (
        11 - total(number[-8:], range(8, 1, -1)) % 11) % 10 == int(number[-1]), named="99999999", alone="SI99999999"),
    Identifier("ee.person", "isikukood; asmens kodas; kodas; personal code; isikukoodi", _baltic, alone="99999999999"),
    Identifier("lv.person", "personas kods; kods; personas koda", _latvian, anywhere="999999-99999",
               named="99999999999"),
    Identifier("gr.amka", "amka; ?", dated(luhn, "dmy"), alone="99999999999"),
    Identifier("gr.tax", "afm; vat; ?", _greek_tax, named="999999999"),
    Identifier("gr.vat", "vat; fpa; ?", starts("EL", tail(2, _greek_tax)), anywhere="EL999999999"),
    Identifier("cy.tax", "tic; tax; vat", unchecked, named="99999999A"),
    Identifier("mt.card", "identity card; id card; karta", lambda number: number[-1] in "MGAPLHBZ",
               named="9999999A|999999A"),
    Identifier("ru.inn", "inn; ?", _inn, named="9999999999|999999999999"),
    Identifier("ru.snils", "snils; ?", _snils, anywhere="999-999-999 99|999-999-999-99", named="99999999999"),
    Identifier("ru.passport", "passport; pasport; ?", unchecked, named="9999 999999|99 99 999999|9999999999"),
    Identifier("ua.tax", "rntrc; ipn; rnokpp; ?", lambda number: total(
        number, (-1, 5, 7, 9, 4, 6, 10, 5, 7)) % 11 % 10 == int(number[9]), named="9999999999"),
    Identifier("kz.iin", "iin; bin; jsn; ?", dated(unchecked), named="999999999999"),
    Identifier("tr.citizen", "tc; tckn; kimlik; kimlik no; turkish id; vatandaslik", _turkish, alone="99999999999",
               anywhere="999 999 999 99"),
    Identifier("tr.tax", "vergi; vkn; vergi no; vergi numarasi", unchecked, named="9999999999"),
    Identifier("tr.plate", "plaka; plakasi; plakali; plate; arac; vehicle", _turkish_plate, alone=_PLATE_SHAPES),
    Identifier("tr.passport", "pasaport; passport; pasaport no", unchecked, alone="A99999999"),
    Identifier("eu.passport", "passport; paszport; passaport; pas; putovnica; pasos; utlevel; cestovni pas; passi; "
               "pass",
               unchecked, named="AA999999|A9999999|AA9999999|A99999999|99999999"),
)  # fmt: skip
"""Sources: the tax and register authorities' published descriptions of number and check digit."""
