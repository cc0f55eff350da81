"""Telephone numbers that stand beside other numbers, set apart by no more than a space: row numbers, years, counts.

Tables of numbers have spaces between them as telephone numbers do, so only a form with other signs in it counts here:
hyphens, parentheses, a plus or a zero in front.
"""

from collections.abc import Callable, Iterator
from typing import Final

from certtrace.redaction.text.lazy import lazy

_WORD: Final = lazy(r"[^ \t-\r]+")
_AREA: Final = lazy(r"\(0?[1-9][0-9]{1,4}\).*")
_TRUNK: Final = lazy(r"0[1-9][0-9]{0,5}(?:[/-][0-9]+)*")
_DATE: Final = lazy(r"[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}")
_SMALL: Final = lazy(r"\(?[1-9][0-9]{0,3}[.)]?|0")
_MOST_WORDS: Final = 6
_MOST_DIGITS: Final = 15
_HYPHENED_DIGITS: Final = 9
_SHORT: Final = 3

Place = tuple[int, int]
IsNumber = Callable[[str], bool]


def numbers_apart(run: str, is_number: IsNumber) -> Iterator[Place]:
    """Yield the places of telephone numbers in a run that is no telephone number as a whole.

    Args:
        run: Digits and separators.
        is_number: Tells whether a text has the form of a telephone number.
    """
    words = [match.span() for match in _WORD.finditer(run)]
    index = 0 if len(words) > 1 else len(words)
    while index < len(words):
        count = _count(run, words, index, is_number)
        if count:
            first, last = words[index][0], words[index + count - 1][1]
            yield first, first + len(run[first:last].rstrip(".,-/("))
        index += count or 1


def _count(run: str, words: list[Place], index: int, is_number: IsNumber) -> int:
    """Return how many words, from this one on, are a telephone number."""
    word = run[slice(*words[index])]
    if word[0] == "+" or word.startswith("(+"):
        most = _MOST_WORDS
    elif word[0] == "(" and _AREA.fullmatch(word):
        most = 4
    elif word[0] == "0" and _TRUNK.fullmatch(word):
        most = len(words) - index if _stands_beside_little(run, words, index) else 1 + _is_long_pair(run, words, index)
    else:
        most = int("-" in word or (word.count(".") == 2 and "/" not in word))
    for count in range(min(most, _MOST_WORDS, len(words) - index), 0, -1):
        part = run[words[index][0] : words[index + count - 1][1]].rstrip(".,-/(")
        digits = sum(map(str.isdigit, part))
        if digits <= _MOST_DIGITS and (count > 1 or digits >= _HYPHENED_DIGITS) and is_number(part):
            return count
    return 0


def _is_long_pair(run: str, words: list[Place], index: int) -> bool:
    """Tell whether this word and the next have the digits of a prefix and a number: `0171 2345678`."""
    following = run[slice(*words[index + 1])] if index + 1 < len(words) else ""
    return words[index][1] - words[index][0] > _SHORT and following.isdigit() and len(following) > _SHORT


def _stands_beside_little(run: str, words: list[Place], index: int) -> bool:
    """Tell whether one number at most stands in front, a small one or a date: more are a table."""
    if index > 1 or len(words) > _MOST_WORDS + 2:
        return False
    front = run[slice(*words[0])]
    return index == 0 or _SMALL.fullmatch(front) is not None or _DATE.fullmatch(front) is not None
