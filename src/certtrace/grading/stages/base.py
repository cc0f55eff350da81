"""What every stage shares: its span, its place among the other stages, and the recognition of failures."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from enum import Enum
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from opentelemetry.context import attach, get_current, set_value
from opentelemetry.context.context import Context

from certtrace import semconv, tracing
from certtrace.grading import faults
from certtrace.grading.failures import Classified, FailureClass, by_weight, classify
from certtrace.tracing.handle import Kind, ObservationType, SpanHandle

STAGE_KEY: Final = "certtrace-grading-stage"
"""Key of the innermost stage in OpenTelemetry's context: it travels into threads and tasks as the span does."""

S = TypeVar("S", bound="Stage")


class Stage:
    """One span of the grading domain. Open it with `with`, in sync and async code alike.

    Nothing a stage does reaches the host: exceptions pass through as the same object, and faults of ours are counted in
    `certtrace.grading.fault_counts()`.
    """

    def __init__(
        self,
        name: str,
        *,
        as_type: ObservationType = "span",
        kind: Kind = "internal",
        input: object = None,
        attributes: Mapping[str, object] | None = None,
        around: Iterable[AbstractContextManager[Any]] = (),
        links: Iterable[Any] = (),
        seed: str | None = None,
    ) -> None:
        """Prepare the stage; nothing is recorded before `with`."""
        self.name = name
        self._as_type: ObservationType = as_type
        self._kind: Kind = kind
        self.span = SpanHandle()
        """The certtrace span of the stage, for what the stage's own methods do not cover."""
        self.failures: list[FailureClass] = []
        """Failure classes recognised here, the one that explains most first."""
        self._input = input
        self._attributes = recordable(attributes or {})
        self._around = tuple(around)
        self._links = list(links)
        self._seed = seed
        self._stack = ExitStack()
        self._parent: Stage | None = None
        self._outside: Context | None = None
        self._inside: Context | None = None
        self._warnings: list[str] = []
        self._failed = False
        self._passing: tuple[int, Classified] | None = None

    def __enter__(self) -> Self:
        self._tell(self._enter_span)
        self._parent = _innermost()
        self._outside = get_current()
        self._inside = set_value(STAGE_KEY, self)
        attach(self._inside)
        self._tell(self._on_open)
        return self

    def _enter_span(self) -> None:
        for manager in self._around:
            self._stack.enter_context(manager)
        self.span = self._stack.enter_context(
            tracing.span(
                self.name,
                as_type=self._as_type,
                input=self._input,
                kind=self._kind,
                links=self._links,
                attributes=self._attributes,
                seed=self._seed,
            )
        )
        self._input = None  # captured by now; the stage must not keep it alive

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(exc, Exception):
            self._tell(self._on_exception, exc)
        self._tell(self._on_close, exc)
        if exc is None:
            self._tell(self._show_warnings)
        self._leave()
        self._tell(self._stack.__exit__, exc_type, exc, traceback)

    def _on_open(self) -> None:
        """Do what a kind of stage adds when it opens."""

    def _on_close(self, exc: BaseException | None) -> None:
        """Do what a kind of stage adds when it ends."""

    def _show_warnings(self) -> None:
        # At the end, because an error outranks them and a level once set cannot be taken back.
        if self.failures and not self._failed:
            message = " ".join(self._warnings) or ", ".join(self.failures)
            self.span.update(level="WARNING", status_message=message)

    def _classify(self, exc: Exception) -> Classified:
        """Recognise an exception; a kind of stage may know better than the exception's class tells."""
        return classify(exc)

    def _on_exception(self, exc: Exception) -> None:
        # The innermost stage knows best what a timeout or a missing key meant; those around it repeat its verdict.
        classified = self._passing[1] if self._passing and self._passing[0] == id(exc) else self._classify(exc)
        if self._parent is not None:
            self._parent._passing = (id(exc), classified)  # noqa: SLF001 - another object of this class
        self.span.set_attribute(semconv.ERROR_TYPE, classified.error_type)
        if classified.failure is not None:
            self.recognised(classified.failure)

    def recognised(self, failure: FailureClass) -> None:
        """Record a failure class here and tell the pass or grading around it. The status stays as it is."""
        if failure not in self.failures:
            self.failures = by_weight([*self.failures, failure])
            self.span.set_attribute(semconv.FAILURE_CLASS, self.failures[0].value)
            if len(self.failures) > 1:
                self.span.set_attribute(semconv.FAILURE_CLASSES, [each.value for each in self.failures])
        self._escalate(failure)

    def _escalate(self, failure: FailureClass) -> None:
        """Tell the stage around of a failure recognised here or below."""
        if self._parent is not None:
            self._parent._reported(failure)  # noqa: SLF001 - another object of this class

    def _reported(self, failure: FailureClass) -> None:
        """Hear of a failure recognised below."""
        self._escalate(failure)

    def warn(self, failure: FailureClass, message: str) -> None:
        """Record something an operator should see although the stage did its work. `message` holds no content."""
        self._warnings.append(message)
        self.recognised(failure)

    def fail(self, failure: FailureClass, message: str, error_type: str | None = None) -> None:
        """Record that the stage did not do its work, without an exception. `message` holds no content."""
        self._failed = True
        self.span.fail(error_type or failure.value, message)
        self.recognised(failure)

    def note(self, attributes: Mapping[str, object]) -> None:
        """Set attributes on the span; what is `None` or empty is left out."""
        self.span.set_attributes(recordable(attributes))

    def _tell(self, what: Any, *args: object) -> None:
        try:
            what(*args)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here is ours, the grading must go on
            faults.count(f"{type(self).__name__}.{what.__name__}", error)

    def _leave(self) -> None:
        # What the body itself left in the context stays; only this stage is taken out of it.
        current = get_current()
        if current is self._inside and self._outside is not None:
            attach(self._outside)
        elif current.get(STAGE_KEY) is self:
            attach(set_value(STAGE_KEY, self._parent, current))
        self._inside = self._outside = None  # no cycle: the context holds this stage


def enclosing(kind: type[S], start: Stage | None = None) -> S | None:
    """Return the innermost open stage of one kind, from `start` (itself included) or the current stage outwards."""
    stage = start if start is not None else _innermost()
    while stage is not None and not isinstance(stage, kind):
        stage = stage._parent  # noqa: SLF001 - another object of this module's class
    return stage


def _innermost() -> Stage | None:
    found = get_current().get(STAGE_KEY)
    return found if isinstance(found, Stage) else None


def recordable(attributes: Mapping[str, object]) -> dict[str, object]:
    """Return what is worth recording: no `None`, no empty text; enums as their value, dates in ISO 8601."""
    return {key: _plain(value) for key, value in attributes.items() if value is not None and value != ""}


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if callable(isoformat) else value
