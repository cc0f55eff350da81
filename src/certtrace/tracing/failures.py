"""What an exception leaves behind on a span: text only, so that neither the exception nor its frames are kept alive."""

from types import TracebackType
from typing import Any, Final

from certtrace import semconv
from certtrace.tracing.naming import text_of
from certtrace.tracing.wrappers import WRAPPER_FILE

MAX_MESSAGE_CHARS: Final = 262_144
MAX_FRAMES: Final = 64
MAX_CHAIN: Final = 8

Frame = tuple[str, int, str]
"""File, line number, function."""


class Failure:
    """One exception, or a failure that code declared with `fail`."""

    __slots__ = ("chain", "error_type", "frames", "message", "outcome")

    def __init__(
        self, outcome: str, error_type: str, message: str, frames: tuple[Frame, ...], chain: tuple["Failure", ...]
    ) -> None:
        """Take the outcome (`error`, `cancelled` or `abandoned`), type, message, stack and causes."""
        self.outcome = outcome
        self.error_type = text_of(error_type)
        self.message = text_of(message)
        self.frames = frames
        self.chain = chain

    def text(self) -> str:
        """Return type and message in one line, as a status message shows them."""
        return f"{self.error_type}: {self.message}" if self.message else self.error_type

    def stacktrace(self) -> str:
        """Return the stack in Python's order, causes first, without source lines: code may quote personal data."""
        parts = [cause.stacktrace() for cause in reversed(self.chain)]
        lines = ["Traceback (most recent call last):"]
        lines += [f'  File "{file}", line {line}, in {function}' for file, line, function in self.frames]
        lines.append(self.text())
        parts.append("\n".join(lines))
        return "\n\n".join(parts)

    def event_attributes(self) -> dict[str, Any]:
        """Return the attributes of OpenTelemetry's exception event."""
        return {
            semconv.EXCEPTION_TYPE: self.error_type,
            semconv.EXCEPTION_MESSAGE: self.message,
            semconv.EXCEPTION_STACKTRACE: self.stacktrace(),
        }


def type_name(error: BaseException) -> str:
    """Return the qualified name of an exception's class, without `builtins`."""
    kind = type(error)
    module = kind.__module__
    return kind.__qualname__ if module in ("builtins", None) else f"{module}.{kind.__qualname__}"


def failure_of(error: BaseException, *, again: bool) -> Failure:
    """Describe an exception.

    Args:
        error: The exception; nothing of it is kept but text.
        again: Whether a span below has recorded it already: then its stack and causes are left out.
    """
    if issubclass(type(error), GeneratorExit):
        return Failure("abandoned", "GeneratorExit", "", (), ())
    outcome = "cancelled" if _is_cancellation(error) else "error"
    if again:
        return Failure(outcome, type_name(error), _message(error), (), ())
    return _described(error, outcome)


def _is_cancellation(error: BaseException) -> bool:
    # By its true type: `isinstance` would ask the exception's own `__class__`, which is the host's code.
    kind = type(error)
    if issubclass(kind, BaseExceptionGroup):
        return not issubclass(kind, Exception) and all(map(_is_cancellation, _parts(error)))
    # Interruptions of every library, asyncio's, trio's, Ctrl-C and `sys.exit`, are no `Exception`.
    return not issubclass(kind, Exception)


_parts: Final = BaseExceptionGroup.exceptions.__get__


def _described(error: BaseException, outcome: str) -> Failure:
    chain: list[Failure] = []
    seen = {id(error)}
    cause = _cause(error)
    while cause is not None and id(cause) not in seen and len(chain) < MAX_CHAIN:
        seen.add(id(cause))
        chain.append(Failure("error", type_name(cause), _message(cause), _frames(cause.__traceback__), ()))
        cause = _cause(cause)
    return Failure(outcome, type_name(error), _message(error), _frames(error.__traceback__), tuple(chain))


def _cause(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None:
        return error.__cause__
    return None if error.__suppress_context__ else error.__context__


def _message(error: BaseException) -> str:
    try:
        text = str(error)
        notes = getattr(error, "__notes__", None)
        if isinstance(notes, list):
            text = "\n".join([text, *(note for note in notes[:8] if isinstance(note, str))])
        if issubclass(type(error), BaseExceptionGroup):
            parts = [f"{type_name(part)}: {_message(part)}" for part in _parts(error)[:8]]
            text = "\n".join([text, *parts])
    except Exception:  # noqa: BLE001 - `__str__` is the host's code; its failure must not replace the host's exception
        return "<message unreadable>"
    if len(text) > MAX_MESSAGE_CHARS:
        # At a space: half a name or half an address would no longer be recognised as one.
        head = text[:MAX_MESSAGE_CHARS].rpartition(" ")[0]
        return f"{head} … <cut: {len(text)} characters>"
    return text


def _frames(tb: TracebackType | None) -> tuple[Frame, ...]:
    frames: list[Frame] = []
    while tb is not None:
        code = tb.tb_frame.f_code
        if code.co_filename != WRAPPER_FILE:
            frames.append((code.co_filename, tb.tb_lineno, code.co_qualname))
        tb = tb.tb_next
    if len(frames) > MAX_FRAMES:
        half = MAX_FRAMES // 2
        frames[half:-half] = [("…", 0, f"{len(frames) - MAX_FRAMES} more frames")]
    return tuple(frames)
