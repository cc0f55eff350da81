"""Keyed pseudonyms and keyed hashes: one person has one name in every trace, unlinkable without the key."""

import hashlib
import hmac
import unicodedata
from functools import lru_cache
from typing import Final

from certtrace.errors import ConfigurationError
from certtrace.redaction.text.folding import UNSEEN, fold
from certtrace.redaction.text.lazy import lazy

DIGEST_HEX: Final = 10
"""40 bits: two of 10,000 people collide with probability 0.005 %, of 100,000 with 0.5 %; 6 digits: 11 % of 2,000."""

MIN_KEY_BYTES: Final = 16
_CACHED_LENGTH: Final = 256

_SPACE: Final = lazy(r"\s+")
_NOT_DIGIT: Final = lazy(r"[^0-9]+")


class Pseudonymizer:
    """Derives readable names and hashes from values with HMAC-SHA-256."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        """Take the key.

        Raises:
            ConfigurationError: The key is shorter than 16 bytes.
        """
        if len(key) < MIN_KEY_BYTES:
            msg = f"The redaction key has {len(key)} bytes. Give at least {MIN_KEY_BYTES} random bytes."
            raise ConfigurationError(msg)
        self._key = key

    def __repr__(self) -> str:
        return "Pseudonymizer()"

    def digest(self, value: str, kind: str = "person") -> str:
        """Return 10 hex digits that stand for `value` however it is written.

        `kind` decides only how the value is normalised, so that one person's name and e-mail may share a digest.
        """
        return self._hex("pseudonym", normalise(value, kind))[:DIGEST_HEX]

    def pseudonym(self, value: str, kind: str = "person") -> str:
        """Return the readable pseudonym of `value`, such as `<person:7f3a91c04d>`."""
        return f"<{kind}:{self.digest(value, kind)}>"

    def withheld(self, content: str | bytes) -> str:
        """Return 10 hex digits that show whether two withheld values were equal, character by character."""
        data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        return hmac.new(self._key, b"withheld\0" + data, hashlib.sha256).hexdigest()[:DIGEST_HEX]

    def _hex(self, purpose: str, text: str) -> str:
        data = f"{purpose}\0{text}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, data, hashlib.sha256).hexdigest()


def normalise(value: str, kind: str = "person") -> str:
    """Return the form in which two spellings of one value are equal: case, accents and spaces folded."""
    return _normalised(value, kind) if len(value) <= _CACHED_LENGTH else _normalised.__wrapped__(value, kind)


@lru_cache(maxsize=2048)
def _normalised(value: str, kind: str) -> str:
    folded = _SPACE.sub(" ", fold(unicodedata.normalize("NFKC", value)).replace(UNSEEN, "")).strip().lower()
    if kind == "phone":
        digits = _NOT_DIGIT.sub("", folded)
        return digits.removeprefix("00") or folded
    if kind == "person":
        return _given_first(folded)
    return folded


def _given_first(name: str) -> str:
    family, comma, given = name.partition(",")
    ordered = f"{given.strip()} {family.strip()}" if comma and given.strip() else name
    return " ".join(ordered.replace(".", " ").replace("-", " ").split())
