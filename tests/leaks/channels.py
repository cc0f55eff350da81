"""Every way in which a text can get onto a span: one function each, named for the channel."""

import asyncio
import collections
import contextlib
import enum
import functools
import json
import pathlib
import threading
import types
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, make_dataclass
from typing import NamedTuple
from urllib.parse import quote

import attrs
import numpy
import pydantic
from opentelemetry import baggage, context, trace
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags, TraceState
from tests.leaks.plants import CONTROL, IDENTITY

import certtrace
from certtrace import current_span, in_context, propagate_attributes, span, traced

CHANNELS = {}
"""Channel by name; `carries` says whether its text arrives at all."""


def channel(name, *, carries=True):
    def register(function):
        function.carries = carries
        CHANNELS[name] = function
        return function

    return register


@traced
def take(value=None, /, *args, **kwargs):
    return None


@traced(capture_input=False)
def give(function):
    return function()


def failing(error, **options):
    @traced(**options)
    def fail():
        raise error

    with contextlib.suppress(BaseException):
        fail()


# --- what functions are given and give back ---


@channel("argument")
def _(text):
    take(text)


@channel("further arguments")
def _(text):
    take(1, text, [text])


@channel("keyword argument")
def _(text):
    take(answer=text)


@channel("keyword name")
def _(text):
    take(**{text: 1})


@channel("default argument")
def _(text):
    @traced
    def with_default(value=text):
        return None

    with_default()


@channel("result")
def _(text):
    give(lambda: text)


@channel("result of a coroutine")
def _(text):
    @traced
    async def work():
        return text

    asyncio.run(work())


@channel("items of a generator")
def _(text):
    @traced
    def items():
        yield 1
        yield text

    list(items())


@channel("text split over items of a generator")
def _(text):
    @traced
    def items():
        yield from (text[start : start + 40] for start in range(0, len(text), 40))

    list(items())


@channel("return value of a generator")
def _(text):
    @traced
    def items():
        yield 1
        return text

    list(items())


@channel("items of an async generator")
def _(text):
    @traced
    async def items():
        yield text

    async def run():
        return [item async for item in items()]

    asyncio.run(run())


@channel("values sent into a generator", carries=False)
def _(text):
    @traced
    def items():
        yield (yield 1) and None

    opened = items()
    next(opened)
    opened.send(text)
    opened.close()


@channel("method of an object", carries=False)
def _(text):
    class Service:
        def __init__(self):
            self.owner = text

        def __repr__(self):
            return text

        @traced
        def work(self):
            return 1

    Service().work()


@channel("input of a span")
def _(text):
    with span("s", input={"answer": text}):
        pass


@channel("input that an update sets")
def _(text):
    current_span().update(input=text)


@channel("output")
def _(text):
    current_span().update(output=[text])


# --- shapes of values ---


@dataclass
class Plain:
    text: str
    kept: list = field(default_factory=list)


@dataclass(slots=True)
class Slotted:
    text: str


@attrs.define
class Attrs:
    text: str


class Model(pydantic.BaseModel):
    text: str
    inner: dict = {}
    model_config = pydantic.ConfigDict(extra="allow")


class Pair(NamedTuple):
    text: str
    number: int


class Shouting(str):
    def __str__(self):
        return "nothing here"

    __repr__ = __str__


class Opaque:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return f"Opaque({self.text!r})"

    __str__ = __repr__


class Iterating:
    def __init__(self, text):
        self.text = text

    def __iter__(self):
        return iter([self.text])

    def __len__(self):
        return 1

    def __getitem__(self, key):
        return self.text

    def keys(self):
        return [self.text]


class Keyed:
    """A key whose text is not what it seems."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


def cycle(text):
    made = {"text": text}
    made["self"] = made
    return [made, made]


def error_with(text):
    return ValueError(text, {"inner": text})


def deep(text):
    value = text
    for _ in range(40):
        value = {"down": [value]}
    return value


SHAPES = {
    "dict value": lambda text: {"answer": text},
    "dict key": lambda text: {text: 1},
    "key that is no text": lambda text: {Keyed(text): 1, (text, 1): 2},
    "nested": lambda text: {"a": [{"b": ({"c": text},)}]},
    "deeply nested": deep,
    "list": lambda text: ["x", text],
    "set": lambda text: {text},
    "frozenset": lambda text: frozenset({text}),
    "deque": lambda text: collections.deque([text]),
    "dataclass": lambda text: Plain(text, [text]),
    "dataclass with slots": Slotted,
    "class made at run time": lambda text: make_dataclass("Made", ["text"])(text),
    "attrs": Attrs,
    "pydantic model": lambda text: Model(text=text, inner={"x": text}, more=text),
    "pydantic key": lambda text: Model.model_validate({"text": "", text: 1}),
    "named tuple": lambda text: Pair(text, 1),
    "simple namespace": lambda text: types.SimpleNamespace(text=text),
    "mapping proxy": lambda text: types.MappingProxyType({"x": text}),
    "chain map": lambda text: collections.ChainMap({"x": text}),
    "counter": lambda text: collections.Counter([text]),
    "ordered dict": lambda text: collections.OrderedDict(x=text),
    "default dict": lambda text: collections.defaultdict(list, x=[text]),
    "user string": collections.UserString,
    "subclass of str": Shouting,
    "enum member": lambda text: enum.Enum("Level", {"ONE": text}).ONE,
    "enum class": lambda text: enum.Enum("Level", {"ONE": text}),
    "name of an enum member": lambda text: enum.Enum("Level", {text: 1})[text],
    "name of a class": lambda text: type(text, (), {}),
    "object of a class so named": lambda text: type(text, (), {})(),
    "path": pathlib.PurePosixPath,
    "bytes": str.encode,
    "bytearray": lambda text: bytearray(text.encode()),
    "memoryview": lambda text: memoryview(text.encode()),
    "numpy text": lambda text: numpy.str_(text),
    "numpy array": lambda text: numpy.array([text]),
    "numpy objects": lambda text: numpy.array([{"x": text}], dtype=object),
    "exception": error_with,
    "cycle": cycle,
    "object with a repr": Opaque,
    "object that iterates": Iterating,
    "generator": lambda text: (part for part in [text]),
    "partial function": lambda text: functools.partial(print, text),
    "closure": lambda text: lambda: text,
    "context variable": lambda text: __import__("contextvars").ContextVar(text.split()[0], default=text),
    "secret string": pydantic.SecretStr,
    "json text": lambda text: json.dumps({"answer": text, text: [text]}),
    "json in json": lambda text: json.dumps({"arguments": json.dumps({"answer": text})}),
    "python literal": lambda text: repr({"answer": text}),
    "chat messages": lambda text: [{"role": "user", "content": [{"type": "text", "text": text}]}],
    "tool call": lambda text: [{"tool_calls": [{"function": {"name": "f", "arguments": json.dumps({"q": text})}}]}],
    "xml": lambda text: f"<answer by='x'>{text}</answer>",
    "markdown table": lambda text: f"| who | what |\n| --- | --- |\n| {text} | x |",
    "csv": lambda text: f'id,text\n1,"{text}"',
    "data uri": lambda text: "data:text/plain;base64," + __import__("base64").b64encode(text.encode()).decode(),
}
OPAQUE = {
    "bytes", "bytearray", "memoryview", "numpy array", "numpy objects", "object with a repr", "object that iterates",
    "generator", "partial function", "closure", "context variable", "secret string", "user string", "enum class",
    "chain map", "mapping proxy", "simple namespace", "data uri", "deeply nested",
    "name of an enum member",
}  # fmt: skip
"""Shapes that leave as their type or size only."""


def _register_shape(name, make):
    @channel(f"value: {name}", carries=name not in OPAQUE)
    def _(text):
        take(make(text))


for _name, _make in SHAPES.items():
    _register_shape(_name, _make)


# --- exceptions ---


@channel("exception message")
def _(text):
    failing(ValueError(text))


@channel("exception arguments")
def _(text):
    failing(RuntimeError({"row": [text]}, text))


@channel("exception note")
def _(text):
    error = ValueError("x")
    error.add_note(text)
    failing(error)


@channel("cause")
def _(text):
    error = ValueError("x")
    error.__cause__ = RuntimeError(text)
    failing(error)


@channel("context that quotes it", carries=False)
def _(text):
    @traced
    def fail():
        try:
            {}[text]
        except KeyError:
            raise ValueError("x")

    with contextlib.suppress(ValueError):
        fail()


@channel("context")
def _(text):
    @traced
    def fail():
        try:
            raise RuntimeError(text)
        except RuntimeError:
            raise ValueError("x")

    with contextlib.suppress(ValueError):
        fail()


@channel("exception group")
def _(text):
    failing(ExceptionGroup("several", [ValueError(text), ExceptionGroup("more", [KeyError(text)])]))


@channel("name of a group")
def _(text):
    failing(ExceptionGroup(text, [ValueError("x")]))


@channel("locals of a frame", carries=False)
def _(text):
    @traced(capture_input=False)
    def fail(answer):
        local = answer
        raise ValueError(len(local))

    with contextlib.suppress(ValueError):
        fail(text)


@channel("attributes of an exception", carries=False)
def _(text):
    error = ValueError("x")
    error.response = {"body": text}
    failing(error)


@channel("name of an exception class")
def _(text):
    failing(type(text, (Exception,), {})("x"))


@channel("name of a function")
def _(text):
    def inner():
        raise ValueError("x")

    inner.__code__ = inner.__code__.replace(co_name=text, co_qualname=text)
    inner.__qualname__ = text

    @traced
    def fail():
        inner()

    with contextlib.suppress(ValueError):
        fail()


@channel("file of a function")
def _(text):
    code = compile("def broken():\n    raise ValueError('x')\n", f"/srv/{text}/grader.py", "exec")
    scope = {}
    exec(code, scope)

    @traced
    def fail():
        scope["broken"]()

    with contextlib.suppress(ValueError):
        fail()


@channel("validation error of pydantic", carries=False)
def _(text):
    @traced
    def fail():
        pydantic.TypeAdapter(list[int]).validate_python([text])

    with contextlib.suppress(pydantic.ValidationError):
        fail()


@channel("error of a file", carries=False)
def _(text):
    @traced
    def fail():
        pathlib.Path(f"/nonexistent/{text}").read_text()

    with contextlib.suppress(OSError):
        fail()


@channel("error of JSON")
def _(text):
    failing(json.JSONDecodeError(text, text, 3))


@channel("error of Unicode", carries=False)
def _(text):
    @traced
    def fail():
        text.encode() + b"\xff"
        (text.encode() + b"\xff").decode()

    with contextlib.suppress(UnicodeDecodeError):
        fail()


@channel("url in a message")
def _(text):
    failing(ConnectionError(f"GET https://user:pw@exam.example/api?q={quote(text)} failed: {text}"))


@channel("cancellation", carries=False)
def _(text):
    failing(asyncio.CancelledError(text))


@channel("system exit", carries=False)
def _(text):
    failing(SystemExit(text))


@channel("exception that cannot be shown", carries=False)
def _(text):
    class Bad(Exception):
        def __str__(self):
            raise RuntimeError(text)

    failing(Bad(text))


@channel("failure that code declares")
def _(text):
    with span("s") as opened:
        opened.fail(f"E {text}", text, detail={"answer": text})


# --- fields of a span ---


@channel("span name")
def _(text):
    with span(text):
        pass


@channel("name of a traced function")
def _(text):
    traced(name=text)(lambda: None)()


@channel("name that an update sets")
def _(text):
    current_span().update(name=text)


@channel("attribute")
def _(text):
    current_span().set_attribute("answer", text)


@channel("key of an attribute")
def _(text):
    current_span().set_attribute(text, 1)


@channel("list attribute")
def _(text):
    current_span().set_attribute("answers", ["x", text])


@channel("structured attribute")
def _(text):
    current_span().set_attributes({"answers": {"a": {text: [text]}}})


@channel("attributes of the decorator")
def _(text):
    traced(attributes={"who": text, text: 1})(lambda: None)()


@channel("attributes of a span")
def _(text):
    with span("s", attributes={"who": text, text: 1}):
        pass


@channel("event")
def _(text):
    current_span().add_event(text, {"who": text, text: [text]})


@channel("metadata")
def _(text):
    current_span().update(metadata={"who": text, text: {"x": text}})


@channel("status message")
def _(text):
    current_span().update(level="ERROR", status_message=text)


@channel("model")
def _(text):
    current_span().update(model=text, model_parameters={"stop": [text], text: 1}, prompt_name=text, version=text)


@channel("usage")
def _(text):
    current_span().update(usage_details={text: 1}, cost_details={text: 0.1})


@channel("user and session")
def _(text):
    with propagate_attributes(user_id=text, session_id=text):
        take(1)


@channel("tags, trace name, metadata of a trace, version")
def _(text):
    with propagate_attributes(tags=[text], trace_name=text, metadata={"who": text, text: 1}, version=text):
        take(1)


@channel("link")
def _(text):
    state = TraceState.from_header(["who=" + quote(text, safe="")])
    linked = SpanContext(0xA1, 0xB2, is_remote=True, trace_flags=TraceFlags(1), trace_state=state)
    with span("s", links=[linked]):
        take(1)
    with trace.get_tracer("x").start_as_current_span("t", links=[Link(linked, {"who": text, text: [text]})]):
        pass


@channel("seed", carries=False)
def _(text):
    with span("s", seed=text):
        pass


@channel("tracestate from outside")
def _(text):
    headers = {
        "traceparent": f"00-{'a' * 31}1-{'b' * 16}-01",
        "tracestate": f"vendor={quote(text, safe=' ,@').replace(',', ' ').replace('=', ' ')[:250]},other={CONTROL}",
        "baggage": f"who={quote(text)}",
    }
    with certtrace.continue_trace(headers), span("s"):
        certtrace.identify(**IDENTITY)


@channel("baggage", carries=False)
def _(text):
    token = context.attach(baggage.set_baggage("who", text))
    try:
        take(1)
    finally:
        context.detach(token)


# --- scores ---


@channel("score")
def _(text):
    current_span().score(text, text, comment=text, metadata={"who": text, text: [text]})


@channel("numeric score")
def _(text):
    current_span().score("grade", 0.5, comment=text)


# --- other libraries ---


@channel("foreign span")
def _(text):
    tracer = trace.get_tracer(text, text, attributes={"who": text})
    with tracer.start_as_current_span(text, attributes={"who": text, text: [text]}) as opened:
        opened.add_event(text, {"who": text})
        opened.set_status(Status(StatusCode.ERROR, text))
        opened.update_name(f"{text}!")


@channel("exception on a foreign span")
def _(text):
    with contextlib.suppress(ValueError), trace.get_tracer("x").start_as_current_span("s"):
        raise ValueError(text)


@channel("recorded exception")
def _(text):
    trace.get_current_span().record_exception(ValueError(text), {"who": text})


@channel("SDK methods of a span")
def _(text):
    opened = trace.get_current_span()
    opened.set_attribute("db.statement", f"SELECT '{text}'")
    opened.set_attributes({"gen_ai.input.messages": json.dumps([{"content": text}]), text: text})
    opened.add_event("gen_ai.choice", {"message": text})
    opened.set_status(StatusCode.ERROR, text)


@channel("openinference span")
def _(text):
    with trace.get_tracer("openinference.instrumentation.openai").start_as_current_span("ChatCompletion") as opened:
        opened.set_attribute("input.value", json.dumps({"messages": [{"role": "user", "content": text}]}))
        opened.set_attribute("llm.input_messages.0.message.content", text)
        opened.set_attribute("metadata", json.dumps({"who": text}))


@channel("warning", carries=False)
def _(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.warn(text)
        take(1)


# --- threads ---


@channel("thread")
def _(text):
    worker = threading.Thread(target=in_context(take), args=(text,))
    worker.start()
    worker.join()


@channel("executor")
def _(text):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(in_context(take), text).result()


@channel("task")
def _(text):
    async def run():
        await asyncio.gather(asyncio.to_thread(take, text), asyncio.to_thread(take, [text]))

    asyncio.run(run())
