"""Read a policy from TOML; what is wrong with it is said with its line."""

import difflib
import re
import tomllib
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from certtrace.errors import ConfigurationError
from certtrace.redaction.policy.model import RedactionPolicy
from certtrace.redaction.policy.rules import Rule
from certtrace.redaction.text.lazy import lazy

_TABLE: Final = lazy(r"^\s*\[([^\[\]]+)\]\s*(?:#.*)?$")
_ARRAY: Final = lazy(r"^\s*\[\[([^\[\]]+)\]\]\s*(?:#.*)?$")
_KEY: Final = lazy(r"""^\s*((?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=""")

Path = tuple[str | int, ...]


def policy_from_toml(text: str, origin: str) -> RedactionPolicy:
    """Return the policy that a TOML text describes.

    Args:
        text: The content of the file.
        origin: What the text is called in messages: the path of the file.

    Raises:
        ConfigurationError: It is no TOML, or no policy; the message names the line.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = (
            f"The redaction policy {origin} is not valid TOML: {error}. Mend the line, or see `certtrace policy show`."
        )
        raise ConfigurationError(msg) from None
    try:
        return RedactionPolicy.model_validate(content)
    except ValidationError as error:
        lines = _lines(text)
        raise ConfigurationError("\n".join(_explained(detail, lines, origin) for detail in error.errors())) from None


def _explained(detail: ErrorDetails, lines: dict[Path, int], origin: str) -> str:
    place = tuple(part for part in detail["loc"] if part != "[key]")
    line = _line_of_quoted(detail["msg"], place, lines) or _line_of(place, lines)
    where = f"{origin}, line {line}" if line else origin
    name = _name(place)
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown setting {name!r}. {_suggestion(place)}"
    reason = detail["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{where}: {name}: {reason}."


def _name(place: Path) -> str:
    if place[:1] == ("rules",) and len(place) > 1 and isinstance(place[1], int):
        return ": ".join((f"rule {place[1] + 1}", *map(str, place[2:])))
    return ".".join(map(str, place)) or "policy"


def _suggestion(place: Path) -> str:
    model: type[BaseModel] = Rule if place[:1] == ("rules",) and len(place) > 1 else RedactionPolicy
    known = sorted(field.alias or name for name, field in model.model_fields.items())
    close = difflib.get_close_matches(str(place[-1]), known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known are {', '.join(known)}."


def _line_of(place: Path, lines: dict[Path, int]) -> int:
    while place:
        if place in lines:
            return lines[place]
        place = place[:-1]
    return 0


def _line_of_quoted(message: str, place: Path, lines: dict[Path, int]) -> int:
    """Return the line, below a place, of the key or value that a message about the whole of it quotes."""
    quoted = re.findall(r"'([^']+)'", message)
    below = (path for path in lines if len(path) > len(place) and path[: len(place)] == place)
    return next((lines[path] for path in below if path[-1] in quoted[:1]), 0)


def _lines(text: str) -> dict[Path, int]:
    """Return the line of each key: tables and arrays of tables are followed, inline ones count with their key."""
    found: dict[Path, int] = {}
    counts: dict[str, int] = {}
    prefix: Path = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if array := _ARRAY.match(line):
            name = array[1].strip()
            prefix = (name, counts.get(name, 0))
            counts[name] = counts.get(name, 0) + 1
            found[prefix] = number
        elif table := _TABLE.match(line):
            prefix = tuple(part.strip().strip("\"'") for part in table[1].split("."))
            found.setdefault(prefix, number)
        elif key := _KEY.match(line):
            found.setdefault((*prefix, _unquoted(key[1])), number)
            found.setdefault((*prefix, _unquoted(key[1]), _value(line)), number)
    return found


def _unquoted(key: str) -> str:
    try:
        parsed: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return key
    return str(next(iter(parsed)))


def _value(line: str) -> str:
    return line.partition("=")[2].partition("#")[0].strip().strip("\"'")
