"""What a key says about its value: an identity field, a secret, or nothing."""

import re
from functools import lru_cache
from typing import Final

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_WORD: Final = re.compile(r"[^a-z0-9]+")

_KINDS: Final = {
    "full_name": "PERSON", "fullname": "PERSON", "display_name": "PERSON", "person_name": "PERSON", "candidate_name": "PERSON",
    "student_name": "PERSON", "expert_name": "PERSON", "reviewer_name": "PERSON", "examinee_name": "PERSON",
    "author_name": "PERSON", "legal_name": "PERSON", "maiden_name": "FAMILY",
    "given_name": "GIVEN", "givenname": "GIVEN", "first_name": "GIVEN", "firstname": "GIVEN", "forename": "GIVEN",
    "middle_name": "MIDDLE",
    "family_name": "FAMILY", "familyname": "FAMILY", "last_name": "FAMILY", "lastname": "FAMILY", "surname": "FAMILY",
    "email": "EMAIL", "e_mail": "EMAIL", "mail": "EMAIL", "email_address": "EMAIL", "emails": "EMAIL",
    "phone": "PHONE", "phone_number": "PHONE", "phonenumber": "PHONE", "mobile": "PHONE", "mobile_number": "PHONE",
    "telephone": "PHONE", "tel": "PHONE", "cell_phone": "PHONE", "fax": "PHONE", "mobile_phone": "PHONE",
    "username": "USERNAME", "user_name": "USERNAME", "handle": "USERNAME", "login": "USERNAME", "nickname": "USERNAME",
    "github": "USERNAME", "linkedin": "USERNAME", "twitter": "USERNAME", "screen_name": "USERNAME",
    "address": "ADDRESS", "street_address": "ADDRESS", "postal_address": "ADDRESS", "home_address": "ADDRESS",
    "street": "ADDRESS", "address_line1": "ADDRESS", "address_line_1": "ADDRESS", "mailing_address": "ADDRESS",
    "date_of_birth": "DOB", "dob": "DOB", "birth_date": "DOB", "birthdate": "DOB", "birthday": "DOB",
    "iban": "IBAN", "ssn": "SSN", "social_security_number": "SSN", "credit_card": "CREDIT_CARD",
    "card_number": "CREDIT_CARD", "credit_card_number": "CREDIT_CARD", "passport_number": "NATIONAL_ID",
    "national_id": "NATIONAL_ID", "tax_id": "NATIONAL_ID", "candidate_id": "ID", "student_id": "ID", "examinee_id": "ID",
    "name": "PERSON", "id": "ID",
}  # fmt: skip

_PLAIN: Final = frozenset(_KINDS) - {
    "name", "id", "mail", "handle", "login", "username", "user_name", "display_name", "address", "street", "mobile", "fax", "tel",
    "github", "linkedin", "twitter", "nickname", "screen_name", "candidate_id", "student_id", "examinee_id", "emails",
}  # fmt: skip
"""Keys that name personal data wherever they stand; the others only beside one of these."""

_LONGEST_FIRST: Final = sorted(_KINDS, key=len, reverse=True)
_NEVER_SEARCHED: Final = frozenset(
    "role kind type lang language locale country timezone tz gender salutation title currency status level tenant".split()
)


@lru_cache(maxsize=4096)
def normalised_key(key: str) -> str:
    """Return a key as lower-case words joined by underscores: `firstName` and `First-Name` are `first_name`."""
    return _NOT_WORD.sub("_", _CAMEL.sub("_", key[:256]).lower()).strip("_")


@lru_cache(maxsize=4096)
def identity_kind(key: str) -> tuple[str, str] | None:
    """Return whose field and which kind a key of an identity names: `expert_email` is `("expert", "EMAIL")`."""
    name = normalised_key(key)
    if name in _NEVER_SEARCHED:
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
