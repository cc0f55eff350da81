"""Find known people in free text, in the many ways they are written."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from threading import Lock
from typing import Final, Protocol

from certtrace.redaction.detect.finding import Finding
from certtrace.redaction.known.crowd import Crowd
from certtrace.redaction.known.people import Person
from certtrace.redaction.known.person import CompiledPerson
from certtrace.redaction.pseudonyms import Pseudonymizer
from certtrace.redaction.text.batch import Batch
from certtrace.redaction.text.engine import NATIVE
from certtrace.redaction.text.views import View

_CACHED_PEOPLE: Final = 512


class KnownPerson(Protocol):
    """Somebody known, or several people together, ready to be looked for."""

    def find(self, view: View) -> Iterator[Finding]:
        """Yield the findings in one view of a text; they may overlap."""
        ...

    def suspects(self, batch: Batch, suspect: set[int]) -> None:
        """Add the texts of a batch in which somebody is named."""
        ...


class KnownPeople:
    """Compiles people and keeps the latest, so that the units of a trace share the work. Safe between threads."""

    __slots__ = ("_cache", "_lock", "_native", "_pseudonymizer")

    def __init__(self, pseudonymizer: Pseudonymizer, *, native: bool = NATIVE) -> None:
        self._pseudonymizer = pseudonymizer
        self._native = native
        self._cache: OrderedDict[object, CompiledPerson] = OrderedDict()
        self._lock = Lock()

    def compiled(self, people: Iterable[Person]) -> list[KnownPerson]:
        """Return the people ready to be looked for, together: one pass over a text tells who is in it."""
        known = [self._one(person) for person in people]
        return [Crowd(known, self._ambiguous, native=self._native)] if known else []

    def _ambiguous(self, subjects: str) -> str:
        return self._pseudonymizer.digest(subjects, "several")

    def _one(self, person: Person) -> CompiledPerson:
        key = person.key()
        with self._lock:
            known = self._cache.get(key)
            if known is not None:
                self._cache.move_to_end(key)
                return known
        known = CompiledPerson(person, person.digest(self._pseudonymizer), native=self._native)
        with self._lock:
            self._cache[key] = known
            if len(self._cache) > _CACHED_PEOPLE:
                self._cache.popitem(last=False)
        return known
