"""The redactor: every field of every span, withheld where redaction fails."""

import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from threading import Lock
from typing import Any, Final, TypeVar

import orjson

from certtrace import semconv
from certtrace.ports import EventRecord, LinkRecord, ModelValue, Receipt, ScopeRecord, SpanRecord, Structured
from certtrace.redaction.detect.detectors import Detectors
from certtrace.redaction.known.collecting import Collector, captured
from certtrace.redaction.known.exam import ExamSecrets
from certtrace.redaction.known.identity import KnownPeople
from certtrace.redaction.known.people import Person, merged
from certtrace.redaction.policy.model import RedactionPolicy
from certtrace.redaction.pseudonyms import Pseudonymizer, normalise
from certtrace.redaction.structure import jsontext, tracestate
from certtrace.redaction.structure.plain import PlainData
from certtrace.redaction.structure.walker import Rules, Walk, exam_text, int64
from certtrace.redaction.text.engine import NATIVE
from certtrace.redaction.texts import PSEUDONYMISED, Known, Tally, TextRedactor

WITHHELD: Final = "<withheld: redaction failed>"

_log: Final = logging.getLogger(__name__)
_T = TypeVar("_T")
_D = TypeVar("_D")

_ROOTS: Final = {semconv.OBSERVATION_INPUT: "input", semconv.OBSERVATION_OUTPUT: "output"}
_METADATA_ROOT: Final = semconv.OBSERVATION_METADATA
_FREE_TEXT_BYTES: Final = 64
_CLEAN_LENGTH: Final = 64
_CACHED_GROUPS: Final = 256
_MAY_ENCODE: Final = re.compile(r"[A-Za-z0-9+/_-]{20}")
"""Such a text is looked into again for each trace: what it encodes may name someone known only there."""


class Redactor:
    """Implements `ports.UnitRedactor` for one policy and one key. Safe to share between threads."""

    def __init__(self, policy: RedactionPolicy, key: bytes, *, native: bool = NATIVE) -> None:
        """Compile the policy.

        Args:
            policy: What to look for.
            key: At least 16 secret bytes; the same key gives the same pseudonyms, destroying it unlinks them.
            native: False keeps to Python's `re`; the output is the same.

        Raises:
            ConfigurationError: The key is too short.
        """
        self.policy = policy
        self.failures = 0
        """How many values were withheld because redaction itself failed."""
        self._version = policy.version
        self._pseudonymizer = Pseudonymizer(key)
        self._rules = Rules(policy)
        self.plain = PlainData(self._rules)
        self._texts = TextRedactor(
            Detectors(policy.enabled, native=native),
            self._pseudonymizer,
            allow=policy.allow,
            max_bytes=policy.max_value_bytes,
            native=native,
        )
        self._people = KnownPeople(self._pseudonymizer, native=native)
        self.nobody = Known()
        """What is known about a trace that names nobody."""
        self._groups: OrderedDict[object, Known] = OrderedDict()
        self._lock = Lock()
        self._logged: set[tuple[str, str]] = set()

    def __repr__(self) -> str:
        return f"Redactor(policy={self._version!r})"

    def redact_unit(self, spans: Sequence[SpanRecord], identities: Sequence[object]) -> list[SpanRecord]:
        """Return the spans with every field redacted and a receipt on each; see `ports.UnitRedactor`."""
        values = [pair for span in spans for pair in captured(span)]
        unit = _Unit(self, identities, values, repeats=len(spans) > 1)
        return [unit.span(span) for span in spans]

    def redact_value(self, value: object, identities: Sequence[object] = ()) -> tuple[Any, Receipt]:
        """Return one JSON-like value redacted, with its receipt; see `ports.UnitRedactor`."""
        begin = time.perf_counter_ns()
        unit = _Unit(self, identities, [("value", value)])
        inner = value.value if isinstance(value, Structured) else value
        redacted = self.guarded("value", lambda: unit.walk().redact(inner, "value"), WITHHELD, unit.tally)
        return redacted, self.receipt(unit.tally, begin)

    def redact_text(self, text: str) -> str:
        """Return one text redacted; see `ports.UnitRedactor`."""
        return _Unit(self, (), ()).text(text)

    def pseudonym(self, value: str, kind: str = "person") -> str:
        """Return the readable keyed pseudonym of `value`, such as `<person:7f3a91c04d>`."""
        return self._pseudonymizer.pseudonym(value, kind)

    def receipt(self, tally: Tally, begin_ns: int) -> Receipt:
        """Return what was done since `begin_ns` (`time.perf_counter_ns`)."""
        spent = (time.perf_counter_ns() - begin_ns) // 1000
        return Receipt(self._version, dict(sorted(tally.counts.items())), tally.withheld, spent)

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

    def free_text(self, text: str, known: Known, tally: Tally) -> str:
        """Redact one text; short texts that were found clean before are passed at once."""
        short = len(text) <= _CLEAN_LENGTH
        if short and text in known.clean:
            return text
        text = jsontext.clean(text)
        detect = not short or text not in self.nobody.clean or _MAY_ENCODE.search(text) is not None
        redacted = self._texts.redact(text, known, tally, detect=detect)
        if short and redacted is text:
            known.clean.add(text)
            self.nobody.clean.add(text)
        return redacted

    def withheld_hash(self, text: str) -> str:
        """Return the keyed hash of a text that is withheld."""
        return self._pseudonymizer.withheld(text)

    def placeholder(self, kind: str, text: str, subject: str) -> str:
        """Return what stands for a value of a declared kind."""
        if kind == "EXAM_SECRET":
            return self.exam_placeholder(text)
        if kind == "OTHER":
            return "<personal>"
        return self._texts.placeholder(kind, text, subject)

    @property
    def rules(self) -> Rules:
        """The key and path rules of the policy."""
        return self._rules


class _Unit:
    """The redaction of one unit: what is known, and one tally at a time."""

    def __init__(
        self,
        redactor: Redactor,
        identities: Sequence[object],
        values: Iterable[tuple[str, object]],
        *,
        repeats: bool = False,
    ) -> None:
        self._redactor = redactor
        self._rules = redactor.rules
        self._withholds = redactor.policy.withholds_free_text
        self.tally = Tally()
        self._plain: dict[int, list[str]] = {}
        """The texts of structures that declare nothing and are clean if their texts are."""
        self._clean: set[str] | None = set() if repeats else None
        """Texts of any length found clean: the spans of one unit hand the same answer on."""
        self._known = redactor.nobody
        collector = Collector(redactor.rules)
        for key, value in values:
            try:
                texts = redactor.plain.texts(value.value) if isinstance(value, Structured) else None
                if texts is None:
                    collector.value(value, _root(key))
                else:
                    self._plain[id(value)] = texts
            except Exception as error:  # noqa: BLE001 - whatever goes wrong must close the gate
                redactor.failed("captured value", error, self.tally)
        failures = self.tally.withheld
        if identities:
            redactor.guarded("identity", partial(collector.identities, identities), None, self.tally)
        self._blind = self.tally.withheld > failures
        """Someone may be known whom we cannot look for: free text is withheld."""
        if collector.people or collector.secrets:
            learned = redactor.guarded("identity", partial(self._learn, collector), None, self.tally)
            self._blind = self._blind or learned is None
        self._young: AbstractSet[str] = frozenset() if self._blind else self._known.clean.young

    def _learn(self, collector: Collector) -> bool:
        self._known = self._redactor.known(merged(collector.people), collector.secrets)
        return True

    def span(self, span: SpanRecord) -> SpanRecord:
        """Return one span redacted, with its receipt."""
        begin = time.perf_counter_ns()
        self.tally = Tally()
        redacted = SpanRecord(
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_span_id=span.parent_span_id,
            name=self.text(span.name),
            kind=span.kind,
            start_time_ns=span.start_time_ns,
            end_time_ns=span.end_time_ns,
            status_code=span.status_code,
            status_message=self._content(span.status_message),
            attributes=self._attributes(span.attributes),
            events=[EventRecord(self.text(e.name), e.time_ns, self._attributes(e.attributes)) for e in span.events],
            links=[self._link(link) for link in span.links],
            trace_state=self._trace_state(span.trace_state),
            parent_is_remote=span.parent_is_remote,
            scope=self._scope(span.scope),
            dropped_attributes=span.dropped_attributes,
        )
        redacted.attributes[semconv.REDACTION_RECEIPT] = _receipt_text(self._redactor.receipt(self.tally, begin))
        return redacted

    def walk(self) -> Walk:
        """Return a fresh walk over one value."""
        return Walk(self._rules, self._content if self._withholds else self.text, self._operator, self.tally)

    def text(self, text: str) -> str:
        """Return a name or a key redacted."""
        if type(text) is str and len(text) <= _CLEAN_LENGTH and text in self._young:
            return text
        if self._blind:
            return WITHHELD
        seen = self._clean
        try:
            if type(text) is not str:
                text = str.__str__(text)  # a subclass has methods of its own
            if seen is not None and text in seen:
                return text
            redacted = self._redactor.free_text(text, self._known, self.tally)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong must close the gate
            self._redactor.failed("text", error, self.tally)
            return WITHHELD
        if seen is not None and redacted is text:
            seen.add(text)
        return redacted

    def _content(self, text: str) -> str:
        """Return a text that a person or a model may have written, redacted or, by profile, withheld."""
        if self._withholds and (len(text) > _FREE_TEXT_BYTES or len(text.split()) > 1):
            self.tally.withheld += 1
            return f"<text:{self._redactor.withheld_hash(text)} len={len(text)}>"
        return self.text(text)

    def _operator(self, kind: str, text: str) -> str:
        self.tally.count(kind)
        subject = ""
        if kind in PSEUDONYMISED:
            subject = self._known.subjects.get((kind.lower(), normalise(text, kind.lower())), "")
            subject = subject or self._subject_by_part(kind, text)
        return self._redactor.placeholder(kind, text, subject)

    def _subject_by_part(self, kind: str, text: str) -> str:
        if kind != "PERSON":
            return ""
        sign = normalise(text)
        return next(
            (found for part in ("given", "family", "middle") if (found := self._known.subjects.get((part, sign)))), ""
        )

    def _attributes(self, attributes: dict[str, object]) -> dict[str, object]:
        result: dict[str, object] = {}
        for key, value in attributes.items():
            name = self.text(key)
            while name in result:
                name += "#"
            try:
                result[name] = self._attribute(key, value)
            except Exception as error:  # noqa: BLE001 - whatever goes wrong must close the gate
                self._redactor.failed("value", error, self.tally)
                result[name] = WITHHELD
        return result

    def _attribute(self, key: str, value: object) -> object:
        inner = value.value if isinstance(value, Structured) else value
        rules = self._rules
        if rules.is_secret(key, inner):
            return self._operator("SECRET", "")
        mark = rules.mark_at(_root(key)) if rules.paths else None
        if mark is None and (value is True or value is False or self._is_clean(inner)):
            return inner
        texts = self._plain.get(id(value))
        if texts is not None and self._all_clean(texts):
            return jsontext.dumps(inner)
        redacted = self.walk().redact(inner, _root(key)) if mark is None else self.walk().marked(inner, mark)
        if isinstance(redacted, str):
            return redacted
        return jsontext.dumps(redacted) if isinstance(value, Structured | ModelValue) else _otlp(redacted)

    def _all_clean(self, texts: list[str]) -> bool:
        """Tell whether redaction leaves all the texts as they are; where not, nothing of the attempt is counted."""
        if self._withholds or self._blind:
            return False
        unused, seen = Tally(), self._clean
        try:
            for text in texts:
                if (len(text) <= _CLEAN_LENGTH and text in self._young) or (seen is not None and text in seen):
                    continue
                if self._redactor.free_text(text, self._known, unused) is not text:
                    return False
                if seen is not None:
                    seen.add(text)
        except Exception:  # noqa: BLE001 - the walk that follows meets it again, withholds the value and counts it
            return False
        return True

    def _is_clean(self, value: object) -> bool:
        """Tell, quickly and where in doubt with no, whether a value is a text that leaves as it is."""
        if type(value) is not str or len(value) > _CLEAN_LENGTH or self._withholds:
            return False
        return value[:1].isalnum() and value in self._young  # other signs may begin JSON, which has keys

    def _link(self, link: LinkRecord) -> LinkRecord:
        state = self._trace_state(link.trace_state)
        return LinkRecord(link.trace_id, link.span_id, state, self._attributes(link.attributes))

    def _scope(self, scope: ScopeRecord) -> ScopeRecord:
        return ScopeRecord(self.text(scope.name), self.text(scope.version), self._attributes(scope.attributes))

    def _trace_state(self, state: str) -> str:
        if not state:
            return ""
        return self._redactor.guarded("tracestate", lambda: tracestate.clean(state, self.text), "", self.tally)


def _root(key: str) -> str:
    """Return where the path of a value begins: `input`, `output`, `metadata.…` or the attribute key."""
    if key in _ROOTS:
        return _ROOTS[key]
    if key.startswith(_METADATA_ROOT):
        return "metadata" + key[len(_METADATA_ROOT) :]
    return key


def _otlp(value: object) -> object:
    """Return a value that OTLP can carry: text, truth, number, or a list of one kind of those."""
    if isinstance(value, str | bool | float) or (isinstance(value, int) and int64(value)):
        return value
    if isinstance(value, list) and len({type(item) for item in value}) <= 1:
        plain = [_otlp(item) for item in value]
        if all(
            type(item) is type(kept) and not isinstance(kept, list) for item, kept in zip(value, plain, strict=True)
        ):
            return plain
    return jsontext.dumps(value)


def _receipt_text(receipt: Receipt) -> str:
    content = {
        "policy": receipt.policy,
        "counts": receipt.counts,
        "withheld": receipt.withheld,
        "microseconds": receipt.microseconds,
    }
    return orjson.dumps(content).decode()
