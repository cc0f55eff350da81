"""Take arguments and results as they are at the call, without running code of the host's objects.

A captured value is made of immutable atoms (kept by reference), fresh `list` and `dict` copies, and `ModelValue`s. Nothing
is encoded and nothing is redacted here: this runs on the caller's thread. No `__repr__`, `__str__`, property, iterator or
lazy attribute of a captured object is ever called; an object of an unknown type is named by its class only, which also
keeps clients and their keys out of traces.
"""

import datetime as dt
import decimal
import enum
import fractions
import pathlib
import types
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from certtrace.ports import ModelValue

MAX_DEPTH: Final = 32
"""Levels of nesting that are captured; what lies deeper is named by type and size."""
MAX_NODES: Final = 20_000
"""Containers and objects captured per value; the rest is counted, not walked."""

ATOMS: Final = frozenset({str, int, float, bool, type(None), bytes})
"""Exact types that are kept as they are: immutable, and holding nothing but themselves."""

_NO_FIELDS: Final[dict[str, Any]] = {}


class Capture:
    """One walk over one value: counts what it visits and collects the models it meets."""

    __slots__ = ("budget", "models")

    def __init__(self) -> None:
        """Start with a full budget."""
        self.budget = MAX_NODES
        self.models: list[ModelValue] | None = None

    def take(self, value: object, depth: int = 0) -> object:
        """Return the captured form of `value`."""
        kind = type(value)
        if kind in ATOMS:
            return value
        if depth >= MAX_DEPTH or self.budget <= 0:
            return _cut(value)
        self.budget -= 1
        handler = _HANDLERS.get(kind)
        if handler is None:
            handler = _HANDLERS[kind] = _handler_for(kind)
            if len(_HANDLERS) > _MAX_HANDLERS:
                _forget_handlers()
        try:
            return handler(self, value, depth)
        except Exception:  # noqa: BLE001 - a hostile object must not disturb the host; its class name is what remains
            return _named(kind, "unreadable ")

    def _model(self, cls: type, fields: dict[str, Any], depth: int) -> ModelValue:
        model = ModelValue(cls, {str(key): self.take(value, depth + 1) for key, value in fields.items()})
        if self.models is None:
            self.models = []
        self.models.append(model)
        return model

    def _sequence(self, items: Iterable[object], depth: int) -> list[object]:
        taken: list[object] = []
        for item in items:
            if self.budget <= 0:
                taken.append("<cut: more items>")
                break
            taken.append(item if type(item) in ATOMS else self.take(item, depth + 1))
        return taken


_Handler = Callable[[Capture, Any, int], object]


def _named(kind: type, prefix: str = "") -> str:
    module = kind.__module__
    where = "" if module in ("builtins", None) else f"{module}."
    return f"<{prefix}{where}{kind.__qualname__}>"


def _cut(value: object) -> str:
    kind = type(value)
    if isinstance(value, (list, tuple, dict, set, frozenset, deque)):
        return f"<cut: {kind.__name__} of {len(value)}>"
    return _named(kind, "cut: ")


def _dict(walk: Capture, value: dict[Any, Any], depth: int) -> object:
    copied = dict(value)  # one C call: another thread cannot change it half way
    if ATOMS.issuperset(map(type, copied.values())) and _ATOM_KEYS.issuperset(map(type, copied)):
        return copied
    taken: dict[object, object] = {}
    for key, item in copied.items():
        if walk.budget <= 0:
            taken["<cut>"] = f"{len(copied) - len(taken)} more entries"
            break
        taken[_key(key)] = item if type(item) in ATOMS else walk.take(item, depth + 1)
    return taken


_ATOM_KEYS: Final = frozenset({str, int, float, bool, type(None)})


def _key(key: object) -> object:
    kind = type(key)
    if kind in _ATOM_KEYS:
        return key
    if isinstance(key, enum.Enum):
        return _enum(None, key, 0)
    if isinstance(key, str):
        return _plain_str(None, key, 0)
    if isinstance(key, (dt.date, uuid.UUID, decimal.Decimal)):
        return str(key)
    if kind is bytes:
        return f"<bytes {len(key)}>"  # type: ignore[arg-type]  # `kind is bytes` narrows the value for a reader, not for mypy
    if kind is tuple:
        return ", ".join(str(_key(part)) for part in key[:8])  # type: ignore[index]  # a tuple, as just checked
    return _named(kind)


def _list(walk: Capture, value: list[object], depth: int) -> object:
    copied = value[:]
    if ATOMS.issuperset(map(type, copied)):
        return copied
    return walk._sequence(copied, depth)  # noqa: SLF001 - handlers are the walk's own methods, tabled by type


def _tuple(walk: Capture, value: tuple[object, ...], depth: int) -> object:
    if ATOMS.issuperset(map(type, value)):
        return value
    return walk._sequence(value, depth)  # noqa: SLF001 - as above


def _iterable_copy(walk: Capture, value: Iterable[object], depth: int) -> object:
    return walk._sequence(list(value), depth)  # noqa: SLF001 - as above


def _list_like(walk: Capture, value: list[object], depth: int) -> object:
    return walk._sequence(list.__getitem__(value, slice(None)), depth)  # noqa: SLF001 - as above


def _dict_like(walk: Capture, value: dict[Any, Any], depth: int) -> object:
    return _dict(walk, dict(dict.items(value)), depth)


def _plain_str(_walk: object, value: str, _depth: int) -> str:
    return str.__add__(value, "")


def _plain_int(_walk: object, value: int, _depth: int) -> int:
    return int.__add__(value, 0)


def _plain_float(_walk: object, value: float, _depth: int) -> float:
    return float.__add__(value, 0.0)


def _enum(_walk: object, value: enum.Enum, _depth: int) -> object:
    inner = value._value_
    return inner if type(inner) in ATOMS else value._name_


def _isoformat(_walk: object, value: dt.date | dt.time, _depth: int) -> str:
    return value.isoformat()


def _as_text(_walk: object, value: object, _depth: int) -> str:
    return str(value)


def _bytes_like(_walk: object, value: bytearray | memoryview, _depth: int) -> str:
    return f"<{type(value).__name__} {len(value)}>"


def _exception(walk: Capture, value: BaseException, depth: int) -> object:
    return {"type": _named(type(value))[1:-1], "args": walk._sequence(value.args[:16], depth)}  # noqa: SLF001 - as above


def _type(_walk: object, value: type, _depth: int) -> str:
    return _named(value, "class ")


def _callable(_walk: object, value: Any, _depth: int) -> str:
    return f"<function {getattr(value, '__module__', None)}.{getattr(value, '__qualname__', '?')}>"


def _opaque(_walk: object, value: object, _depth: int) -> str:
    return _named(type(value))


def _numpy_scalar(_walk: object, value: Any, _depth: int) -> object:
    item = value.item()
    return item if type(item) in ATOMS else str(item)


def _array(_walk: object, value: Any, _depth: int) -> str:
    return f"<{type(value).__module__.partition('.')[0]}.{type(value).__name__} shape={tuple(value.shape)} dtype={value.dtype}>"


def _pydantic(walk: Capture, value: Any, depth: int) -> object:
    fields = dict(object.__getattribute__(value, "__dict__"))
    extra = object.__getattribute__(value, "__pydantic_extra__")
    if extra:
        fields.update(extra)
    return walk._model(type(value), fields, depth)  # noqa: SLF001 - as above


def _pydantic_secret(_walk: object, _value: object, _depth: int) -> str:
    return "<secret>"


def _slots_or_dict(names: tuple[str, ...]) -> _Handler:
    # Read straight from the instance: a property or `__getattr__` of the host's class must not run.
    def handler(walk: Capture, value: Any, depth: int) -> object:
        try:
            stored = object.__getattribute__(value, "__dict__")
        except AttributeError:
            stored = _NO_FIELDS
        fields = {}
        for name in names:
            if name in stored:
                fields[name] = stored[name]
            else:
                slot = getattr(type(value), name, None)
                if isinstance(slot, types.MemberDescriptorType):
                    fields[name] = slot.__get__(value)
        return walk._model(type(value), fields, depth)  # noqa: SLF001 - as above

    return handler


def _namedtuple(walk: Capture, value: Any, depth: int) -> object:
    return walk._model(type(value), dict(zip(type(value)._fields, tuple(value), strict=False)), depth)  # noqa: SLF001 - as above


_BASE_HANDLERS: Final[dict[type, _Handler]] = {
    dict: _dict,
    list: _list,
    tuple: _tuple,
    set: _iterable_copy,
    frozenset: _iterable_copy,
    deque: _iterable_copy,
    dt.datetime: _isoformat,
    dt.date: _isoformat,
    dt.time: _isoformat,
    dt.timedelta: _as_text,
    decimal.Decimal: _as_text,
    fractions.Fraction: _as_text,
    complex: _as_text,
    uuid.UUID: _as_text,
    bytearray: _bytes_like,
    memoryview: _bytes_like,
    types.FunctionType: _callable,
    types.BuiltinFunctionType: _callable,
    types.MethodType: _opaque,
    types.ModuleType: _opaque,
}
_HANDLERS: dict[type, _Handler] = dict(_BASE_HANDLERS)
_MAX_HANDLERS: Final = 4_096


def _forget_handlers() -> None:
    # Classes made at run time would otherwise be kept alive for ever.
    for kind in list(_HANDLERS):
        if kind not in _BASE_HANDLERS:
            _HANDLERS.pop(kind, None)


def _handler_for(kind: type) -> _Handler:
    """Choose the handler of a type not seen before, by what the type declares, never by what an object answers."""
    for matches, handler in _RULES:
        if matches(kind):
            return handler
    return _data_class_handler(kind) or _builtin_subclass_handler(kind) or _opaque


def _data_class_handler(kind: type) -> _Handler | None:
    names = getattr(kind, "__dataclass_fields__", None) or None
    if isinstance(names, dict):
        return _slots_or_dict(tuple(names))
    attrs = getattr(kind, "__attrs_attrs__", None)
    if isinstance(attrs, tuple):
        return _slots_or_dict(tuple(field.name for field in attrs))
    if issubclass(kind, tuple) and isinstance(getattr(kind, "_fields", None), tuple):
        return _namedtuple
    return None


def _builtin_subclass_handler(kind: type) -> _Handler | None:
    for base, handler in _SUBCLASSES:
        if issubclass(kind, base):
            return handler
    return None


def _module_is(*roots: str) -> Callable[[type], bool]:
    return lambda kind: (kind.__module__ or "").partition(".")[0] in roots


def _is_pydantic_model(kind: type) -> bool:
    return hasattr(kind, "__pydantic_fields__") and hasattr(kind, "__pydantic_core_schema__")


def _is_secret(kind: type) -> bool:
    return any(base.__name__ in ("SecretStr", "SecretBytes", "Secret", "_SecretBase") for base in kind.__mro__)


def _is_array(kind: type) -> bool:
    return _module_is("numpy", "torch", "pandas", "jax", "jaxlib", "polars")(kind) and hasattr(kind, "shape")


def _is_numpy_scalar(kind: type) -> bool:
    return any(base.__module__ == "numpy" and base.__name__ == "generic" for base in kind.__mro__)


_RULES: Final[tuple[tuple[Callable[[type], bool], _Handler], ...]] = (
    (_is_secret, _pydantic_secret),
    (_is_pydantic_model, _pydantic),
    (lambda kind: issubclass(kind, enum.Enum), _enum),
    (_is_numpy_scalar, _numpy_scalar),
    (_is_array, _array),
)
_SUBCLASSES: Final[tuple[tuple[type, _Handler], ...]] = (
    (str, _plain_str),
    (int, _plain_int),
    (float, _plain_float),
    (dict, _dict_like),
    (list, _list_like),
    (bytes, lambda _walk, value, _depth: f"<bytes {bytes.__len__(value)}>"),
    (tuple, lambda walk, value, depth: _tuple(walk, tuple.__getitem__(value, slice(None)), depth)),
    (BaseException, _exception),
    (pathlib.PurePath, _as_text),
    (type, _type),
)


def capture(value: object, models: list[ModelValue]) -> object:
    """Return `value` as it is now; append the models met on the way to `models`."""
    if type(value) in ATOMS:
        return value
    walk = Capture()
    taken = walk.take(value)
    if walk.models is not None:
        models.extend(walk.models)
    return taken
