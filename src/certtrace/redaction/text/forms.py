"""Where a plus sign stands for a space: in the queries of URLs, and in forms that are sent as such."""

from typing import Final

from certtrace.redaction.text.lazy import lazy

_WHITE: Final = b" \t\n\v\f\r\"'<>`\\"
_SOLID: Final = bytes(set(range(256)) - set(_WHITE))
_TOKEN: Final = lazy(rb"[^ \t-\r\"'<>`\\]+")
_BACK: Final = 2_048
_ESCAPED: Final = lazy(rb"%[0-9A-Fa-f]{2}")
_SPACE: Final = lazy(rb"(?<=[0-9A-Za-z_?.)!~\-\x80-\xff])\+(?=[0-9A-Za-z_?(%+\-\x80-\xff])")
_FIELD: Final = lazy(rb"[A-Za-z_][0-9A-Za-z_.\[\]-]{0,63}=")
_NUMBER: Final = lazy(
    rb"(?<![0-9A-Za-z.+])(?:(?:[A-Za-z]{2}[0-9]{2}|[0-9]{4,7})(?:\+[0-9A-Za-z]{1,12}){2,9}"
    rb"|0[0-9]{1,6}(?:\+[0-9]{2,8}){1,5})(?![0-9A-Za-z.])"
)
"""A number of a card, of an account or of a telephone: no sum begins with 0, or with so long a number."""


def form_spaces(data: bytes, first: int, last: int) -> list[int]:
    """Return where, in folded bytes from `first` to `last`, a plus sign may stand for a space.

    It does in `?name=value` and `a=1&b=2`, beside `%2B`, and inside what has the form of a long number. In the rest it
    is a sum, a language or an e-mail address.
    """
    found: list[int] = []
    at = first
    while (plus := data.find(b"+", at, last)) >= 0:
        before = data[max(at, plus - _BACK) : plus]
        start = plus - len(before) + len(before.rstrip(_SOLID))
        token = _TOKEN.match(data, plus, last)
        end = at = token.end() if token is not None else plus + 1
        if end - start < 3:
            continue
        if _is_form(data, start, end, whole=(start, end) == (first, last)):
            found += [match.start() for match in _SPACE.finditer(data, start, end)]
            continue
        for number in _NUMBER.finditer(data, start, end):
            found += [place for place in range(*number.span()) if data[place] == 0x2B]
    return found


def _is_form(data: bytes, start: int, end: int, *, whole: bool) -> bool:
    """Tell whether a run of signs without white space is a query or a form, or a value of one."""
    if data.find(b"%", start, end) >= 0 and _ESCAPED.search(data, start, end):
        return True
    if data.find(b"=", start, end) < 0:
        return False
    if data.find(b"?", start, end) >= 0 or data.find(b"&", start, end) >= 0:
        return True
    return whole and _FIELD.match(data, start, end) is not None
