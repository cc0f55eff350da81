"""Where a span's input and output stand: one source per framework, the first that has either side wins whole.

Span events other than the `gen_ai.*` ones feed nothing, as on the Langfuse server: exception events are not content.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from certtrace import semconv
from certtrace.records.mapping import keys, vercel
from certtrace.records.mapping.nesting import nested
from certtrace.records.mapping.values import (
    Attributes,
    first,
    first_known,
    is_set,
    json_text,
    parsed,
    plain_data,
    spoken,
)

Content = tuple[object, object]
_NOTHING: Final = (None, None)


class ContentView(NamedTuple):
    """What the sources may look at. Events are (name, attributes)."""

    attributes: Attributes
    events: Sequence[tuple[str, Attributes]]
    scope_name: str


Source = Callable[[ContentView], Content | None]

_MESSAGE_EVENTS: Final = frozenset(
    (
        "gen_ai.system.message",
        "gen_ai.user.message",
        "gen_ai.assistant.message",
        "gen_ai.tool.message",
    )
)
_SYSTEM: Final = "gen_ai.system_instructions"


def _langfuse(view: ContentView) -> Content | None:
    entered, returned = view.attributes.get(semconv.OBSERVATION_INPUT), view.attributes.get(semconv.OBSERVATION_OUTPUT)
    return None if entered is None and returned is None else (entered, returned)


def _genkit(view: ContentView) -> Content | None:
    """Read Genkit's attributes. Its scope alone decides: nothing else is tried."""
    if view.scope_name != "genkit-tracer":
        return None
    entered, returned = _decoded(view.attributes.get("genkit:input")), _decoded(view.attributes.get("genkit:output"))
    return _member(entered, "messages"), _member(returned, "message")


def _decoded(given: object) -> object:
    found = parsed(given)
    return given if found is None else plain_data(found)


def _member(given: object, name: str) -> object:
    inner = given.get(name) if isinstance(given, dict) else None
    return given if inner is None else inner


_VERCEL_INPUT: Final = ("ai.prompt.messages", "ai.prompt", "ai.toolCall.args")
_VERCEL_OUTPUT: Final = (
    "ai.result.text",
    "ai.toolCall.result",
    "ai.response.object",
    "ai.result.object",
    "ai.response.toolCalls",
    "ai.result.toolCalls",
)


def _vercel(view: ContentView) -> Content | None:
    """Read the Vercel AI SDK's attributes. Its scope alone decides: only the semantic conventions fill gaps."""
    if view.scope_name != vercel.SCOPE:
        return None
    entered = _first_present(view.attributes, _VERCEL_INPUT)
    returned = _vercel_output(view.attributes)
    standard = _semantic(view.attributes) or _NOTHING
    return standard[0] if entered is None else entered, standard[1] if returned is None else returned


def _vercel_output(given: Attributes) -> object:
    said = given.get("ai.response.text")
    if "ai.response.text" in given and "ai.response.toolCalls" in given:
        return json_text({"role": "assistant", "content": said, "tool_calls": given["ai.response.toolCalls"]})
    return said if is_set(said) else _first_present(given, _VERCEL_OUTPUT)


def _first_present(attributes: Attributes, names: Sequence[str]) -> object:
    return next((attributes[key] for key in names if key in attributes), None)


_FLUE_INPUT: Final = ("flue.turn.input", "flue.tool.arguments", "flue.task.prompt", "flue.workflow.payload")
_FLUE_OUTPUT: Final = (
    "flue.turn.output",
    "flue.tool.result",
    "flue.task.result",
    "flue.operation.result",
    "flue.workflow.result",
)


def _flue(view: ContentView) -> Content | None:
    if view.scope_name != "@flue/opentelemetry":
        return None
    entered, returned = first_known(view.attributes, _FLUE_INPUT), first_known(view.attributes, _FLUE_OUTPUT)
    return None if entered is None and returned is None else (_decoded(entered), _decoded(returned))


def _operation_details_event(view: ContentView) -> Content | None:
    for name, attributes in view.events:
        if name == "gen_ai.client.inference.operation.details":
            content = _semantic(attributes)
            if content is not None:
                return content
    return None


def _message_events(view: ContentView) -> Content | None:
    messages = [
        {"role": name.replace("gen_ai.", "", 1).replace(".message", "", 1), **attributes}
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


_LIVEKIT_INPUT: Final = (
    "lk.input_text",
    "lk.pii.input_text",
    "lk.user_transcript",
    "lk.pii.user_transcript",
    "lk.chat_ctx",
    "lk.pii.chat_ctx",
)
_LIVEKIT_OUTPUT: Final = (
    "lk.function_tool.output",
    "lk.pii.function_tool.output",
    "lk.response.text",
    "lk.pii.response.text",
)


def _livekit(view: ContentView) -> Content | None:
    given = view.attributes
    entered = first_known(given, _LIVEKIT_INPUT)
    if entered is None:
        entered = _livekit_turn(given)
    returned = first(given, _LIVEKIT_OUTPUT)
    if returned is None:
        calls = given.get("lk.pii.response.function_calls")
        returned = calls if is_set(calls) and calls != "[]" else None
    return _if_any(entered, returned)


def _livekit_turn(given: Attributes) -> object:
    """Return what an agent's turn began with: instructions and user as a chat, else a tool's arguments."""
    instructions = given.get("lk.pii.instructions")
    said = first(given, ("lk.user_input", "lk.pii.user_input"))
    if not is_set(instructions):
        return given.get("lk.pii.function_tool.arguments") if said is None else said
    user = [] if said is None else [{"role": "user", "content": said}]
    return [{"role": "system", "content": instructions}, *user]


def _logfire_events(view: ContentView) -> Content | None:
    given = view.attributes.get("events")
    events = parsed(given) if isinstance(given, str) else given
    if not isinstance(events, list):
        return None
    choices = [event for event in events if isinstance(event, dict) and event.get("event.name") == "gen_ai.choice"]
    asked = [event for event in events if not isinstance(event, dict) or event.get("event.name") != "gen_ai.choice"]
    if not asked and not choices:
        return None
    return plain_data(asked) if asked else None, plain_data(choices[0]) if choices else None


def _pydantic_ai(view: ContentView) -> Content | None:
    if view.scope_name != "pydantic-ai":
        return None
    entered = _with_system(view.attributes.get("pydantic_ai.all_messages"), view.attributes.get(_SYSTEM))
    return _if_any(entered, view.attributes.get("final_result"))


def _semantic_attributes(view: ContentView) -> Content | None:
    return _semantic(view.attributes)


def _semantic(attributes: Attributes) -> Content | None:
    """Read OpenTelemetry's conventions for generative AI: messages, else a tool call."""
    entered = _with_system(attributes.get("gen_ai.input.messages"), attributes.get(_SYSTEM))
    return _if_any(entered, attributes.get("gen_ai.output.messages")) or _if_any(
        attributes.get("gen_ai.tool.call.arguments"), attributes.get("gen_ai.tool.call.result")
    )


def _with_system(entered: object, instructions: object) -> object:
    """Return messages with the system's instructions as the first, unless they have a system message already."""
    if not is_set(entered) or not is_set(instructions):
        return entered
    messages = parsed(entered)
    if not isinstance(messages, list):
        return entered
    if any(isinstance(message, dict) and message.get("role") == "system" for message in messages):
        return entered
    merged = plain_data([{"role": "system", "content": _instruction_text(instructions)}, *messages])
    return json_text(merged) if isinstance(entered, str) else merged


def _instruction_text(instructions: object) -> str:
    found = parsed(instructions)
    if found is None and instructions != "null":
        return spoken(instructions)
    if not isinstance(found, list):
        return spoken(found)
    return "\n".join(_instruction_part(part) for part in found)


def _instruction_part(part: object) -> str:
    if isinstance(part, dict) and is_set(part.get("content")):
        return spoken(part["content"])
    return spoken(part)


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


SOURCES: Final[tuple[tuple[int, Source], ...]] = (
    (keys.ALL_ROWS, _langfuse),
    (keys.ALL_ROWS, _genkit),
    (keys.ALL_ROWS, _vercel),
    (keys.ALL_ROWS, _flue),
    (keys.ALL_ROWS, _operation_details_event),
    (keys.ALL_ROWS, _message_events),
    (keys.ALL_ROWS, _content_events),
    (keys.VERTEX, _vertex),
    (keys.PROMPT_TEXT, _pair("prompt", "all_messages_events")),
    (keys.LIVEKIT, _livekit),
    (keys.LOGFIRE, _logfire_events),
    (keys.MLFLOW, _pair("mlflow.spanInputs", "mlflow.spanOutputs")),
    (keys.TRACELOOP, _pair("traceloop.entity.input", "traceloop.entity.output")),
    (keys.VALUE, _pair("input.value", "output.value")),
    (keys.PLAIN_PAIR, _pair("input", "output")),
    (keys.ALL_ROWS, _pydantic_ai),
    (keys.TOOL_PAIR, _pair("tool_arguments", "tool_response")),
    (keys.INDEXED_GEN_AI, _indexed("gen_ai.prompt", "gen_ai.completion")),
    (keys.INDEXED_LLM, _indexed("llm.input_messages", "llm.output_messages")),
    (keys.SEMANTIC, _semantic_attributes),
)
"""The sources in order, each with the rows of which one must be fed for it to have anything."""


def content_of(view: ContentView, rows: int = keys.ALL_ROWS) -> Content:
    """Return input and output from the first source that has one of them.

    Args:
        view: What the sources may look at.
        rows: The rows that some attribute may feed.
    """
    for needed, source in SOURCES:
        if rows & needed or needed == keys.ALL_ROWS:
            content = source(view)
            if content is not None:
                return content
    return _NOTHING
