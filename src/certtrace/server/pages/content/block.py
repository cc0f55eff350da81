"""One recorded value as a block on a page: messages, JSON or plain text, cut where it is long."""

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from certtrace.server.pages.content.json_text import json_html
from certtrace.server.pages.content.messages import Message, messages_in
from certtrace.server.pages.content.visible import visible

SHOWN: Final = 12_000
"""Characters of a value on the page of its trace."""
WHOLE: Final = 4_000_000
"""Characters of a value on a page of its own: more is nothing that a browser shows well."""


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of a block."""

    html: Markup
    is_json: bool


@dataclass(frozen=True, slots=True)
class Spoken:
    """One chat message."""

    role: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A value ready to show: either messages or parts."""

    characters: int
    is_cut: bool
    parts: tuple[Part, ...] = ()
    messages: tuple[Spoken, ...] = ()


def block_of(text: str | None, limit: int = SHOWN) -> Block | None:
    """Return a recorded value as a block; None where there is none."""
    if text is None or text == "":
        return None
    budget = _Budget(limit)
    found = messages_in(text)
    if found is None:
        part = budget.part(text)
        return Block(len(text), budget.is_cut, parts=(part,))
    spoken = [_spoken(message, budget) for message in found[0]]
    beside = (budget.part(found[1]),) if found[1] else ()
    return Block(len(text), budget.is_cut, beside, tuple(each for each in spoken if each))


class _Budget:
    """So many characters may still show."""

    def __init__(self, room: int) -> None:
        self._room = room
        self.is_cut = False

    @property
    def is_spent(self) -> bool:
        return self._room <= 0

    def part(self, text: str) -> Part:
        room = max(self._room, 0)
        self._room -= len(text)
        laid_out = json_html(text, room)
        if laid_out is not None:
            self.is_cut |= laid_out[1]
            return Part(laid_out[0], is_json=True)
        self.is_cut |= len(text) > room
        return Part(visible(text[:room]), is_json=False)


def _spoken(message: Message, budget: _Budget) -> Spoken | None:
    if budget.is_spent:
        budget.is_cut = True
        return None
    given = (*message.texts, *([message.rest] if message.rest else ()))
    return Spoken(message.role, tuple(budget.part(text) for text in given))
