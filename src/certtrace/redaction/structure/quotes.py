"""Take the values out of error messages that quote them: what went wrong stays, with what it went wrong does not."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from certtrace.redaction.structure.quote_rules import BEFORE, BEHIND, Before
from certtrace.redaction.structure.reprs import is_type, string_before, strings_in, value_end
from certtrace.redaction.text.lazy import lazy

Place = tuple[int, int]

_DONE: Final = lazy(r"<value [0-9]+ characters>")
_EMPTY: Final = frozenset({"", "{}", "[]", "()", "set()", "None", "True", "False", "null", "true", "false"})
_QUOTED: Final = lazy(r"[bBrRuU]{0,2}(?:'.*'|\".*\"|“.*”)", re.DOTALL)
_ERROR: Final = lazy(r"[ |]*(?:E +)?(?:[A-Za-z_][\w.]{0,200}: )?")
_COMPARED: Final = lazy(
    r" [=!]= | [<>]=? | (?:not )?in | is (?:not )?|differ|unexpectedly|element|^[-+?] ", re.MULTILINE
)
_ASSERTED: Final = lazy(r"(?m:^)[ |]*(?:E +)?(?:AssertionError\b|assert )")
_DIFFERENCE: Final = lazy(r"[ |]*(?:E {1,12})?[-+?] (?! where | and )(?=[^\n])")
_YAML: Final = lazy(r'(?m:^) *in "[^"\n]{1,300}", line [0-9]+, column [0-9]+:\n( *)((?:[^\n]*\n){1,4}?) *\^')
_LOCATION: Final = lazy(r"(?m:^)([^\s\[][^\n\[]{0,400})\n  [^\n]{1,2000}\[type=\w+, input_value=")
_NO_NAME: Final = lazy(r"[^.\n]*[^\w.\n-][^.\n]*|[^.\n]*[^\x00-\x7f][^.\n]*")
_CURLY: Final = lazy(r"“([^“”]*+)”(?= (?:value |is not |has |does not ))")
_URL: Final = lazy(r"\b(?:url|URL)(?::? ?['\"]?|=(?:URL\()?['\"]?)((?:https?|wss?)://[^\s'\"<>)\]}]+|/[^\s'\"<>)\]}]+)")
_ROUTE: Final = lazy(r"[a-z]{1,30}(?:[_.-][a-z]{1,30}){0,4}|v[0-9]{1,2}(?:\.[0-9])?")


def without_values(message: str, exception_type: str = "") -> str:
    """Return an error message with every value it quotes replaced by `<value 12 characters>`.

    Names of types, fields, functions and arguments stay, and a message that quotes no value is the same object.

    Args:
        message: What `str(error)` gave, or the same behind the name of the type and a colon; it may have many lines.
        exception_type: Name of the type, with or without its module; empty when unknown.
    """
    places = [
        *_before(message),
        *_behind(message),
        *_whole(message, exception_type),
        *_special(message, exception_type),
    ]
    pieces: list[str] = []
    done = 0
    for start, end in _merged(places):
        pieces += (message[done:start], _mark(message[start:end]))
        done = end
    if not pieces:
        return message
    pieces.append(message[done:])
    return "".join(pieces)


def value_mark(length: int) -> str:
    """Return what stands for a quoted value."""
    return f"<value {length} characters>"


def _mark(part: str) -> str:
    """Return what stands for a part of a message; its quotes stay."""
    quoted = _QUOTED.fullmatch(part)
    if quoted is None:
        return part if part in _EMPTY or _DONE.fullmatch(part) else value_mark(len(part))
    opening = len(part) - len(part.lstrip("bBrRuU")) + 1
    inner = part[opening:-1]
    return part if not inner or _DONE.fullmatch(inner) else f"{part[:opening]}{value_mark(len(inner))}{part[-1]}"


def _merged(places: list[Place]) -> Iterator[Place]:
    """Yield places in order; of those that overlap the outermost."""
    start = end = -1
    for begin, stop in sorted(places, key=lambda place: (place[0], -place[1])):
        if begin >= end:
            if end > start:
                yield start, end
            start, end = begin, stop
        else:
            end = max(end, stop)
    if end > start:
        yield start, end


def _before(text: str) -> Iterator[Place]:
    for rule in BEFORE:
        if rule.literal not in text:
            continue
        at = 0
        while (found := rule.expression.search(text, at)) is not None:
            at = max(found.end(), at + 1)
            for place in _following(text, found.end(), rule):
                yield place
                at = max(at, place[1])


def _following(text: str, at: int, rule: Before) -> Iterator[Place]:
    """Yield the value that begins at a place, as a rule says."""
    if rule.until is not None:
        end = rule.until.search(text, at)
        yield at, len(text) if end is None else end.start()
    elif rule.kind == "rest":
        yield at + len(text[at:]) - len(text[at:].lstrip()), len(text.rstrip())
    elif rule.kind == "line":
        yield at, _line_end(text, at)
    elif rule.kind == "strings":
        yield from strings_in(text, at, _line_end(text, at))
    else:
        end_of_value = value_end(text, at, numbers=rule.numbers)
        while end_of_value is not None:
            yield at, end_of_value
            at = end_of_value + 4  # two paths: 'a' -> 'b'
            end_of_value = value_end(text, at) if text.startswith(" -> ", at - 4) else None


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _behind(text: str) -> Iterator[Place]:
    for words, expression in BEHIND:
        first = 0
        while (at := text.find(words, first)) >= 0:
            if expression.match(text, at):
                start = string_before(text, at, first)
                if start is None:
                    start = _bracket_before(text, at, first)
                if start is not None and not is_type(text[start:at]):
                    yield start, at
            first = at + len(words)


def _bracket_before(text: str, end: int, first: int) -> int | None:
    """Return where the line begins when all of it, up to `end`, is a value in brackets."""
    if text[end - 1 : end] not in {")", "]", "}"}:
        return None
    line = max(first, text.rfind("\n", first, end) + 1)
    head = _ERROR.match(text, line)
    start = head.end() if head else line
    return start if text[start : start + 1] in {"(", "[", "{"} else None


def _whole(text: str, exception_type: str) -> Iterator[Place]:
    """Yield the whole message of an error whose message is the value."""
    # Of a type that nobody names, only a KeyError's message is a text in quotes and nothing else.
    if exception_type.endswith("KeyError") or (not exception_type and text[:1] in {"'", '"'}):
        end = value_end(text, 0, numbers=True)
        if end is not None and text[end : end + 1] in {"", "\n"}:  # notes may follow
            yield 0, end


def _special(text: str, exception_type: str) -> Iterator[Place]:
    if exception_type.endswith("AssertionError") or "ssert" in text:
        yield from _compared(text, exception_type)
    if ", column " in text:
        yield from ((match.start(2), match.end(2) - 1) for match in _YAML.finditer(text))
    if ", input_value=" in text:
        # A mapping's keys are part of the location: what cannot be a name in code is one.
        for line in _LOCATION.finditer(text):
            yield from (match.span() for match in _NO_NAME.finditer(text, *line.span(1)))
    if "“" in text:
        yield from (match.span() for match in _CURLY.finditer(text))
    if "url" in text or "URL" in text:
        for match in _URL.finditer(text):
            yield from _in_url(match[1], match.start(1))


def _compared(text: str, exception_type: str) -> Iterator[Place]:
    """Yield the values that a failed assertion compares, and the lines of the difference below."""
    asserted = _ASSERTED.search(text)
    if asserted is None and not exception_type.endswith("AssertionError"):
        return
    at = asserted.start() if asserted else 0
    if not _COMPARED.search(text, at):
        return
    while at < len(text):
        end = _line_end(text, at)
        difference = _DIFFERENCE.match(text, at, end)
        if difference is not None:
            yield difference.end(), end
        else:
            yield from (place for place in strings_in(text, at, end) if not is_type(text[slice(*place)]))
        at = end + 1


def _in_url(url: str, start: int) -> Iterator[Place]:
    """Yield the parts of a URL that name no route: user, identifiers in the path, query, fragment."""
    try:
        authority = urlsplit(url).netloc
    except ValueError:
        yield start, start + len(url)
        return
    at = url.find(authority) if authority else 0
    if "@" in authority:
        yield start + at, start + at + authority.rindex("@")
    at += len(authority)
    path_end = min((place for sign in "?#" if (place := url.find(sign, at)) >= 0), default=len(url))
    for segment in re.finditer(r"[^/]+", url[at:path_end]):
        if not _ROUTE.fullmatch(segment[0]):
            yield start + at + segment.start(), start + at + segment.end()
    if path_end + 1 < len(url):
        yield start + path_end + 1, start + len(url)
