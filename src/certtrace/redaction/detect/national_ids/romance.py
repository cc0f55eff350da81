"""Identifiers of France, Italy, Spain, Portugal and Romania."""

from typing import Final

from certtrace.redaction.detect.checks import luhn
from certtrace.redaction.detect.national_ids.checksums import born, starts, tail, total, unchecked
from certtrace.redaction.detect.national_ids.identifier import Identifier
from certtrace.redaction.text.lazy import lazy

_SPANISH: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_FISCAL_CODE: Final = lazy("[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]")
_ITALIAN_LICENCE: Final = lazy("[A-Z]{2}[0-9]{7}[A-Z]|U1[B-DF-HJ-NP-TV-Z0-9A]{7}[A-Z]")
_ITALIAN_CARD: Final = lazy("C[A-Z][0-9]{5}[A-Z]{2}|[0-9]{7}[A-Z]{2}|[A-Z]{2}[0-9]{7}")
_FRENCH_PASSPORT: Final = lazy("[0-9]{2}[A-Z]{2}[0-9]{5}")
_SPANISH_PROVINCE_LETTERS: Final = "KPQRSNW"
_ROMANIA: Final = (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)


def _nif(number: str) -> bool:
    return _SPANISH[int(number[:-1]) % 23] == number[-1]


def _nie(number: str) -> bool:
    head = "XYZ".find(number[0])
    return head >= 0 and _SPANISH[int(f"{head}{number[1:8]}") % 23] == number[8]


def _cif(number: str) -> bool:
    if number[0] not in "ABCDEFGHJNPQRSUVW":
        return False
    odd = sum(sum(divmod(int(digit) * 2, 10)) for digit in number[1:8:2])
    check = (10 - (odd + sum(map(int, number[2:8:2]))) % 10) % 10
    if number[0] in _SPANISH_PROVINCE_LETTERS:
        return number[8] == "JABCDEFGHI"[check]
    return number[8] in (str(check), "JABCDEFGHI"[check])


def _italian_vat(number: str) -> bool:
    return not number.startswith("0000000") and luhn(number[-11:])


def _nir(number: str) -> bool:
    digits = number[:13].replace("2A", "19").replace("2B", "18")
    if not (digits + number[13:]).isdigit() or digits[0] not in "12478" or not 1 <= int(digits[3:5]) <= 99:
        return False
    return 97 - int(digits) % 97 == int(number[13:])


def _french_vat(number: str) -> bool:
    return (12 + 3 * (int(number[4:]) % 97)) % 97 == int(number[2:4])


def _portuguese(number: str) -> bool:
    rest = total(number[-9:], range(9, 1, -1)) % 11
    return number[-9] in "12356789" and "00987654321"[rest] == number[-1]


def _romanian(number: str) -> bool:
    county = int(number[7:9])
    if not (born(number[1:7]) and number[0] != "0" and (1 <= county <= 52 or county == 70)):
        return False
    return "01234567891"[total(number, _ROMANIA) % 11] == number[12]


IDENTIFIERS: Final = (
    Identifier("es.nif", "nif; dni; documento; documento nacional; cif", _nif,
               anywhere="99999999A|99999999-A|9999999-A|99.999.999-A|99.999.999A|99999999 A", alone="9999999A"),
    Identifier("es.nie", "nie; extranjero; documento", _nie, anywhere="A9999999A|A-9999999-A|A9999999-A|A-9999999A"),
    Identifier("es.company", "cif; nif; iva; empresa", _cif, anywhere="A99999999|A9999999A|A-99999999|A-9999999A",
               alone="A9999999-A"),
    Identifier("es.passport", "pasaporte; passport", unchecked, alone="AAA999999", named="AA999999"),
    Identifier("es.social", "seguridad social; afiliacion; nuss; naf",
               lambda number: int(number[:10]) % 97 == int(number[10:]),
               named="999999999999|99/99999999/99|99 99999999 99"),
    Identifier("it.fiscal", "codice fiscale; fiscale; fiscal; tax code",
               lambda number: bool(_FISCAL_CODE.fullmatch(number)), anywhere="*16|AAA AAA 99A99 A999A"),
    Identifier("it.vat", "partita iva; iva; piva; vat", _italian_vat, alone="99999999999|IT99999999999"),
    Identifier("it.licence", "patente; licenza; patente di guida; driving licence; driver license; license; licence",
               lambda number: bool(_ITALIAN_LICENCE.fullmatch(number)), alone="*10"),
    Identifier("it.card", "carta d identita; carta identita; identita; identity card; id card; documento; carta",
               lambda number: bool(_ITALIAN_CARD.fullmatch(number)),
               alone="AA99999AA|AA9999999|9999999AA|AA 9999999"),
    Identifier("it.passport", "passaporto; passport", unchecked, alone="AA9999999"),
    Identifier("fr.social", "nir; securite sociale; numero de securite; insee; secu; carte vitale", _nir,
               anywhere="999999999999999|9 99 99 99 999 999 99|9 99 99 9A 999 999 99|999999A99999999|9999999999999 99"),
    Identifier("fr.passport", "passeport; passport", lambda number: bool(_FRENCH_PASSPORT.fullmatch(number)),
               alone="99AA99999"),
    Identifier("fr.card", "carte nationale d; cni; carte d identite; identite; carte nationale", unchecked,
               named="999999999999|*12|*9"),
    Identifier("fr.company", "siren; siret; entreprise; rcs", luhn, named="999999999|99999999999999|999 999 999|"
               "999 999 999 99999"),
    Identifier("fr.vat", "tva; vat", starts("FR", _french_vat),
               anywhere="AA99999999999|AA 99 999999999|AA99 999 999 999"),
    Identifier("fr.tax", "spi; numero fiscal; fiscal; impots",
               lambda number: int(number[:10]) % 511 == int(number[10:]), named="9999999999999|99 99 999 999 999"),
    Identifier("pt.nif", "nif; contribuinte; nipc; identificacao fiscal", _portuguese, named="999999999|999 999 999"),
    Identifier("pt.vat", "iva; vat; nif", starts("PT", _portuguese), anywhere="AA999999999"),
    Identifier("pt.card", "cartao de cidadao; cartao", unchecked, named="99999999 9 AA9|99999999 9AA9|*12"),
    Identifier("ro.cnp", "cnp; cod numeric", _romanian, alone="9999999999999"),
    Identifier("ro.company", "cui; cif; tva",
               starts("RO", tail(2, lambda number: total(
                   number[:-1].zfill(9), (7, 5, 3, 2, 1, 7, 5, 3, 2)) * 10 % 11 % 10 == int(number[-1]))),
               alone="AA99999999|AA9999999|AA999999"),
    Identifier("md.idnp", "idnp; cod personal", starts("0 2", lambda number: total(
        number, (7, 3, 1) * 4) % 10 == int(number[12])), named="9999999999999"),
)  # fmt: skip
"""Sources: the tax and register authorities' published descriptions of number and check digit."""
