"""Values that are kept as they are, and the names of those that are not."""

from typing import Final

ATOMS: Final = frozenset({str, int, float, bool, type(None), bytes})
"""Exact types that are kept as they are: immutable, and holding nothing but themselves."""

# As `type` itself answers: a metaclass may answer otherwise.
module_of: Final = type.__dict__["__module__"].__get__
qualname_of: Final = type.__dict__["__qualname__"].__get__


def named(kind: type, prefix: str = "") -> str:
    """Return `<module.Class>`: what is shown of a value whose content is not."""
    module = module_of(kind)
    where = f"{module}." if type(module) is str and module != "builtins" else ""
    return f"<{prefix}{where}{qualname_of(kind)}>"


def text_of(value: object) -> str:
    """Return a text as plain `str`; for anything else the name of its class, because asking it runs its code."""
    if type(value) is str:
        return value
    return str.__add__(value, "") if issubclass(type(value), str) else named(type(value))  # type: ignore[operator]  # a subclass of str by its type
