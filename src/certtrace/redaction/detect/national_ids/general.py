"""Numbers that a word alone names, of whatever country."""

from typing import Final

from certtrace.redaction.detect.national_ids.identifier import Identifier

_PASSPORT: Final = (
    "passport number; passport no; passport; passports; passeport; reisepass; reisepassnummer; pasaporte; passaporto; "
    "passaporte; paspoort; paspoortnummer; paszport; pasaport"
)
_CARD: Final = (
    "identity card; id card; national id; national identity; identity number; identification number; citizen id; "
    "identity document; personalausweis; ausweisnummer; carte d; documento de identidad; carta identita; "
    "identiteitskaart; personnummer; personalausweisnummer; id number"
)
_TAX: Final = (
    "tax id; tax number; taxpayer id; tax identification; tax file; tin; vat number; vat id; vat no; fiscal code; "
    "tax no"
)
_HEALTH: Final = (
    "health insurance; insurance number; health card; medical record; mrn; patient id; social security; "
    "national insurance; member id; medicare number; medicaid; policy number; insurance id; versichertennummer"
)
_NUMBERS: Final = "99999999|999999999|9999999999|99999999999|999999999999|9999999999999"
_PLATES: Final = (
    "license plate; licence plate; number plate; plate number; registration number; kennzeichen; plaque d; matricula; "
    "targa; kenteken; vehicle registration; registration plate; plate no; immatriculation; nummerplaat"
)

IDENTIFIERS: Final = (
    Identifier("passport", _PASSPORT, named="*8|*9|*10|99999999|999999999"),
    Identifier("card", _CARD, named=f"*8|*9|*10|*11|*12|*13|{_NUMBERS}|999-999-999|99-999999|999 999 999"),
    Identifier("tax", _TAX, named=f"*8|*9|*10|*11|*12|*13|{_NUMBERS}|99-9999999|999-999-999"),
    Identifier("health", _HEALTH, named=f"*8|*9|*10|*11|*12|{_NUMBERS}|999-999-999"),
    Identifier("plate", _PLATES, named="*5|*6|*7|*8|A 999 AA|AA-999-AA|AA 999 AA|AA-99-99|99-AA-99|9999 AAA|AA999AA|"
               "99-AAA-9"
               "|9-AAA-99|A-999-AA|AA-999-A|AAA-9999|AAA-999|AAA 999|AAA 9999|AA 99999|AA 999 99|AAA 9A99|AAA9A99"),
)  # fmt: skip
