"""Words beside a number that say whether it is a telephone number."""

from typing import Final

from certtrace.redaction.text.lazy import lazy

_NOUNS: Final = """
    phone phones tel tele telephone telephones telefon telefono telefone telefoon telephon telefonnummer mobile mobil
    mobiel movil mob cellphone cellular cell celular cellulare handy handynummer portable gsm fax telefax faks whatsapp
    sms viber hotline voicemail landline festnetz rufnummer tlf ph cel fon telefonu numara pager callback
    phonenumber mobilenumber cellno phoneno mobileno registered
"""
_VERBS: Final = """
    call called calling dial dialed dialled dialing reach reached reachable ring rang contact contacted answering text
    texted message ruf anrufen erreichbar erreichen appeler appelez joindre llamar llame llamame chiamare
    chiama ligar bellen
"""
_PLACES: Final = """
    desk office home work direct main switchboard reception helpline helpdesk
"""
_LINKS: Final = """
    at on under via to is was number numbers no nr num me us him her them back or and now please auf unter au al numero
    nummer numeros line my his their our your the new old current private personal primary secondary preferred daytime
    evening day contact de der die meine mein unsere ist est es
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
    items points per req rps tps customers transactions events tokens million billion
"""

PHONE_NOUNS: Final = frozenset(_NOUNS.split())
PHONE_VERBS: Final = frozenset(_VERBS.split())
PHONE_PLACES: Final = frozenset(_PLACES.split())
PHONE_WORDS_AFTER: Final = frozenset(_AFTER.split())
"""Words behind a telephone number that say what it is."""
_LINKING: Final = frozenset(_LINKS.split()) | PHONE_NOUNS | PHONE_PLACES
"""What may stand between the word and the number."""
_TELLING: Final = PHONE_NOUNS | PHONE_VERBS | PHONE_PLACES | {"number"}
_OTHER_NUMBERS: Final = frozenset(_OTHERS.split())
_OWNING: Final = frozenset(_OWNERS.split())
_MEASURES: Final = frozenset(_UNITS.split())

_WORD: Final = lazy(r"[a-z]+")
_SENTENCE_END: Final = lazy(r"[;!?]|\n[ \t]*\n|[a-z]{4}[.)] ")
_NOUN_REACH: Final = 6
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
    following = _WORD.match(after.lstrip(" (-\t"))
    if following is not None and following[0] in _MEASURES:
        return False
    if following is not None and following[0] in PHONE_WORDS_AFTER:
        return True
    if _TELLING.isdisjoint(_WORD.findall(before)):
        return False
    words = _WORD.findall(_SENTENCE_END.split(before)[-1])
    if not words or words[-1] in _MEASURES:
        return False
    return _says_so(words, told=before.rstrip(" \"'([#+\t\r\n").endswith((":", "=", ",")))


def _says_so(words: list[str], *, told: bool) -> bool:
    """Tell whether the words lead to a telephone number; `told`: a colon, a comma or `=` stands before it."""
    noun = _last(words[-_NOUN_REACH:], PHONE_NOUNS)
    if noun is not None and (told or _LINKING.issuperset(noun)):
        return not _is_other(noun)
    if _is_other(words[-_NEAR:]):
        return False
    place = _last(words[-_NEAR:], PHONE_PLACES)
    if place is not None and told:
        return True
    verb = _last(words[-_VERB_REACH:], PHONE_VERBS)
    if verb is not None and (words[-1] in _LINKING or not verb or (told and len(verb) < _NEAR)):
        return True
    # "My number is", "my US number is": whose number nobody needs to say of a count.
    return "number" in words[-_NEAR:] and words[-1] in {"number", "is"} and not _OWNING.isdisjoint(words[-_NEAR - 1 :])


def _last(words: list[str], wanted: frozenset[str]) -> list[str] | None:
    """Return the words behind the last one that is wanted, or None."""
    for index in range(len(words) - 1, -1, -1):
        if words[index] in wanted:
            return words[index + 1 :]
    return None


def _is_other(words: list[str]) -> bool:
    """Tell whether the words name another kind of number."""
    return not _OTHER_NUMBERS.isdisjoint(words)
