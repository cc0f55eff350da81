"""What a key says about its value: an identity field, a secret, or nothing."""

import re
from functools import lru_cache
from typing import Final

from certtrace.redaction.known.words import NEVER_SEARCHED
from certtrace.redaction.text.lazy import lazy

_CAMEL: Final = lazy(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_WORD: Final = lazy(r"[^a-z0-9]+")

_KEYS: Final = {
    "PERSON": """
        full_name fullname display_name person_name candidate_name student_name expert_name reviewer_name
        examinee_name author_name legal_name name
    """,
    "FAMILY": """
        maiden_name family_name familyname last_name lastname surname last family lname
    """,
    "GIVEN": """
        given_name givenname first_name firstname forename first given fname preferred_name
    """,
    "MIDDLE": """
        middle_name
    """,
    "EMAIL": """
        email e_mail mail email_address emails
    """,
    "PHONE": """
        phone phone_number phonenumber mobile mobile_number telephone tel cell_phone fax mobile_phone
    """,
    "USERNAME": """
        username user_name handle login nickname nick alias github linkedin twitter screen_name discord telegram slack
    """,
    "ADDRESS": """
        address street_address postal_address home_address street address_line1 address_line_1 mailing_address
    """,
    "DOB": """
        date_of_birth dob birth_date birthdate birthday
    """,
    "IBAN": """
        iban
    """,
    "SSN": """
        ssn social_security_number
    """,
    "CREDIT_CARD": """
        credit_card card_number credit_card_number
    """,
    "NATIONAL_ID": """
        passport_number national_id tax_id
    """,
    "ID": """
        candidate_id student_id examinee_id id
    """,
}

_KINDS: Final = {key: kind for kind, keys in _KEYS.items() for key in keys.split()}

_DOUBTFUL: Final = """
    name id mail handle login username user_name display_name address street mobile fax tel github linkedin twitter
    nickname screen_name candidate_id student_id examinee_id emails last family first given lname fname nick alias
    discord telegram slack preferred_name
"""

_PLAIN: Final = frozenset(_KINDS).difference(_DOUBTFUL.split())
"""Keys that name personal data wherever they stand; the others only beside one of these."""

_LONGEST_FIRST: Final = sorted(_KINDS, key=len, reverse=True)


@lru_cache(maxsize=4096)
def normalised_key(key: str) -> str:
    """Return a key as lower-case words joined by underscores: `firstName` and `First-Name` are `first_name`."""
    return _NOT_WORD.sub("_", _CAMEL.sub("_", key[:256]).lower()).strip("_")


@lru_cache(maxsize=4096)
def identity_kind(key: str) -> tuple[str, str] | None:
    """Return whose field and which kind a key of an identity names: `expert_email` is `("expert", "EMAIL")`."""
    name = normalised_key(key)
    if name in NEVER_SEARCHED:
        return "", "IGNORE"
    for known in _LONGEST_FIRST:
        if name == known:
            return "", _KINDS[known]
        if name.endswith("_" + known):
            return name[: -len(known) - 1], _KINDS[known]
    return None


@lru_cache(maxsize=4096)
def plain_kind(key: str) -> str | None:
    """Return the kind of personal data that a key of a plain dict names without any doubt."""
    name = normalised_key(key)
    return _KINDS[name] if name in _PLAIN else None


@lru_cache(maxsize=4096)
def beside_kind(key: str) -> str | None:
    """Return the kind that a key names when it stands beside a plain identity field."""
    return _KINDS.get(normalised_key(key))


@lru_cache(maxsize=4096)
def last_word(key: str) -> str:
    """Return the last dotted part of an attribute key, normalised: `http.request.header.set-cookie` is `set_cookie`."""
    return normalised_key(re.split(r"[.:/\[\]]", key.rstrip(".:/]["))[-1])
