"""The arguments of one call, by name, as the functions of an adapter get them."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any


class Arguments(Mapping[str, Any]):
    """What a method was called with: by parameter name, or by position without `self`.

    Keywords that went into `**kwargs` appear under their own names. `service` is the wrapped object.
    """

    __slots__ = ("_by_name", "service")

    def __init__(self, by_name: Mapping[str, Any], service: object = None) -> None:
        self._by_name = dict(by_name)
        self.service = service

    def __getitem__(self, key: str | int) -> Any:
        if isinstance(key, int):
            return list(self._by_name.values())[key]
        return self._by_name[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        """Name the parameters only; values may be personal."""
        return f"Arguments({', '.join(self._by_name)})"


class Binder:
    """Binds the calls of one method to its parameter names."""

    __slots__ = ("_signature", "_skipped")

    def __init__(self, func: Callable[..., Any], *, skipped: int = 0) -> None:
        """Take the function, and how many leading arguments (`self`) are not shown."""
        self._skipped = skipped
        try:
            self._signature: inspect.Signature | None = inspect.signature(func)
        except (TypeError, ValueError):  # a builtin without one
            self._signature = None

    def bind(self, service: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Arguments:
        """Return the arguments by name; a call that does not fit is left to the method to refuse."""
        if self._signature is None:
            return _unnamed(service, args[self._skipped :], kwargs)
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError:
            return _unnamed(service, args[self._skipped :], kwargs)
        bound.apply_defaults()
        return Arguments(self._by_name(bound.arguments), service)

    def _by_name(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        by_name: dict[str, Any] = {}
        skipped = self._skipped
        for name, value in arguments.items():
            kind = self._signature.parameters[name].kind if self._signature is not None else None
            if kind is inspect.Parameter.VAR_KEYWORD:
                by_name.update(value)
            elif kind is inspect.Parameter.VAR_POSITIONAL:
                by_name.update({f"arg{index}": each for index, each in enumerate(value[skipped:])})
                skipped = 0
            elif skipped:
                skipped -= 1
            else:
                by_name[name] = value
        return by_name


def _unnamed(service: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Arguments:
    return Arguments({**{f"arg{index}": value for index, value in enumerate(args)}, **kwargs}, service)
