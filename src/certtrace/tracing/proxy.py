"""Tracing of callables that are not functions: objects with `__call__`, builtins, partials, classes.

A wrapt proxy keeps everything about them as it was: attributes, `isinstance`, binding as a method, signature.
"""

import copy
import functools
import inspect
import sys
from collections.abc import Callable
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from types import FunctionType
from typing import Any, Final, cast

import wrapt

from certtrace.tracing.active import ACTIVE, CallSite
from certtrace.tracing.wrappers import WRAPPER_FILE, wrap_callable

_KINDS: Final[tuple[tuple[Callable[[Any], bool], int], ...]] = (
    (inspect.iscoroutinefunction, CO_COROUTINE),
    (inspect.isasyncgenfunction, CO_ASYNC_GENERATOR),
    (inspect.isgeneratorfunction, CO_GENERATOR),
)


def _flags(target: Any) -> int:
    call = getattr(type(target), "__call__", None)  # noqa: B004 - the attribute itself is inspected, not its presence
    for is_kind, flag in _KINDS:
        if is_kind(target) or (not inspect.isclass(target) and is_kind(call)):
            return flag
    return 0


class TracedCallable(wrapt.FunctionWrapper):  # type: ignore[type-arg]  # generic only in wrapt's stubs, not at run time
    """A transparent proxy whose calls are recorded; pickles as the wrapped object, traced again."""

    def __init__(self, wrapped: Any, site: CallSite) -> None:
        """Wrap a callable of any kind."""
        super().__init__(wrapped, _caller(wrapped, site))
        self._self_site = site

    def __reduce_ex__(self, _protocol: Any) -> Any:
        """Pickle by name what can be found by its name, else the wrapped object and the call site."""
        name = _global_name(self)
        if name is not None:
            return name
        site = self._self_site
        told = (site.name, site.as_type, site.kind, site.capture_input, site.capture_output, site.attributes)
        return _rebuild, (self.__wrapped__, told)

    def __copy__(self) -> "TracedCallable":
        """Trace a copy of the wrapped object."""
        return self._self_of(copy.copy(self.__wrapped__))

    def __deepcopy__(self, memo: dict[int, Any]) -> "TracedCallable":
        """Trace a deep copy of the wrapped object."""
        return self._self_of(copy.deepcopy(self.__wrapped__, memo))

    def _self_of(self, copied: Any) -> "TracedCallable":
        return self if copied is self.__wrapped__ else TracedCallable(copied, self._self_site)


def _global_name(target: Any) -> str | None:
    name = getattr(target, "__qualname__", None)
    found = sys.modules.get(getattr(target, "__module__", None) or "")
    for part in name.split(".") if isinstance(name, str) else ():
        found = getattr(found, part, None)
    return name if found is target else None


def _rebuild(wrapped: Any, told: tuple[Any, ...]) -> TracedCallable:
    name, as_type, kind, capture_input, capture_output, attributes = told
    site = CallSite(
        name, as_type, kind=kind, capture_input=capture_input, capture_output=capture_output, attributes=attributes
    )
    return TracedCallable(wrapped, site)


def _signature(target: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(target)
    except (TypeError, ValueError):
        return None  # builtins such as `dict` have none


def _caller(target: Any, site: CallSite) -> Callable[..., Any]:
    flags = _flags(target)
    if flags:
        return _lazy_caller(target, site, flags)
    site.params = ("args", "kwargs") if site.capture_input else ()

    def call(wrapped: Any, _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        runtime = ACTIVE.runtime
        span = None if runtime is None else runtime.open(site, (args, kwargs))
        if span is None:
            return wrapped(*args, **kwargs)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            span.fail_with(error)
            raise
        span.succeed(result)
        return result

    return _hidden(cast(FunctionType, call))


def _hidden(call: FunctionType) -> FunctionType:
    call.__code__ = call.__code__.replace(co_filename=WRAPPER_FILE)
    return call


def _lazy_caller(target: Any, site: CallSite, flags: int) -> Callable[..., Any]:
    """Return the caller of something whose body runs after the call: a coroutine or a generator."""

    def prepared(lazy: Any) -> tuple[inspect.Signature | None, FunctionType]:
        drive = wrap_callable(lazy, site, flags)
        called = _called(target)
        drive.__name__, drive.__qualname__ = called.__name__, called.__qualname__
        return _signature(lazy), drive

    own = prepared(target)

    def call(wrapped: Any, _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        signature, drive = own if wrapped is target else prepared(wrapped)  # a method is bound anew for each call
        if signature is not None and not _binds(signature, args, kwargs):
            return wrapped(*args, **kwargs)  # a wrong call fails here and now, with its own message
        return drive(*args, **kwargs)

    return _hidden(cast(FunctionType, call))


def _called(target: Any) -> Any:
    """Return the function whose name the coroutines and generators of `target` bear."""
    while isinstance(target, functools.partial):
        target = target.func
    return target if hasattr(target, "__qualname__") else type(target).__call__


def _binds(signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def trace_callable(target: Any, site: CallSite) -> TracedCallable:
    """Return the traced form of any callable that is not a function."""
    return TracedCallable(target, site)
