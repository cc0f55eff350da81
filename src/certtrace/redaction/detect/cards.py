"""Payment card numbers in a run of digits: the ranges of the schemes, their lengths and the Luhn digit."""

from collections.abc import Iterator, Sequence
from typing import Final

from certtrace.redaction.detect.checks import is_card, luhn
from certtrace.redaction.text.lazy import lazy

MIN_CARD: Final = 12
_MAX_CARD: Final = 19
_MIN_AMONG: Final = 13
"""The shortest (a Maestro number of twelve digits) has to be all of a run, or a group of its own."""
_MAX_GROUPS: Final = 6
_UATP_SIZE: Final = 15
_FEW: Final = 2

_NAMED: Final = lazy(
    r"(?:^|[^a-z])(?:(?:credit|debit|bank|payment|master|kredit|giro|ec)?[ -]?(?:card|karte)|carte|tarjeta|carta|cartao"
    r"|kaart|visa|maestro|amex|american express|diners|discover|jcb|unionpay|rupay|debit|credit|cc|pan)s?"
    r"(?:[^a-z0-9]+[a-z]+){0,3}[^a-z0-9]*$"
)
"""A word in front of a number that calls it a card, at most three words back."""
_GLUED: Final = lazy(r"(?:^|[^a-z])(?:(?:credit|debit)?card(?:no|num|number|nr)?|cc|visa|mastercard|amex|pan)$")
"""What may touch a card number on the left: `card4111…`."""


def cards(run: str, groups: Sequence[tuple[int, int]], before: str, *, alone: bool) -> Iterator[tuple[int, int]]:
    """Yield the places of card numbers.

    Args:
        run: Digits and separators.
        groups: Places of the digit groups in `run`.
        before: What stands in front, in lower case.
        alone: Whether the run is all there is in the text.
    """
    glued = before.rstrip("_")[-1:].isalnum()
    index = 1 if glued and not _GLUED.search(before) else 0
    while index < len(groups):
        last = _card_from(run, groups, index, before, alone=alone)
        if last is None or _continues(run, groups, index, last):
            index += 1
        else:
            yield groups[index][0], groups[last][1]
            index = last + 1


def _continues(run: str, groups: Sequence[tuple[int, int]], first: int, last: int) -> bool:
    """Tell whether the number goes on to the left with the hyphens or dots that are inside it."""
    if not first or first == last:
        return False
    sign = run[groups[first - 1][1] : groups[first][0]]
    return sign in {"-", "."} and sign == run[groups[first][1] : groups[first + 1][0]]


def _card_from(run: str, groups: Sequence[tuple[int, int]], first: int, before: str, *, alone: bool) -> int | None:
    """Return the last group of a card number that begins with group `first`."""
    digits = ""
    found = None
    for index in range(first, min(first + _MAX_GROUPS, len(groups))):
        begin, end = groups[index]
        if index > first and not _may_split(run[groups[index - 1][1] : begin], len(digits), end - begin):
            break
        digits += run[begin:end]
        if len(digits) > _MAX_CARD:
            break
        whole = first in {0, index} and index in {first, len(groups) - 1}
        if len(digits) >= (MIN_CARD if whole else _MIN_AMONG) and _passes(digits, before, alone=alone):
            found = index
    return found


def _passes(digits: str, before: str, *, alone: bool) -> bool:
    if not luhn(digits):
        return False
    if is_card(digits):
        return True
    # A word that says "card" and the check digit together are certain enough for any scheme.
    if len(set(digits)) > _FEW and _NAMED.search(before):
        return True
    # Air travel cards (UATP) begin with a bare 1, as many other numbers of fifteen digits do.
    return alone and len(digits) == _UATP_SIZE and digits[0] == "1" and digits[1] != "0"


def _may_split(separator: str, digits_before: int, size: int) -> bool:
    return len(separator) <= 2 and set(separator) <= set(" -.\t\n/") and digits_before >= 3 and 1 <= size <= 12
