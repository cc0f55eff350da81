"""The values that must not leave, and the texts that carry them beside a word that must."""

import base64
import json
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from certtrace import ExamSecret, Pii

CONTROL = "quorvexium"
"""Stands beside every planted value and has to arrive: a channel that carries nothing proves nothing."""

NAME = "Zdenka Kvapilov\u00e1"
EMAIL = "zdenka.kvapilova@example.org"
PHONE = "+420 601 234 567"
USERNAME = "zkvapil_dev"
ADDRESS = "Malostransk\u00e9 n\u00e1b\u0159e\u017e\u00ed 17"

OTHER_EMAIL = "t.okonkwo@mail.example.com"
CARD = "4111 1111 1111 1111"
IBAN = "DE89 3704 0044 0532 0130 00"
OTHER_PHONE = "+49 171 2345678"
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
KEY = "sk-proj-" + "Zq8Xw2Lm5Vn7Tb4Rk9Yh3Gf6Jd1Pc0Sa"
SSN = "457-55-5462"

SECRET_QUESTION = "Which bounded context owns the pricing rules of the plumbus marketplace?"

PERSON = {
    "name": [NAME, "Kvapilov\u00e1"],
    "email": EMAIL,
    "phone": PHONE,
    "username": USERNAME,
}
"""What `identify` is told, or a marked field declares."""

STRUCTURED = {
    "other e-mail": OTHER_EMAIL,
    "card": CARD,
    "IBAN": IBAN,
    "other phone": OTHER_PHONE,
    "token": TOKEN,
    "key": KEY,
    "SSN": SSN,
}
"""What has a form and needs no declaration."""

EVERYTHING = {**PERSON, **STRUCTURED}


@dataclass
class Candidate:
    name: Annotated[str, Pii.PERSON]
    email: Annotated[str, Pii.EMAIL]
    phone: Annotated[str, Pii.PHONE]
    username: Annotated[str, Pii.USERNAME]


@dataclass
class Question:
    text: Annotated[str, ExamSecret]


CANDIDATE = Candidate(NAME, EMAIL, PHONE, USERNAME)
IDENTITY = {"name": NAME, "email": EMAIL, "phone": PHONE, "username": USERNAME}

PERSONAL_TEXT = f"{CONTROL}: layers isolate change. By {NAME}, {EMAIL}, {PHONE} ({USERNAME})"
FORMS_TEXT = (
    f"{CONTROL}: layers isolate change. Mail {OTHER_EMAIL}, card {CARD}, IBAN {IBAN}, phone {OTHER_PHONE}, "
    f"token {TOKEN}, key {KEY}, SSN {SSN}"
)

ENCODINGS = {
    "plain": lambda text: text,
    "upper": lambda text: text.replace(TOKEN, "").replace(KEY, "").upper(),
    "json": lambda text: json.dumps({"said": text}),
    "json in json": lambda text: json.dumps({"said": json.dumps({"said": text})}),
    "url": lambda text: "https://exam.example/x?q=" + quote(text),
    "url twice": lambda text: "https://exam.example/x?q=" + quote(quote(text)),
    "html": lambda text: "<p>" + text.encode("ascii", "xmlcharrefreplace").decode() + "</p>",
    "base64": lambda text: "payload " + base64.b64encode(text.encode()).decode() + " " + CONTROL,
}
