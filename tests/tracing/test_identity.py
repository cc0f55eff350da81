"""What can be asked of a traced function is answered as by the function itself."""

import asyncio
import copy
import functools
import gc
import inspect
import typing
import weakref

import pytest
from tests.tracing.twins import outcome

from certtrace import traced


def plain(
    a: int, /, b: "str" = "x", *args: float, c: bytes, d: "list[int] | None" = None, **kw: object
) -> "dict[str, int]":
    """Doc of plain."""
    return {}


async def coroutine(a: int, b: int = 1) -> str:
    return ""


def generator(n: int) -> typing.Iterator[int]:
    yield n


async def async_generator(n: int) -> typing.AsyncIterator[int]:
    yield n


class Owner:
    def method(self, x: "Owner", *, y: int = 0) -> None:
        """Doc of method."""

    async def async_method(self, x: int) -> None: ...


plain.marker = ["set"]
FUNCTIONS = [plain, coroutine, generator, async_generator, Owner.method, Owner.async_method, lambda x, y=2: x]
QUESTIONS = [
    inspect.signature,
    lambda f: inspect.signature(f, follow_wrapped=False),
    inspect.getfullargspec,
    inspect.iscoroutinefunction,
    asyncio.iscoroutinefunction,
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
    inspect.isfunction,
    inspect.isroutine,
    inspect.ismethod,
    inspect.getsource,
    inspect.getsourcelines,
    inspect.getdoc,
    inspect.getcomments,
    inspect.getmodule,
    typing.get_type_hints,
    inspect.get_annotations,
    lambda f: f.__code__.co_argcount,
    lambda f: f.__code__.co_posonlyargcount,
    lambda f: f.__code__.co_kwonlyargcount,
    lambda f: f.__code__.co_name,
    lambda f: f.__code__.co_varnames[: f.__code__.co_argcount],
    lambda f: f.__code__.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS),
    lambda f: {k: v for k, v in vars(f).items() if k != "__wrapped__"},
    lambda f: inspect.unwrap(f),
    type,
    callable,
    repr,
]
SAME = ["__name__", "__qualname__", "__module__", "__doc__", "__annotations__", "__defaults__", "__kwdefaults__"]
SAME += ["__globals__", "__builtins__"]


def answer(question, function):
    kind, value = outcome(lambda: question(function))
    return kind, value.partition(" at 0x")[0] if question is repr else value


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__qualname__)
def test_every_question_about_a_function_is_answered_as_before(function):
    wrapped = traced(function)
    for question in QUESTIONS:
        assert answer(question, wrapped) == answer(question, function), question
    for name in SAME:
        assert getattr(wrapped, name) == getattr(function, name), name
    assert wrapped.__globals__ is function.__globals__
    assert wrapped.__defaults__ is function.__defaults__
    assert wrapped.__wrapped__ is function


def test_defaults_can_be_changed_afterwards():
    f = traced(lambda a, b=2, *, c=3: (a, b, c))
    f.__defaults__ = (1, 5)
    f.__kwdefaults__ = {"c": 6}
    assert f() == (1, 5, 6)


def test_type_hints_of_locally_defined_types_fail_as_before():
    class Local: ...

    def f(x: "Local") -> "Local": ...

    assert outcome(lambda: typing.get_type_hints(traced(f))) == outcome(lambda: typing.get_type_hints(f))
    assert typing.get_type_hints(traced(f), localns={"Local": Local}) == {"x": Local, "return": Local}


def test_type_hints_under_postponed_evaluation(tmp_path, monkeypatch):
    text = "from __future__ import annotations\nclass Own: ...\ndef f(x: Own, y: list[Own]) -> Own: ...\n"
    (tmp_path / "postponed_annotations.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    import postponed_annotations as module

    assert typing.get_type_hints(traced(module.f)) == typing.get_type_hints(module.f)


def test_a_bound_method_is_a_method_of_its_object():
    class C:
        @traced
        def m(self, x: int) -> int:
            return x

    c = C()
    assert inspect.ismethod(c.m)
    assert c.m.__self__ is c
    assert c.m == c.m
    assert hash(c.m) == hash(c.m)
    assert str(inspect.signature(c.m)) == "(x: int) -> int"


@pytest.mark.parametrize(
    "target",
    [functools.partial(plain, 1), functools.lru_cache(plain), len, Owner, Owner().method, "a".upper],
    ids=["partial", "lru_cache", "builtin", "class", "bound_method", "builtin_method"],
)
def test_signatures_of_other_callables(target):
    assert outcome(lambda: inspect.signature(traced(target))) == outcome(lambda: inspect.signature(target))


def test_functions_copy_to_themselves_and_objects_to_traced_copies(spans):
    class Adder:
        def __init__(self):
            self.by = [1]

        def __call__(self, x):
            return x + self.by[0]

    f, adder, cached = traced(plain), traced(Adder()), traced(functools.lru_cache(plain))
    assert copy.copy(f) is f
    assert copy.deepcopy(f) is f
    assert copy.copy(cached) is cached
    assert copy.deepcopy(cached) is cached
    shallow, deep = copy.copy(adder), copy.deepcopy(adder)
    adder.by[0] = 5
    assert (adder(1), shallow(1), deep(1)) == (6, 6, 2)
    assert len(spans.spans) == 3


@pytest.mark.parametrize(
    "make", [lambda: lambda: 1, lambda: functools.partial(int, "1"), lambda: functools.lru_cache(int)]
)
def test_traced_callables_can_be_weakly_referenced_and_are_collected(make):
    f = traced(make())
    f()
    ref = weakref.ref(f)
    assert ref() is f
    del f
    gc.collect()
    assert ref() is None


def test_functions_compare_and_hash_by_identity():
    f = traced(plain)
    assert f == f
    assert f != plain
    assert {f: 1}[f] == 1


def test_decoration_does_not_touch_the_globals_of_the_function():
    scope = {}
    exec("def f(a): return a", scope)
    del scope["__builtins__"]
    before = dict(scope)
    assert traced(scope["f"])(1) == 1
    assert scope == before
