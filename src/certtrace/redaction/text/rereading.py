"""The next reading of texts without the way back: what `views` shows, for texts that are only asked whether."""

import re
from collections.abc import Iterator
from typing import Final

from certtrace.redaction.text.batch import Batch
from certtrace.redaction.text.views import ESCAPE, characters

_SIGN: Final = re.compile(rb"[%\\&\x00]")
"""Where an escape may begin, and what nobody sees, in folded bytes."""
_SIGNS: Final = (b"%", b"\\", b"&", b"\0")
_ESCAPE_SIGNS: Final = frozenset("%\\&")


def reread(batch: Batch) -> Iterator[tuple[int, str]]:
    """Yield each text that reads as another when one round of escapes is undone and what nobody sees is left out."""
    signed: set[int] = set()
    batch.owners_of(_SIGNS, signed)
    for index in sorted(signed):
        plain = _decoded(batch, index)
        if plain is not None:
            yield index, plain


def _decoded(batch: Batch, index: int) -> str | None:
    text, data = batch.texts[index], batch.data
    first, last = batch.span(index)
    pieces: list[str] = []
    done = 0
    sign = _SIGN.search(data, first, last)
    while sign is not None:
        place = sign.start() - first
        end = place + 1
        escape = ESCAPE.match(text, place) if text[place] in _ESCAPE_SIGNS else None
        if escape is not None:
            pieces.append(text[done:place])
            pieces += [character for character, _ in characters(escape)]
            done = end = escape.end()
        elif data[place + first] == 0:
            pieces.append(text[done:place])
            done = end
        sign = _SIGN.search(data, first + end, last)
    if not done:
        return None
    pieces.append(text[done:])
    plain = "".join(pieces)
    return plain if plain != text else None
