"""What the forms of addresses share: numbers, names, words, and what may stand in front of a street."""

import re
from collections.abc import Iterable
from typing import Final

from certtrace.redaction.detect.addresses.words import AMBIGUOUS, NUMBERED
from certtrace.redaction.text.lazy import lazy

DETECTOR: Final = "ADDRESS"
NUMBER: Final = rb"[0-9]{1,6}[A-Za-z]?(?:[-/][0-9]{1,5}[A-Za-z]?)?"
NAME: Final = rb"(?:[A-Z][A-Za-z'.?-]{0,24}|\?{2,25}\.?)"
"""A word with a capital letter, or one in another script, which folding shows as `?`."""
LINK: Final = (
    rb"(?:de|del|della|delle|dei|degli|di|do|da|dos|das|du|des|la|le|les|el|van|der|den|von|zu|am|im|an|auf|y|e|u\.?|of|"
    rb"the|nad|pod|pri|na|z|ze|utca|ut|utja|ter|tere|tee|poik|gate|vei|trg|ulica|cesta|namesti|trida|nabrezi|ulice|kapu|korut|sor|koz|str|ul\.)"
)
"""A word with a small letter inside the name of a street."""
NAMES: Final = rb"(?:%(link)s ){0,2}%(name)s(?: (?:%(link)s ){0,3}%(name)s){0,4}(?: %(link)s){0,1}" % {
    b"link": LINK,
    b"name": NAME,
}
STREET: Final = rb"(?:%(number)s,? ){0,2}%(names)s(?:,? %(number)s\.?)?(?: %(names)s)?" % {
    b"number": NUMBER,
    b"names": NAMES,
}
"""A street with a number on either side or both, and perhaps a second street."""

_IN_FRONT: Final = lazy(
    rb"(?<![A-Za-z0-9.,/-])(?:(?i:flat|unit|apt\.?|apartment|suite|no\.?) ?#?(?:[0-9]{1,5}[A-Za-z]?,? )?)?"
    rb"(?:%s,? |[0-9]{1,4}/)?\Z" % NUMBER
)
_REACH: Final = 26
_WORD: Final = lazy(rb"[A-Za-z]+")


def one_of(words: Iterable[str]) -> bytes:
    """Return an alternative of words, the longest first."""
    return b"|".join(re.escape(word.encode()) for word in sorted(words, key=len, reverse=True))


def cased(words: Iterable[str]) -> bytes:
    """Return an alternative of words with a capital letter or in capitals."""
    return one_of({form for word in words for form in (word.capitalize(), word.upper())})


def cased_or_lower(words: Iterable[str]) -> bytes:
    """Return an alternative of words with or without a capital letter, ambiguous ones only with it."""
    return one_of({form for word in words for form in (word.capitalize(), word) if form not in AMBIGUOUS})


def with_building(data: bytes, start: int) -> int:
    """Return where the number of a building or an apartment begins that stands in front of a street."""
    match = _IN_FRONT.search(data[max(0, start - _REACH) : start])
    return start - len(match[0]) if match is not None else start


def counts_something_else(piece: bytes) -> bool:
    """Tell whether a word that is numbered in exam answers stands in the piece: `Router 5`."""
    return any(word.lower().decode() in NUMBERED for word in _WORD.findall(piece))


def goes_on(data: bytes, end: int) -> bool:
    """Tell whether a number goes on behind its last digit: a fraction, a rate, a time."""
    return data[end : end + 1] in {b"%", b":"} or (
        data[end : end + 1] in {b".", b","} and data[end + 1 : end + 2].isdigit()
    )
