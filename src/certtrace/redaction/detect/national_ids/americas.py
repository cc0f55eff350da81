"""Identifiers of North and South America."""

from typing import Final

from certtrace.redaction.detect.checks import luhn
from certtrace.redaction.detect.national_ids.checksums import born, dated, divisible, starts, total, unchecked
from certtrace.redaction.detect.national_ids.identifier import Identifier
from certtrace.redaction.text.lazy import lazy

_ITIN: Final = lazy("9[0-9]{2}(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])[0-9]{4}")
_MBI: Final = lazy(
    "[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9][AC-HJKMNP-RT-Y]{2}[0-9]{2}"
)
_DEA: Final = lazy("[ABCDEFGHJKLMPRSTUX][A-Z9][0-9]{7}")
_CURP: Final = lazy("[A-Z][AEIOUX][A-Z]{2}[0-9]{6}[HMX][A-Z]{2}[B-DF-HJ-NP-TV-Z]{3}[0-9A-Z][0-9]")
_RFC: Final = lazy("[A-Z]{3,4}[0-9]{6}[0-9A-V][0-9A-Z][0-9A]")
_ROUTING_HEADS: Final = frozenset(range(13)) | frozenset(range(21, 33)) | frozenset(range(61, 73)) | {80}
_CUIT: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_NIT: Final = (3, 7, 13, 17, 19, 23, 29, 37, 41, 43)
_LICENCE: Final = "licence; license; driver; drivers; dl; driving"
_DRIVER: Final = (
    "driver license; s license; drivers license; driver licence; s licence; driving licence; driving license; dl; dln"
)


def _npi(number: str) -> bool:
    return number[0] in "12" and luhn("80840" + number)


def _routing(number: str) -> bool:
    return int(number[:2]) in _ROUTING_HEADS and number.strip("0") != "" and total(number, (3, 7, 1) * 3) % 10 == 0


def _dea(number: str) -> bool:
    if not _DEA.fullmatch(number):
        return False
    digits = list(map(int, number[2:]))
    return (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


def _cpf(number: str) -> bool:
    if len(set(number)) == 1:
        return False
    return all(total(number, range(size + 1, 1, -1)) * 10 % 11 % 10 == int(number[size]) for size in (9, 10))


def _cnpj(number: str) -> bool:
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return number.strip("0") != "" and all(
        (11 - total(number, weights[13 - size :]) % 11) % 11 % 10 == int(number[size]) for size in (12, 13)
    )


def _modulo_eleven(weights: tuple[int, ...], number: str) -> bool:
    rest = 11 - total(number, weights) % 11
    return (0 if rest == 11 else rest) == int(number[-1])


def _rut(number: str) -> bool:
    weights = [2 + place % 6 for place in range(len(number) - 1)][::-1]
    return "0K987654321"[total(number[:-1], weights) % 11] == number[-1]


def _rfc(number: str) -> bool:
    return bool(_RFC.fullmatch(number)) and born(number[-9:-3])


def _nit(number: str) -> bool:
    rest = total(number[-2::-1], _NIT) % 11
    return (rest if rest < 2 else 11 - rest) == int(number[-1])


def _uruguayan(number: str) -> bool:
    return (10 - total(number, (2, 9, 8, 7, 6, 3, 4)) % 10) % 10 == int(number[7])


IDENTIFIERS: Final = (
    Identifier("us.itin", "itin; taxpayer; individual taxpayer", lambda number: bool(_ITIN.fullmatch(number)),
               anywhere="999-99-9999|999-999999|99999-9999", alone="999 99 9999", named="999999999"),
    Identifier("us.employer", "ein; fein; employer identification; tax id; taxpayer; tin", unchecked,
               named="99-9999999"),
    Identifier("us.npi", "npi; national provider; provider; provider id", _npi, anywhere="9999-999-999",
               alone="9999999999"),
    Identifier("us.medicare", "mbi; medicare; beneficiary", lambda number: bool(_MBI.fullmatch(number)),
               anywhere="*11|9A99-AA9-AA99|9AA9-AA9-AA99|9AA9-A99-AA99|9A99-A99-AA99|9A99 AA9 AA99|9AA9 AA9 AA99"),
    Identifier("us.passport", "passport; passports; travel document", unchecked, alone="A99999999", named="999999999"),
    Identifier("us.dea", "dea; prescriber; medical license; registration", _dea, alone="AA9999999|A99999999"),
    Identifier("us.licence", _LICENCE, unchecked, alone="A9999999",
               named="A99999999|A999999999|A9999999999|A99999999999|A999999999999|A9999999999999|A99999999999999"
               "|AA9999999|A999-9999-9999|A999-999-99-999-9|A999-9999-9999-99|AA-99-99-99|A99-99-9999"),
    Identifier("us.licence-number", _DRIVER, unchecked,
               named="A999999|AA999999|AA999999A|AAA999999|99999999|999999999|9999999|9999999999|999999999999|"
               "99-999-9999"
               "|*8|*9|*10|*12|*13"),
    Identifier("us.routing", "routing; aba; bank; transit; rtn", _routing, alone="999999999|9999-9999-9"),
    Identifier("us.bank", "account; bank account; checking; savings; acct; konto; account number", unchecked,
               named="99999999|999999999|9999999999|99999999999|999999999999|9999999999999|99999999999999"
               "|999999999999999|9999999999999999|99999999999999999"),
    Identifier("ca.insurance", "sin; social insurance; nas; assurance sociale", lambda number: number[0] not in "08" and
               luhn(number), alone="999 999 999|999-999-999|999999999"),
    Identifier("ca.health", "ohip; health card; ramq; health insurance; assurance maladie; phn", unchecked,
               named="9999-999-999|9999-999-999-AA|9999999999|AAAA 9999 9999|AAAA99999999"),
    Identifier("ca.licence", _LICENCE, unchecked, named="A9999-99999-99999|AAAAA-999999-999|A9999-999999-99"),
    Identifier("ca.passport", "passport; passeport", unchecked, named="AA999999"),
    Identifier("br.cpf", "cpf; cadastro de pessoas; pessoa fisica", _cpf, anywhere="999.999.999-99",
               alone="99999999999|999999999-99"),
    Identifier("br.cnpj", "cnpj; empresa; cadastro nacional", _cnpj, anywhere="99.999.999/9999-99",
               named="99999999999999"),
    Identifier("br.rg", "registro geral; identidade", unchecked, named="99.999.999-9|99.999.999-A|999999999"),
    Identifier("ar.cuit", "cuit; cuil", lambda number: _modulo_eleven(_CUIT, number), anywhere="99-99999999-9",
               named="99999999999"),
    Identifier("ar.dni", "dni; documento; documento nacional", unchecked, named="99.999.999|99999999|9.999.999"),
    Identifier("cl.rut", "rut; run; rol unico", _rut, anywhere="99.999.999-9|9.999.999-9|99.999.999-A|9.999.999-A",
               alone="99999999-9|9999999-9|99999999-A|9999999-A"),
    Identifier("mx.curp", "curp; clave unica", lambda number: bool(_CURP.fullmatch(number)) and born(number[4:10]),
               anywhere="*18"),
    Identifier("mx.rfc", "rfc; registro federal; contribuyentes", _rfc, anywhere="*13", alone="*12"),
    Identifier("mx.social", "nss; imss; seguro social", luhn, named="99999999999"),
    Identifier("co.nit", "nit; dian", _nit, anywhere="999.999.999-9", alone="999999999-9"),
    Identifier("co.citizen", "cedula; ciudadania; tarjeta de identidad", unchecked,
               named="9999999999|99999999|9.999.999.999|99.999.999|9999999"),
    Identifier("pe.ruc", "ruc", starts("10 15 17 20", lambda number: _modulo_eleven(_CUIT, number)),
               named="99999999999"),
    Identifier("pe.dni", "dni; documento", unchecked, named="99999999"),
    Identifier("ec.citizen", "cedula; ruc", lambda number: 1 <= int(number[:2]) <= 24 and luhn(number[:10]),
               named="9999999999|9999999999999|999999999-9"),
    Identifier("uy.citizen", "cedula; documento", _uruguayan, anywhere="9.999.999-9", named="99999999|9999999-9"),
    Identifier("ve.citizen", "cedula; rif", starts("V E J G P", unchecked),
               alone="A-99999999|A-99.999.999|A-99999999-9|A-9999999"),
    Identifier("do.citizen", "cedula", luhn, anywhere="999-9999999-9", named="99999999999"),
    Identifier("cr.citizen", "cedula", unchecked, named="9-9999-9999|999999999"),
    Identifier("cu.citizen", "carne de identidad; identidad", dated(unchecked), named="99999999999"),
    Identifier("gt.tax", "nit; dpi", unchecked, named="9999999-9|999999-9|9999 99999 9999|9999999999999"),
    Identifier("sv.citizen", "dui", divisible((9, 8, 7, 6, 5, 4, 3, 2, 1), 10), named="99999999-9"),
)  # fmt: skip
"""Sources: IRS, CMS, DEA, ABA, Service Canada and the Latin American tax authorities' published descriptions."""
