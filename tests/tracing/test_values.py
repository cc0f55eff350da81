"""What is recorded of odd values: sensible, bounded, JSON; and the values never notice."""

import array
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import json
import pathlib
import re
import threading
import time
import types
import uuid
from typing import Any, ClassVar, NamedTuple

import attrs
import numpy
import pydantic
import pytest

from certtrace import current_span, semconv, traced
from certtrace.ports import ModelValue
from certtrace.tracing.capture import MAX_VALUES, capture, weight


def plain(value: object) -> Any:
    """Return a captured value without its models: only their fields."""
    if isinstance(value, ModelValue):
        return {key: plain(item) for key, item in value.fields.items()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def taken(value: object) -> Any:
    return plain(capture(value, []))


class Touched(Exception):
    """Raised by whatever of a hostile object is called."""


def refuse(*args: object, **kwargs: object) -> Any:
    raise Touched


HOSTILE_NAMES = """
    __repr__ __str__ __getattr__ __getattribute__ __eq__ __hash__ __len__ __bool__ __iter__ __getitem__ __contains__
    __format__ __dir__ __reduce_ex__ __sizeof__ __index__ __int__ __float__ __copy__ __deepcopy__ __call__ __next__
    __instancecheck__ keys items values copy isoformat item
""".split()  # noqa: SIM905 - a list of forty quoted names is not read
HOSTILE = dict.fromkeys(HOSTILE_NAMES, refuse) | {
    "__class__": property(refuse),
    "__dict__": property(refuse),
    "shape": property(refuse),
    "__dataclass_fields__": property(refuse),
    "__pydantic_fields__": property(refuse),
    "_fields": property(refuse),
}


class Lying:
    """Says of itself that it is a string."""

    __class__ = str
    __len__ = refuse


class UnhashableMeta(type):
    def __eq__(cls, other):
        raise Touched

    __hash__ = None


class HostileMeta(type):
    def __getattribute__(cls, name):
        if name.startswith("__") and name != "__mro__":
            raise Touched
        return super().__getattribute__(name)


class Unhashable(metaclass=UnhashableMeta):
    pass


class Closed(metaclass=HostileMeta):
    pass


def hostile(base: type, *args: object) -> object:
    names = {k: v for k, v in HOSTILE.items() if base is object or k not in ("__dict__", "__class__")}
    return base.__new__(type("Hostile", (base,), names), *args)


HOSTILE_OBJECTS = {
    "object": lambda: hostile(object),
    "str": lambda: hostile(str, "text"),
    "int": lambda: hostile(int, 5),
    "float": lambda: hostile(float, 0.5),
    "bytes": lambda: hostile(bytes, b"ab"),
    "tuple": lambda: hostile(tuple, (1, 2)),
    "frozenset": lambda: hostile(frozenset, [1]),
    "list": lambda: hostile(list),
    "dict": lambda: hostile(dict),
    "set": lambda: hostile(set),
    "deque": lambda: hostile(collections.deque),
    "date": lambda: hostile(dt.date, 2026, 1, 2),
    "decimal": lambda: hostile(decimal.Decimal, "1.5"),
    "exception": lambda: hostile(ValueError, "x"),
    "lying": Lying,
    "unhashable class": Unhashable,
    "closed class": Closed,
}
KNOWN = {
    "str": "text",
    "int": 5,
    "float": 0.5,
    "tuple": [1, 2],
    "frozenset": [1],
    "list": [],
    "dict": {},
    "set": [],
    "deque": [],
    "date": "2026-01-02",
    "decimal": "1.5",
}


@pytest.mark.parametrize("name", HOSTILE_OBJECTS)
def test_no_code_of_a_hostile_object_runs(name, certtrace_spans):
    value = HOSTILE_OBJECTS[name]()
    seen = []

    @traced(name="f")
    def f(x, nested):
        seen.append(x is value and nested["in"][0] is value)
        return [x]

    result = f(value, {"in": [value]})
    assert seen == [True]
    assert result[0] is value
    recorded = certtrace_spans.one("f")
    assert recorded.status == "ok"
    shown = taken(value)
    assert shown == KNOWN[name] if name in KNOWN else isinstance(shown, (str, dict))
    json.dumps(recorded.input)


@pytest.mark.parametrize("where", HOSTILE_NAMES)
def test_one_raising_special_method_at_a_time(where):
    made = type("One", (), {where: refuse})
    assert taken([made()]) == ["<tests.tracing.test_values.One>"]


class Colour(enum.Enum):
    RED = "red"
    COMPLEX = (1, 2)


class Number(enum.IntEnum):
    ONE = 1


class Tup(NamedTuple):
    x: int
    y: str = "d"


@dataclasses.dataclass
class Data:
    x: Any
    shared: ClassVar[int] = 3
    late: int = dataclasses.field(init=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    x: int
    y: list[int]


@attrs.define
class Attrs:
    x: int
    late: int = attrs.field(init=False)


@attrs.frozen(slots=False)
class AttrsDict:
    x: int


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    x: int
    secret: pydantic.SecretStr = pydantic.SecretStr("hidden value")
    _private: str = pydantic.PrivateAttr("private value")

    def __repr__(self):
        raise Touched


class Root(pydantic.RootModel[list[int]]):
    pass


@pydantic.dataclasses.dataclass
class PydanticData:
    x: int


class OwnDate(dt.datetime):
    def isoformat(self, *args):
        raise Touched


ANSWERS = [
    (Colour.RED, "red"),
    (Colour.COMPLEX, "COMPLEX"),
    (Number.ONE, 1),
    (Tup(1), {"x": 1, "y": "d"}),
    (Data(1), {"x": 1}),
    (Slotted(1, [2]), {"x": 1, "y": [2]}),
    (Attrs(1), {"x": 1}),
    (AttrsDict(1), {"x": 1}),
    (Model(x=1, more=2), {"x": 1, "secret": "<secret>", "more": 2}),
    (Model.model_construct(x=[1]), {"x": [1], "secret": "<secret>"}),
    (Root([1, 2]), {"root": [1, 2]}),
    (PydanticData(3), {"x": 3}),
    (decimal.Decimal("1.10"), "1.10"),
    (fractions.Fraction(1, 3), "1/3"),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC), "2026-01-02T03:04:00+00:00"),
    (OwnDate(2026, 1, 2), "2026-01-02T00:00:00"),
    (dt.date(2026, 1, 2), "2026-01-02"),
    (dt.time(1, 2), "01:02:00"),
    (dt.timedelta(seconds=90), "0:01:30"),
    (pathlib.PurePosixPath("/a/b"), "/a/b"),
    (1 + 2j, "(1+2j)"),
    (range(3), "range(0, 3)"),
    ({"a": 1}.keys(), ["a"]),
    (collections.OrderedDict(a=[1]), {"a": [1]}),
    (collections.Counter("aa"), {"a": 2}),
    (collections.defaultdict(list, a=[1]), {"a": [1]}),
    (collections.deque([1, [2]]), [1, [2]]),
    (bytearray(b"abc"), "<bytearray 3>"),
    (memoryview(b"abc"), "<memoryview 3>"),
    (array.array("d", [1.0]), "<array.array>"),
    (numpy.float64(0.5), 0.5),
    (numpy.int32(3), 3),
    (numpy.bool_(True), True),
    (numpy.datetime64("2026-01-02"), "2026-01-02"),
    (numpy.zeros((2, 3)), "<numpy.ndarray shape=(2, 3) dtype=float64>"),
    ([numpy.float32(0.5)], [0.5]),
    (ValueError("a", 1), {"type": "ValueError", "args": ["a", 1]}),
    (len, "<function builtins.len>"),
    (plain, f"<function {__name__}.plain>"),
    (Data, f"<class {__name__}.Data>"),
    (int, "<class int>"),
    (types.SimpleNamespace(a=1), "<types.SimpleNamespace>"),
    (ipaddress.ip_address("10.0.0.1"), "<ipaddress.IPv4Address>"),
    (re.compile("a"), "<re.Pattern>"),
    (threading.Lock(), "<_thread.lock>"),
    (iter([1]), "<list_iterator>"),
    (pydantic.SecretStr("hidden value"), "<secret>"),
    (json, "<module>"),
    (NotImplemented, "<NotImplementedType>"),
    ({(1, ("a", (2,))): 1}, {f"1, a, {'<tuple>'}": 1}),
    ({b"ab": 1, Colour.RED: 2, dt.date(2026, 1, 2): 3, None: 4, 1.5: 5}, None),
]


@pytest.mark.parametrize(("value", "shown"), ANSWERS, ids=lambda v: type(v).__name__)
def test_what_is_shown_of_known_types(value, shown, certtrace_spans):
    if shown is not None:
        assert taken(value) == shown
    assert traced(name="f")(lambda x: x)(value) is value
    recorded = certtrace_spans.one("f")
    text = json.dumps([recorded.input, recorded.output])
    assert "hidden value" not in text
    assert "private value" not in text


def test_keys_that_look_alike_lose_nothing():
    assert sorted(taken({object(): 1, object(): 2}).values()) == [1, 2]
    assert taken({b"ab": 1, b"cd": 2}) == {"<bytes 2>": 1, "<bytes 2> (1)": 2}
    assert taken({Colour.RED: 2, dt.date(2026, 1, 2): 3, None: 4}) == {"red": 2, "2026-01-02": 3, None: 4}


def nest(levels: int, wrap: Any) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = wrap(value)
    return value


def cycle_of_list():
    value: list[object] = [1]
    value.append(value)
    return value


def cycle_of_dict():
    value: dict[str, object] = {}
    value["self"] = [value]
    return value


def cycle_of_dataclass():
    value = Data(None)
    value.x = {"again": value}
    return value


def laughs(wrap: Any) -> Any:
    value: Any = ["lol"]
    for _ in range(60):
        value = wrap(value)
    return value


HUGE = {
    "deep list": lambda: nest(50_000, lambda v: [v]),
    "deep tuple": lambda: nest(50_000, lambda v: (v,)),
    "deep dict": lambda: nest(50_000, lambda v: {"k": v}),
    "deep dataclass": lambda: nest(50_000, Data),
    "cycle of list": cycle_of_list,
    "cycle of dict": cycle_of_dict,
    "cycle of dataclass": cycle_of_dataclass,
    "laughs of list": lambda: laughs(lambda v: [v] * 10),
    "laughs of dict": lambda: laughs(lambda v: {str(i): v for i in range(10)}),
    "laughs of models": lambda: laughs(lambda v: Data([v, v, v])),
    "million numbers": lambda: list(range(1_000_000)),
    "million entries": lambda: dict.fromkeys(range(1_000_000), 1),
    "million set": lambda: set(range(1_000_000)),
    "many lists": lambda: [[i] for i in range(300_000)],
    "many dicts": lambda: [{"i": [i]} for i in range(100_000)],
    "deep key": lambda: {nest(40, lambda v: (v, v) if v == "bottom" else (v,)): 1},
}


@pytest.mark.parametrize("name", HUGE)
def test_huge_values_are_bounded_in_size_depth_and_time(name, certtrace_spans):
    value = HUGE[name]()
    began = time.thread_time()
    shown = capture(value, [])
    assert time.thread_time() - began < 1.0

    def count(item: object, depth: int = 0) -> int:
        assert depth < 100
        if isinstance(item, ModelValue):
            item = item.fields
        if isinstance(item, dict):
            return 1 + sum(count(part, depth + 1) for part in item.values())
        return 1 + sum(count(part, depth + 1) for part in item) if isinstance(item, (list, tuple)) else 1

    assert count(shown) < 2 * MAX_VALUES
    if name.startswith(("deep list", "deep d", "cycle")):
        assert traced(name="f")(lambda x: x)(value) is value
        assert "cut" in json.dumps(certtrace_spans.one("f").output)


def test_what_was_cut_says_how_much_there_was():
    assert taken(list(range(MAX_VALUES + 7)))[-1] == "<cut: 17 more items>"
    assert taken(dict.fromkeys(range(MAX_VALUES), 1))["<cut>"] == "10 more entries"
    assert str(nest(40, lambda v: [v, 1]) and taken(nest(40, lambda v: [v, 1]))).count("<cut: list of 2>") == 1


def test_values_changed_by_another_thread_meanwhile_do_not_disturb(certtrace_spans):
    shared: dict[str, Any] = {"list": [], "dict": {}, "set": set()}
    stop = threading.Event()

    def churn():
        n = 0
        while not stop.is_set():
            n += 1
            shared["list"].append([n])
            shared["dict"][n] = {"n": n}
            shared["set"].add(n)
            if n % 50 == 0:
                shared["list"].clear()
                shared["dict"].clear()
                shared["set"].clear()

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        f = traced(name="f")(lambda x: x)
        for _ in range(200):
            assert f(shared) is shared
            f(shared["list"])
    finally:
        stop.set()
        thread.join()
    assert len(certtrace_spans.named("f")) == 400
    assert "unreadable" not in json.dumps([span.input for span in certtrace_spans.spans])


ODD_ATOMS = [
    10**5000,
    -(2**70),
    float("nan"),
    float("inf"),
    "\ud800 lone",
    "\x00",
    "x" * 3_000_000,
    b"\xff" * 3_000_000,
]


@pytest.mark.parametrize("value", ODD_ATOMS, ids=lambda v: type(v).__name__)
def test_odd_atoms_leave_as_json(value, certtrace_spans):
    assert traced(name="f")(lambda x, nested: x)(value, {"in": [value]}) is value
    recorded = certtrace_spans.one("f")
    text = recorded.attributes[semconv.OBSERVATION_INPUT]
    assert isinstance(text, str)
    assert len(text.encode()) < 3_000_000
    assert set(json.loads(text)) == {"x", "nested"}


def test_what_the_body_sets_is_captured_as_it_was(certtrace_spans):
    @traced(name="f")
    def f():
        value = [1]
        current_span().set_attribute("k", value)
        current_span().update(metadata={"m": value, "hostile": HOSTILE_OBJECTS["object"]()})
        value.append(2)

    f()
    recorded = certtrace_spans.one("f")
    assert json.loads(recorded.attributes["k"]) == [1]
    assert recorded.metadata["m"] == [1]


def test_a_class_made_at_run_time_is_forgotten():
    import gc
    import weakref

    def use():
        made = dataclasses.make_dataclass("Made", ["x"])
        assert taken(made(1)) == {"x": 1}
        return weakref.ref(made)

    ref = use()
    gc.collect()
    assert ref() is None


def test_the_weight_of_what_was_captured_is_near_the_truth_and_quick():
    for value, truth in [
        ("text", 4),
        ({"a": {"b": ["c" * 50]}}, 50),
        ([{"role": "user", "content": "x" * 1_500}] * 10, 15_040),
        ([[{"a": "b" * 100}] * 10] * 20, 20_000),
        (Data("y" * 700), 700),
        (5, 0),
    ]:
        assert truth / 2 <= weight(capture(value, [])) <= 2 * truth + 100
    many = capture(["x" * 100] * 150_000, [])
    began = time.thread_time()
    assert 7_500_000 < weight(many) < 30_000_000
    assert time.thread_time() - began < 0.05
