"""JSON text laid out to be read, as it was recorded: order, doubled keys and numbers stay."""

import re
from collections.abc import Iterator
from typing import Final

import orjson
from markupsafe import Markup, escape

from certtrace.server.pages.content.visible import visible_line

_TOKEN: Final = re.compile(
    r'[ \t\r\n]*+(?:(?P<string>"[^"\\]*+(?:\\.[^"\\]*+)*+")'
    r'|(?P<row>\[[^\[\]{}"]{0,72}\]|\{[ \t\r\n]*+\})'
    r"|(?P<sign>[{}\[\]:,])|(?P<plain>[^\s{}\[\]:,\"]+))"
)
_COLON: Final = re.compile(r"[ \t\r\n]*+:")
_ESCAPE: Final = re.compile(r"(\\.)")
_SPACE: Final = re.compile(r"[ \t\r\n]+")
_SIMPLE: Final = re.compile(r'"[^\x00-\x1f"&\'<>\[\\\x7f-\U0010ffff]*+"')
"""Nothing to escape, nothing to mark: most keys and many values."""
_DEEPEST_INDENT: Final = 40


def json_html(text: str, limit: int) -> tuple[Markup, bool] | None:
    """Return JSON text laid out, and whether it was cut; None where it is no JSON object or list.

    Args:
        text: What was recorded.
        limit: About so many characters show.
    """
    if text.lstrip()[:1] not in ("{", "[") or not _is_json(text):
        return None
    parts: list[str] = []
    room = limit
    for part, length in _laid_out(text, limit):
        parts.append(part)
        room -= length
        if room < 0:
            return Markup("".join(parts)), True  # noqa: S704 - each part is escaped
    return Markup("".join(parts)), False  # noqa: S704 - as above


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _laid_out(text: str, limit: int) -> Iterator[tuple[str, int]]:
    """Yield escaped pieces with the number of characters in each."""
    depth = 0
    for token in _TOKEN.finditer(text):
        sign = token["sign"]
        if token["string"] is not None:
            is_key = _COLON.match(text, token.end()) is not None
            yield _string(token["string"], "key" if is_key else "str", depth, limit)
        elif sign is None:
            whole = _SPACE.sub(" ", (token["row"] or token["plain"]).strip())
            yield f'<span class="num">{escape(whole)}</span>', len(whole)
        elif sign in "{[":
            depth += 1
            yield f"{sign}{_break(depth)}", 2 + 2 * depth
        elif sign in "}]":
            depth -= 1
            yield f"{_break(depth)}{sign}", 2 + 2 * depth
        else:
            yield (": ", 2) if sign == ":" else (f",{_break(depth)}", 2 + 2 * depth)


def _string(token: str, css: str, depth: int, limit: int) -> tuple[str, int]:
    if _SIMPLE.fullmatch(token) and len(token) <= limit:
        return f'<span class="{css}">{token}</span>', len(token)
    # Escapes of letters, as Python's json writes them, are undone; those of quotes and breaks stay.
    written = orjson.dumps(orjson.loads(token)).decode()
    cut = written[:limit] + "…" if len(written) > limit else written
    if css == "key":
        return f'<span class="key">{visible_line(cut)}</span>', len(cut)
    lines = _lines(cut)
    broken = f'<span class="esc">\\n</span>{_break(depth)}'.join(str(visible_line(line)) for line in lines)
    return f'<span class="str">{broken}</span>', len(cut) + len(lines) * 2 * min(depth, _DEEPEST_INDENT)


def _lines(written: str) -> list[str]:
    """Return a JSON string's text cut where it says that a line ends."""
    lines: list[list[str]] = [[]]
    for piece in _ESCAPE.split(written):
        if piece == "\\n":
            lines.append([])
        else:
            lines[-1].append(piece)
    return ["".join(line) for line in lines]


def _break(depth: int) -> str:
    return "\n" + "  " * min(depth, _DEEPEST_INDENT)
