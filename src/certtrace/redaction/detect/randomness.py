"""Tell what was drawn at random from what somebody wrote: words are made of few pairs of letters, keys of all."""

from itertools import pairwise
from typing import Final

from certtrace.redaction.text.lazy import lazy

_PAIRS_OF_WORDS: Final = """
    abcdgiklmnprstuvy baeiloru cacehiklortu daeiorsu eacdefgilmnpqrstvwx faefilor gaehiru haeiort
    iabcdefglmnoprstvz jaeou keis ladeilostuy maeimopsu nacdefgiknostuv oabcdgiklmnoprstuvwx paehilorstu qu
    racdegikmnorstuvy sacehiklmopstuwy taehilorstuwy uabceilmnprst vaeio waehio xpt ys ze
"""
"""A letter, then the letters that often follow it in English words."""
_COMMON: Final = frozenset((pairs[0] + second).encode() for pairs in _PAIRS_OF_WORDS.split() for second in pairs[1:])
_CHUNK: Final = lazy(rb"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_HEX: Final = lazy(rb"[0-9a-f]+|[0-9A-F]+")
_UUID: Final = lazy(rb"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ALNUM: Final = lazy(rb"[A-Za-z0-9]+")
_LONGEST_JUDGED: Final = 256
_WORD_SHARE: Final = 0.6
_SHORTEST_WORD: Final = 3
_FEW_SIGNS: Final = 3
_SHORTEST_HEX: Final = 16


def looks_random(value: bytes, shortest: int = 12) -> bool:
    """Tell whether a value is a token rather than words, a number, a path or a name made of words."""
    value = value[:_LONGEST_JUDGED]
    if len(value) < shortest or len(set(value)) <= max(_FEW_SIGNS, len(value) // 16) or is_sequence(value):
        return False
    if _HEX.fullmatch(value):
        return _mixes(value) and len(value) >= min(_SHORTEST_HEX, shortest)
    solid = b"".join(_ALNUM.findall(value))
    if len(solid) < 0.7 * len(value) or not _mixes(solid):
        return False
    return letters_in_words(value) < 0.5 * len(solid)


def is_uuid(value: bytes) -> bool:
    """Tell whether a value is a UUID: an id as often as a key."""
    return _UUID.fullmatch(value) is not None


def is_sequence(value: bytes) -> bool:
    """Tell whether each sign follows the one before it: `abcdefgh`, `12345678`."""
    steps = {second - first for first, second in pairwise(value)}
    return len(value) > 1 and len(steps) == 1


def letters_in_words(value: bytes) -> int:
    """Return how many letters stand in chunks that read like words; `userToken-v2` has two such chunks."""
    return sum(len(chunk) for chunk in _CHUNK.findall(value) if _reads_as_word(chunk))


def _reads_as_word(chunk: bytes) -> bool:
    if len(chunk) < _SHORTEST_WORD or chunk.isdigit():
        return False
    low = chunk.lower()
    pairs = [low[index : index + 2] in _COMMON for index in range(len(low) - 1)]
    return sum(pairs) >= _WORD_SHARE * len(pairs)


def _mixes(value: bytes) -> bool:
    """Tell whether letters and digits, or both cases of letters, take turns."""
    digits = sum(0x30 <= byte <= 0x39 for byte in value)
    upper = sum(0x41 <= byte <= 0x5A for byte in value)
    lower = len(value) - digits - upper
    return (0 < digits < len(value)) or (upper >= _FEW_SIGNS and lower >= _FEW_SIGNS)
