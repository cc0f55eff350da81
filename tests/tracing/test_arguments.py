"""Arguments arrive as they were given, wrong calls fail as before, and nothing is consumed, changed or kept alive."""

import asyncio
import gc
import io
import logging
import warnings
import weakref

import pytest
from tests.tracing.twins import Cases, check, outcome

from certtrace import current_span, traced

case = Cases()


def every_kind(trace):
    """The same signature as a plain function, a coroutine, a generator and an async generator function."""

    def f(a, /, b, c=3, *, d, e=5, **kw): ...

    async def co(a, /, b, c=3, *, d, e=5, **kw): ...

    def gen(a, /, b, c=3, *, d, e=5, **kw):
        yield

    async def agen(a, /, b, c=3, *, d, e=5, **kw):
        yield

    return [trace(made) for made in (f, co, gen, agen)]


CALLS = [
    ((), {}),
    ((1,), {}),
    ((1, 2), {}),
    ((1, 2, 3, 4), {"d": 1}),
    ((1, 2), {"d": 1, "c": 2, "b": 3}),
    ((1,), {"d": 1, "a": 1}),
    ((1,), {"b": 1, "e": 1}),
]


@case(spans=0)
def wrong_calls(trace):
    return [outcome(lambda f=f, a=a, k=k: f(*a, **k)) for f in every_kind(trace) for a, k in CALLS]


@case(spans=0)
def wrong_calls_of_methods(trace):
    class C:
        @trace
        def m(self, x): ...

        @trace
        @staticmethod
        def s(x): ...

        @trace
        @classmethod
        async def c(cls, x): ...

    c = C()
    return [
        outcome(call) for call in (c.m, lambda: C.m(), lambda: c.m(1, 2), c.s, lambda: c.s(1, 2), c.c, lambda: c.c(y=1))
    ]


@case()
def wrong_calls_of_other_callables(trace):
    import functools

    class Obj:
        def __call__(self, x): ...

    class Co:
        async def __call__(self, x): ...

    made = [
        trace(t) for t in (Obj(), Co(), functools.partial(lambda x, y: 1, 1), len, str.join, functools.lru_cache(Obj()))
    ]
    return [outcome(f) for f in made], [outcome(lambda f=f: f(1, 2, 3, z=4)) for f in made]


@case(spans=11)
def names_that_collide_with_the_wrappers_own(trace):
    @trace
    def f(_ct_func, _ct_span, _ct__x, *args, site, self, wrapper, runtime, **kwargs):
        return _ct_func, _ct_span, _ct__x, args, site, self, wrapper, runtime, kwargs

    @trace
    def g(_ct_body, _ct_item=2):
        yield _ct_body, _ct_item

    @trace
    async def co(_ct_body, _ct_active):
        return _ct_body, _ct_active

    names = {
        "func": 1,
        "name": 2,
        "self": 3,
        "wrapped": 4,
        "instance": 5,
        "args": 6,
        "kwargs": 7,
        "target": 8,
        "site": 9,
    }
    either = trace(lambda **kwargs: kwargs)
    proxied = trace(type("Obj", (), {"__call__": lambda this, **kwargs: kwargs})())
    lazy = trace(type("Co", (), {"__call__": co_of_everything})())
    return (
        f(1, 2, 3, 4, site=5, self=6, wrapper=7, runtime=8, _ct_site=9),
        list(g(1)),
        asyncio.run(co(1, 2)),
        either(**names),
        proxied(**names),
        asyncio.run(lazy(**names)),
        [trace(eval(f"lambda {n}: {n}"))(1) for n in ("None_", "_ct_active", "_ct_BaseException", "args", "wrapper")],
    )


async def co_of_everything(this, **kwargs):
    return kwargs


@case(spans=2)
def private_names_in_a_class(trace):
    class C:
        @trace
        def m(self, __x, *, __y=2):  # noqa: PYI063 - the names are the point: the compiler mangles them
            return __x, __y

    return C().m(1), C().m(1, _C__y=3)


@case(spans=2)
def defaults_are_the_same_objects(trace):
    marker = []

    @trace
    def f(x=marker, *, y=marker):
        x.append(1)
        return x is marker, y is marker, len(x)

    return f(), f()


@case(spans=1)
def arguments_are_the_same_objects(trace):
    things = [object(), [], {}, "".join(["a", "b"]), 10**9]
    return trace(
        lambda a, *args, **kw: [a is things[0], args[0] is things[1], kw["k"] is things[2], kw["s"] is things[3]]
    )(things[0], things[1], k=things[2], s=things[3])


@case(spans=3)
def nothing_is_consumed(trace):
    @trace
    def f(*things):
        return [next(iter(thing)) for thing in things]

    items = [
        iter([1, 2]),
        (x for x in [1, 2]),
        map(str, [1, 2]),
        zip([1], [2], strict=True),
        io.StringIO("a\nb\n"),
        range(3),
    ]
    same = trace(lambda x: x)(items)
    return (
        f(*items),
        [list(thing) for thing in items],
        [a is b for a, b in zip(same, items, strict=True)],
        trace(iter)([1]) and 1,
    )


@case(spans=1)
def keyword_dict_is_the_callees_own(trace):
    given = {"a": 1}

    @trace
    def f(**kwargs):
        kwargs["b"] = 2
        return kwargs

    return f(**given), given


@case()
def an_unawaited_coroutine_warns_once_with_its_name(trace):
    class C:
        async def __call__(self): ...

        @trace
        async def m(self): ...

    @trace
    async def never(): ...

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        never()
        C().m()
        trace(C())()
        gc.collect()
    return [(str(w.message), w.category) for w in caught]


@case(spans=3)
def warnings_and_logs_name_the_caller(trace):
    import functools

    seen = []

    class Handler(logging.Handler):
        def emit(self, record):
            seen.append((record.funcName, record.filename))

    log = logging.Logger("twin")  # noqa: LOG001 - no other handler shall see it
    log.addHandler(Handler())

    @trace
    def warn():
        warnings.warn("old", DeprecationWarning, stacklevel=2)
        log.warning("one", stacklevel=2)
        log.warning("own")

    def caller():
        warn()
        trace(functools.partial(warn))()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        caller()
    return seen, [w.filename == __file__ for w in caught], [w.lineno > 0 for w in caught]


@pytest.mark.parametrize("entry", case.all, ids=case.ids)
def test_arguments_arrive_as_they_would_untraced(entry, state):
    check(entry, state)


def test_later_changes_do_not_show_in_what_was_recorded(spans):
    @traced(name="f")
    def f(items, by_key, *args, **kwargs):
        items.append(2)
        by_key["b"] = [0]
        by_key["a"].append(9)
        kwargs["k"].clear()
        return items

    result = f([1], {"a": [1]}, [5], k=[7])
    result.append("late")
    recorded = spans.one("f")
    assert recorded.input == {"items": [1], "by_key": {"a": [1]}, "args": [[5]], "kwargs": {"k": [7]}}
    assert recorded.output == [1, 2]


def test_options_switch_capture_off(spans):
    @traced(name="f", capture_input=False)
    def f(secret):
        return "out"

    @traced(name="g", capture_output=False)
    def g(x):
        yield x

    f("s")
    list(g("in"))
    assert (spans.one("f").input, spans.one("f").output) == (None, "out")
    assert (spans.one("g").input, spans.one("g").output) == ({"x": "in"}, None)


class Thing:
    """Can be weakly referenced, unlike a list."""


def gone(refs):
    gc.collect()
    return [ref() is None for ref in refs]


def test_nothing_is_kept_alive_after_delivery(spans):
    @traced
    def f(thing, nested, **kw):
        return [thing]

    @traced
    def fails(thing):
        raise ValueError(thing)

    @traced
    async def co(thing):
        return thing

    @traced
    def gen(thing):
        yield thing

    def made():
        kind = type("MadeInACall", (Thing,), {})
        things = [Thing() for _ in range(5)] + [kind()]
        f(things[0], {"a": [things[1]]}, k=things[5])
        with pytest.raises(ValueError, match="Thing"):
            fails(things[2])
        asyncio.run(co(things[3]))
        list(gen(things[4]))
        return [weakref.ref(thing) for thing in [*things, kind]]

    refs = made()
    assert len(spans.spans) == 4
    assert gone(refs) == [True] * 7


def test_an_exception_is_freed_without_the_collector(state):
    class Failed(Exception):
        pass

    @state.trace
    def f():
        raise Failed

    @state.trace
    def gen():
        yield 1
        raise Failed

    @state.trace
    async def co():
        raise Failed

    async def agen_body():
        yield 1
        raise Failed

    async def drain():
        async for _ in state.trace(agen_body)():
            pass

    for call in (f, lambda: list(gen()), lambda: asyncio.run(co()), lambda: asyncio.run(drain())):
        gc.collect()
        gc.disable()
        try:
            try:
                call()
            except Failed as error:
                ref = weakref.ref(error)
            assert ref() is None or call.__name__ == "<lambda>"
        finally:
            gc.enable()
        assert gone([ref]) == [True]


def test_a_yielded_item_is_not_kept_alive_while_the_generator_waits(state):
    @state.trace
    def gen():
        yield Thing()
        yield 1

    @state.trace
    async def agen():
        yield Thing()
        yield 1

    g = gen()
    ref = weakref.ref(next(g))
    assert ref() is None
    g.close()

    async def waiting():
        a = agen()
        ref = weakref.ref(await anext(a))
        assert ref() is None
        await a.aclose()

    asyncio.run(waiting())


def test_an_argument_that_the_body_lets_go_of_is_freed(state):
    seen = []

    def body(thing):
        ref = weakref.ref(thing)
        del thing
        yield 1
        seen.append(ref())
        yield 2

    async def co(thing):
        ref = weakref.ref(thing)
        del thing
        await asyncio.sleep(0)
        seen.append(ref())

    list(state.trace(body)(Thing()))
    asyncio.run(state.trace(co)(Thing()))
    assert seen == [None, None]


def test_the_handle_in_the_body_is_the_calls_own(spans):
    @traced(name="f")
    def f():
        current_span().set_attribute("k", 1)
        return current_span().span_id

    assert f() == spans.one("f").span_id
    assert spans.one("f").attributes["k"] == 1
