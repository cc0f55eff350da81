"""Units that wait together are looked at together: the quick looks cost little for many texts and much for each alone.

Nothing is decided here. What is found in a text is remembered until its unit comes, which then need not look itself.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Final

from certtrace.ports import SpanRecord, Structured
from certtrace.redaction.detect.finding import Finding
from certtrace.redaction.policy.kinds import attribute_class
from certtrace.redaction.recognize.finder import Recognizers
from certtrace.redaction.structure.plain import PlainData
from certtrace.redaction.text.batch import Batch
from certtrace.redaction.text.fairness import yield_turn
from certtrace.redaction.text.lazy import lazy
from certtrace.redaction.text.rereading import reread
from certtrace.redaction.text.views import MAX_ROUNDS
from certtrace.redaction.texts import Known, TextRedactor

_AT_ONCE: Final = 8_192
"""Characters that are looked at together: about two milliseconds."""
_MOST: Final = 262_144
"""Characters that are looked at ahead of their units; what is beyond is looked at with its unit."""
_LONGEST: Final = 16_384
"""A longer text gains nothing by company."""
_LEAVES: Final = 128
_MAY_ENCODE: Final = lazy(rb"[A-Za-z0-9+/_-]{20}")


class Ahead:
    """What was found in the texts of units that wait."""

    __slots__ = ("clean", "looked", "names")

    def __init__(self) -> None:
        self.looked: set[str] = set()
        """The texts that detectors have looked at."""
        self.clean: set[str] = set()
        """Those of them in which, where nobody is known, none but a recognizer may find anything."""
        self.names: dict[str, list[Finding]] = {}
        """What the shipped recognizers found; a text that is not here has to be asked for."""

    def split(self, texts: set[str], known: Known) -> tuple[set[str], set[str]]:
        """Return those of the texts that are clean in a trace, and those that have yet to be looked at."""
        seen = texts & self.looked
        if not seen:
            return seen, texts
        clean, rest = seen & self.clean, texts - seen
        if not (clean and (known.people or known.secrets)):
            return clean, rest
        quoting, unsure = _quoting(sorted(clean, key=len), known)
        return clean - quoting - unsure, rest | unsure


NOTHING: Final = Ahead()
"""Nothing was looked at."""


def _always() -> bool:
    return True


class LookAhead:
    """Looks at the texts of many units. Safe to share between threads."""

    __slots__ = ("_nobody", "_plain", "_recognizers", "_texts")

    def __init__(self, texts: TextRedactor, plain: PlainData, recognizers: Recognizers) -> None:
        self._texts = texts
        self._plain = plain
        self._recognizers = recognizers
        self._nobody = Known()

    def over(self, units: Iterable[Sequence[SpanRecord]], go_on: Callable[[], bool] = _always) -> Ahead:
        """Return what is found in the texts of the units, as far as bounds and `go_on` allow. Never raises."""
        ahead = Ahead()
        forms: set[str] = set()
        contents: set[str] = set()
        size = total = 0
        for span in chain.from_iterable(units):
            with suppress(Exception):  # here and below: redaction meets it again, and withholds the value
                size += self._take(span, forms, contents)
            if size >= _AT_ONCE:
                self._look(forms, contents, ahead, go_on)
                forms, contents = set(), set()
                total, size = total + size, 0
                if total >= _MOST or not go_on():
                    return ahead
        self._look(forms, contents, ahead, go_on)
        return ahead

    def _take(self, span: SpanRecord, forms: set[str], contents: set[str]) -> int:
        """Take note of the texts of a span for detectors and recognizers, and return their size."""
        forms.add(span.name)
        size = len(span.name)
        for key, value in span.attributes.items():
            texts, is_plain = self._of(value)
            texts = [text for text in texts if len(text) <= _LONGEST]
            size += sum(map(len, texts))
            if is_plain:
                forms.update(texts)
            if attribute_class(key) == "C":
                contents.update(texts)
        return size

    def _of(self, value: object) -> tuple[list[str], bool]:
        """Return the texts of a value, and whether the detectors' look at them is of use: nobody walks the value."""
        if isinstance(value, str):
            return ([value] if type(value) is str else []), True
        if not isinstance(value, Structured):
            return [], True
        texts = self._plain.texts(value.value)
        return (texts, True) if texts is not None else (_leaves(value.value), False)

    def _look(self, forms: set[str], contents: set[str], ahead: Ahead, go_on: Callable[[], bool]) -> None:
        with suppress(Exception):
            fresh = forms - ahead.looked
            # Short texts stand together: a pattern that occurs in an id is not searched for in an answer.
            ahead.clean |= self._texts.clean(sorted(fresh, key=len), self._nobody)
            ahead.looked |= fresh
        for texts in _portions(text for text in contents if text not in ahead.names):
            yield_turn()
            if not go_on():
                return
            with suppress(Exception):
                ahead.names.update(self._recognizers.ahead(texts))


def _portions(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield the texts in lists that are looked at without a pause."""
    portion: list[str] = []
    size = 0
    for text in texts:
        portion.append(text)
        size += len(text)
        if size >= _AT_ONCE:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _leaves(value: object) -> list[str]:
    """Return texts that stand in a structure, at most so many."""
    texts: list[str] = []
    waiting = [value]
    for _ in range(_LEAVES):
        if not waiting:
            break
        item = waiting.pop()
        kind = type(item)
        if isinstance(item, str) and kind is str:
            texts.append(item)
        elif isinstance(item, dict) and kind is dict and len(item) <= _LEAVES:
            waiting += item.values()
        elif isinstance(item, list) and kind is list and len(item) <= _LEAVES:
            waiting += item
    return texts


def _quoting(texts: Sequence[str], known: Known) -> tuple[set[str], set[str]]:
    """Return the texts that name someone known in any reading, and those that may do so in what they encode."""
    found: set[str] = set()
    unsure: set[str] = set()
    sources = texts
    for _ in range(MAX_ROUNDS):
        batch = Batch(texts)
        named: set[int] = set()
        known.suspects(batch, named)
        found.update(sources[index] for index in named)
        unsure.update(sources[batch.owner(match.start())] for match in _MAY_ENCODE.finditer(batch.data))
        again = reread(batch) if batch.may_be_escaped() else ()
        read = [(sources[index], text) for index, text in again if sources[index] not in found]
        if not read:
            break
        sources, texts = [source for source, _ in read], [text for _, text in read]
    return found, unsure
