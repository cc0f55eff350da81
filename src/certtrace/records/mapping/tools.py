"""Tool definitions move from the metadata into the input, where Langfuse shows them with the messages."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from certtrace.records.mapping.keys import INDEXED_TOOL
from certtrace.records.mapping.values import is_set, json_text, parsed, plain_data

Tools = list[object]
_PARAMETERS: Final = "model_request_parameters"
_MERGED: Final = "tools"
_LONGEST_INDEX: Final = 9


class Moved(NamedTuple):
    """Input and metadata after the move."""

    entered: object
    metadata: dict[str, object]


def with_tools(entered: object, metadata: dict[str, object]) -> Moved:
    """Return the input with the tools that the metadata defines, and the metadata without them.

    Where nothing is a tool, or the input cannot take any, both stay as they are.
    """
    tools, cleaned = _taken_out(metadata)
    if not tools:
        return Moved(entered, metadata)
    merged = _merged(entered, tools)
    return Moved(entered, metadata) if merged is None else Moved(merged, cleaned)


def _taken_out(metadata: Mapping[str, object]) -> tuple[Tools, dict[str, object]]:
    cleaned = dict(metadata)
    tools = _definitions(metadata.get("tools"), needs_names=True) or []
    if tools:
        del cleaned["tools"]
    attributes = metadata.get("attributes")
    attributes = _decoded(attributes) if isinstance(attributes, str) else attributes
    if isinstance(attributes, dict):
        tools += _taken_out_of_attributes(attributes, cleaned)
    return _distinct(tools), cleaned


def _taken_out_of_attributes(attributes: Mapping[str, object], cleaned: dict[str, object]) -> Tools:
    left = dict(attributes)
    tools: Tools = []
    for key, needs_names in (("ai.prompt.tools", False), ("gen_ai.tool.definitions", True)):
        found = _definitions(attributes.get(key), needs_names=needs_names)
        if found is not None:
            tools += found
            del left[key]
    tools += _out_of_parameters(left)
    indexed = [(int(match[1]), key) for key in attributes if (match := _indexed(key))]
    for _, key in sorted(indexed):
        tool = _decoded(attributes[key])
        if _is_tool(tool, needs_name=True):
            tools.append(tool)
            del left[key]
    if left:
        cleaned["attributes"] = left
    else:
        del cleaned["attributes"]
    return tools


def _indexed(key: str) -> re.Match[str] | None:
    match = INDEXED_TOOL.fullmatch(key)
    return match if match is not None and len(match[1]) <= _LONGEST_INDEX else None


def _out_of_parameters(left: dict[str, object]) -> Tools:
    """Take Pydantic AI's function tools out of the request's parameters."""
    given = left.get(_PARAMETERS)
    parameters = _decoded(given)
    if not isinstance(parameters, dict):
        return []
    rest = dict(parameters)
    tools = _definitions(rest.get("function_tools"), needs_names=True)
    if tools is not None:
        del rest["function_tools"]
    if rest:
        left[_PARAMETERS] = json_text(plain_data(rest)) if isinstance(given, str) else rest
    else:
        del left[_PARAMETERS]
    return tools or []


def _decoded(value: object) -> object:
    """Return JSON text decoded, any other text as it is."""
    found = parsed(value)
    return value if found is None and value != "null" else found


def _definitions(given: object, *, needs_names: bool) -> Tools | None:
    """Return a list of tools, given as a list or as JSON; None unless every element is one."""
    listed = parsed(given) if isinstance(given, str) else given
    if not isinstance(listed, list):
        return None
    tools = [_decoded(each) for each in listed]
    return tools if all(_is_tool(tool, needs_name=needs_names) for tool in tools) else None


def _is_tool(tool: object, *, needs_name: bool) -> bool:
    """Tell whether a value is a tool: an object with a name, or a provider's own tool, which has a type only."""
    if not isinstance(tool, dict):
        return False
    return is_set(_name(tool)) or (not needs_name and isinstance(tool.get("type"), str))


def _name(tool: object) -> object:
    given = _decoded(tool)
    if not isinstance(given, dict):
        return None
    inner = given.get("function")
    inner = given if inner is None else inner
    return inner.get("name") if isinstance(inner, dict) else None


def _distinct(tools: Sequence[object]) -> Tools:
    seen: set[str] = set()
    kept: Tools = []
    for tool in tools:
        name = _name(tool)
        if is_set(name):
            text = json_text(name)
            if text in seen:
                continue
            seen.add(text)
        kept.append(tool)
    return kept


def _merged(entered: object, tools: Tools) -> object:
    """Return the input with the tools; None where it is a value that can take none."""
    if isinstance(entered, str):
        value = parsed(entered)
        if value is None and entered.strip() != "null":
            return {"prompt": entered, "tools": tools}
        return _beside(plain_data(value), tools)
    return _beside(entered, tools)


def _beside(value: object, tools: Tools) -> object:
    if value is None:
        return {"tools": tools}
    if isinstance(value, list):
        return {"messages": value, "tools": tools}
    if isinstance(value, str):
        return {"prompt": value, "tools": tools}
    return _inside(value, tools) if isinstance(value, dict) else None


def _inside(value: dict[str, object], tools: Tools) -> object:
    if value.get(_MERGED) is None:
        return {**value, _MERGED: tools}
    listed = value[_MERGED]
    listed = parsed(listed) if isinstance(listed, str) else listed
    if not isinstance(listed, list):
        return None
    known = [tool for tool in map(_decoded, listed) if _is_tool(tool, needs_name=False)]
    if listed and not known:
        return None
    return {**value, _MERGED: _distinct([*known, *tools])}
