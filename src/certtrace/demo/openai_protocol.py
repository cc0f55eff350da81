"""The part of the OpenAI chat-completions protocol that the gateway and the providers speak."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from certtrace.grading import FailureClass

COMPLETIONS_PATH = "/v1/chat/completions"
MODELS_PATH = "/v1/models"


class ApiError(Exception):
    """An answer other than 200, in the form of the protocol. The message never quotes the request."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str,
        code: str = "",
        headers: Mapping[str, str] | None = None,
        failure: FailureClass | None = None,
    ) -> None:
        """Take the protocol's `type` as `kind`, its `code`, and the failure class that traces record."""
        super().__init__(message)
        self.status, self.kind, self.code, self.headers = status, kind, code, dict(headers or {})
        self.failure_class = failure

    @property
    def body(self) -> bytes:
        """Return the JSON error object."""
        error = {"message": str(self), "type": self.kind, "param": None, "code": self.code or None}
        return orjson.dumps({"error": error})


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A validated request."""

    model: str
    messages: tuple[Mapping[str, str], ...]
    temperature: float
    seed: int | None
    body: dict[str, Any]
    """The request as it came, for passing on."""

    @property
    def system(self) -> str:
        """Return the system message, or an empty text."""
        return next((message["content"] for message in self.messages if message["role"] == "system"), "")

    @property
    def user(self) -> str:
        """Return the last user message."""
        return next((m["content"] for m in reversed(self.messages) if m["role"] == "user"), "")


@dataclass(slots=True)
class Completion:
    """What a model answered."""

    content: str
    model: str
    input_tokens: int
    output_tokens: int
    finish_reason: str = "stop"
    system_fingerprint: str = ""
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")

    def as_json(self) -> bytes:
        """Return the `chat.completion` object."""
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": self.content},
            "finish_reason": self.finish_reason,
        }
        usage = {
            "prompt_tokens": self.input_tokens,
            "completion_tokens": self.output_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
        }
        return orjson.dumps(
            {
                "id": self.id,
                "object": "chat.completion",
                "created": int(time.time()),
                "model": self.model,
                "choices": [choice],
                "usage": usage,
                "system_fingerprint": self.system_fingerprint or None,
            }
        )


def parse_request(body: bytes) -> ChatRequest:
    """Validate a request body.

    Raises:
        ApiError: 400, naming the field.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        msg = f"The request body is not JSON (position {error.pos}). Send a chat-completions object."
        raise _invalid(msg) from None
    if not isinstance(data, dict):
        msg = "The request body is not an object. Send a chat-completions object."
        raise _invalid(msg)
    if data.get("stream"):
        msg = "`stream` is not supported. Leave it out."
        raise _invalid(msg)
    return ChatRequest(
        model=_text(data, "model"),
        messages=_messages(data.get("messages")),
        temperature=_number(data, "temperature", 1.0),
        seed=None if data.get("seed") is None else int(_number(data, "seed", 0)),
        body=data,
    )


def read_completion(body: bytes) -> Completion:
    """Read a `chat.completion` object of any provider.

    Raises:
        ApiError: 502, the provider did not speak the protocol.
    """
    try:
        data = orjson.loads(body)
        choice = data["choices"][0]
        usage = data.get("usage") or {}
        return Completion(
            content=choice["message"].get("content") or "",
            model=str(data.get("model") or ""),
            input_tokens=int(usage.get("prompt_tokens") or 0),
            output_tokens=int(usage.get("completion_tokens") or 0),
            finish_reason=str(choice.get("finish_reason") or ""),
            system_fingerprint=str(data.get("system_fingerprint") or ""),
            id=str(data.get("id") or ""),
        )
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError, AttributeError):
        msg = "The provider's reply is no chat.completion object. Check its address and protocol."
        raise ApiError(502, msg, kind="api_error", code="bad_upstream_reply") from None


def count_tokens(*texts: str) -> int:
    """Estimate tokens as the protocol's usage wants them: four characters each, at least one."""
    return max(1, sum(map(len, texts)) // 4)


def _messages(value: object) -> tuple[Mapping[str, str], ...]:
    if not isinstance(value, list) or not value:
        msg = "`messages` must be a list with at least one message."
        raise _invalid(msg)
    for message in value:
        if not (
            isinstance(message, dict)
            and isinstance(message.get("role"), str)
            and isinstance(message.get("content"), str)
        ):
            msg = "Each of `messages` needs a text `role` and a text `content`."
            raise _invalid(msg)
    return tuple(value)


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        msg = f"`{key}` must be a text that is not empty."
        raise _invalid(msg)
    return value


def _number(data: Mapping[str, Any], key: str, default: float) -> float:
    value = data.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"`{key}` must be a number."
        raise _invalid(msg)
    return float(value)


def _invalid(message: str) -> ApiError:
    return ApiError(400, message, kind="invalid_request_error")
