"""Where a span's input and output stand: one source per framework, the first that has either side wins whole.

Span events other than the `gen_ai.*` ones feed nothing, as on the Langfuse server: exception events are not content.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from certtrace import semconv
from certtrace.records.mapping.values import Attributes, is_set, json_text, parsed

Content = tuple[object, object]


@dataclass(frozen=True, slots=True)
class ContentView:
    """What the sources may look at. Events are (name, attributes)."""

    attributes: Attributes
    events: Sequence[tuple[str, Attributes]]
    scope_name: str


Source = Callable[[ContentView], Content | None]

_MESSAGE_EVENTS: Final = (
    "gen_ai.system.message",
    "gen_ai.user.message",
    "gen_ai.assistant.message",
    "gen_ai.tool.message",
)
_PREFIXES: Final = (
    ("gen_ai.prompt", "gen_ai.completion"),
    ("llm.input_messages", "llm.output_messages"),
)
_MAX_DEPTH: Final = 16
"""Dots of a key that nest; a key is a stranger's input and must not exhaust the stack."""
_EXACT_KEYS: Final = frozenset(
    {
        "langfuse.trace.input",
        "langfuse.trace.output",
        semconv.OBSERVATION_INPUT,
        semconv.OBSERVATION_OUTPUT,
        "ai.prompt.messages",
        "ai.prompt",
        "ai.toolCall.args",
        "ai.response.text",
        "ai.result.text",
        "ai.toolCall.result",
        "ai.response.object",
        "ai.result.object",
        "ai.response.toolCalls",
        "ai.result.toolCalls",
        "gcp.vertex.agent.llm_request",
        "gcp.vertex.agent.llm_response",
        "gcp.vertex.agent.tool_call_args",
        "gcp.vertex.agent.tool_response",
        "prompt",
        "all_messages_events",
        "events",
        "lk.input_text",
        "lk.user_transcript",
        "lk.chat_ctx",
        "lk.user_input",
        "lk.function_tool.output",
        "lk.response.text",
        "mlflow.spanInputs",
        "mlflow.spanOutputs",
        "traceloop.entity.input",
        "traceloop.entity.output",
        "input.value",
        "output.value",
        "final_result",
        "pydantic_ai.all_messages",
        "input",
        "output",
        "tool_arguments",
        "tool_response",
        "genkit:input",
        "genkit:output",
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result",
    }
)


def is_content_key(key: str) -> bool:
    """Tell whether an attribute may hold content: such keys never count as leftover attributes."""
    return key in _EXACT_KEYS or key.startswith(tuple(prefix for pair in _PREFIXES for prefix in pair))


def _langfuse(view: ContentView) -> Content | None:
    content = view.attributes.get(semconv.OBSERVATION_INPUT), view.attributes.get(semconv.OBSERVATION_OUTPUT)
    return None if content == (None, None) else content


def _first_present(attributes: Attributes, keys: Sequence[str]) -> object:
    return next((attributes[key] for key in keys if key in attributes), None)


def _vercel(view: ContentView) -> Content | None:
    """Read the Vercel AI SDK's attributes. Its scope alone decides: nothing else is tried."""
    if view.scope_name != "ai":
        return None
    given = view.attributes
    entered = _first_present(given, ("ai.prompt.messages", "ai.prompt", "ai.toolCall.args"))
    if "ai.response.text" in given and "ai.response.toolCalls" in given:
        message = {
            "role": "assistant",
            "content": given["ai.response.text"],
            "tool_calls": given["ai.response.toolCalls"],
        }
        return entered, json_text(message)
    if is_set(given.get("ai.response.text")):
        return entered, given["ai.response.text"]
    keys = (
        "ai.result.text",
        "ai.toolCall.result",
        "ai.response.object",
        "ai.result.object",
        "ai.response.toolCalls",
        "ai.result.toolCalls",
    )
    return entered, _first_present(given, keys)


def _operation_details_event(view: ContentView) -> Content | None:
    for name, attributes in view.events:
        if name == "gen_ai.client.inference.operation.details":
            content = attributes.get("gen_ai.input.messages"), attributes.get("gen_ai.output.messages")
            if any(map(is_set, content)):
                return content
    return None


def _message_events(view: ContentView) -> Content | None:
    messages = [
        {"role": name.removeprefix("gen_ai.").removesuffix(".message"), **attributes}
        for name, attributes in view.events
        if name in _MESSAGE_EVENTS
    ]
    choices = [dict(attributes) for name, attributes in view.events if name == "gen_ai.choice"]
    if not messages and not choices:
        return None
    return messages or None, choices[0] if len(choices) == 1 else choices or None


def _content_events(view: ContentView) -> Content | None:
    """Read Semantic Kernel's older events, whose attributes may in turn be another framework's."""
    by_name = dict(reversed(view.events))
    asked, answered = by_name.get("gen_ai.content.prompt"), by_name.get("gen_ai.content.completion")
    if asked is None and answered is None:
        return None
    entered = content_of(ContentView(asked or {}, (), view.scope_name))[0]
    returned = content_of(ContentView(answered or {}, (), view.scope_name))[1]
    return (
        entered if is_set(entered) else dict(asked or {}),
        returned if is_set(returned) else dict(answered or {}),
    )


def _vertex(view: ContentView) -> Content | None:
    """Read Google's agent kit, which sets request and response to `{}` beside a tool call."""
    pairs = (
        ("gcp.vertex.agent.llm_request", "gcp.vertex.agent.tool_call_args"),
        ("gcp.vertex.agent.llm_response", "gcp.vertex.agent.tool_response"),
    )
    entered, returned = (
        view.attributes.get(main)
        if is_set(view.attributes.get(main)) and view.attributes.get(main) != "{}"
        else view.attributes.get(tool)
        for main, tool in pairs
    )
    return _if_any(entered, returned)


def _livekit(view: ContentView) -> Content | None:
    given = view.attributes
    entered = next(
        (given[key] for key in ("lk.input_text", "lk.user_transcript", "lk.chat_ctx") if given.get(key) is not None),
        None,
    )
    answer = given.get("lk.function_tool.output")
    return _if_any(entered, answer if is_set(answer) else given.get("lk.response.text"))


def _logfire_events(view: ContentView) -> Content | None:
    given = parsed(view.attributes.get("events"))
    events = [event for event in given if isinstance(event, dict)] if isinstance(given, list) else []
    asked = [event for event in events if event.get("event.name") != "gen_ai.choice"]
    choice = next((event for event in events if event.get("event.name") == "gen_ai.choice"), None)
    return _if_any(asked or None, choice)


def _pydantic_ai(view: ContentView) -> Content | None:
    if view.scope_name != "pydantic-ai":
        return None
    return _if_any(view.attributes.get("pydantic_ai.all_messages"), view.attributes.get("final_result"))


def _if_any(entered: object, returned: object) -> Content | None:
    return (entered, returned) if is_set(entered) or is_set(returned) else None


def _pair(entered: str, returned: str) -> Source:
    """Make the source that reads one attribute for each side."""

    def source(view: ContentView) -> Content | None:
        return _if_any(view.attributes.get(entered), view.attributes.get(returned))

    return source


def _indexed(entered: str, returned: str) -> Source:
    """Make the source that folds keys such as `llm.input_messages.0.message.role` into nested data."""

    def source(view: ContentView) -> Content | None:
        sides = [
            {key: value for key, value in view.attributes.items() if key.startswith(prefix)}
            for prefix in (entered, returned)
        ]
        if not any(sides):
            return None
        return nested(sides[0], entered), nested(sides[1], returned)

    return source


def nested(flat: Mapping[str, object], prefix: str) -> object:
    """Return dotted keys below `prefix` as nested data; parts that are all digits become list positions."""
    if prefix in flat:
        return flat[prefix]
    tree: dict[str, object] = {}
    for key, value in flat.items():
        _plant(tree, key.removeprefix(prefix).lstrip(".").split(".", _MAX_DEPTH), value)
    return _fold(tree) if tree else None


def _plant(tree: dict[str, object], path: Sequence[str], value: object) -> None:
    for part in path[:-1]:
        below = tree.get(part)
        if not isinstance(below, dict):
            below = tree[part] = {}
        tree = below
    tree[path[-1]] = value


def _fold(node: object) -> object:
    """Turn objects whose keys are all numbers into lists, in the numbers' order: gaps cost nothing."""
    if not isinstance(node, dict):
        return node
    if node and all(re.fullmatch(r"[0-9]{1,9}", key) for key in node):
        return [_fold(node[key]) for key in sorted(node, key=int)]
    return {key: _fold(value) for key, value in node.items()}


SOURCES: Final[tuple[Source, ...]] = (
    _langfuse,
    _vercel,
    _operation_details_event,
    _message_events,
    _content_events,
    _vertex,
    _pair("prompt", "all_messages_events"),
    _livekit,
    _logfire_events,
    _pair("mlflow.spanInputs", "mlflow.spanOutputs"),
    _pair("traceloop.entity.input", "traceloop.entity.output"),
    _pair("input.value", "output.value"),
    _pair("input", "output"),
    _pair("genkit:input", "genkit:output"),
    _pydantic_ai,
    _pair("tool_arguments", "tool_response"),
    _indexed("gen_ai.prompt", "gen_ai.completion"),
    _indexed("llm.input_messages", "llm.output_messages"),
    _pair("gen_ai.input.messages", "gen_ai.output.messages"),
    _pair("gen_ai.tool.call.arguments", "gen_ai.tool.call.result"),
)


def content_of(view: ContentView) -> Content:
    """Return input and output from the first source that has one of them."""
    for source in SOURCES:
        content = source(view)
        if content is not None:
            return content
    return None, None
