"""Keep the form of a text when something in it is replaced: XML and HTML stay well formed, URLs stay in one piece.

`<person:7f3a91c04d>` is a tag to a reader of XML or HTML. In a text that is XML or HTML as a whole its brackets are
escaped (`&lt;person:7f3a91c04d&gt;`): the document keeps its elements, and whoever reads its text sees the same
placeholder as everywhere else.

Markdown and prose that only mentions tags keep the plain form. Renderers of CommonMark show a pseudonym as what it
is, because `<word:text>` is a link to them; placeholders without a digest (`<dob>`) vanish where raw HTML is rendered,
which leaks nothing. Escaping those would let one person look like two to a search over traces, where far more of such
text is read than in a renderer. Table bars and fences are not touched: no placeholder holds `|` or a backtick.

A URL keeps the brackets too: every parser of URLs takes them, and percent-encoding would hide them from readers. Only
spaces, which would end the URL and break a Markdown link around it, become `%20`. In JSON nothing needs escaping.
"""

from collections.abc import Callable
from typing import Final, Literal

from certtrace.redaction.text.lazy import lazy

TextKind = Literal["plain", "markup"]

_BEGINNING: Final = lazy(r"[\s\ufeff]*<(?:[!?/]?[A-Za-z]|!--)")
_END_TAG: Final = lazy(r"</[A-Za-z][\w:.-]{0,64}\s{0,8}>|/>")
_PLACEHOLDER: Final = lazy(r"\s*<(?:[a-z][a-z-]{0,30}:[0-9a-f]{10}[ >]|[a-z-]{1,30}>(?![^<]*</))")
_IN_URL: Final = lazy(r"[A-Za-z][A-Za-z0-9+.-]{1,15}://[^\s\"'`|\\^{}]{0,400}\Z|\]\([^\s()]{0,400}\Z")
_ESCAPES: Final = str.maketrans({"<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_BACK: Final = 420


def text_kind(text: str) -> TextKind:
    """Tell whether a text is XML or HTML as a whole: it begins with a tag, ends with one, and closes one."""
    if "<" not in text[:256] or not text[-256:].rstrip().endswith(">"):
        return "plain"
    if not _BEGINNING.match(text) or _PLACEHOLDER.match(text):
        return "plain"
    return "markup" if _END_TAG.search(text) else "plain"


def escape_for(text: str, start: int, replacement: str, kind: TextKind | None = None) -> str:
    """Return a replacement as it must be written at a place.

    Args:
        text: The text before anything in it is replaced.
        start: Where the replacement goes.
        replacement: What takes the place; one without brackets, quotes and spaces is returned as it is.
        kind: What `text_kind` said about the text; asked for without it.
    """
    if " " in replacement and _IN_URL.search(text[max(0, start - _BACK) : start]):
        replacement = replacement.replace(" ", "%20")
    if (text_kind(text) if kind is None else kind) == "markup":
        return replacement.translate(_ESCAPES)
    return replacement


def escaper(text: str) -> Callable[[int, str], str]:
    """Return `escape_for` for one text, whose kind is looked up once: make it only when something is replaced."""
    kind = text_kind(text)
    return lambda start, replacement: escape_for(text, start, replacement, kind)
