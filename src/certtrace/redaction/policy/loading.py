"""Read a policy from TOML; what is wrong with it is said with its line."""

import difflib
import tomllib
from typing import Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from certtrace.errors import ConfigurationError
from certtrace.redaction.policy.model import RedactionPolicy
from certtrace.redaction.policy.rules import Rule
from certtrace.toml_lines import Path, line_of, line_of_quoted, lines_of

SAMPLING_TABLE: Final = "sampling"
"""A file may hold the sampling policy as well; it has a loader of its own."""


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
    content.pop(SAMPLING_TABLE, None)
    try:
        return RedactionPolicy.model_validate(content)
    except ValidationError as error:
        lines = lines_of(text)
        raise ConfigurationError("\n".join(_explained(detail, lines, origin) for detail in error.errors())) from None


def _explained(detail: ErrorDetails, lines: dict[Path, int], origin: str) -> str:
    place = tuple(part for part in detail["loc"] if part != "[key]")
    line = line_of_quoted(detail["msg"], place, lines) or line_of(place, lines)
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
