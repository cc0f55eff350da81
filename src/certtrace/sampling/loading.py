"""Read a sampling policy from TOML: the table `sampling`; what is wrong with it is said with its line."""

import difflib
import tomllib
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from certtrace.errors import ConfigurationError
from certtrace.sampling.bounds import Limit
from certtrace.sampling.model import SamplingPolicy
from certtrace.sampling.rule import Comparison, Rule
from certtrace.toml_lines import Path, line_of, line_of_quoted, lines_of

TABLE: Final = "sampling"

_PROBABILITIES: Final = frozenset({"baseline", "keep"})
_MAX_SHOWN: Final = 80
_MODELS: Final[dict[str, type[BaseModel]]] = {
    "rules": Rule,
    "where": Comparison,
    "limit": Limit,
    "baseline_limit": Limit,
}


def sampling_from_toml(text: str, origin: str) -> SamplingPolicy | None:
    """Return the sampling policy in a TOML text; None if it has no table `sampling`.

    Args:
        text: The content of the file; what else it holds is another's.
        origin: What the text is called in messages: the path of the file.

    Raises:
        ConfigurationError: It is no TOML, or no policy; the message names the line.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"The sampling policy {origin} is not valid TOML: {error}. Mend the line, or see `certtrace policy show`."
        raise ConfigurationError(msg) from None
    if TABLE not in content:
        return None
    try:
        return SamplingPolicy.model_validate(content[TABLE])
    except ValidationError as error:
        lines = lines_of(text)
        said = [_explained(detail, content, lines, origin) for detail in error.errors()]
        raise ConfigurationError("\n".join(dict.fromkeys(said))) from None


def _explained(detail: ErrorDetails, content: dict[str, Any], lines: dict[Path, int], origin: str) -> str:
    place = (TABLE, *_settings_in(detail["loc"], content[TABLE]))
    line = line_of_quoted(detail["msg"], place, lines) or line_of(place, lines)
    where = f"{origin}, line {line}" if line else origin
    name = _name(place[1:], content[TABLE])
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown setting {name!r}. {_suggestion(place)}"
    if detail["type"] == "missing":
        return f"{where}: {name} is missing. Every rule needs one." if place[1:2] == ("rules",) else f"{where}: {name}?"
    if detail["type"] == "value_error":
        return f"{where}: {name}: {detail['msg'].removeprefix('Value error, ')}"
    message = detail["msg"].replace("valid tuple", "list")  # the word of TOML
    reason = message[:1].lower() + message[1:]
    advice = " A probability is 0.0 to 1.0: 0.05 keeps 5 %." if place[-1] in _PROBABILITIES else ""
    return f"{where}: {name} cannot be {_shown(detail['input'])}: {reason}.{advice}"


def _settings_in(location: Path, table: Any) -> Path:
    """Return the part of a location that is in the file: pydantic also names the kinds of a union it tried."""
    found: list[str | int] = []
    current = table
    for part in location:
        inside = isinstance(current, dict) or (isinstance(current, list) and isinstance(part, int))
        if not inside:
            break
        found.append(part)
        try:
            current = current[part]
        except (KeyError, IndexError):
            break
    return tuple(found)


def _name(place: Path, table: Any) -> str:
    if place[:1] != ("rules",) or len(place) < 2 or not isinstance(place[1], int):
        return ".".join(map(str, place)) or TABLE
    rule = table["rules"][place[1]]
    called = rule.get("name") if isinstance(rule, dict) else None
    label = f"rule {place[1] + 1}" + (f" ({called})" if isinstance(called, str) else "")
    return ": ".join((label, ".".join(_counted(part) for part in place[2:]))) if place[2:] else label


def _counted(part: str | int) -> str:
    return str(part + 1) if isinstance(part, int) else part


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


def _suggestion(place: Path) -> str:
    around = [part for part in place[:-1] if isinstance(part, str) and part in _MODELS]
    model = _MODELS[around[-1]] if around else SamplingPolicy
    known = sorted(model.model_fields)
    close = difflib.get_close_matches(str(place[-1]), known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known are {', '.join(known)}."
