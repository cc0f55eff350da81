"""A person's name taken apart: which words belong to it, and the letters that betray a mention."""

import unicodedata
from dataclasses import dataclass, field
from typing import Final

from certtrace.redaction.known import letters
from certtrace.redaction.known.nicknames import NICKNAMES
from certtrace.redaction.known.words import COMMON, EPONYMS, PARTICLES, TITLES
from certtrace.redaction.text.folding import fold
from certtrace.redaction.text.lazy import lazy

_SPLIT: Final = lazy(r"[\s_.,;()\"]+")
_INNER: Final = lazy(r"[^\w]+")
_PREFIXED: Final = lazy(rb"(?:mac|mc|fitz|al|el|o|de|di|d|le|la|van|von)(?=[a-z]{4})")

MIN_SLIP: Final = 6
"""Letters a name part must have to be recognised by a slip alone."""
MIN_LED: Final = 5
"""Letters it must have behind an initial with a point."""
MIN_BESIDE: Final = 4
"""Letters it must have where the other part stands beside it."""
MIN_ANYWHERE: Final = 9
"""Letters of a first name and surname in one word that are no accident inside a longer word."""
_ONSETS: Final = frozenset(
    b"bl br ch cl cr dr fl fr gh gl gr kl kn ph pl pr rh sc sh sk sl sm sn sp st sw th tr tw wh wr".split()
)
_VOWEL_ONSETS: Final = frozenset(
    bytes((a, b)) for a in range(0x61, 0x7B) for b in range(0x61, 0x7B) if a in b"aeiouy" or b in b"aeiouy"
)
"""How English words begin: an initial in front of a surname that is a word must not make another word."""
_NO_ENDING: Final = frozenset(b"b c f g h j k m p q u v w x z".split())
_MIN_GLUED: Final = 5
_MIN_HALF: Final = 3


class Role:
    """What a word of a text is in a person's name: flags. Plain numbers, because they are joined for every word."""

    NONE: Final = 0
    GIVEN: Final = 1
    FAMILY: Final = 2
    PARTICLE: Final = 4
    WHOLE: Final = 8
    """First name and surname, or initial and surname, in one word."""
    SLIP: Final = 16
    """One letter away from the name."""
    BENT: Final = 32
    """With a case ending."""
    INITIAL: Final = 64
    MIDDLE: Final = 128
    """Something between first name and surname that may belong to both."""
    NICK: Final = 256
    """A short form: it counts beside the surname only."""


@dataclass(slots=True)
class Name:
    """One name of one person."""

    words: dict[bytes, int] = field(default_factory=dict)
    """What belongs to the name when it stands on its own."""
    stems: dict[bytes, int] = field(default_factory=dict)
    """Parts without their final vowel."""
    bent: set[bytes] = field(default_factory=set)
    """What a part begins with that has a case ending: four letters, or all but a final vowel."""
    given: list[bytes] = field(default_factory=list)
    family: list[bytes] = field(default_factory=list)
    """The parts proper, in every spelling."""
    particles: list[bytes] = field(default_factory=list)
    """Particles of three letters or more."""
    initials: dict[bytes, int] = field(default_factory=dict)
    anywhere: list[bytes] = field(default_factory=list)
    """First name and surname in one word, too long to be an accident."""
    anchors: set[bytes] = field(default_factory=set)
    """Letters of which some stand in every mention in words; a space stands for whatever is no letter."""
    weak: set[bytes] = field(default_factory=set)
    """Anchors of three letters or fewer: in lower case they are left to the other part beside them."""
    rests: set[bytes] = field(default_factory=set)
    """Anchors that are no part by themselves: `Donald` of `Mc Donald`, swapped letters."""
    led: set[tuple[bytes, bytes]] = field(default_factory=set)
    """An initial and the first letter of a surname of five letters."""
    halves: list[tuple[bytes, bytes, int]] = field(default_factory=list)
    """The first and the second half of each part that one slip leaves recognisable, and its length."""
    spelled: set[bytes] = field(default_factory=set)
    """The first letters of a part, spaced out."""
    monograms: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Initials that follow each other: first name and surname, first and second name."""
    common: bool = False
    """Each part is a word as well."""


def tokens(name: str) -> list[str]:
    """Return the parts of a name in lower case, given name first, without titles."""
    visible = unicodedata.normalize("NFC", name).lower()
    family, comma, given = visible.partition(",")
    given_titles = [part for part in _SPLIT.split(given) if part]
    if comma and any(fold(part) not in TITLES for part in given_titles):
        visible = f"{given} {family}"
    parts = [part.strip("'\u2019-\u2010\u2011") for part in _SPLIT.split(visible)]
    kept = [part for part in parts if part and fold(part) not in TITLES]
    return kept or [part for part in parts if part]


def split_name(name: str) -> tuple[list[str], list[str]]:
    """Return given names and surname of a full name; particles belong to the surname."""
    parts = tokens(name)
    if len(parts) < 2:
        return [], parts
    first = len(parts) - 1
    while first > 1 and fold(parts[first - 1]) in PARTICLES:
        first -= 1
    return parts[:first], parts[first:]


def compiled(given: list[str], family: list[str]) -> Name | None:
    """Take a name apart; None when it has no Latin letters."""
    given = [part for part in given if not letters.is_wide(part)]
    family = [part for part in family if not letters.is_wide(part)]
    name = Name()
    firsts = [_add_part(name, part, Role.GIVEN) for part in given]
    lasts = [_add_part(name, part, Role.FAMILY) for part in family]
    if not name.words:
        return None
    _add_initials(name, given, family)
    _add_joined(name, [forms for forms in firsts if forms], [forms for forms in lasts if forms])
    name.common = all(_is_word(part) for part in (*name.given, *name.family))
    _add_anchors(name)
    return name


def _add_part(name: Name, part: str, role: int) -> list[bytes]:
    """Add one blank-separated part with its halves; return its joined spellings."""
    whole = letters.spellings(part)
    inner = [piece for piece in _INNER.split(part) if letters.plain(piece)]
    if len(inner) > 1:
        for piece in inner:
            for form in letters.spellings(piece):
                alone = len(form) >= _MIN_HALF and form.decode() not in PARTICLES
                _put(name, form, role if alone else Role.PARTICLE)
    if whole and whole[0].decode() in PARTICLES:
        for form in whole:
            _put(name, form, Role.PARTICLE)
        return whole
    for form in whole:
        if len(form) > 1:
            _put(name, form, role)
    if role == Role.GIVEN and whole:
        for nick in NICKNAMES.get(whole[0].decode(), ()):
            name.words.setdefault(nick.encode(), Role.NICK)
    return whole


def _put(name: Name, form: bytes, role: int) -> None:
    held = name.words.get(form, Role.NONE) & ~Role.NICK
    name.words[form] = (held & ~Role.PARTICLE) | role if role != Role.PARTICLE else (held or role)
    if role == Role.PARTICLE and len(form) >= _MIN_HALF and form not in name.particles:
        name.particles.append(form)
    proper = name.given if role == Role.GIVEN else name.family
    if role in {Role.GIVEN, Role.FAMILY} and form not in proper:
        proper.append(form)
        if form[-1:] in b"aeiouy" and len(form) >= MIN_BESIDE:
            name.bent.add(form[:-1])
            name.stems[form[:-1]] = name.stems.get(form[:-1], Role.NONE) | role


def _is_word(form: bytes) -> bool:
    word = form.decode()
    return word in COMMON or word in EPONYMS


def _add_initials(name: Name, given: list[str], family: list[str]) -> None:
    for parts, role in ((given, Role.GIVEN), (family, Role.FAMILY)):
        for part in parts:
            for piece in _INNER.split(part):
                letter = letters.plain(piece)[:1].encode()
                if letter:
                    name.initials[letter] = name.initials.get(letter, Role.NONE) | role
    if given and family:
        first, last = letters.plain(given[0])[:1].encode(), letters.plain(family[-1])[:1].encode()
        if first and last:
            name.monograms.append((first, last))
        second = letters.plain(given[1])[:1].encode() if len(given) > 1 else b""
        if first and second and second != last:
            name.monograms.append((first, second))


def _add_joined(name: Name, firsts: list[list[bytes]], lasts: list[list[bytes]]) -> None:
    """Add what stands in one word: the surname with its particles, and first name or initials with the surname."""
    if len(lasts) > 1:
        _put(name, b"".join(forms[0] for forms in lasts), Role.FAMILY)
    if len(firsts) > 1:
        _put(name, b"".join(forms[0] for forms in firsts), Role.GIVEN)
    if not firsts or not name.family or not name.given:
        return
    # Nobody tells a second first name from a first surname: `Ana Ibáñez Núñez`.
    rest = b"".join(forms[0] for forms in (*firsts[1:], *lasts))
    surnames = list(dict.fromkeys((*name.family, rest)))
    for surname in surnames:
        for first in name.given:
            _put_whole(name, first + surname, Role.WHOLE)
            _put_whole(name, surname + first, Role.WHOLE)
    for initial in dict.fromkeys((firsts[0][0][:1], b"".join(forms[0][:1] for forms in firsts))):
        for surname in surnames:
            _add_initialled(name, initial, surname)
    for first in name.given:
        if len(first) >= _MIN_GLUED and not _is_word(first):
            _put_whole(name, first + lasts[0][0][:1], Role.WHOLE | Role.INITIAL)


def _add_initialled(name: Name, initial: bytes, surname: bytes) -> None:
    """Add `blindqvist` and `lindqvistb`, unless a surname that is a word becomes another word that way."""
    if len(surname) < _MIN_GLUED:
        return
    word = _is_word(surname)
    if not word or initial[-1:] + surname[:1] not in _ONSETS | _VOWEL_ONSETS:
        _put_whole(name, initial + surname, Role.WHOLE | Role.INITIAL)
    if not word or initial[-1:] in _NO_ENDING:
        _put_whole(name, surname + initial, Role.WHOLE | Role.INITIAL)


def _put_whole(name: Name, form: bytes, role: int) -> None:
    if form.decode() in COMMON or name.words.get(form, Role.NICK) != Role.NICK:
        return
    name.words[form] = role
    if role == Role.WHOLE and len(form) >= MIN_ANYWHERE:
        name.anywhere.append(form)


def _add_anchors(name: Name) -> None:
    for form in (*name.given, *name.family):
        _add_part_anchors(name, form)
    if not any(len(form) > _MIN_HALF for form in (*name.given, *name.family)):
        name.weak.clear()
    for form, role in name.words.items():
        if role & Role.WHOLE and len(form) < 2 * _MIN_GLUED:
            name.anchors.add(form if role == Role.WHOLE and len(form) > _MIN_GLUED else b" " + form + b" ")
    first = name.given[0][:1] if name.given else b""
    for form in name.family:
        if first and len(form) == MIN_LED:
            name.led.add((first, form[:1]))


def _add_part_anchors(name: Name, form: bytes) -> None:
    anchors = name.anchors
    if len(form) >= _MIN_GLUED:
        anchors.add(form)
        rest = _PREFIXED.sub(b"", form, count=1)
        if rest != form:
            anchors.add(b" " + rest)
            name.rests.add(b" " + rest)
    elif len(form) == MIN_BESIDE:
        anchors.add(b" " + form + b" ")
        name.bent.add(form)
    else:
        anchors.add(b" " + form + b" ")
        name.weak.add(b" " + form + b" ")
    if len(form) >= _MIN_HALF:
        name.spelled.add(b" " + b" ".join(form[at : at + 1] for at in range(min(4, len(form)))) + b" ")
    if len(form) >= MIN_SLIP:
        half = len(form) // 2
        name.halves.append((b" " + form[:half], form[half:] + b" ", len(form)))
        # Where the halves meet, a swap spoils both.
        swapped = b" %b%b%b%b " % (form[: half - 1], form[half : half + 1], form[half - 1 : half], form[half + 1 :])
        anchors.add(swapped)
        name.rests.add(swapped)
