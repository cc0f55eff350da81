"""Take arguments and results as they are at the call, without running code of the host's objects.

A captured value is made of immutable atoms (kept by reference), fresh `list` and `dict` copies, and `ModelValue`s.
Nothing is encoded and nothing is redacted here: this runs on the caller's thread. No `__repr__`, `__str__`, property,
iterator or lazy attribute of a captured object is ever called; an object of an unknown type is named by its class only,
which also keeps clients and their keys out of traces.
"""

import enum
import types
from collections import deque
from collections.abc import Callable, Collection
from itertools import islice
from typing import Any, Final
from weakref import ref

from certtrace.ports import ModelValue
from certtrace.tracing.naming import ATOMS, module_of, named, qualname_of
from certtrace.tracing.writing import (
    ATOM_KEYS,
    TEXTS,
    array,
    bytes_like,
    class_name,
    enum_value,
    function_name,
    numpy_scalar,
    opaque,
    plain_float,
    plain_int,
    plain_key,
    plain_str,
    secret,
    text_by,
)

MAX_DEPTH: Final = 32
"""Levels of nesting that are captured; what lies deeper is named by type and size."""
MAX_VALUES: Final = 200_000
"""Values captured per argument, where a container or an object counts as ten; the rest is counted, not walked."""
_NODE: Final = 10
_WEIGHED: Final = 256
_PER_VALUE: Final = 32

_NO_FIELDS: Final[dict[str, Any]] = {}


class Capture:
    """One walk over one value: counts what it visits and collects the models it meets."""

    __slots__ = ("budget", "models")

    def __init__(self) -> None:
        """Start with a full budget."""
        self.budget = MAX_VALUES
        self.models: list[ModelValue] | None = None

    def take(self, value: object, depth: int = 0) -> object:
        """Return the captured form of `value`."""
        kind = type(value)
        try:
            if kind in ATOMS:
                return value
            if depth >= MAX_DEPTH or self.budget < _NODE:
                return _cut(value)
            self.budget -= _NODE
            # By id: a class may be unhashable, or answer for another one.
            handler = _HANDLERS.get(id(kind)) or _learn(kind)
            return handler(self, value, depth)
        except Exception:  # noqa: BLE001 - a hostile object must not disturb the host; its class name is what remains
            return named(kind, "unreadable ")

    def _model(self, cls: type, fields: dict[str, Any], depth: int) -> ModelValue:
        model = ModelValue(cls, {str(key): self.take(value, depth + 1) for key, value in fields.items()})
        if self.models is None:
            self.models = []
        self.models.append(model)
        return model

    def _sequence(self, items: Collection[object], depth: int, more: int = 0) -> list[object]:
        """Capture items that nobody else can change; `more` were left out already."""
        self.budget -= len(items)
        taken: list[object] = []
        for item in items:
            if type(item) in ATOMS:
                taken.append(item)
            elif self.budget > 0:
                taken.append(self.take(item, depth + 1))
            else:
                more += len(items) - len(taken)
                break
        if more:
            taken.append(f"<cut: {more} more items>")
        return taken


_Handler = Callable[[Capture, Any, int], object]


def _cut(value: Any) -> str:
    kind = type(value)
    for base in (list, tuple, dict, set, frozenset, deque):
        if issubclass(kind, base):
            return f"<cut: {qualname_of(kind)} of {base.__len__(value)}>"
    return named(kind, "cut: ")


def _dict(walk: Capture, value: dict[Any, Any], depth: int) -> object:
    # One call into C: another thread cannot change it half way.
    more = len(value) - walk.budget
    copied = value.copy() if more <= 0 else dict(islice(value.items(), walk.budget))
    walk.budget -= len(copied)
    if not ATOM_KEYS.issuperset(map(type, copied)):
        copied = _with_plain_keys(copied)
    if more <= 0:
        if ATOMS.issuperset(map(type, copied.values())):
            return copied
        more = 0
    taken: dict[object, object] = {}
    for key, item in copied.items():
        if type(item) in ATOMS:
            taken[key] = item
        elif walk.budget > 0:
            taken[key] = walk.take(item, depth + 1)
        else:
            more += len(copied) - len(taken)
            break
    if more:
        taken["<cut>"] = f"{more} more entries"
    return taken


def _with_plain_keys(copied: dict[Any, Any]) -> dict[Any, Any]:
    plain: dict[object, object] = {}
    for key, item in copied.items():
        kept = plain_key(key)
        plain[kept if kept not in plain else f"{kept} ({len(plain)})"] = item
    return plain


def _ordered(walk: Capture, value: list[object] | tuple[object, ...], depth: int) -> object:
    more = len(value) - walk.budget
    copied = value[:] if more <= 0 else value[: walk.budget]
    if more <= 0:
        if ATOMS.issuperset(map(type, copied)):
            walk.budget -= len(copied)
            return copied
        more = 0
    return walk._sequence(copied, depth, more)  # noqa: SLF001 - handlers are the walk's own methods, tabled by type


def _unordered(base: Any) -> _Handler:
    def handler(walk: Capture, value: Any, depth: int) -> object:
        copied = list(islice(base.__iter__(value), walk.budget))
        return walk._sequence(copied, depth, base.__len__(value) - len(copied))  # noqa: SLF001 - as above

    return handler


def _exception(walk: Capture, value: BaseException, depth: int) -> object:
    args = _args_of(value)
    taken = walk._sequence(args[:16], depth, max(len(args) - 16, 0))  # noqa: SLF001 - as above
    return {"type": named(type(value))[1:-1], "args": taken}


_args_of: Final = BaseException.__dict__["args"].__get__


def _stored(value: object, name: str) -> dict[str, Any]:
    # Read straight from the instance: a property or `__getattr__` of the host's class must not run.
    try:
        return object.__getattribute__(value, name) or _NO_FIELDS
    except AttributeError:
        return _NO_FIELDS


def _pydantic(walk: Capture, value: Any, depth: int) -> object:
    stored = _stored(value, "__dict__")
    fields = {name: stored[name] for name in type(value).__pydantic_fields__ if name in stored}
    fields.update(_stored(value, "__pydantic_extra__"))
    return walk._model(type(value), fields, depth)  # noqa: SLF001 - as above


def _slots_or_dict(names: tuple[str, ...]) -> _Handler:
    def handler(walk: Capture, value: Any, depth: int) -> object:
        stored = _stored(value, "__dict__")
        fields = {}
        for name in names:
            if name in stored:
                fields[name] = stored[name]
            else:
                slot = getattr(type(value), name, None)
                if isinstance(slot, types.MemberDescriptorType):
                    try:
                        fields[name] = slot.__get__(value)
                    except AttributeError:
                        continue  # not set yet
        return walk._model(type(value), fields, depth)  # noqa: SLF001 - as above

    return handler


def _namedtuple(walk: Capture, value: Any, depth: int) -> object:
    fields = dict(zip(type(value)._fields, tuple.__iter__(value), strict=False))
    return walk._model(type(value), fields, depth)  # noqa: SLF001 - as above


_PLAIN: Final[tuple[tuple[type, _Handler], ...]] = (
    (set, _unordered(set)),
    (frozenset, _unordered(frozenset)),
    (deque, _unordered(deque)),
    *TEXTS,
)
_BASE_HANDLERS: Final[dict[type, _Handler]] = {
    dict: _dict,
    list: _ordered,
    tuple: _ordered,
    **dict(_PLAIN),
    type({}.keys()): _unordered(type({}.keys())),
    type({}.values()): _unordered(type({}.values())),
    range: text_by(range.__str__),
    complex: text_by(complex.__str__),
    bytearray: bytes_like,
    memoryview: bytes_like,
    types.FunctionType: function_name,
    types.BuiltinFunctionType: function_name,
    types.MethodType: opaque,
    types.ModuleType: opaque,
}
_HANDLERS: Final[dict[int, _Handler]] = {id(kind): handler for kind, handler in _BASE_HANDLERS.items()}
_KNOWN: Final[dict[int, object]] = {}
"""Weak references to the classes met so far: a class made at run time must not be kept alive."""


def _learn(kind: type) -> _Handler:
    key = id(kind)

    def forget(_gone: object) -> None:
        _HANDLERS.pop(key, None)
        _KNOWN.pop(key, None)

    handler = _handler_for(kind)
    _KNOWN[key] = ref(kind, forget)
    _HANDLERS[key] = handler
    return handler


def _handler_for(kind: type) -> _Handler:
    """Choose the handler of a type not seen before, by what the type declares, never by what an object answers."""
    for matches, handler in _RULES:
        if matches(kind):
            return handler
    return _data_class_handler(kind) or _builtin_subclass_handler(kind) or opaque


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
    return lambda kind: str(module_of(kind)).partition(".")[0] in roots


def _is_pydantic_model(kind: type) -> bool:
    return hasattr(kind, "__pydantic_fields__") and hasattr(kind, "__pydantic_extra__")


def _is_secret(kind: type) -> bool:
    return any(base.__name__ in ("SecretStr", "SecretBytes", "Secret", "_SecretBase") for base in kind.__mro__)


def _is_array(kind: type) -> bool:
    return _module_is("numpy", "torch", "pandas", "jax", "jaxlib", "polars")(kind) and hasattr(kind, "shape")


def _is_numpy_scalar(kind: type) -> bool:
    return any(base.__module__ == "numpy" and base.__name__ == "generic" for base in kind.__mro__)


_RULES: Final[tuple[tuple[Callable[[type], bool], _Handler], ...]] = (
    (_is_secret, secret),
    (_is_pydantic_model, _pydantic),
    (lambda kind: issubclass(kind, enum.Enum), enum_value),
    (_is_numpy_scalar, numpy_scalar),
    (_is_array, array),
)
_SUBCLASSES: Final[tuple[tuple[type, _Handler], ...]] = (
    (str, plain_str),
    (int, plain_int),
    (float, plain_float),
    (bytes, lambda _walk, value, _depth: f"<bytes {bytes.__len__(value)}>"),
    # What a class derived from these redefines is passed over.
    (dict, lambda walk, value, depth: _dict(walk, dict.copy(value), depth)),
    (list, lambda walk, value, depth: _ordered(walk, list.copy(value), depth)),
    (tuple, lambda walk, value, depth: _ordered(walk, tuple.__getitem__(value, slice(None)), depth)),
    *_PLAIN,
    (BaseException, _exception),
    (type, class_name),
)


def weight(taken: object) -> int:
    """Return, roughly, how many characters captured data holds: what comes after many values is taken to be alike."""
    if type(taken) is str:
        return len(taken)
    size = seen = 0
    waiting: list[Any] = [taken]
    while waiting:
        item = waiting.pop()
        kind = type(item)
        if kind is dict:
            parts: Collection[object] = item.values()
        elif kind is ModelValue:
            parts = item.fields.values()
        elif kind is list:
            parts = item
        else:
            continue
        seen += len(parts)
        for part in parts if seen < _WEIGHED else islice(parts, _WEIGHED):
            if type(part) is str:
                size += len(part)
            elif type(part) not in ATOMS:
                waiting.append(part)
        if seen >= _WEIGHED:
            return size + (max(len(parts) - _WEIGHED, 0) + len(waiting)) * (size // _WEIGHED + _PER_VALUE)
    return size


def capture(value: object, models: list[ModelValue]) -> object:
    """Return `value` as it is now; append the models met on the way to `models`."""
    walk = Capture()
    taken = walk.take(value)
    if walk.models is not None:
        models.extend(walk.models)
    return taken
