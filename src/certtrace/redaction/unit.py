"""The redaction of one unit: what is known in it, one look at a time, and a receipt for each span."""

import time
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Final

from certtrace import semconv
from certtrace.ports import EventRecord, LinkRecord, ModelValue, ScopeRecord, SpanRecord, Structured
from certtrace.redaction.attribute_keys import QUOTING, root
from certtrace.redaction.known.collecting import Collector
from certtrace.redaction.learning import learned
from certtrace.redaction.policy.kinds import attribute_class
from certtrace.redaction.receipts import receipt_text
from certtrace.redaction.shortcuts import CLEAN_LENGTH, UnitTexts
from certtrace.redaction.structure import jsontext, tracestate
from certtrace.redaction.structure.walker import LONG_NUMBER, Walk
from certtrace.redaction.text.fairness import yield_turn
from certtrace.redaction.text.folding import fold_bytes
from certtrace.redaction.text.views import may_be_escaped
from certtrace.redaction.texts import Change, Look, Tally
from certtrace.redaction.whole_values import as_text, masked_data, otlp, subject_of

if TYPE_CHECKING:
    from certtrace.redaction.redactor import Redactor

WITHHELD: Final = "<withheld: redaction failed>"

_KINDS: Final = ("", "internal", "server", "client", "producer", "consumer")
_FREE_TEXT_BYTES: Final = 64


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
        self._ahead = redactor.ahead
        self._texts = UnitTexts(redactor.texts, redactor.plain, self._ahead)
        self._seen: dict[bool, set[str]] | None = {False: set(), True: set()} if repeats else None
        """Texts of any length found clean, without and with recognizers: spans of one unit hand the same answer on."""
        self._names = redactor.names(self._ahead)
        self._default = redactor.scopes.default
        self._scope = self._default
        self._spans_kind = ("", "")
        self._error = ""
        """Type of the error that a message may be of."""
        collector = Collector(redactor.rules)
        for key, value in values:
            try:
                if not (isinstance(value, Structured) and self._texts.takes(value)):
                    collector.value(value, root(key))
            except Exception as error:  # noqa: BLE001 - whatever goes wrong must close the gate
                redactor.failed("captured value", error, self.tally)
        known = learned(redactor, collector, identities, self.tally)
        self._blind = known is None
        """Someone may be known whom we cannot look for: free text is withheld."""
        self._known = redactor.nobody if known is None else known
        self._young: AbstractSet[str] = frozenset()
        self._ordinary = redactor.ordinary_keys.young if not (self._blind or self._withholds) else frozenset[str]()
        self._bare = Look(self._default.operators)
        self._full = Look(self._default.operators, names=self._names) if self._names is not None else self._bare
        self._look = self._bare
        self._use(self._bare)

    # --- spans --------------------------------------------------------------------------------------------------------

    def span(self, span: SpanRecord, *, withheld: int = 0) -> SpanRecord:
        """Return one span redacted, with its receipt, which tells also what was `withheld` before."""
        yield_turn()  # where everything was looked at ahead, nothing else lets other threads in
        begin = time.perf_counter_ns()
        self.tally = Tally(withheld=withheld)
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
            dropped_events=span.dropped_events,
            dropped_links=span.dropped_links,
        )
        redacted.attributes[semconv.REDACTION_RECEIPT] = receipt_text(self._redactor.receipt(self.tally, begin))
        return redacted

    def _status(self, message: str) -> str:
        if not message:
            return message
        value = self._attribute(semconv.OBSERVATION_STATUS_MESSAGE, message)
        return value if isinstance(value, str) else str(value)

    def _attributes(self, attributes: dict[str, object]) -> dict[str, object]:
        result: dict[str, object] = {}
        ordinary, young = self._ordinary, self._young
        for key, value in attributes.items():
            if key in ordinary and key in young and key not in result:
                ready = self._ready(value)
                if ready is not None:
                    result[key] = ready
                    continue
            name = self.text(key)
            while name in result:
                name += "#"
            try:
                result[name] = self._attribute(key, value)
            except Exception as error:  # noqa: BLE001 - whatever goes wrong must close the gate
                self._redactor.failed("value", error, self.tally)
                result[name] = WITHHELD
        return result

    def _ready(self, value: object) -> object:
        """Return, quickly, what becomes of a value that no rule asks for; None where it has to be looked at."""
        kind = type(value)
        if kind is Structured:
            texts = self._texts.of(value)
            if texts is None or not self._all_clean(texts):
                return None
            return jsontext.dumps(value.value) if isinstance(value, Structured) else None
        return value if kind is bool or self._is_clean(value) else None

    def _attribute(self, key: str, value: object) -> object:
        if value is True or value is False:
            return value
        inner = value.value if isinstance(value, Structured) else value
        redactor = self._redactor
        if self._rules.is_secret(key, inner):
            return self.operator("SECRET", "")
        self._enter(key)
        if self._look is self._bare and redactor.is_ordinary(key):
            redactor.ordinary_keys.add(key)
        try:
            if self._scope.value not in {"", "keep"}:
                return self._whole(inner, self._scope.value)
            if key in QUOTING and isinstance(inner, str) and redactor.policy.quoted_values == "withhold":
                value = inner = QUOTING[key](inner, self._error)
            return self._in_scope(key, value, inner)
        finally:
            self._leave()

    def _in_scope(self, key: str, value: object, inner: object) -> object:
        rules = self._rules
        mark = rules.mark_at(root(key)) if rules.paths else None
        if mark is None and self._is_clean(inner):
            return inner if value is inner or isinstance(inner, str) else jsontext.dumps(inner)
        texts = self._texts.of(value)
        if texts is not None and self._all_clean(texts):
            return jsontext.dumps(inner)
        redacted = self.walk().redact(inner, root(key)) if mark is None else self.walk().marked(inner, mark)
        if isinstance(redacted, str):
            return redacted
        return jsontext.dumps(redacted) if isinstance(value, Structured | ModelValue) else otlp(redacted)

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

    def body(self, value: object) -> Any:
        """Return a value that stands in no attribute: of a mapping, a score or a dataset item, field by field."""
        if not isinstance(value, Mapping):
            return self.content_walk().redact(value, "value")
        whole = {key: operator for key in value if (operator := self._field_operator(key))}
        rest = {key: item for key, item in value.items() if key not in whole} if whole else value
        walked = self.content_walk().redact(rest, "value")
        if not whole:
            return walked
        clean = dict(zip(rest, walked.items(), strict=True))
        taken = {key: (self.text(str(key)), self._whole(value[key], operator)) for key, operator in whole.items()}
        return dict({**clean, **taken}[key] for key in value)

    def _field_operator(self, key: object) -> str:
        """Return the operator that a rule has for a whole field, such as `value.comment`."""
        operator = self._redactor.scopes.of(f"value.{key}", "", "").value
        return "" if operator == "keep" else operator

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
            if self._remembers and self._texts.expects() and self._is_seen_clean(text):
                return text
            redacted = self._redactor.free_text(text, self._known, self._look, self.tally, remember=self._remembers)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong must close the gate
            self._redactor.failed("text", error, self.tally)
            return WITHHELD
        if seen is not None and redacted is text:
            seen.add(text)
        return redacted

    def _is_seen_clean(self, text: str) -> bool:
        """Tell whether the texts of the unit, looked at together, say that this one leaves as it is."""
        if text not in self._texts.clean(self._known):
            return False
        if self._look.names is None:
            return True
        # A recognizer is asked for each reading of a text; this one has but one.
        if self._names is None or may_be_escaped(fold_bytes(text)) or not self._names.is_nameless(text):
            return False
        if len(text) <= CLEAN_LENGTH:
            self._known.clean_of_names.add(text)
        return True

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
        if kind == "EXAM_SECRET" and operator == "hash":
            return self._redactor.exam_placeholder(text)
        if kind == "OTHER" and operator == "drop":
            return "<personal>"
        return self._redactor.operators.replacement(operator, kind, text, subject_of(self._known.subjects, kind, text))

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
            return otlp(masked_data(value, int(operator.partition(":")[2] or 0), self.text, self._rules.max_depth))
        if operator == "drop":
            return "<dropped>"
        text = as_text(value)
        if operator == "pseudonymise":
            return self._redactor.operators.replacement(operator, "ID", text)
        return f"<value:{self._redactor.withheld_hash(text)} len={len(text)}>"

    # --- short cuts ---------------------------------------------------------------------------------------------------

    def _all_clean(self, texts: list[str]) -> bool:
        """Tell whether redaction leaves all the texts as they are; where not, nothing of the attempt is counted."""
        if self._withholds or self._blind or not self._remembers:
            return False
        names = self._look.names
        if names is None and self._texts.clean(self._known).issuperset(texts):
            return True
        unused = Tally()
        seen = self._seen[names is not None] if self._seen is not None else None
        try:
            if self._names is not None and names is not None:
                young = self._young
                self._names.prefetch(text for text in texts if text not in young and (seen is None or text not in seen))
            clean = self._texts.clean(self._known)
            for text in texts:
                if (len(text) <= CLEAN_LENGTH and text in self._young) or (seen is not None and text in seen):
                    continue
                if text in clean and not (names is not None and names.find(text)):
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
        self._texts.expect(spans)

    def expect_part(self, spans: Sequence[SpanRecord]) -> None:
        """Do the same for a part of many spans, and forget the texts of the part before."""
        self._texts = UnitTexts(self._redactor.texts, self._redactor.plain, self._ahead)
        for span in spans:
            for value in span.attributes.values():
                if isinstance(value, Structured):
                    self._texts.takes(value)
        self._texts.expect(spans)

    def _is_clean(self, value: object) -> bool:
        """Tell, quickly and where in doubt with no, whether a value is a text that leaves as it is."""
        if type(value) is int or type(value) is float:
            return -LONG_NUMBER < value < LONG_NUMBER
        if type(value) is not str or len(value) > CLEAN_LENGTH or self._withholds:
            return False
        # Other signs than that of a placeholder may begin JSON, which has keys.
        return (value[:1].isalnum() or value[:1] == "<") and value in self._young
