"""Telephone numbers in a run of digits and separators.

Exam answers on networks are full of digit runs that are none: addresses and masks, port ranges, powers, rates, dates,
binary numbers. So a telephone number needs a form that nothing else has, or a word beside it that names it.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from certtrace.redaction.detect.phone_runs import numbers_apart
from certtrace.redaction.detect.phone_words import PHONE_NOUNS, is_named
from certtrace.redaction.text.lazy import lazy

_CALLING_CODE: Final = lazy(
    r"(?:1(?=[2-9][0-9]{9}$)|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|2[1-69][0-9]|35[0-9]|37[0-8]"
    r"|38[0-9]|42[013]|50[0-9]|59[0-9]|67[02-9]|68[0-9]|69[0-2]|8[08][0-9]|85[02356]|870|87[08]|96[0-8]|97[0-79]"
    r"|99[2-8])[0-9]{5,13}$"
)
"""Country calling codes in use (ITU-T E.164) and what may follow; North American numbers have one length."""
_DATE: Final = lazy(
    r"(?:(?:1[89]|20)[0-9]{2}[-./](?:0?[1-9]|1[0-2])[-./](?:0?[1-9]|[12][0-9]|3[01])"
    r"|(?:0?[1-9]|[12][0-9]|3[01])[-./](?:0?[1-9]|[12][0-9]|3[01])[-./](?:(?:1[89]|20)[0-9]{2}|[0-9]{2}))"
    r"(?:[ T.-].{0,20})?|(?:19|20)[0-9]{2} ?- ?(?:19|20)[0-9]{2}"
    r"|[0-9]{1,3}(?: 000){1,5}"
)
_NANP: Final = lazy(
    r"(?:\+?1[ .-]{0,2})?(?:\([2-9][0-9]{2}\)[ .-]{0,2}|[2-9][0-9]{2}[ .-]{1,2})[0-9]{3}[ .-]{1,2}[0-9]{4}"
)
_ROUND: Final = lazy(r"[2-9]00[ .-][0-9]00[ .-]")
_PAIRS: Final = lazy(
    r"[2-9](?!00)[0-9]{2}([ .-])[1-9][0-9]{2}\1[0-9]{2}\1[0-9]{2}"
    r"|[2-9](?!00)[0-9]{2}([ .-])[0-9]{2}\2[0-9]{2}\2[0-9]{2}"
    r"|[2-9][0-9]([ .-])[0-9]{3}\3[0-9]{2}\3[0-9]{2}|1[3-9][0-9]([ -])[0-9]{4}\4[0-9]{4}"
)
"""Groups that end in pairs, from Spain to Kazakhstan, and the three, four and four of China: no other number is so."""
_AREA: Final = lazy(
    r"(?:8 ?)?\((?!19|20)0?[1-9][0-9]{1,3}\) ?[0-9]{2,5}(?:[ -][0-9]{2,4}){1,3}|\(0[1-9][0-9]{1,4}\) ?[0-9]{5,8}"
    r"|0 ?\([2-9][0-9]{2}\) ?[0-9]{3}(?:[ -]?[0-9]{2}){2}"
)
"""An area code in parentheses and a number in groups."""
_MOBILE: Final = lazy(r"0[5-79][0-9]{9}|01[5-7][0-9]{8,9}|010[2-9][0-9]{7}")
_TRUNK: Final = lazy(r"\(?0[1-9][0-9]{0,4}\)?(?:[ ./-]{1,3}[0-9]{2,8}){1,5}|0[ -][2-9][0-9]{2}(?:[ -][0-9]{2,4}){2,3}")
_EXTENSION: Final = lazy(
    rb"(?:[ ,;]{0,2}(?:x|ext(?:n|ension)?\.?|durchwahl|poste)[ .:=]{0,2}|[ ]?#[ ]?)[0-9]{1,6}", re.IGNORECASE
)
_PARTS: Final = lazy(r"[\n\r]+|[ \t]{2,}| ?/ ?| - ")
"""Where one number ends and the next begins, if each side is a number of its own."""
_SPACE: Final = lazy(r"[^0-9]*[ \t\n\r]+(?=[(+]?[0-9])")
_SET_APART: Final = lazy(r"[+(]|0[1-9][0-9]{0,3}[ /-]|[2-9][0-9]{2}[-.][0-9]{3}[-.][0-9]{4}(?![0-9])")
"""What no part of a number behind a comma begins with: the next value of a list."""
_WORD_BEFORE: Final = lazy(r"[a-z]+")

_MIN_DIGITS: Final = 7
_MAX_DIGITS: Final = 15
_FEW: Final = 3
_BEHIND: Final = 16
_MIN_INTERNATIONAL: Final = 8
_MIN_NATIONAL: Final = 9
_MAX_NATIONAL: Final = 12
_MAX_GROUPS: Final = 6
_MIN_GROUPS_00: Final = 3
_NETWORK: Final = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3})(?:/\d{1,2})?")
_MAX_OCTET: Final = 255

Place = tuple[int, int]


def phones(data: bytes, start: int, run: str, before: str) -> Iterator[Place]:
    """Yield the places of telephone numbers in the text.

    Args:
        data: The whole text, folded.
        start: Where the run begins in `data`.
        run: Digits and separators.
        before: What stands in front of the run, in lower case.
    """
    if _is_decimal(run) or (run.isdigit() and len(run) > _MAX_DIGITS):
        return
    end = start + len(run)
    emphasized = _is_emphasized(data, end, before)
    if _DATE.fullmatch(run) or (not emphasized and _touches_before(run, before)):
        # What begins with a date, or in a word, may go on with a number.
        if not _touches_behind(data, end):
            yield from ((start + first, start + last) for first, last in numbers_apart(run, _is_formed) if first)
        return
    if not emphasized and _touches_behind(data, end):
        return
    after = data[end : end + _BEHIND].lower().decode("latin-1")
    for first, last in _numbers(run, before, after):
        begin = start + first + (run[first] == "(" and ")" not in run[first:last])
        extension = _EXTENSION.match(data, start + last) if last == len(run) else None
        yield begin, extension.end() if extension else start + last


def _touches_before(run: str, before: str) -> bool:
    """Tell whether letters or signs touch the run: then it is part of an id, a hash or a formula."""
    sign = before[-1:]
    if sign in {"^", "*", "%", "$", "#", "&", "_"}:
        return True
    if sign == "," and before[-2:-1].isdigit() and not _SET_APART.match(run):
        return True
    if sign == "." or sign.isalnum():
        # `Tel.030 …` and `tel+49 …` are numbers, `v.1234567` and `1.2345678` are not.
        words = _WORD_BEFORE.findall(before)
        named = bool(words) and words[-1] in PHONE_NOUNS and before.rstrip(".").endswith(words[-1])
        return not named
    return False


def _touches_behind(data: bytes, end: int) -> bool:
    behind = data[end : end + 1]
    return (behind.isalnum() or behind == b"_") and _EXTENSION.match(data, end) is None


def _is_emphasized(data: bytes, end: int, before: str) -> bool:
    """Tell whether the run stands between signs that print it bold: `**…**`, `_…_`."""
    sign = before[-1:]
    if sign not in {"*", "_"}:
        return False
    solid = before.rstrip(sign)
    return data[end : end + 1] == sign.encode() and not solid[-1:].isalnum() and len(before) - len(solid) <= _FEW


def _numbers(run: str, before: str, after: str) -> Iterator[Place]:
    whole = _phone(run, before, after)
    if whole is not None:
        yield whole
        return
    found = False
    for first, last in _parts(run):
        number = _phone(run[first:last], before, after if last == len(run) else "")
        if number is not None:
            found = True
            yield first + number[0], first + number[1]
    if not found:
        yield from numbers_apart(run, _is_formed)


def _is_formed(number: str) -> bool:
    """Tell whether a number is a telephone number by its form alone."""
    digits = "".join(filter(str.isdigit, number))
    if _DATE.fullmatch(number.strip("() ")):
        return False
    if _is_international(number, digits) or _has_form(number, digits):
        return True
    nanp = _NANP.fullmatch(number)
    return nanp is not None and not _ROUND.match(number)


def _parts(run: str) -> Iterator[Place]:
    """Yield the parts of a run that joins several numbers, such as two lines of an address block."""
    if run.isdigit():
        return
    words = run.split()
    cuts = [cut.span() for cut in _PARTS.finditer(run)]
    if len(words) > 1 and all(sum(map(str.isdigit, word)) >= _MIN_DIGITS for word in words):
        cuts = [cut.span() for cut in _SPACE.finditer(run)]
    for (_, first), (last, _) in pairwise([(0, 0), *cuts, (len(run), len(run))] if cuts else []):
        if sum(map(str.isdigit, run[first:last])) >= _MIN_DIGITS:
            yield first, last


def _phone(run: str, before: str, after: str) -> Place | None:
    """Return the place of the one telephone number that a run is."""
    digits = "".join(filter(str.isdigit, run))
    if len(run) > 48 or _DATE.fullmatch(run.strip("() ")) or _is_decimal(run):
        return None
    if _is_international(run, digits) or _has_form(run, digits):
        return 0, len(run)
    nanp = _NANP.search(run)
    if nanp is not None and _stands_alone(run, *nanp.span()):
        return nanp.span()
    if _MIN_DIGITS <= len(digits) <= _MAX_DIGITS and "\n" not in run and not _is_network(run):
        return (0, len(run)) if is_named(before, after) else None
    return None


def _is_network(run: str) -> bool:
    """Tell whether the run is an IPv4 address or network, such as `192.168.0.0/16`, whatever word stands before it."""
    octets = _NETWORK.fullmatch(run)
    return octets is not None and all(int(octet) <= _MAX_OCTET for octet in octets[1].split("."))


def _has_form(run: str, digits: str) -> bool:
    """Tell whether the run has the form of a national number, which nothing else has."""
    if run == digits:
        return run[0] == "0" and _MOBILE.fullmatch(run) is not None and len(set(run)) > _FEW
    if _PAIRS.fullmatch(run):
        return True
    if not _MIN_NATIONAL <= len(digits) <= _MAX_NATIONAL:
        return False
    varied = not set(digits) <= {"0", "1"} and len(run.split()) <= _MAX_GROUPS
    return varied and (_TRUNK.fullmatch(run) is not None or _AREA.fullmatch(run) is not None)


def _is_international(run: str, digits: str) -> bool:
    """Tell whether the run has a country code: `+49 171 …`, or `0049-171-…` in groups."""
    if run.startswith(("+", "(+")):
        return len(digits) >= _MIN_INTERNATIONAL and _CALLING_CODE.match(digits.replace("(0)", "")) is not None
    if not run.startswith("00") or len(re.split("[^0-9]+", run)) < _MIN_GROUPS_00:
        return False
    return len(digits) >= _MIN_INTERNATIONAL + 2 and _CALLING_CODE.match(digits[2:]) is not None


def _stands_alone(run: str, begin: int, end: int) -> bool:
    if _ROUND.search(run, begin, end):
        return False
    return not run[:begin].strip(" (\n\r\t") and not run[end:].strip(" )./-\n\r\t")


def _is_decimal(run: str) -> bool:
    """Tell whether the run reads as a number: `3.4028235`, `1.000.000`."""
    separators = set(run) - set("0123456789")
    if separators != {"."}:
        return False
    parts = run.split(".")
    return len(parts) == 2 or all(len(part) == 3 for part in parts[1:])
