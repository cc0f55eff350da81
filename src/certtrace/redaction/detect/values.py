"""Judge a value that stands behind a promising name: a secret, or what stands in for one."""

import re
from typing import Final

from certtrace.redaction.detect.names import Promise
from certtrace.redaction.detect.randomness import is_uuid, letters_in_words, looks_random
from certtrace.redaction.text.lazy import lazy

_PLACEHOLDERS: Final = frozenset(
    b"""
    none null nil true false undefined string str int integer number boolean bool text char varchar object array
    any required optional empty changeme change_me example password passwd pass secret token key value env todo
    xxx your my the a an is was are not no yes function lambda self bytes default hidden redacted masked filtered
    removed omitted unset unknown placeholder dummy insert sensitive confidential protected encrypted password1
    input prompt bearer basic digest apikey api_key session header cookie query body file path url uri hash
    """.split()
)
_STAND_IN: Final = lazy(
    rb"(?i)(?:\$\{|\$\(|\$[a-z_]|%[a-z_]+%|%\(|<|\[|\{|&lt;|#\{|@\{|https?:|ftp:|file:|arn:|urn:|op://|vault:|ssm:|enc\[|"
    rb"projects/|secretsmanager|sha(?:1|224|256|384|512)[:-]|md5[:-]|mailto:|data:|os\.|env\.|process\.|self\.|this\.|"
    rb"settings?\.|config\.|args\.|options?\.|params?\.|request\.|props\.|state\.|my[_-]|your[_-]?(?:pass|api|sec|tok|own|key|acc|cl)|"
    rb"enter[_-]|insert[_-]|replace[_-]|put[_-]|add[_-]|\.\.\.)"
)
_REFERENCE: Final = lazy(
    rb"[A-Za-z_][A-Za-z0-9_.]*\[[^\]]*\]?\S{0,64}|[A-Za-z_][A-Za-z0-9_]*(?:(?:\.|->|::)[A-Za-z_][A-Za-z0-9_]*)+|[A-Z]+(?:_[A-Z]+)+"
)
_WORD: Final = lazy(rb"[A-Za-z]+(?:['-][A-Za-z]+)*[.!?]?")
_JOINED_WORDS: Final = lazy(rb"[#./:@~-]{0,3}[A-Za-z]+(?:[-_./#:@ ]+[A-Za-z]+)*/?")
_CAMEL: Final = lazy(rb"[a-z]+(?:[A-Z][a-z]+)+|[A-Z][a-z]+(?:[A-Z][a-z0-9]+)+")
_ABOUT_SECRETS: Final = lazy(rb"(?i)pass(?:w|\b)|pwd|secret|token|key|auth|login|user|credential|field|input|code")
_PATH: Final = lazy(rb"(?:~|\.{1,2}|[A-Za-z]:)?[/\\][A-Za-z0-9_.@ /\\-]*")
_TECHNICAL: Final = lazy(
    rb"(?i)(?:utf|base|sha|md|aes|iso|latin|ascii|hs|rs|es|ps|rsa|ed|ecdsa|http|tls|ssl|oauth|x|v|ipv)[-_]?[0-9]+.*"
)
_FORMAT: Final = lazy(rb"%[sdrx]|\{[a-z0-9_]{0,24}\}")
_REPEATED: Final = lazy(rb"([x0*.#_?-])\1*")
_SERIAL: Final = lazy(rb"[A-Z0-9]{4,6}(?:-[A-Z0-9]{4,6}){3,6}")
_LABEL: Final = lazy(rb"[A-Z][A-Za-z ]*[:?]")
_SPOKEN: Final = lazy(rb"[a-z]{2,16}(?: [a-z]{2,16}){1,3}")
_FEWEST: Final = 4


def is_secret(value: bytes, hope: Promise, *, quoted: bool, assigned: bool, phrase: bool = False) -> bool:
    """Tell whether a value is a secret.

    Args:
        value: What stands behind the name.
        hope: What the name promises.
        quoted: It stood in quotes.
        assigned: It is the whole right side of an assignment, so that a plain word counts as well.
        phrase: The name says that words may follow.
    """
    value = value.strip().strip(b"'\"")
    if len(value) < _FEWEST or stands_in(value) or _LABEL.fullmatch(value) is not None:
        return False
    if any(sign in value for sign in b" \t\r\n"):
        spoken = (
            hope is Promise.PASSWORD and _SPOKEN.fullmatch(value) is not None and _ABOUT_SECRETS.search(value) is None
        )
        if quoted and _is_dense(value):
            return True
        return quoted and (phrase or (spoken and assigned)) and len(value) >= 2 * _FEWEST
    if hope is Promise.PASSWORD:
        return _quoted_password(value) if quoted else _bare_password(value, assigned=assigned)
    return _is_key(value, hope, quoted=quoted)


def _is_dense(value: bytes) -> bool:
    """Tell whether signs stand so close that these are no words, spaces notwithstanding: a generated salt."""
    signs = sum(0x21 <= sign <= 0x7E and not chr(sign).isalnum() for sign in value)
    kinds = len({sign for sign in value if not chr(sign).isalnum()})
    digits = any(0x30 <= sign <= 0x39 for sign in value)
    return (
        len(value) >= 24
        and digits
        and 0.15 * len(value) <= signs
        and kinds > _FEWEST
        and value.count(b" ") <= len(value) // 8
    )


def stands_in(value: bytes) -> bool:
    """Tell whether a value only stands for one: a placeholder, a variable, a type, a call, an address of a secret."""
    word = value.strip().lower()
    if word.strip(b"[]<>{}()*\"'").replace(b"-", b"_") in _PLACEHOLDERS or _REPEATED.fullmatch(word) is not None:
        return True
    if _FORMAT.search(value) is not None and not looks_random(value):
        return True
    if _STAND_IN.match(value) is not None:
        return not (value.startswith(b"$") and value[1:].count(b"$") >= 2 and len(value) > 20)
    if len(set(word)) <= 2 and any(not chr(sign).isalnum() for sign in word):
        return True
    return _REFERENCE.fullmatch(value) is not None and not looks_random(value)


def is_strong(value: bytes) -> bool:
    """Tell whether a value looks like a password by itself: letters with digits or signs, and no name of something."""
    if len(value) < 6 or any(sign in value for sign in b" \t\r\n") or stands_in(value):
        return False
    letters = sum(chr(sign).isalpha() for sign in value)
    digits = sum(0x30 <= sign <= 0x39 for sign in value)
    if not letters or not digits or _TECHNICAL.fullmatch(value) is not None or _PATH.fullmatch(value) is not None:
        return False
    joined = any(sign in value for sign in b"_-./:")
    return not (joined and letters_in_words(value) >= 0.6 * (letters + digits))


def _quoted_password(value: bytes) -> bool:
    if _JOINED_WORDS.fullmatch(value) is not None:
        plain = value.isalpha() and _CAMEL.fullmatch(value) is None
        return plain or (value[0:1].isalpha() and _ABOUT_SECRETS.search(value) is None)
    return (
        not _is_worded_path(value) and value[:1] not in b".+" and b"$" not in value[:2] + value[-1:].replace(b"$", b"")
    )


def _bare_password(value: bytes, *, assigned: bool) -> bool:
    if value.isdigit():
        return assigned and len(value) > _FEWEST
    if _WORD.fullmatch(value) is not None or _JOINED_WORDS.fullmatch(value) is not None:
        return assigned and value.isalnum() and _CAMEL.fullmatch(value) is None
    if b"$" in value and re.search(rb"\$[A-Za-z_{(]", value) and value.replace(b"$", b"").isalpha():
        return False
    return not _is_worded_path(value)


def _is_key(value: bytes, hope: Promise, *, quoted: bool) -> bool:
    if is_uuid(value):
        return hope is Promise.KEY
    if (_TECHNICAL.fullmatch(value) is not None and len(value) < 16) or _is_worded_path(value):
        return False
    if hope is Promise.KEY:
        letters = sum(chr(sign).isalnum() for sign in value)
        unread = len(value) >= 16 and letters >= 0.7 * len(value) and letters_in_words(value) < 0.5 * letters
        return looks_random(value, 8) or unread or _SERIAL.fullmatch(value) is not None
    return looks_random(value, 10 if quoted else 12) or _SERIAL.fullmatch(value) is not None


def _is_worded_path(value: bytes) -> bool:
    if _PATH.fullmatch(value) is None:
        return False
    solid = sum(chr(sign).isalnum() for sign in value)
    return letters_in_words(value) >= 0.4 * solid or value.count(b"/") > len(value) // 6
