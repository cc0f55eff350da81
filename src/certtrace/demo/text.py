"""Words of a text as the built-in grader sees them: lower case, without function words, without endings."""

import re
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+(?:'[a-z]+)?")
_NUMBER: Final = re.compile(r"\b\d+(?:\.\d+)?\b")
_SENTENCE: Final = re.compile(r"[.;!?]\s|\n")

_FUNCTION_WORDS: Final = frozenset(
    _WORD.findall(
        "a about also am an and any are as at be been being between both but by can could did do does done each "
        "else etc for from had has have having he her here him his how i if in into is it its just may me might "
        "more most much must my of on one only or other our over own per shall she should so some such than that "
        "the their them then there these they this those through to under us very via was we were what when where "
        "which while who whom why will with would you your e g "
    )
)
_NEGATIONS: Final = frozenset(("not", "no", "never", "without", "cannot", "neither", "nor", "none"))
# Longest first: the first ending that leaves a stem of three letters is cut.
_ENDINGS: Final = tuple(
    _WORD.findall(
        "izations ization fulness ousness iveness ational ations ation ingly ments ities ment ness edly ings ions ible "
        "able ably ally ives ing ies ied ers ors ity ion ive er or ed es ly al s e"
    )
)


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return the lower-case `word` without its English ending."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def words(text: str) -> list[str]:
    """Return the stems of the words that carry meaning, in order."""
    return [stem(word) for word in _WORD.findall(text.lower()) if word not in _FUNCTION_WORDS]


def plain_words(text: str) -> list[str]:
    """Return every word of `text` in lower case: for quotations, where function words count."""
    return _WORD.findall(text.lower())


def numbers(text: str) -> frozenset[str]:
    """Return the numbers written with digits."""
    return frozenset(_NUMBER.findall(text))


def sentences(text: str) -> list[str]:
    """Return the sentences and lines of `text` that hold at least one word."""
    return [part for part in _SENTENCE.split(text) if _WORD.search(part)]


def is_negated(text: str) -> bool:
    """Tell whether `text` denies: an odd number of negations."""
    found = sum(1 for word in _WORD.findall(text.lower()) if word in _NEGATIONS or word.endswith("n't"))
    return found % 2 == 1


def similarity(left: str, right: str) -> float:
    """Return how alike two texts are, 0.0 to 1.0: cosine of their runs of four letters."""
    first, second = _runs(left), _runs(right)
    product = sum(count * second.get(run, 0) for run, count in first.items())
    norm = _square(first) * _square(second)
    return float(product / norm**0.5) if norm else 0.0


def _runs(text: str) -> dict[str, int]:
    joined = " ".join(words(text))
    counts: dict[str, int] = {}
    for start in range(len(joined) - 3):
        run = joined[start : start + 4]
        counts[run] = counts.get(run, 0) + 1
    return counts


def _square(counts: dict[str, int]) -> int:
    return sum(count * count for count in counts.values())
