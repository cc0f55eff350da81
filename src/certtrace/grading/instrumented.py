"""`instrument`: trace an existing grading service without changing it.

The service is wrapped in a transparent proxy. Its methods run with the proxy as `self`, so that `self.run_pass(...)`
inside `grade_answer` is traced as well. What the proxy cannot see: calls from properties and from special methods such
as `__call__`, calls through a reference to the bare service kept from before (a callback registered in `__init__`), and
`type(self)` inside a method, which is the proxy's class (`self.__class__` is the service's). Attributes whose names
begin with `_self_` belong to the proxy. A plain method that returns an awaitable is traced up to its return.
"""

import copy
import functools
import types
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar, cast

import wrapt

from certtrace.errors import DecorationError
from certtrace.grading import faults
from certtrace.grading.adapters import Adapter, AptitudeAdapter, CaseStudyAdapter
from certtrace.grading.arguments import Binder
from certtrace.grading.roles import APTITUDE, CASE_STUDY, Role
from certtrace.grading.running import staged
from certtrace.grading.stages.base import Stage
from certtrace.tracing.active import ACTIVE

S = TypeVar("S")


def instrument(service: S, adapter: Adapter | None = None) -> S:
    """Return a proxy of a grading service whose methods open the right stages.

    Results, exceptions, attributes and `isinstance` stay as they are; the service itself is not changed. An adapter
    function that raises is counted and logged once, and the method runs.

    Args:
        service: Any object with the methods of an aptitude-test grading or a case-study review service; their methods
            may be plain functions, coroutines or generators.
        adapter: Names the methods and maps the types. Without one, methods with the usual names are looked for.

    Raises:
        DecorationError: A method that the adapter names is missing, or no method has a name that is known.
    """
    if isinstance(service, InstrumentedService):
        service = service.__wrapped__  # once is enough: a second proxy around it would record everything twice
    chosen = adapter if adapter is not None else _guess(service)
    methods = _methods(service, chosen)
    proxy = InstrumentedService(service, chosen, methods)
    return cast(S, proxy)


class InstrumentedService(wrapt.ObjectProxy):  # type: ignore[type-arg]  # generic only in wrapt's stubs, not at run time
    """A grading service that is traced; everything else about it is as before."""

    def __init__(self, service: Any, adapter: Adapter, methods: Mapping[str, Role]) -> None:
        """Take the service, the adapter, and the role of each traced method."""
        super().__init__(service)
        self._self_adapter = adapter
        self._self_methods = methods
        self._self_calls: dict[str, tuple[Any, Callable[..., Any]]] = {}

    def __getattr__(self, name: str) -> Any:
        service = self.__wrapped__
        value = getattr(service, name)
        bound = type(value) is types.MethodType and value.__self__ is service
        role = self._self_methods.get(name)
        func = value.__func__ if bound else value
        if role is not None:
            func = self._self_traced(name, func, role, bound=bound)
        # Bound to the proxy, so that what the method calls on `self` is traced as well.
        return types.MethodType(func, self) if bound else func

    def _self_traced(self, name: str, func: Callable[..., Any], role: Role, *, bound: bool) -> Callable[..., Any]:
        known = self._self_calls.get(name)
        if known is None or known[0] is not func:
            known = (func, _traced(func, role, self._self_adapter, self.__wrapped__, bound=bound))
            self._self_calls[name] = known
        return known[1]

    def __enter__(self) -> Any:
        return self._self_or(type(self.__wrapped__).__enter__(self.__wrapped__))

    async def __aenter__(self) -> Any:
        return self._self_or(await type(self.__wrapped__).__aenter__(self.__wrapped__))

    async def __aexit__(self, *exc: object) -> Any:
        return await type(self.__wrapped__).__aexit__(self.__wrapped__, *exc)

    def _self_or(self, given: Any) -> Any:
        return self if given is self.__wrapped__ else given

    def __copy__(self) -> "InstrumentedService":
        return InstrumentedService(copy.copy(self.__wrapped__), self._self_adapter, self._self_methods)

    def __deepcopy__(self, memo: dict[int, Any]) -> "InstrumentedService":
        return InstrumentedService(copy.deepcopy(self.__wrapped__, memo), self._self_adapter, self._self_methods)

    def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
        # Roles are found again by name, so only the adapter's own functions have to be picklable.
        return instrument, (self.__wrapped__, self._self_adapter)


def _traced(
    func: Callable[..., Any], role: Role, adapter: Adapter, service: object, *, bound: bool
) -> Callable[..., Any]:
    """Return the function that runs `func` inside its stage; `bound` says that the first argument is `self`."""
    name = getattr(func, "__name__", "a method")
    binder = Binder(func, skipped=1 if bound else 0)

    def open_stage(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Stage:
        if ACTIVE.runtime is None:
            return Unstaged()
        try:
            return role.open(adapter, binder.bind(service, args, kwargs))
        except Exception as error:  # noqa: BLE001 - the method must run even where its stage cannot be described
            faults.count(f"Opening the stage of {name}", error)
            return Unstaged()

    def tell(stage: Stage, result: object) -> None:
        if isinstance(stage, Unstaged):
            return
        try:
            role.tell(adapter, stage, result)
        except Exception as error:  # noqa: BLE001 - as above
            faults.count(f"Reading the result of {name}", error)

    return functools.wraps(func)(staged(func, open_stage, tell))


class Unstaged(Stage):
    """Stands in where nothing is recorded: nothing is configured, or the stage could not be described."""

    def __init__(self) -> None:
        """Prepare nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        """Record nothing."""


def _guess(service: object) -> Adapter:
    for adapter in (AptitudeAdapter(), CaseStudyAdapter()):
        if any(_found(service, name) for name in adapter.names["grade"][:2]):
            return adapter
    return (
        AptitudeAdapter()
        if _count(service, AptitudeAdapter()) >= _count(service, CaseStudyAdapter())
        else (CaseStudyAdapter())
    )


def _count(service: object, adapter: Adapter) -> int:
    return sum(any(_found(service, name) for name in names) for names in adapter.names.values())


def _methods(service: object, adapter: Adapter) -> dict[str, Role]:
    """Return the role of each method by its name.

    Raises:
        DecorationError: A named method is missing, or none was found.
    """
    roles = CASE_STUDY if isinstance(adapter, CaseStudyAdapter) else APTITUDE
    found: dict[str, Role] = {}
    for verb in adapter.verbs():
        name = getattr(adapter, verb)
        if name and not _found(service, name):
            raise DecorationError(_missing(service, adapter, verb, name, roles))
        if name is None:
            name = next((usual for usual in adapter.names[verb] if _found(service, usual)), "")
        if name:
            found.setdefault(name, roles[verb])
    if not found:
        raise DecorationError(_nothing(service, adapter))
    return found


def _missing(service: object, adapter: Adapter, verb: str, name: str, roles: Mapping[str, Role]) -> str:
    present = ", ".join(_public(service)) or "none"
    return (
        f"{type(service).__name__} has no method {name!r}, which {type(adapter).__name__}({verb}={name!r}) names. "
        f"Its methods are: {present}. Give the right name, or {verb}='' to leave this stage out of the "
        f"{len(roles)} that can be traced."
    )


def _nothing(service: object, adapter: Adapter) -> str:
    present = ", ".join(_public(service)) or "none"
    usual = ", ".join(names[0] for names in adapter.names.values())
    return (
        f"{type(service).__name__} has no method that can be traced. Its methods are: {present}. "
        f"Name them in an adapter, such as {type(adapter).__name__}(grade='your_method'), "
        f"or use the usual names: {usual}."
    )


def _found(service: object, name: str) -> bool:
    return callable(getattr(type(service), name, None)) or callable(getattr(service, name, None))


def _public(service: object) -> list[str]:
    return [name for name in dir(type(service)) if not name.startswith("_") and callable(getattr(type(service), name))]
