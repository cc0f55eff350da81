"""Every kind of callable, in every place it can stand."""

import abc
import asyncio
import contextlib
import dataclasses
import enum
import functools
import operator
from typing import NamedTuple, Protocol, runtime_checkable

import pydantic
import pytest
from tests.tracing.twins import Cases, async_outcome, check, outcome

case = Cases()


@case(spans=2)
def plain_function(trace):
    @trace
    def f(a, b=2, *args, c, d=4, **kwargs):
        return a, b, args, c, d, kwargs

    return f(1, c=3), f(1, 2, 3, 4, c=5, d=6, e=7)


@case(spans=1)
def function_without_anything(trace):
    @trace
    def f():
        pass

    return f()


@case(spans=1)
def a_lambda(trace):
    return trace(lambda x, *y, z=3: (x, y, z))(1, 2)


@case(spans=3)
def closure_with_nonlocal(trace):
    def outer():
        count = 0

        @trace
        def inner(step):
            nonlocal count
            count += step
            return count

        return inner

    f = outer()
    return f(1), f(2), f(3), f.__wrapped__.__closure__[0].cell_contents if hasattr(f, "__wrapped__") else 6


@case(spans=4)
def recursion(trace):
    @trace
    def down(n):
        return n and n + down(n - 1)

    return down(3)


@case(spans=2)
async def coroutine_function(trace):
    @trace
    async def f(a, *, b):
        await asyncio.sleep(0)
        return a, b

    return await f(1, b=2), await asyncio.create_task(f(3, b=4))


@case(spans=1)
def generator_function(trace):
    @trace
    def f(n):
        got = []
        for i in range(n):
            got.append((yield i))
        return got

    def outer():
        return (yield from f(3))

    g = outer()
    seen = [next(g), g.send("a"), g.send("b")]
    return seen, outcome(lambda: g.send("c"))


@case(spans=1)
async def async_generator_function(trace):
    @trace
    async def f(n):
        for i in range(n):
            await asyncio.sleep(0)
            yield i

    return [i async for i in f(3)]


class Counter:
    def __init__(self, start=0):
        self.start = start

    def __eq__(self, other):
        return type(other) is type(self) and other.start == self.start

    def __hash__(self):
        return hash(self.start)


@case(spans=4)
def instance_methods_bound_and_unbound(trace):
    class C(Counter):
        @trace
        def m(self, x, *, y=1):
            return self.start, x, y

    c = C(5)
    bound = c.m
    return c.m(1), C.m(c, 2, y=3), bound(x=4), bound.__self__ is c, functools.partial(C.m, c)(7)


@case(spans=8)
def static_and_class_methods_above_and_below(trace):
    class C:
        @trace
        @staticmethod
        def above(x):
            return x

        @staticmethod
        @trace
        def below(x):
            return x

        @trace
        @classmethod
        def class_above(cls, x):
            return cls.__name__, x

        @classmethod
        @trace
        def class_below(cls, x):
            return cls.__name__, x

    class D(C):
        pass

    kinds = [type(vars(C)[name]) for name in ("above", "below", "class_above", "class_below")]
    called = [f(1) for f in (C.above, C().above, C.below, C().below, C.class_above, C().class_above, D.class_below)]
    return kinds, called, D().class_below(2)


@case(spans=1)
def a_bare_staticmethod_object_is_callable(trace):
    return trace(staticmethod(lambda x: x + 1))(1)


@case(spans=6)
def properties_above_and_below(trace):
    class C:
        _x = 1

        @trace
        @property
        def above(self):
            """Doc."""
            return self._x

        @above.setter
        @trace
        def above(self, value):
            self._x = value

        @above.deleter
        def above(self):
            self._x = 0

        @property
        @trace
        def below(self):
            return self._x

        whole = trace(property(lambda s: s._x, lambda s, v: setattr(s, "_x", v), lambda s: setattr(s, "_x", -1), "W"))

    c = C()
    seen = [c.above, c.below]
    c.above = 7
    seen.append(c.whole)
    c.whole = 8
    del c.whole
    del c.above
    seen += [vars(C)[n].__doc__ for n in ("above", "below", "whole")]
    return seen, c._x, outcome(lambda: setattr(c, "below", 1))


@case(spans=1)
def property_with_a_builtin_getter(trace):
    class C:
        _x = 3
        x = trace(property(operator.attrgetter("_x")))

    return C().x


@case()
def a_property_takes_the_doc_of_a_later_getter(trace):
    class C:
        @trace
        @property
        def x(self):
            """First."""

        @x.getter
        def x(self):
            """Second."""

    return C.x.__doc__


@case(spans=2)
def cached_property_above_below_and_late(trace):
    calls = []

    class C:
        @trace
        @functools.cached_property
        def above(self):
            calls.append("above")
            return 1

        @functools.cached_property
        def late(self):
            calls.append("late")
            return 2

    C.late = trace(vars(C)["late"])
    c = C()
    return c.above, c.above, c.late, c.late, calls, vars(c), type(vars(C)["above"])


@case(spans=3)
def partial_methods(trace):
    class C(Counter):
        def m(self, a, b, *, c=0):
            return self.start, a, b, c

        above = trace(functools.partialmethod(m, 1, c=3))
        below = functools.partialmethod(trace(m), 1)
        of_class = trace(functools.partialmethod(classmethod(lambda cls, a: (cls.__name__, a)), 1))

    c = C(9)
    return c.above(2), c.below(2), c.of_class(), C.of_class.__self__ is C


@case(spans=4)
def single_dispatch(trace):
    @trace
    @functools.singledispatch
    def show(x):
        return "object", x

    @show.register
    def _(x: int):
        return "int", x

    show.register(str, trace(lambda x: ("str", x)))
    return show(1), show("a"), show(None), list(show.registry), show.dispatch(int).__name__


@case(spans=2)
def single_dispatch_method(trace):
    class C:
        @functools.singledispatchmethod
        @trace
        def m(self, x):
            return "object", x

        @m.register
        @trace
        def _(self, x: int):
            return "int", x

    return C().m(1), C().m("a")


@case(spans=1)
def abstract_methods(trace):
    class A(abc.ABC):
        @trace
        @abc.abstractmethod
        def above(self): ...

        @abc.abstractmethod
        @trace
        def below(self): ...

        @property
        @abc.abstractmethod
        @trace
        def prop(self): ...

        @trace
        @classmethod
        @abc.abstractmethod
        def cm(cls): ...

    class B(A):
        above = below = prop = cm = trace(lambda self=None: 1)

    return sorted(A.__abstractmethods__), outcome(A), B().above()


class Shout:
    """Doc of Shout."""

    def __init__(self, mark="!"):
        self.mark = mark

    def __call__(self, text, *, times=1):
        return (text + self.mark) * times

    def other(self):
        return self.mark

    def __eq__(self, other):
        return isinstance(other, Shout) and self.mark == other.mark

    def __hash__(self):
        return hash(self.mark)


@case(spans=2)
def callable_object(trace):
    made = trace(Shout("?"))
    made.mark = "!"
    return (
        made("a", times=2),
        made.other(),
        isinstance(made, Shout),
        made == Shout("!"),
        hash(made) == hash(Shout("!")),
        {made: 1}[Shout("!")],
        made.__doc__,
        outcome(made),
        callable(made),
        sorted(vars(made)),
    )


@case(spans=1)
def call_method_is_traced_in_the_class(trace):
    class C:
        __call__ = trace(lambda self, x: x + 1)

    return C()(1)


@case(spans=1)
async def async_callable_object(trace):
    class C:
        async def __call__(self, x):
            await asyncio.sleep(0)
            return x

    made = trace(C())
    return await made(1), outcome(made), asyncio.iscoroutinefunction(made)


@case(spans=1)
def generator_callable_object(trace):
    class C:
        def __call__(self, n):
            yield from range(n)

    made = trace(C())
    return list(made(3)), outcome(lambda: made(1, 2))


@case(spans=1)
async def async_generator_callable_object(trace):
    class C:
        async def __call__(self, n):
            for i in range(n):
                yield i

    return [i async for i in trace(C())(3)]


@case(spans=6)
def builtins_of_all_kinds(trace):
    length, get, join, upper = trace(len), trace(dict.get), trace(str.join), trace("abc".upper)
    seen = length([1, 2]), get({"a": 1}, "a"), get({}, "b", 3), join(",", ["a", "b"]), upper()
    return seen, outcome(lambda: length(1)), length.__name__, length == len, hash(length) == hash(len), length.__doc__


@case(spans=1)
def a_builtin_as_class_attribute_does_not_bind(trace):
    class C:
        size = trace(len)

    return C().size([1, 2, 3])


@case(spans=1)
def a_callable_object_as_class_attribute_does_not_bind(trace):
    class C:
        shout = trace(Shout())

    return C().shout("a"), C.shout == Shout()


@case(spans=1)
def a_slot_wrapper_as_class_attribute_binds(trace):
    class C(list):
        size = trace(list.__len__)

    return C([1, 2]).size()


@case(spans=3)
def class_as_callable(trace):
    @trace
    class C:
        """Doc."""

        shared = 1

        def __init__(self, x):
            self.x = x

        @classmethod
        def make(cls):
            return cls(2)

        def me(self):
            return __class__

    class D(C):
        def __init__(self, x):
            super().__init__(x + 1)

    c = C(1)
    C.shared = 2
    return (
        c.x,
        isinstance(c, C),
        issubclass(D, C),
        D(1).x,
        isinstance(D(1), C),
        C.shared,
        C.__name__,
        C.__doc__,
        outcome(C),
        c.me().__name__,
        type(c) == C,  # noqa: E721 - a proxy of a class equals it, but is not it
        C.make().x,
        trace(int)("7"),
    )


@case(spans=4)
def partial_objects(trace):
    f = trace(functools.partial(lambda a, b, *, c: (a, b, c), 1, c=3))
    g = functools.partial(trace(lambda a, b: (a, b)), 1)
    return f(2), f(2, c=4), g(2), f.args, f.keywords, outcome(f)


@case(spans=1)
async def partial_of_a_coroutine_function(trace):
    async def f(a, b):
        await asyncio.sleep(0)
        return a, b

    made = trace(functools.partial(f, 1))
    return await made(2), asyncio.iscoroutinefunction(made), outcome(lambda: made(1, 2, 3))


@case(spans=3)
def lru_cache_objects(trace):
    calls = []

    @trace
    @functools.lru_cache(maxsize=8)
    def f(x):
        calls.append(x)
        return x

    seen = f(1), f(1), f.cache_info()
    f.cache_clear()
    return seen, f(1), calls, f.cache_parameters(), f.__name__, f.__wrapped__ is not None


@case(spans=3)
def lru_cache_method_above_and_below(trace):
    class C:
        @trace
        @functools.lru_cache
        def above(self, x):
            return x

        @functools.lru_cache
        @trace
        def below(self, x):
            return x

    c = C()
    return c.above(1), c.above(1), c.below(1), c.below(1), C.above.cache_info(), C.below.cache_info()


@case(spans=2)
def bound_methods(trace):
    c = Shout("#")
    made = trace(c.other)
    return made(), made.__self__ is c, made.__name__, trace([1, 2].index)(2)


@case(spans=3)
def metaclass_methods(trace):
    class Meta(type):
        @trace
        def m(cls):
            return cls.__name__

        @trace
        def __call__(cls, *args):
            return super().__call__(*args)

        @property
        @trace
        def p(cls):
            return cls.__name__

    class C(metaclass=Meta):
        pass

    return C.m(), C.p, isinstance(C(), C)


@case(spans=5)
def overridden_methods_with_super(trace):
    class A:
        @trace
        def m(self):
            return ["A"]

        @trace
        @classmethod
        def c(cls):
            return [cls.__name__]

    class B(A):
        @trace
        def m(self):
            return [*super().m(), "B"]

        @trace
        @classmethod
        def c(cls):
            return [*super().c(), "B"]

    class C(B):
        def m(self):
            return [*super().m(), "C"]

    return C().m(), C.c(), super(B, C()).m(), A.m is B.m


@case(spans=10)
def double_decoration(trace):
    @trace
    @trace
    def f(x):
        return x

    @trace
    @trace
    def g():
        yield 1

    twice = trace(trace(Shout()))
    return f(1), list(g()), twice("a"), trace(trace(len))([]), trace(trace(functools.partial(Shout(), "b")))()


@case(spans=2)
def below_and_above_a_wrapping_decorator(trace):
    def doubled(f):
        @functools.wraps(f)
        def inner(*args, **kwargs):
            return f(*args, **kwargs) * 2

        inner.marker = "set"
        return inner

    above, below = trace(doubled(Shout().other)), doubled(trace(Shout().__call__))
    return above(), below("a"), above.marker, below.marker, above.__name__


@case(spans=5)
def context_managers(trace):
    events = []

    @contextlib.contextmanager
    @trace
    def below(swallow=()):
        events.append("in")
        try:
            yield 1
        except swallow as error:
            events.append(type(error))
        finally:
            events.append("out")

    @trace
    @contextlib.contextmanager
    def above():
        yield 2

    with below() as one, above() as two:
        events.append((one, two))

    def raising():
        with below():
            raise KeyError("x")

    def swallowing():
        with below(GeneratorExit):
            raise GeneratorExit("x")
        return "swallowed"

    @below()
    def decorated():
        return 5

    return events, outcome(raising), outcome(swallowing), decorated()


@case(spans=3)
async def async_context_managers(trace):
    @contextlib.asynccontextmanager
    @trace
    async def below():
        try:
            yield 1
        except ValueError as error:
            raise KeyError("other") from error

    @trace
    @contextlib.asynccontextmanager
    async def above():
        yield 2

    async def raising():
        async with below():
            raise ValueError("x")

    async with below() as one, above() as two:
        seen = one, two
    return seen, await async_outcome(raising())


@case(spans=11)
def methods_of_special_classes(trace):
    @dataclasses.dataclass(order=True)
    class Data:
        x: int

        @trace
        def m(self):
            return self.x

        @trace
        def __post_init__(self):
            self.x += 1

    class Tup(NamedTuple):
        x: int

        @trace
        def m(self):
            return self.x

    class Colour(enum.Enum):
        RED = 1

        @trace
        def m(self):
            return self.value

        @trace
        @classmethod
        def c(cls):
            return len(cls)

        @classmethod
        @trace
        def _missing_(cls, value):
            return cls.RED

    @runtime_checkable
    class Proto(Protocol):
        @trace
        def m(self): ...

    class Model(pydantic.BaseModel):
        x: int

        @pydantic.field_validator("x")
        @classmethod
        @trace
        def positive(cls, v):
            assert v >= 0, "negative"
            return v

        @trace
        def m(self):
            return self.x

        @pydantic.computed_field
        @property
        @trace
        def double(self) -> int:
            return self.x * 2

    made = Data(1), Tup(2), Colour("other"), Model(x=4)
    invalid = outcome(lambda: Model(x=-1))[0]
    return (
        [o.m() for o in made],
        [isinstance(o, Proto) for o in made],
        Colour.c(),
        len(Colour),
        Model(x=1).model_dump(),
        invalid,
        dataclasses.astuple(made[0]),
        [f.name for f in dataclasses.fields(Data)],
    )


@case(spans=5)
def hooks_and_descriptors(trace):
    seen = []

    class Field:
        @trace
        def __set_name__(self, owner, name):
            self.name = name

        @trace
        def __get__(self, instance, owner):
            return self.name

        @trace
        def __set__(self, instance, value):
            seen.append(value)

    class Base:
        field = Field()

        @trace
        def __init_subclass__(cls, **kwargs):
            seen.append((cls.__name__, kwargs))

        @trace
        def __class_getitem__(cls, item):
            return item

    class Child(Base, option=1):
        pass

    c = Child()
    c.field = 5
    return c.field, seen, Base["x"]


@case(spans=3)
def slots_and_special_methods(trace):
    class C:
        __slots__ = ("x",)

        @trace
        def __init__(self, x):
            self.x = x

        @trace
        def __repr__(self):
            return "C!"

        @trace
        def __getattr__(self, name):
            if name != "y":
                raise AttributeError(name)
            return 1

    c = C(1)
    return repr(c), c.y, c.x, outcome(lambda: setattr(c, "z", 1))


@case(spans=3)
def new_and_str_subclass(trace):
    class Loud(str):
        @trace
        def __new__(cls, text):
            return super().__new__(cls, text.upper())

        @trace
        def twice(self):
            return self + self

    return Loud("a"), Loud.__new__.__name__, Loud("b").twice()[:1] and 1


@pytest.mark.parametrize("entry", case.all, ids=case.ids)
def test_a_traced_callable_does_what_it_does_untraced(entry, state):
    check(entry, state)


def test_what_cannot_be_called_is_refused_at_decoration(state):
    from certtrace import DecorationError

    for target in (1, None.__class__.__doc__, object()):
        with pytest.raises(DecorationError, match="needs something that can be called"):
            state.trace(target)
