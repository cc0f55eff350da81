"""The redaction of one unit: what is known in it, one look at a time, and a receipt for each span."""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import orjson

from certtrace import semconv
from certtrace.ports import EventRecord, LinkRecord, ModelValue, Receipt, ScopeRecord, SpanRecord, Structured
from certtrace.redaction.detect.finding import Finding
from certtrace.redaction.known.collecting import Collector
from certtrace.redaction.known.people import merged
from certtrace.redaction.operators import masked
from certtrace.redaction.policy.kinds import PSEUDONYMISED, attribute_class
from certtrace.redaction.pseudonyms import normalise
from certtrace.redaction.structure import jsontext, tracestate
from certtrace.redaction.structure.quotes import without_values
from certtrace.redaction.structure.tracebacks import traceback_without_values
from certtrace.redaction.structure.walker import LONG_NUMBER, Walk, int64
from certtrace.redaction.texts import Change, Look, Tally

if TYPE_CHECKING:
    from certtrace.redaction.redactor import Redactor

WITHHELD: Final = "<withheld: redaction failed>"

_ROOTS: Final = {semconv.OBSERVATION_INPUT: "input", semconv.OBSERVATION_OUTPUT: "output"}
_METADATA_ROOT: Final = semconv.OBSERVATION_METADATA
_KINDS: Final = ("", "internal", "server", "client", "producer", "consumer")
_QUOTING: Final[dict[str, Callable[[str, str], str]]] = {
    semconv.EXCEPTION_MESSAGE: without_values,
    semconv.EXCEPTION_STACKTRACE: lambda text, _: traceback_without_values(text),
    semconv.OBSERVATION_STATUS_MESSAGE: without_values,
}
"""Attributes in which an error may quote the value it is about."""
_FREE_TEXT_BYTES: Final = 64
CLEAN_LENGTH: Final = 64


class Unit:
    """The spans of one unit, or one value, on their way through the redactor."""

    def __init__(
        self,
        redactor: "Redactor",
        identities: Sequence[object],
        values: Iterable[tuple[str, object]],
        *,
        repeats: bool = False,
    ) -> None:
        """Learn who is named and what is secret.

        Args:
            redactor: Policy, keys, and what is remembered from unit to unit.
            identities: What is known about people.
            values: Captured values that may declare something, with their attribute keys.
            repeats: Whether the same texts are likely to come again: several spans.
        """
        self._redactor = redactor
        self._rules = redactor.rules
        self._withholds = redactor.policy.withholds_free_text
        self.tally = Tally()
        self._plain: dict[int, list[str]] = {}
        """The texts of structures that declare nothing and are clean if their texts are."""
        self._seen: dict[bool, set[str]] | None = {False: set(), True: set()} if repeats else None
        """Texts of any length found clean, without and with recognizers: spans of one unit hand the same answer on."""
        self._expected: list[str] = []
        self._batch: set[str] | None = None
        """Texts of the unit that were found clean together."""
        self._known = redactor.nobody
        self._names = redactor.names()
        self._default = redactor.scopes.default
        self._scope = self._default
        self._spans_kind = ("", "")
        self._error = ""
        """Type of the error that a message may be of."""
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
        self._young: AbstractSet[str] = frozenset()
        self._bare = Look(self._default.operators)
        self._full = Look(self._default.operators, names=self._names) if self._names is not None else self._bare
        self._look = self._bare
        self._use(self._bare)

    def _learn(self, collector: Collector) -> bool:
        self._known = self._redactor.known(merged(collector.people), collector.secrets)
        return True

    # --- spans --------------------------------------------------------------------------------------------------------

    def span(self, span: SpanRecord) -> SpanRecord:
        """Return one span redacted, with its receipt."""
        begin = time.perf_counter_ns()
        self.tally = Tally()
        kind = _KINDS[span.kind] if 0 <= span.kind < len(_KINDS) else ""
        self._error = str(span.attributes.get(semconv.ERROR_TYPE, ""))
        self._spans_kind = (str(span.attributes.get(semconv.OBSERVATION_TYPE, "span")), kind)
        redacted = SpanRecord(
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_span_id=span.parent_span_id,
            name=self.text(span.name),
            kind=span.kind,
            start_time_ns=span.start_time_ns,
            end_time_ns=span.end_time_ns,
            status_code=span.status_code,
            status_message=self._status(span.status_message),
            attributes=self._attributes(span.attributes),
            events=[self._event(event) for event in span.events],
            links=[self._link(link) for link in span.links],
            trace_state=self._trace_state(span.trace_state),
            parent_is_remote=span.parent_is_remote,
            scope=self._scope_of(span.scope),
            dropped_attributes=span.dropped_attributes,
        )
        redacted.attributes[semconv.REDACTION_RECEIPT] = _receipt_text(self._redactor.receipt(self.tally, begin))
        return redacted

    def _status(self, message: str) -> str:
        if not message:
            return message
        value = self._attribute(semconv.OBSERVATION_STATUS_MESSAGE, message)
        return value if isinstance(value, str) else str(value)

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
        if value is True or value is False:
            return value
        inner = value.value if isinstance(value, Structured) else value
        redactor = self._redactor
        if self._rules.is_secret(key, inner):
            return self.operator("SECRET", "")
        self._enter(key)
        try:
            if self._scope.value not in {"", "keep"}:
                return self._whole(inner, self._scope.value)
            if key in _QUOTING and isinstance(inner, str) and redactor.policy.quoted_values == "withhold":
                value = inner = _QUOTING[key](inner, self._error)
            return self._in_scope(key, value, inner)
        finally:
            self._leave()

    def _in_scope(self, key: str, value: object, inner: object) -> object:
        rules = self._rules
        mark = rules.mark_at(_root(key)) if rules.paths else None
        if mark is None and self._is_clean(inner):
            return inner if value is inner or isinstance(inner, str) else jsontext.dumps(inner)
        texts = self._plain.get(id(value))
        if texts is not None and self._all_clean(texts):
            return jsontext.dumps(inner)
        redacted = self.walk().redact(inner, _root(key)) if mark is None else self.walk().marked(inner, mark)
        if isinstance(redacted, str):
            return redacted
        return jsontext.dumps(redacted) if isinstance(value, Structured | ModelValue) else _otlp(redacted)

    def _event(self, event: EventRecord) -> EventRecord:
        self._error = str(event.attributes.get(semconv.EXCEPTION_TYPE, ""))
        return EventRecord(self.text(event.name), event.time_ns, self._attributes(event.attributes))

    def _link(self, link: LinkRecord) -> LinkRecord:
        state = self._trace_state(link.trace_state)
        return LinkRecord(link.trace_id, link.span_id, state, self._attributes(link.attributes))

    def _scope_of(self, scope: ScopeRecord) -> ScopeRecord:
        return ScopeRecord(self.text(scope.name), self.text(scope.version), self._attributes(scope.attributes))

    def _trace_state(self, state: str) -> str:
        if not state:
            return ""
        return self._redactor.guarded("tracestate", lambda: tracestate.clean(state, self.text), "", self.tally)

    # --- one look at a time -------------------------------------------------------------------------------------------

    def _enter(self, key: str) -> None:
        """Look at what follows as the policy says for one attribute."""
        self._scope = self._redactor.scopes.of(key, *self._spans_kind)
        wants_names = self._names is not None and attribute_class(key) == "C"
        if self._scope is self._default:
            look = self._full if wants_names else self._bare
            if look is not self._look:
                self._use(look)
        else:
            keeps = self._scope.value == "keep"
            names = self._names if wants_names and not keeps else None
            self._use(Look(self._scope.operators, detect=not keeps, names=names))

    def _leave(self) -> None:
        self._scope = self._default
        if self._look is not self._bare:
            self._use(self._bare)

    def _use(self, look: Look) -> None:
        self._look = look
        remembers = not self._blind and (look is self._bare or look is self._full)
        self._young = self._known.clean_for(look).young if remembers else frozenset()

    @property
    def _remembers(self) -> bool:
        """Whether what is found clean now is clean wherever it stands."""
        return self._look is self._bare or self._look is self._full

    def walk(self) -> Walk:
        """Return a fresh walk over one value."""
        content = self._content if self._withholds and self._scope.value != "keep" else self.text
        redactor = self._redactor
        find = None if self._blind else self._changes
        return Walk(self._rules, content, self.operator, self.tally, self._whole, find=find, binary=redactor.binary)

    def content_walk(self) -> Walk:
        """Return a walk over a value that stands in no attribute: a score, a dataset item."""
        self._use(self._full)
        return self.walk()

    def text(self, text: str) -> str:
        """Return a text redacted, as the present look says."""
        if type(text) is str and len(text) <= CLEAN_LENGTH and text in self._young:
            return text
        if self._blind:
            return WITHHELD
        seen = self._seen[self._look.names is not None] if self._seen is not None and self._remembers else None
        try:
            if type(text) is not str:
                text = str.__str__(text)  # a subclass has methods of its own
            if seen is not None and text in seen:
                return text
            if self._expected and self._look is self._bare and text in self._clean_texts():
                return text
            redacted = self._redactor.free_text(text, self._known, self._look, self.tally, remember=self._remembers)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong must close the gate
            self._redactor.failed("text", error, self.tally)
            return WITHHELD
        if seen is not None and redacted is text:
            seen.add(text)
        return redacted

    def changes(self, text: str) -> list[Change]:
        """Return what would be replaced in one text of content.

        Raises:
            Exception: Whatever a detector raises.
        """
        return self._redactor.texts.changes(text, self._known, self._full)

    def withholds(self, text: str) -> bool:
        """Tell whether a text of content is withheld as a whole."""
        return self._blind or (self._withholds and (len(text) > _FREE_TEXT_BYTES or len(text.split()) > 1))

    def _changes(self, text: str) -> list[Change]:
        return self._redactor.texts.changes(text, self._known, self._look)

    def _content(self, text: str) -> str:
        """Return a text that a person or a model may have written, redacted or, by policy, withheld."""
        if self.withholds(text) and not self._blind:
            self.tally.withheld += 1
            return f"<text:{self._redactor.withheld_hash(text)} len={len(text)}>"
        return self.text(text)

    # --- operators ----------------------------------------------------------------------------------------------------

    def operator(self, kind: str, text: str) -> str:
        """Return what stands for a declared value, and count it."""
        operator = self._scope.operators.get(kind, "drop")
        if operator == "keep":
            return self.text(text)
        self.tally.count(kind, operator)
        subject = ""
        if kind in PSEUDONYMISED:
            subject = self._known.subjects.get((kind.lower(), normalise(text, kind.lower())), "")
            subject = subject or self._subject_by_part(kind, text)
        if kind == "EXAM_SECRET" and operator == "hash":
            return self._redactor.exam_placeholder(text)
        if kind == "OTHER" and operator == "drop":
            return "<personal>"
        return self._redactor.operators.replacement(operator, kind, text, subject)

    def _subject_by_part(self, kind: str, text: str) -> str:
        if kind != "PERSON":
            return ""
        sign = normalise(text)
        return next(
            (found for part in ("given", "family", "middle") if (found := self._known.subjects.get((part, sign)))), ""
        )

    def _whole(self, value: object, operator: str) -> Any:
        """Apply the operator of a rule to a whole value; nothing and yes/no stay, they say nothing."""
        if value is None or isinstance(value, bool) or value == "":
            return value
        if operator == "keep":
            before, self._look = self._look, Look(self._scope.operators, detect=False)
            try:
                return self.walk().redact(value, "")
            finally:
                self._look = before
        self.tally.count("VALUE", operator)
        if operator.startswith("mask"):
            return _otlp(self._masked(value, int(operator.partition(":")[2] or 0), 0))
        if operator == "drop":
            return "<dropped>"
        text = _as_text(value)
        if operator == "pseudonymise":
            return self._redactor.operators.replacement(operator, "ID", text)
        return f"<value:{self._redactor.withheld_hash(text)} len={len(text)}>"

    def _masked(self, value: object, keep_last: int, depth: int) -> Any:
        """Return a value with every text and number in it masked; keys are redacted as keys are."""
        if isinstance(value, ModelValue):
            value = value.fields
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Mapping) and depth < self._rules.max_depth:
            return {self.text(str(key)): self._masked(item, keep_last, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple) and depth < self._rules.max_depth:
            return [self._masked(item, keep_last, depth + 1) for item in value]
        return masked(value if isinstance(value, str) else _as_text(value), keep_last)

    # --- short cuts ---------------------------------------------------------------------------------------------------

    def _all_clean(self, texts: list[str]) -> bool:
        """Tell whether redaction leaves all the texts as they are; where not, nothing of the attempt is counted."""
        if self._withholds or self._blind or not self._remembers:
            return False
        unused = Tally()
        seen = self._seen[self._look.names is not None] if self._seen is not None else None
        try:
            if self._names is not None and self._look.names is not None:
                self._names.prefetch(text for text in texts if seen is None or text not in seen)
            clean = self._clean_texts()
            for text in texts:
                if (len(text) <= CLEAN_LENGTH and text in self._young) or (seen is not None and text in seen):
                    continue
                if text in clean and not (self._look.names is not None and self._look.names.find(text)):
                    continue
                if self._redactor.free_text(text, self._known, self._look, unused) is not text:
                    return False
                if seen is not None:
                    seen.add(text)
        except Exception:  # noqa: BLE001 - the walk that follows meets it again, withholds the value and counts it
            return False
        return True

    def expect(self, spans: Iterable[SpanRecord]) -> None:
        """Take note of the texts of spans that are redacted next: to look at many together costs little."""
        self._expected = [
            text for span in spans for text in (span.name, *span.attributes.values()) if type(text) is str
        ]

    def _clean_texts(self) -> set[str]:
        """Return the texts of the unit, as far as they are known, in which none but a recognizer may find anything."""
        if self._batch is None:
            clean = self._known.clean
            texts = {text for texts in (self._expected, *self._plain.values()) for text in texts}
            self._batch = self._redactor.texts.clean(sorted(texts - clean.young), self._known)
            for text in self._batch:
                if len(text) <= CLEAN_LENGTH:
                    clean.add(text)
        return self._batch

    def _is_clean(self, value: object) -> bool:
        """Tell, quickly and where in doubt with no, whether a value is a text that leaves as it is."""
        if type(value) is int:
            return -LONG_NUMBER < value < LONG_NUMBER
        if type(value) is float:
            return math.isfinite(value)
        if type(value) is not str or len(value) > CLEAN_LENGTH or self._withholds:
            return False
        # Other signs than that of a placeholder may begin JSON, which has keys.
        return (value[:1].isalnum() or value[:1] == "<") and value in self._young


class UnitNames:
    """What recognizers found in the texts of one unit: each text is asked for once, many at a time."""

    __slots__ = ("_find_all", "_found")

    def __init__(self, find_all: Callable[[Sequence[str]], Sequence[list[Finding]]]) -> None:
        self._find_all = find_all
        self._found: dict[str, list[Finding]] = {}

    def prefetch(self, texts: Iterable[str]) -> None:
        """Ask for many texts at once."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._found]
        if len(missing) > 1:
            self._found.update(zip(missing, self._find_all(missing), strict=True))

    def find(self, text: str) -> list[Finding]:
        """Return the findings in one text."""
        found = self._found.get(text)
        return found if found is not None else self._find_all([text])[0]


def _root(key: str) -> str:
    """Return where the path of a value begins: `input`, `output`, `metadata.…` or the attribute key."""
    if key in _ROOTS:
        return _ROOTS[key]
    if key.startswith(_METADATA_ROOT):
        return "metadata" + key[len(_METADATA_ROOT) :]
    return key


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, ModelValue):
        value = value.fields
    return jsontext.dumps(value) if isinstance(value, Mapping | list | tuple | int | float) else type(value).__name__


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
        "operators": receipt.operators,
        "microseconds": receipt.microseconds,
    }
    return orjson.dumps(content).decode()
