"""The redactor: every field of every span, withheld where redaction fails."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from threading import Lock
from typing import Any, Final, TypeVar

from certtrace.ports import GivenUpError, Receipt, Recognizer, SpanRecord, Structured
from certtrace.redaction.ahead import NOTHING, Ahead, LookAhead
from certtrace.redaction.attribute_keys import QUOTING
from certtrace.redaction.bounds import bounded
from certtrace.redaction.detect.detectors import Detectors
from certtrace.redaction.explaining import Explained, explain
from certtrace.redaction.known.collecting import captured
from certtrace.redaction.known.exam import ExamSecrets
from certtrace.redaction.known.identity import KnownPeople
from certtrace.redaction.known.people import Person
from certtrace.redaction.operators import Operators
from certtrace.redaction.policy.model import RedactionPolicy
from certtrace.redaction.policy.scopes import Scopes
from certtrace.redaction.pseudonyms import Pseudonymizer, normalise
from certtrace.redaction.recognize.finder import Recognizers
from certtrace.redaction.recognize.remembered import UnitNames
from certtrace.redaction.shortcuts import CLEAN_LENGTH, KnownTraces
from certtrace.redaction.structure import jsontext
from certtrace.redaction.structure.binary import Binary
from certtrace.redaction.structure.keyed import KeyedValues
from certtrace.redaction.structure.plain import PlainData
from certtrace.redaction.structure.walker import Rules, exam_text
from certtrace.redaction.text.clean import CleanTexts
from certtrace.redaction.text.engine import NATIVE
from certtrace.redaction.text.lazy import lazy
from certtrace.redaction.texts import Known, Look, Tally, TextRedactor
from certtrace.redaction.unit import WITHHELD, Unit

__all__ = ["WITHHELD", "Explained", "Redactor"]

_log: Final = logging.getLogger(__name__)
_T = TypeVar("_T")
_D = TypeVar("_D")

_CACHED_GROUPS: Final = 256
_PART: Final = 128
"""Spans of one unit that are looked at together."""
_MAY_ENCODE: Final = lazy(r"[A-Za-z0-9+/_-]{20}")
"""Such a text is looked into again for each trace: what it encodes may name someone known only there."""


class Redactor:
    """Implements `ports.UnitRedactor` for one policy and one key. Safe to share between threads."""

    def __init__(
        self,
        policy: RedactionPolicy,
        key: bytes,
        *,
        native: bool = NATIVE,
        own: Sequence[Recognizer] = (),
        foreign: Sequence[Recognizer] = (),
    ) -> None:
        """Compile the policy.

        Args:
            policy: What to look for.
            key: At least 16 secret bytes; the same key gives the same pseudonyms, destroying it unlinks them.
            native: False keeps to Python's `re`; the output is the same.
            own: Recognizers that can be trusted to be quick: those shipped with certtrace.
            foreign: Recognizers of the host; each call has a deadline.

        Raises:
            ConfigurationError: The key is too short.
        """
        self.policy = policy
        self.failures = 0
        """How many values were withheld because redaction itself failed."""
        self._recognizers = Recognizers(own, foreign, policy.max_value_seconds)
        self.version = policy.version
        """Version of the policy."""
        self._pseudonymizer = Pseudonymizer(key)
        self.rules = Rules(policy)
        self.plain = PlainData(self.rules)
        self.scopes = Scopes(policy)
        self.ordinary_keys = CleanTexts()
        """Keys of attributes that no rule asks for, met before."""
        self.operators = Operators(self._pseudonymizer)
        self.binary = Binary(policy.binary, self._pseudonymizer.withheld)
        self.texts = TextRedactor(
            _detectors(policy.enabled, native=native),
            self._pseudonymizer,
            allow=policy.allow,
            max_bytes=policy.max_value_bytes,
            max_seconds=policy.max_value_seconds,
            keyed=KeyedValues(policy.secret_keys, identity_keys=policy.identity_keys),
            native=native,
        )
        self._people = KnownPeople(self._pseudonymizer, native=native)
        self.ahead = NOTHING
        """What was found in the texts of the units that come next."""
        self._looking = LookAhead(self.texts, self.plain, self._recognizers)
        self.nobody = Known()
        """What is known about a trace that names nobody."""
        self.traces = KnownTraces()
        self._groups: OrderedDict[object, Known] = OrderedDict()
        self._lock = Lock()
        self._logged: set[tuple[str, str]] = set()

    def __repr__(self) -> str:
        return f"Redactor(policy={self.version!r})"

    def redact_unit(
        self, spans: Sequence[SpanRecord], identities: Sequence[object], go_on: Callable[[], bool] | None = None
    ) -> list[SpanRecord]:
        """Return the spans with every field redacted and a receipt on each; see `ports.UnitRedactor`."""
        within = [bounded(span, self.policy.max_value_bytes, self.texts.cut_mark) for span in spans]
        values = [pair for span, _ in within for pair in captured(span)]
        unit = Unit(self, identities, values, repeats=len(spans) > 1)
        if len(within) <= _PART:
            unit.expect(span for span, _ in within)
            return [unit.span(span, withheld=cut) for span, cut in within]
        redacted: list[SpanRecord] = []
        for start in range(0, len(within), _PART):
            part = within[start : start + _PART]
            unit.expect_part([span for span, _ in part])
            for span, cut in part:
                if go_on is not None and not go_on():
                    raise GivenUpError
                redacted.append(unit.span(span, withheld=cut))
        return redacted

    def look_ahead(self, units: Sequence[Sequence[SpanRecord]], go_on: Callable[[], bool] | None = None) -> None:
        """Look at the texts of units that are redacted next, together, and forget those of the units before.

        Args:
            units: Their spans; none at all only forgets.
            go_on: Asked from time to time; False breaks it off.
        """
        self.ahead = NOTHING
        if units and not self.policy.withholds_free_text:
            self.ahead = self._looking.over(units, go_on) if go_on is not None else self._looking.over(units)

    def redact_value(self, value: object, identities: Sequence[object] = ()) -> tuple[Any, Receipt]:
        """Return one JSON-like value redacted, with its receipt; see `ports.UnitRedactor`."""
        begin = time.perf_counter_ns()
        unit = Unit(self, identities, [("value", value)])
        inner = value.value if isinstance(value, Structured) else value
        redacted = self.guarded("value", lambda: unit.body(inner), WITHHELD, unit.tally)
        return redacted, self.receipt(unit.tally, begin)

    def redact_text(self, text: str) -> str:
        """Return one text redacted; see `ports.UnitRedactor`."""
        return Unit(self, (), ()).text(text)

    def pseudonym(self, value: str, kind: str = "person") -> str:
        """Return the readable keyed pseudonym of `value`, such as `<person:7f3a91c04d>`."""
        return self._pseudonymizer.pseudonym(value, kind)

    def receipt(self, tally: Tally, begin_ns: int) -> Receipt:
        """Return what was done since `begin_ns` (`time.perf_counter_ns`)."""
        spent = (time.perf_counter_ns() - begin_ns) // 1000
        return Receipt(
            self.version,
            dict(sorted(tally.counts.items())),
            tally.withheld,
            spent,
            dict(sorted(tally.operators.items())),
        )

    def guarded(self, where: str, work: Callable[[], _T], instead: _D, tally: Tally) -> _T | _D:
        """Return what `work` returns, or `instead` when it fails: counted, and logged once per cause."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong must close the gate
            self.failed(where, error, tally)
            return instead

    def failed(self, where: str, error: Exception, tally: Tally) -> None:
        """Count a value that is withheld because redaction failed, and log its cause once."""
        tally.withheld += 1
        cause = (where, type(error).__name__)
        with self._lock:
            self.failures += 1
            first = cause not in self._logged
            self._logged.add(cause)
        if first:
            # No message and no traceback: they may quote the very value that is withheld.
            _log.error("Redaction of a %s failed (%s); the value was withheld.", *cause)

    def known(self, people: Sequence[Person], secrets: Sequence[tuple[object, list[str]]]) -> Known:
        """Compile what is known about one trace; units that know the same people share the work."""
        group = self._group(people)
        if not secrets:
            return group
        exam = ExamSecrets()
        for value, texts in secrets:
            for text in texts:
                exam.add(text, self.exam_placeholder(exam_text(value)))
        return Known(group.people, exam, group.subjects)

    def _group(self, people: Sequence[Person]) -> Known:
        key = tuple(person.key() for person in people)
        with self._lock:
            group = self._groups.get(key)
            if group is not None:
                self._groups.move_to_end(key)
                return group
        group = Known(self._people.compiled(people), subjects=self._subjects(people))
        with self._lock:
            self._groups[key] = group
            if len(self._groups) > _CACHED_GROUPS:
                self._groups.popitem(last=False)
        return group

    def _subjects(self, people: Iterable[Person]) -> dict[tuple[str, str], str]:
        """Return the digest of the person each known value belongs to."""
        return {
            (kind.lower(), normalise(value, kind.lower())): person.digest(self._pseudonymizer)
            for person in people
            for kind, values in person.values.items()
            for value in values
        }

    def exam_placeholder(self, text: str) -> str:
        """Return what stands for an exam secret: equal secrets stay recognisable."""
        return f"<exam-secret:{self._pseudonymizer.withheld(text)} len={len(text)}>"

    def names(self, ahead: Ahead) -> UnitNames | None:
        """Return what recognizes names in the texts of one unit, if anything does."""
        return UnitNames(partial(self._recognizers.find_all, ahead=ahead.names)) if self._recognizers else None

    def is_ordinary(self, key: str) -> bool:
        """Tell whether an attribute is treated by its value alone: no rule, and no word in its key, says otherwise."""
        return (
            len(key) <= CLEAN_LENGTH
            and self.scopes.are_one
            and not self.rules.has_paths
            and not self.rules.promises_secret(key)
            and key not in QUOTING
        )

    def free_text(self, text: str, known: Known, look: Look, tally: Tally, *, remember: bool = True) -> str:
        """Redact one text; short texts that were found clean before are passed at once.

        Args:
            text: The text.
            known: Who is known in its trace.
            look: What is looked for.
            tally: Counts what is done.
            remember: Whether a clean text is clean for every look of this kind.
        """
        if len(text) > CLEAN_LENGTH or not remember:
            return self.texts.redact(jsontext.clean(text), known, look, tally)
        clean, clean_of_forms = known.clean_for(look), self.nobody.clean_for(look)
        if text in clean:
            return text
        text = jsontext.clean(text)
        if text in clean_of_forms and _MAY_ENCODE.search(text) is None:
            look = look._replace(detect=False, names=None)
        redacted = self.texts.redact(text, known, look, tally)
        if redacted is text:
            clean.add(text)
            clean_of_forms.add(text)
        return redacted

    def explain(self, text: str, identities: Sequence[object] = ()) -> Explained:
        """Return one text redacted as content is, with what was replaced and why.

        Args:
            text: The text.
            identities: What is known about people: `Identity` mappings.
        """
        return explain(Unit(self, identities, [("value", text)]), jsontext.clean(text))

    def withheld_hash(self, text: str) -> str:
        """Return the keyed hash of a text that is withheld."""
        return self._pseudonymizer.withheld(text)


@lru_cache(maxsize=8)
def _detectors(enabled: frozenset[str], *, native: bool) -> Detectors:
    """Return compiled detectors; redactors of several destinations or periods share them."""
    return Detectors(enabled, native=native)
