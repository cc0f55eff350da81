"""Identifiers of German-speaking and Nordic countries and the Low Countries."""

from typing import Final

from certtrace.redaction.detect.checks import luhn
from certtrace.redaction.detect.national_ids.checksums import (
    born,
    crossed,
    dated,
    divisible,
    is_date,
    mod11_10,
    starts,
    tail,
    total,
    travel_document,
    unchecked,
    weighted,
)
from certtrace.redaction.detect.national_ids.identifier import Identifier
from certtrace.redaction.text.lazy import lazy

_HETU_LETTERS: Final = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_GERMAN_DOCUMENT: Final = lazy("[CFGHJKLMNPRTVWXYZ][0-9CFGHJKLMNPRTVWXYZ]{8}")
_GERMAN_LICENCE: Final = lazy("[A-Z0-9][0-9]{2}[A-Z0-9]{6}[0-9X][A-Z0-9]")
_PLATE: Final = lazy("[A-Z]{2,5}[0-9]{1,4}[EH]?")
_NORWAY_FIRST: Final = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)
_NORWAY_SECOND: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
_BELGIUM: Final = 97


def _insurance_number(number: str) -> bool:
    day, month, letter = int(number[2:4]), int(number[4:6]), ord(number[8]) - 64
    digits = f"{number[:8]}{letter:02}{number[9:11]}"
    is_day = 1 <= (day - 50 if day > 50 else day) <= 31 and 1 <= month <= 12
    return is_day and crossed(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)) % 10 == int(number[11])


def _health_number(number: str) -> bool:
    digits = f"{ord(number[0]) - 64:02}{number[1:9]}"
    return crossed(digits, (1, 2) * 5) % 10 == int(number[9])


def _physician(number: str) -> bool:
    return (10 - total(number, (4, 9) * 3)) % 10 == int(number[6])


def _german_document(number: str) -> bool:
    return bool(_GERMAN_DOCUMENT.fullmatch(number[:9])) and number[8].isdigit() and travel_document(number)


def _german_licence(number: str) -> bool:
    if not _GERMAN_LICENCE.fullmatch(number) or number.isdigit():
        return False
    value = sum(int(character, 36) * weight for character, weight in zip(number, range(9, 0, -1), strict=False))
    return "0123456789X"[value % 11] == number[9]


def _austrian(number: str) -> bool:
    value = total(number[:3] + number[4:], (3, 7, 9, 5, 8, 4, 2, 1, 6))
    return "0123456789!"[value % 11] == number[3] and 1 <= int(number[4:6]) <= 31 and 1 <= int(number[6:8]) <= 13


def _swiss(number: str) -> bool:
    return total(number, (1, 3) * 7) % 10 == 0


def _finnish(number: str) -> bool:
    if not born(number[:6], "dmy"):
        return False
    sign = number[6]
    digits, check = (number[7:10], number[10]) if sign.isalpha() else (number[6:9], number[9])
    if sign.isalpha() and sign not in "ABCDEFUVWXY":
        return False
    return digits >= "002" and _HETU_LETTERS[int(number[:6] + digits) % 31] == check


def _swedish(number: str) -> bool:
    number = number[-10:]
    day = int(number[4:6])
    return born(f"{number[:4]}{day - 60 if day > 60 else day:02}") and luhn(number)


def _norwegian(number: str) -> bool:
    day, month = int(number[:2]), int(number[2:4])
    if not born(f"{day - 40 if day > 40 else day:02}{month - 40 if month > 40 else month:02}{number[4:6]}", "dmy"):
        return False
    return total(number, _NORWAY_FIRST) % 11 == 0 and total(number, _NORWAY_SECOND) % 11 == 0


def _belgian(number: str) -> bool:
    check = int(number[9:])
    months = int(number[2:4]) % 20
    rest = int(number[:9]) % _BELGIUM, int("2" + number[:9]) % _BELGIUM
    return months <= 12 and number[:2] + number[4:6] > "0000" and any(_BELGIUM - left == check for left in rest)


def _icelandic(number: str) -> bool:
    day = int(number[:2])
    is_born = born(f"{day - 40 if day > 40 else day:02}{number[2:6]}", "dmy")
    return is_born and number[9] in "890" and total(number, (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _luxembourg(number: str) -> bool:
    return is_date(int(number[:4]), int(number[4:6]), int(number[6:8])) and luhn(number[:12])


IDENTIFIERS: Final = (
    Identifier("de.tax", "steuer; steueridentifikationsnummer; steuernummer; idnr; steuerid; tin; tax",
               starts("1 2 3 4 5 6 7 8 9", mod11_10), alone="99999999999|99 999 999 999"),
    Identifier("de.tax-number", "steuernummer; steuernr; finanzamt; tax",
               anywhere="999/999/99999|999/9999/9999", alone="99/999/99999", named="9999999999999|99999999999"),
    Identifier("de.vat", "ust; umsatzsteuer; vat; mwst", starts("DE", tail(2, starts("1 2 3 4 5 6 7 8 9", mod11_10))),
               anywhere="DE999999999|DE 999999999|DE 999 999 999"),
    Identifier("de.document", "ausweis; personalausweis; personalausweisnummer; reisepass; reisepassnummer; pass; "
               "perso; "
               "ausweisnummer; passnummer; passport; dokumentennummer; identity card; id card",
               _german_document, alone="*9|*10|A99999999"),
    Identifier("de.identity-card", "ausweis; personalausweis; personalausweisnummer; perso; ausweisnummer; id card",
               starts("T L", unchecked), named="A99999999|*9|*10"),
    Identifier("de.insurance", "rvnr; sozialversicherungsnummer; rentenversicherungsnummer; versicherungsnummer; svnr",
               _insurance_number, anywhere="99999999A999|99 999999 A 999|99 999999 A999"),
    Identifier("de.health", "krankenkasse; kvnr; krankenversicherung; krankenversichertennummer; "
               "versichertennummer; egk; "
               "health insurance; gesundheitskarte", _health_number, alone="A999999999|A999 999 999"),
    Identifier("de.physician", "lanr; arztnummer; arzt", _physician, alone="999999999"),
    Identifier("de.practice", "bsnr; betriebsstattennummer; betriebsstatte; praxis", named="999999999"),
    Identifier("de.licence", "fuhrerschein; fuhrerscheinnummer; fahrerlaubnis; driving licence; driver license",
               _german_licence, alone="*11"),
    Identifier("de.register", "handelsregister; amtsgericht; registergericht; hrb; hra",
               starts("HRA HRB", unchecked), anywhere="HRB 99999|HRB 999999|HRA 99999|HRA 999999|HRB99999|HRB999999"
               "|HRA99999|HRA999999", alone="HRB 9999|HRA 9999|HRB 999|HRA 999|HRB 99|HRA 99|HRB 9999 A|HRB 99999 A"
               "|HRB 999999 A|HRA 99999 A|HRB9999|HRA9999"),
    Identifier("de.plate", "kennzeichen; kfz; nummernschild; autokennzeichen; fahrzeug; plate",
               lambda number: bool(_PLATE.fullmatch(number)),
               alone="|".join(
                   f"{place}-{letters}{gap}{digits}{kind}" for place in ("A", "AA", "AAA") for letters in ("A", "AA")
                   for gap in (" ", "-", "") for digits in ("9", "99", "999", "9999") for kind in ("", "A")
                   if len(letters + digits) > 2 or gap
               ), named="|".join(
                   f"{place} {letters} {digits}{kind}" for place in ("A", "AA", "AAA") for letters in ("A", "AA")
                   for digits in ("99", "999", "9999") for kind in ("", "A")
               )),
    Identifier("at.insurance", "sozialversicherungsnummer; sozialversicherung; svnr; sv; svn; ecard", _austrian,
               alone="9999 999999|9999-999999", named="9999999999"),
    Identifier("at.vat", "uid; ust; vat", starts("ATU", lambda number: (
        10 - (crossed(number[3:], (1, 2, 1, 2, 1, 2, 1)) + 4) % 10) % 10 == int(number[10])), anywhere="AAA99999999"),
    Identifier("ch.social", "ahv; avs; ahvn; navs; sozialversicherungsnummer; oasi", starts("756", _swiss),
               anywhere="999.9999.9999.99|9999999999999|999 9999 9999 99"),
    Identifier("ch.company", "uid; mwst; che", starts("CHE", tail(3, weighted((5, 4, 3, 2, 7, 6, 5, 4), 11,
               "0!987654321"))),
               anywhere="AAA-999.999.999|AAA999999999"),
    Identifier("nl.citizen", "bsn; burgerservicenummer; sofinummer; sofi; bsnr",
               divisible((9, 8, 7, 6, 5, 4, 3, 2, -1), 11), named="999999999|9999.99.999|999 999 999"),
    Identifier("nl.vat", "btw; vat", starts("NL", lambda number: number[11] == "B"), anywhere="AA999999999A99"),
    Identifier("be.national", "rijksregister; rijksregisternummer; registre national; niss; insz; nn; national number",
               _belgian, anywhere="99.99.99-999.99|99.99.99-999-99", alone="99999999999"),
    Identifier("be.company", "btw; tva; vat; kbo; bce; ondernemingsnummer",
               lambda number: _BELGIUM - int(number[-10:-2]) % _BELGIUM == int(number[-2:]),
               anywhere="BE9999999999|BE 9999.999.999|BE 9999 999 999", alone="9999.999.999"),
    Identifier("lu.national", "matricule; luxembourg; cns", _luxembourg, named="9999999999999"),
    Identifier("fi.identity", "hetu; henkilotunnus; personbeteckning; personal identity code", _finnish,
               anywhere="999999-999A|999999-9999|999999+999A|999999+9999|999999A999A|999999A9999"),
    Identifier("fi.company", "tunnus; ytunnus; alv; business id", weighted((7, 9, 10, 5, 8, 4, 2), 11, "0!987654321"),
               alone="9999999-9"),
    Identifier("se.person", "personnummer; pnr; samordningsnummer; personal number; personal identity", _swedish,
               anywhere="999999-9999|999999+9999|99999999-9999",
               alone="9999999999|999999999999|999999 9999|99999999 9999"),
    Identifier("se.organisation", "organisationsnummer; orgnummer; orgnr; org; company; foretag; moms; "
               "organisation number; "
               "organization number", lambda number: number[2] >= "2" and luhn(number),
               alone="999999-9999|9999999999"),
    Identifier("se.vat", "moms; vat", starts("SE", lambda number: number[12:] == "01" and luhn(number[2:12])),
               anywhere="AA999999999999"),
    Identifier("no.birth", "fodselsnummer; fnr; personnummer; dnummer; birth number", _norwegian,
               anywhere="999999 99999", alone="99999999999"),
    Identifier("no.organisation", "orgnr; organisasjonsnummer; org; mva", divisible((3, 2, 7, 6, 5, 4, 3, 2, 1), 11),
               named="999999999|999 999 999"),
    Identifier("dk.person", "cpr; cprnr; personnummer; cprnummer", dated(unchecked, "dmy"), alone="999999-9999",
               named="9999999999|999999 9999"),
    Identifier("dk.company", "cvr; cvrnr; momsnr; vat", divisible((2, 7, 6, 5, 4, 3, 2, 1), 11),
               named="99999999|99 99 99 99"),
    Identifier("dk.vat", "moms; vat", starts("DK", tail(2, divisible((2, 7, 6, 5, 4, 3, 2, 1), 11))),
               anywhere="DK99999999"),
    Identifier("is.person", "kennitala; kt", _icelandic, anywhere="999999-9999", alone="9999999999"),
)  # fmt: skip
"""Sources: the register authorities' published descriptions of number and check digit."""
