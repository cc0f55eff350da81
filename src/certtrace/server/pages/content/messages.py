"""Chat messages, as models are sent them and answer with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from certtrace.records.langfuse_json import content_json
from certtrace.records.mapping.values import json_text

_BODIES: Final = ("content", "parts", "tool_calls", "function_call", "refusal", "reasoning_content")
_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Message:
    """One message: who speaks, the texts in order, and whatever else it holds as JSON."""

    role: str
    texts: tuple[str, ...]
    rest: str | None = None


def messages_in(text: str) -> tuple[list[Message], str | None] | None:
    """Return the messages that a text is, and what stands beside them as JSON; None where it is none."""
    value = content_json(text)
    if isinstance(value, dict) and isinstance(value.get("messages"), list):
        beside = {key: each for key, each in value.items() if key != "messages"}
        return _with_rest(value["messages"], beside)
    if isinstance(value, dict) and _is_message(value):
        return _with_rest([value], {})
    return _with_rest(value, {}) if isinstance(value, list) else None


def _with_rest(values: list[Any], beside: Mapping[str, Any]) -> tuple[list[Message], str | None] | None:
    if not 0 < len(values) <= _MOST or not all(map(_is_message, values)):
        return None
    return [_message(value) for value in values], json_text(beside) if beside else None


def _is_message(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str) and any(name in value for name in _BODIES)


def _message(value: Mapping[str, Any]) -> Message:
    rest = {key: each for key, each in value.items() if key not in ("role", "content") and each not in (None, [], "")}
    content = value.get("content")
    texts = [_text_of(part) for part in (content if isinstance(content, list) else [content])]
    return Message(value["role"], tuple(text for text in texts if text), json_text(rest) if rest else None)


def _text_of(part: object) -> str:
    """Return a part of a content: its text where that is all it has, else the part as JSON."""
    if part is None or isinstance(part, str):
        return part or ""
    if isinstance(part, dict) and isinstance(part.get("text"), str) and not set(part) - {"type", "text"}:
        return str(part["text"])
    return json_text(part)
