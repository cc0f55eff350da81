"""All recognizers of a redactor together."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from certtrace.ports import Recognizer
from certtrace.redaction.detect.finding import NAME, Finding
from certtrace.redaction.policy.kinds import TYPES
from certtrace.redaction.recognize.guard import Guarded, RecognizerError, checked
from certtrace.redaction.text.lazy import lazy

_SHORTEST: Final = 2
_IDENTIFIER: Final = lazy(r"[a-z0-9_.:/-]{1,64}")
"""A key, a code, a state: as a whole text it is hardly ever a name, and keys make the structure."""

_NOTHING: Final[Mapping[str, list[Finding]]] = MappingProxyType({})


class Recognizers:
    """Asks each recognizer and returns findings. Safe to share between threads."""

    def __init__(self, own: Sequence[Recognizer], foreign: Sequence[Recognizer], timeout_seconds: float) -> None:
        """Take the recognizers.

        Args:
            own: Shipped with certtrace: linear in the text, so they run where they are called.
            foreign: Given by the host: each gets a thread and a deadline.
            timeout_seconds: Longest time for one call of a foreign recognizer.
        """
        self._own = list(own)
        self._foreign = [Guarded(recognizer, timeout_seconds) for recognizer in foreign]
        self.names = tuple(recognizer.name for recognizer in (*own, *foreign))

    def __bool__(self) -> bool:
        return bool(self._own or self._foreign)

    def find(self, text: str) -> list[Finding]:
        """Return the findings in one text.

        Raises:
            RecognizerError: A recognizer failed; the text has to be withheld.
        """
        return self.find_all([text])[0]

    def find_all(self, texts: Sequence[str], ahead: Mapping[str, list[Finding]] = _NOTHING) -> list[list[Finding]]:
        """Return the findings of each text.

        Args:
            texts: The texts.
            ahead: What `ahead` found before; the shipped recognizers are not asked for it again.

        Raises:
            RecognizerError: A recognizer failed; the texts have to be withheld.
        """
        found: list[list[Finding]] = [[] for _ in texts]
        if self._foreign:
            asked = [index for index, text in enumerate(texts) if len(text) >= _SHORTEST]
            wanted = [texts[index] for index in asked]
            for guarded in self._foreign if wanted else ():
                self._take(guarded.name, guarded.recognize(wanted), asked, found)
        asked = []
        for index, text in enumerate(texts):
            before = ahead.get(text)
            if before is not None:
                found[index] += before
            elif _is_asked(text):
                asked.append(index)
        self._ask_own([texts[index] for index in asked], asked, found)
        return found

    def ahead(self, texts: Sequence[str]) -> dict[str, list[Finding]]:
        """Return what the shipped recognizers find, by text, for `find_all`.

        Those of the host are not asked: they have a deadline for each call, which holds for the texts of one unit.

        Raises:
            RecognizerError: A recognizer failed; to ask for fewer texts may help.
        """
        asked = [text for text in dict.fromkeys(texts) if _is_asked(text)]
        found: list[list[Finding]] = [[] for _ in asked]
        self._ask_own(asked, list(range(len(asked))), found)
        return dict(zip(asked, found, strict=True))

    def _ask_own(self, wanted: list[str], asked: list[int], found: list[list[Finding]]) -> None:
        for recognizer in self._own if wanted else ():
            self._take(recognizer.name, checked(recognizer.recognize(wanted), wanted), asked, found)

    @staticmethod
    def _take(name: str, answer: Sequence[Sequence[object]], asked: list[int], found: list[list[Finding]]) -> None:
        for index, places in zip(asked, answer, strict=True):
            for place in places:
                kind = str(getattr(place, "type", ""))
                if kind not in TYPES:
                    msg = f"Recognizer {name} found a type that no policy knows."
                    raise RecognizerError(msg)
                found[index].append(
                    Finding(getattr(place, "start", 0), getattr(place, "end", 0), kind, layer=NAME, rule=name)
                )


def _is_asked(text: str) -> bool:
    return len(text) >= _SHORTEST and _IDENTIFIER.fullmatch(text) is None
