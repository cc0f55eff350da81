"""`@traced`: one decorator for everything that can be called."""

import copy
import functools
import types
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, overload

from certtrace.errors import DecorationError
from certtrace.tracing.active import CallSite
from certtrace.tracing.handle import Kind, ObservationType
from certtrace.tracing.wrappers import parameters, wrap_function

_T = TypeVar(
    "_T",
    bound="Callable[..., Any] | property | staticmethod[..., Any] | classmethod[Any, ..., Any] "
    "| functools.cached_property[Any] | functools.partialmethod[Any]",
)

KINDS: Final[dict[str, int]] = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
"""OTLP's number of each span kind."""

TYPES: Final = frozenset(
    {"span", "generation", "retriever", "tool", "chain", "agent", "evaluator", "embedding", "guardrail", "event"}
)


class _Options:
    """What `@traced(...)` was told, ready to make call sites."""

    __slots__ = ("as_type", "attributes", "capture_input", "capture_output", "kind", "name")

    def __init__(
        self,
        name: str | None,
        as_type: str,
        kind: str,
        *,
        capture_input: bool,
        capture_output: bool,
        attributes: Mapping[str, Any] | None,
    ) -> None:
        self.name = name
        self.as_type = checked(as_type, TYPES, "as_type")
        self.kind = KINDS[checked(kind, KINDS, "kind")]
        self.capture_input = capture_input
        self.capture_output = capture_output
        self.attributes = attributes

    def site(self, target: Any, suffix: str = "") -> CallSite:
        name = self.name or _qualified_name(target).rpartition("<locals>.")[2] + suffix
        return CallSite(
            name,
            self.as_type,
            kind=self.kind,
            capture_input=self.capture_input,
            capture_output=self.capture_output,
            attributes=self.attributes,
        )


def _qualified_name(target: Any) -> str:
    for named in (target, getattr(target, "func", None), type(target)):  # a partial is named by its function
        name = getattr(named, "__qualname__", None)
        if isinstance(name, str):
            return name
    return "call"


def checked(value: str, allowed: Any, what: str) -> str:
    """Return `value` if it is one of `allowed`.

    Raises:
        DecorationError: It is not; the message lists what is.
    """
    if value not in allowed:
        msg = f"{what} must be one of {', '.join(sorted(allowed))}; got {value!r}. Choose one of these."
        raise DecorationError(msg)
    return value


@overload
def traced(target: _T, /) -> _T: ...
@overload
def traced(
    *,
    name: str | None = None,
    as_type: ObservationType = "span",
    kind: Kind = "internal",
    capture_input: bool = True,
    capture_output: bool = True,
    attributes: Mapping[str, Any] | None = None,
) -> Callable[[_T], _T]: ...
def traced(
    target: Any = None,
    /,
    *,
    name: str | None = None,
    as_type: ObservationType = "span",
    kind: Kind = "internal",
    capture_input: bool = True,
    capture_output: bool = True,
    attributes: Mapping[str, Any] | None = None,
) -> Any:
    """Record every call of a function, method or other callable as a span; it behaves exactly as it did untraced.

    Works on plain functions, coroutine functions, generators, async generators, methods, callable objects, builtins and
    partials, above and below `@staticmethod`, `@classmethod` and `@property`, with and without parentheses. Until
    `certtrace.configure()` runs, the call goes straight through and nothing is recorded.

    A class can be traced too: making an object is the call. Its name then stands for a proxy: objects, subclasses,
    `isinstance` and attributes work, but `except`, `match`, `type(x) is` and pickling of its objects need the class
    itself (`__wrapped__`). Better trace `__init__` or the methods.

    Args:
        target: What to trace, when used without parentheses.
        name: Span name; default the qualified name without `<locals>`.
        as_type: Langfuse observation type.
        kind: OpenTelemetry span kind.
        capture_input: Record the arguments (redacted before they leave the process); `self` and `cls` never are.
        capture_output: Record the result, or what a generator yields.
        attributes: Attributes of every span of this function.

    Raises:
        DecorationError: The target cannot be called, or an option has a value it cannot have.
    """
    options = _Options(
        name, as_type, kind, capture_input=capture_input, capture_output=capture_output, attributes=attributes
    )
    if target is None:
        return lambda late: _trace(late, options)
    return _trace(target, options)


def _trace(target: Any, options: _Options, suffix: str = "") -> Any:
    # By its true type: proxies of other libraries say of themselves that they are functions, and bind in their own way.
    kind = type(target)
    if kind is types.FunctionType:
        return wrap_function(target, options.site(target, suffix), _hidden(target))
    for base, rewrap in _DESCRIPTORS.items():
        if issubclass(kind, base):
            return rewrap(target, options)
    if not callable(target):
        msg = (
            f"@traced needs something that can be called, got {kind.__qualname__}. "
            "Put it on a function, method, class or callable object; for a block use `with certtrace.span(...)`."
        )
        raise DecorationError(msg)
    from certtrace.tracing.proxy import trace_callable  # noqa: PLC0415 - wrapt is loaded only for what needs a proxy

    return trace_callable(target, options.site(target, suffix))


def _hidden(func: types.FunctionType) -> int:
    # A method is known by its qualified name and by the name every Python programmer gives its first parameter.
    names = parameters(func.__code__)
    return int(bool(names) and names[0] in ("self", "cls", "mcs"))


def _copy_attributes(source: Any, target: Any) -> Any:
    for key, value in getattr(source, "__dict__", {}).items():
        if not key.startswith("__"):
            setattr(target, key, value)
    return target


def _static_or_class_method(target: Any, options: _Options) -> Any:
    return _copy_attributes(target, type(target)(_trace(target.__func__, options)))


def _property(target: property, options: _Options) -> property:
    accessors = (target.fget, target.fset, target.fdel)
    suffixes = ("", ".setter", ".deleter")
    pairs = zip(accessors, suffixes, strict=True)
    parts = [None if part is None else _trace(part, options, suffix) for part, suffix in pairs]
    # A doc that is the getter's own is not given: a later `.getter` would not replace it.
    own = target.__doc__ is not None and target.__doc__ == getattr(target.fget, "__doc__", None)
    fget, fset, fdel = parts
    return type(target)(fget, fset, fdel, None if own else target.__doc__)


def _cached_property(target: Any, options: _Options) -> Any:
    made = copy.copy(target)  # knows its name already where the class exists
    made.func = _trace(target.func, options)
    return made


def _partial_method(target: Any, options: _Options) -> Any:
    return type(target)(_trace(target.func, options), *target.args, **target.keywords)


def _bound_method(target: types.MethodType, options: _Options) -> types.MethodType:
    return types.MethodType(_trace(target.__func__, options), target.__self__)


_DESCRIPTORS: Final[dict[type, Callable[[Any, _Options], Any]]] = {
    staticmethod: _static_or_class_method,
    classmethod: _static_or_class_method,
    property: _property,
    functools.cached_property: _cached_property,
    functools.partialmethod: _partial_method,
    types.MethodType: _bound_method,
}
