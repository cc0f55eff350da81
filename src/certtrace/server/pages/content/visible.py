"""Recorded text as HTML: escaped, marks of redaction marked, characters that nobody sees shown as escapes.

Nothing else on the pages makes HTML of recorded text, and nothing here makes a link.
"""

from markupsafe import Markup, escape

from certtrace.records.safe_text import one_line
from certtrace.server.pages.content.marks import MARK, kind_of


def visible(text: object) -> Markup:
    """Return text with its line breaks and tabs kept."""
    return _marked(str(text).replace("\r\n", "\n"), keep="\n\t")


def visible_line(text: object) -> Markup:
    """Return text as one line: breaks and tabs show as escapes."""
    return _marked(str(text), keep="")


def visible_label(text: object, at_most: int = 400) -> Markup:
    """Return what names something, as one line: nobody reads more of a name than its beginning."""
    whole = str(text)
    return visible_line(whole if len(whole) <= at_most else whole[:at_most] + "…")


def _marked(text: str, keep: str) -> Markup:
    escapes = _escapes(text, keep)
    parts: list[str] = []
    at = 0
    for found in MARK.finditer(text):
        kind, said = kind_of(found)
        mark = f'<span class="mark {kind.css}" title="{_shown(said, escapes)}">{_shown(found[0], escapes)}</span>'
        parts += (_with_escapes(text[at : found.start()], escapes), mark)
        at = found.end()
    parts.append(_with_escapes(text[at:], escapes))
    return Markup("".join(parts))  # noqa: S704 - each part is escaped


def _escapes(text: str, keep: str) -> dict[int, str]:
    """Return what stands for each harmful character of a text. A long text has few different characters."""
    found = {character: one_line(character) for character in set(text).difference(keep)}
    return {ord(character): shown for character, shown in found.items() if shown != character}


def _shown(text: str, escapes: dict[int, str]) -> str:
    return str(escape(text.translate(escapes)))


def _with_escapes(text: str, escapes: dict[int, str]) -> str:
    if not escapes:
        return str(escape(text))
    spans = {code: f'<span class="esc">{escape(shown)}</span>' for code, shown in escapes.items()}
    return str(escape(text)).translate(spans)
