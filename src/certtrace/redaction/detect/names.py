"""What the name of a setting, field or variable promises: a password, a key, or something that only sounds like one."""

import re
from enum import Enum
from functools import lru_cache
from typing import Final

from certtrace.redaction.text.lazy import lazy


class Promise(Enum):
    """How much of a secret a name promises: the weaker, the more the value itself has to look like one."""

    NOTHING = 0
    MAYBE = 1
    """`key`, `auth`, `salt`: only a long value that looks random is one."""
    KEY = 2
    """`api_key`, `token`: a value that looks random is one."""
    PASSWORD = 3
    """`password`, `secret`: people choose words, so nearly every value is one."""


_WORDS: Final = lazy(rb"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PASSWORD: Final = lazy(
    rb"p[a4]?s{1,2}w(?:o?r?)?d|passw|pass[_. -]?phrase|pass[_. -]?code|passkey|pwd|psw\b|"
    rb"(?<!by)(?<!com)(?<!sur)(?<!tres)(?<!low)(?<!high)(?<!band)(?<!under)(?<!over)pass(?![a-z])|kennwor|contrase|"
    rb"(?:seed|recovery)[_. -]phrase|mnemonic|(?<![a-z])psk(?![a-z])|(?<![a-z])passe(?![a-z])|wachtwoord|"
    rb"mot[_. -]?de[_. -]?passe|secret(?!smanager|ar|ion|ly)|requirepass|identified"
)
_PASSWORD_WORDS: Final = frozenset({b"pw", b"psw", b"psd", b"senha", b"haslo"})
_KEY_OWNERS: Final = (
    rb"access account admin aes agent api app application auth bot client consumer cookie crypt cipher decrypt deploy "
    rb"deployment device encrypt encryption gpg hmac host ingest instance insert integration jwt license live maps "
    rb"master merchant org oauth partner private product project query read registration rest root rsa sandbox sdk "
    rb"security server service session shared sign signature signing site ssh storage subscription team tenant test "
    rb"user web webhook write"
)
_KEYS: Final = lazy(
    rb"(?:"
    + b"|".join(_KEY_OWNERS.split())
    + rb")[_. -]?keys?(?![a-z])|tokens?(?![a-z])|(?<![a-z])pat(?![a-z])|authtoken|credentials?|"
    rb"bearer|jwt|authorization|auth[_. -]?key"
)
_MAYBE: Final = frozenset(
    b"""
    key keys token auth authentication salt nonce seed otp login serial session sessionid license api hmac signature
    cred creds csrf
    """.split()
)
_NO_SECRET_BEHIND: Final = frozenset(
    b"""
    action algorithm alg arn at attempts available budget bucket bytes cache changed characters class client column
    complexity confirmation cost count counts created date description dialog dir directory disabled enabled endpoint
    error errors event exists exp expiration expire expired expires expiry factory field fields file filename
    folder form format generator handler header hint history icon image index input invalid kind label last
    len length level limit limits link list location manager max message min mode module multiplier name names
    needed page parameter params path pattern placeholder policy position prefix price properties provider
    rate ref reference regex region required reset ring rotation rules schema scope scopes selector service
    size source spec state status store strategy strength suffix support table text timeout timestamp title
    ttl type types updated uri url usage usages valid validation validator version window
    """.split()
)
_NO_KEY_BEFORE: Final = frozenset(
    b"""
    attribute blob bos cache cancellation candidate column completion composite context continuation cursor dedup dict
    eos event feature field foreign group hash hot i18n idempotency idempotent image index input item join json locale
    lookup mac map max message metric min n natural next num object order output pad page param partition prefix
    press primary project prompt property public query range record registry row sep setting sort span special stop
    storage super surrogate table total trace translation unique unk used word
    """.split()
)
_ID_BEHIND: Final = frozenset({b"id", b"ids", b"identifier", b"hash", b"sha", b"digest", b"fingerprint", b"checksum"})
_SEPARATORS: Final = b"_.- "


@lru_cache(maxsize=4096)
def promise(name: bytes) -> Promise:
    """Judge a name as it stands in the text: `DB_PASSWORD`, `clientSecret`, `x-api-key`."""
    low = name.lower()
    words = [word.lower() for word in _WORDS.findall(name)]
    found = _PASSWORD.search(low)
    if found is not None or not _PASSWORD_WORDS.isdisjoint(words):
        behind = _words_behind(low, found.end() if found else low.find(b"p"))
        return Promise.MAYBE if _spoils(behind) else Promise.PASSWORD
    found = _KEYS.search(low)
    if found is not None:
        behind = _words_behind(low, found.end())
        before = set(_WORDS.findall(low[: found.start()]))
        token = low[found.start() : found.end()].startswith(b"token")
        if _spoils(behind) or not _ID_BEHIND.isdisjoint(behind) or (token and not _NO_KEY_BEFORE.isdisjoint(before)):
            return Promise.NOTHING
        return Promise.KEY
    if (
        not _MAYBE.isdisjoint(words)
        and _NO_KEY_BEFORE.isdisjoint(words[:-1])
        and not _spoils(words[1:])
        and _ID_BEHIND.isdisjoint(words)
    ):
        return Promise.MAYBE
    return (
        Promise.MAYBE
        if low.endswith((b"apikey", b"_key", b"-key")) and _NO_KEY_BEFORE.isdisjoint(words)
        else Promise.NOTHING
    )


def _words_behind(low: bytes, place: int) -> list[bytes]:
    return re.split(rb"[^a-z0-9]+", low[place:])


def _spoils(behind: list[bytes]) -> bool:
    """Tell whether a word behind says that this is about the secret: `password_length`, `tokenType`."""
    return any(word in _NO_SECRET_BEHIND for word in behind)
