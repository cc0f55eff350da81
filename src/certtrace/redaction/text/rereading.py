"""The next reading of texts without the way back: what `views` shows, for texts that are only asked whether."""

from collections.abc import Iterator
from typing import Final

from certtrace.redaction.text.batch import Batch
from certtrace.redaction.text.escapes import escapes
from certtrace.redaction.text.fairness import Turns
from certtrace.redaction.text.folding import fold_bytes
from certtrace.redaction.text.views import with_spaces

_SIGNS: Final = (b"%", b"\\", b"&", b"\0", b"=?")
_PLUS: Final = (b"+",)


def reread(batch: Batch) -> Iterator[tuple[int, str]]:
    """Yield each text that reads as another when one round of escapes is undone and what nobody sees is left out.

    A text in which plus signs may stand for spaces reads in two ways.
    """
    signed: set[int] = set()
    batch.owners_of(_SIGNS, signed)
    forms: set[int] = set()
    batch.owners_of(_PLUS, forms)
    turns = Turns()
    for index in sorted(signed | forms):
        text, start = batch.texts[index], batch.span(index)[0]
        plain = _decoded(text, batch.data, start, turns) if index in signed else None
        if plain is not None:
            yield index, plain
        form = with_spaces(text, batch.data, start) if index in forms else None
        if form is not None:
            yield index, (_decoded(form, fold_bytes(form), 0, turns) if index in signed else None) or form


def _decoded(text: str, data: bytes, offset: int, turns: Turns) -> str | None:
    pieces: list[str] = []
    done = 0
    for escape in escapes(text, data, offset, turns):
        pieces.append(text[done : escape.start])
        pieces += [character for character, _ in escape.characters]
        done = escape.end
    if not done:
        return None
    pieces.append(text[done:])
    plain = "".join(pieces)
    return plain if plain != text else None
