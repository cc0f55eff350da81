"""Words beside a number that say whether it is a telephone number."""

import re
from typing import Final

_NOUNS: Final = """
    phone phones tel tele telephone telephones telefon telefono telefone telefoon telephon telefonnummer mobile mobil
    mobiel movil mob cellphone cellular cell celular cellulare handy handynummer portable gsm fax telefax faks whatsapp
    sms viber hotline voicemail landline festnetz rufnummer tlf ph cel fon telefonu numara pager callback
    phonenumber mobilenumber cellno phoneno mobileno
"""
_VERBS: Final = """
    call calls called calling dial dialed dialled dialing reach reached reachable ring rang contact contacts contacted
    answering answer answers text texted message messages ruf anrufen erreichbar erreichen appeler appelez joindre
    llamar llame llamame chiamare chiama ligar bellen
"""
_PLACES: Final = """
    desk office home work registered direct main switchboard reception helpline helpdesk
"""
_JOINTS: Final = """
    at on under via to is number numbers no nr num me us him her them back or and now please auf unter au al numero
    nummer numeros line
"""
_OTHERS: Final = """
    account accounts order orders invoice ticket id ids isbn issn card iban ssn reference ref tracking mrn policy
    serial case version port ports passport licence license vat tax bank routing student candidate employee customer
    member booking confirmation transaction part model patent zip postcode code rfc error errno line row page size
    bytes bits timestamp pid uid gid hash salary price total amount balance matriculation
"""
_OWNERS: Final = """
    my your his her our their cn us uk in de fr it es br jp kr tr ph th contact new old
"""
_AFTER: Final = """
    office fax mobile home cell work desk phone tel telephone direct ext extension
"""
_UNITS: Final = """
    byte bytes bit bits kb mb gb tb hz khz mhz ghz ms sec secs second seconds minute minutes hour hours day days users
    user requests request records rows messages packets times percent eur euro euros usd dollars people customers
    items points req rps tps customers transactions events tokens million billion
"""

PHONE_NOUNS: Final = frozenset(_NOUNS.split())
PHONE_VERBS: Final = frozenset(_VERBS.split())
PHONE_PLACES: Final = frozenset(_PLACES.split())
PHONE_WORDS_AFTER: Final = frozenset(_AFTER.split())
"""Words behind a telephone number that say what it is."""
_JOINING: Final = frozenset(_JOINTS.split())
_OTHER_NUMBERS: Final = frozenset(_OTHERS.split())
_OWNING: Final = frozenset(_OWNERS.split())
_MEASURES: Final = frozenset(_UNITS.split())

_WORD: Final = re.compile(r"[a-z]+")
_NOUN_REACH: Final = 5
_VERB_REACH: Final = 8
_NEAR: Final = 3


def is_named(before: str, after: str) -> bool:
    """Tell whether the words beside a number say that it is a telephone number.

    Args:
        before: What stands in front, in lower case.
        after: What stands behind, in lower case.
    """
    if before.endswith(("<", "<phone:")):
        return False
    following = _WORD.match(after.lstrip(" (,-\t"))
    if following is not None and following[0] in _MEASURES:
        return False
    words = _WORD.findall(before)
    return _says_so(words) or (following is not None and following[0] in PHONE_WORDS_AFTER)


def _says_so(words: list[str]) -> bool:
    near = words[-_NEAR:]
    if not PHONE_NOUNS.isdisjoint(words[-_NOUN_REACH:]):
        return not _is_other(words[-2:]) or not PHONE_NOUNS.isdisjoint(near)
    if _is_other(near):
        return False
    if not PHONE_PLACES.isdisjoint(near):
        return True
    if not PHONE_VERBS.isdisjoint(words[-_VERB_REACH:]):
        return words[-1] in _JOINING or not PHONE_VERBS.isdisjoint(near)
    # "My number is", "my US number is": whose number nobody needs to say of a count.
    return "number" in near and words[-1] in {"number", "is"} and not _OWNING.isdisjoint(words[-_NEAR - 1 :])


def _is_other(words: list[str]) -> bool:
    """Tell whether the words name another kind of number."""
    return not _OTHER_NUMBERS.isdisjoint(words)
