"""The caller's OpenTelemetry context and surroundings: what a traced call leaves as it found it."""

import os
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import baggage, context, trace
from tests.tracing.twins import Cases, check, outcome

from certtrace import current_span, span, traced
from certtrace.tracing import in_context

case = Cases()


@case(spans=3)
def baggage_attached_and_detached(decorate):
    @decorate
    def detaches():
        token = context.attach(baggage.set_baggage("a", 1))
        seen = dict(baggage.get_all())
        context.detach(token)
        return seen

    @decorate
    def keeps():
        context.attach(baggage.set_baggage("kept", 1))

    @decorate
    def keeps_and_fails():
        context.attach(baggage.set_baggage("failed", 1))
        raise ValueError("x")

    def inside():
        return detaches(), keeps(), dict(baggage.get_all()), outcome(keeps_and_fails), dict(baggage.get_all())

    import contextvars

    return contextvars.copy_context().run(inside)


@case(spans=1)
def random_numbers_stay_what_the_seed_makes_them(decorate):
    @decorate
    def f(x):
        return random.random()

    random.seed(1)
    return f({"a": 1}), random.random(), random.getstate()[1][:3]


@case(spans=1)
def a_profiler_sees_the_function(decorate):
    calls = []

    @decorate
    def target(x):
        return x

    def profile(frame, event, arg):
        if event == "call" and frame.f_code.co_filename == __file__:
            calls.append(frame.f_code.co_name)

    old = sys.getprofile()
    sys.setprofile(profile)
    try:
        target(1)
        same = sys.getprofile() is profile
    finally:
        sys.setprofile(old)
    return calls, same


@case(spans=1)
def a_tracer_sees_the_lines(decorate):
    lines = []

    @decorate
    def target(x):
        y = x
        return y + 0

    first = getattr(target, "__wrapped__", target).__code__.co_firstlineno

    def tracer(frame, event, arg):
        if frame.f_code.co_filename != __file__:
            return None
        lines.append((event, frame.f_lineno - first))
        return tracer

    old = sys.gettrace()
    sys.settrace(tracer)
    try:
        target(1)
    finally:
        sys.settrace(old)
    return [line for line in lines if line[1] >= 0][:4]


@case(spans=1)
def locals_of_the_body(decorate):
    @decorate
    def f(a, b=2):
        c = 3
        return sorted(locals()), a + b + c

    return f(1)


@pytest.mark.parametrize("entry", case.all, ids=case.ids)
def test_surroundings_are_as_untraced(entry, state):
    check(entry, state)


def test_parents_follow_the_calls(spans):
    @traced(name="c")
    def c():
        pass

    @traced(name="b")
    def b(fail):
        c()
        if fail:
            raise ValueError("x")
        c()

    @traced(name="a")
    def a():
        b(False)
        with pytest.raises(ValueError, match="x"):
            b(True)
        with span("block"):
            c()
        c()

    a()
    (root,) = spans.roots
    assert [s.name for s in root.children] == ["b", "b", "block", "c"]
    assert [len(s.children) for s in root.children] == [2, 1, 1, 0]


def test_threads_are_below_the_caller_with_the_helper_and_on_their_own_without(spans):
    @traced(name="work")
    def work(n):
        return current_span().trace_id

    @traced(name="root")
    def root():
        with ThreadPoolExecutor(4) as pool:
            inside = list(pool.map(in_context(work), range(20)))
            outside = list(pool.map(work, range(20)))
        return inside, outside

    inside, outside = root()
    root_span = spans.one("root")
    assert set(inside) == {root_span.trace_id}
    assert len(set(outside)) == 20
    assert len(root_span.children) == 20


def test_many_threads_at_once_mix_nothing_up(spans):
    @traced(name="leaf")
    def leaf(n):
        return n

    @traced(name="root")
    def root(n):
        return [leaf(n) for _ in range(5)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(root, range(50))) == [[n] * 5 for n in range(50)]
    assert len(spans.roots) == 50
    for found in spans.roots:
        assert [child.input for child in found.children] == [found.input] * 5


def test_a_span_that_another_library_leaves_current_does_not_break_ours(spans):
    import contextvars

    tracer, left = trace.get_tracer("other"), []

    @traced(name="leaves")
    def leaves():
        left.append(tracer.start_span("foreign"))
        context.attach(trace.set_span_in_context(left[0]))

    @traced(name="outer")
    def outer():
        leaves()

    def inside():
        before = dict(context.get_current())
        outer()
        return before

    assert contextvars.copy_context().run(inside) == {}
    left[0].end()
    assert spans.one("leaves").parent.name == "outer"
    assert spans.one("foreign").parent.name == "leaves"


def test_a_dropped_tree_leaves_the_context_clean_though_its_body_set_baggage(certtrace_spans):
    from certtrace.testing import recording

    @traced(name="dropped")
    def dropped():
        context.attach(baggage.set_baggage("kept", 1))

    after = traced(name="after")(lambda: 1)

    def inside():
        dropped()
        after()

    import contextvars

    with recording(drop_names={"dropped"}) as recorder:
        contextvars.copy_context().run(inside)
        assert [s.name for s in recorder.spans] == ["after"]
    assert certtrace_spans.spans == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_goes_on_working(spans):
    @traced(name="f")
    def f(x):
        return x + 1

    @traced(name="forks")
    def forks():
        f(1)
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.write(write, str(f(41)).encode())
            finally:
                os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            answer = pipe.read()
        assert os.waitpid(pid, 0)[1] == 0
        return answer

    assert forks() == "42"
    assert f(2) == 3
    assert len(spans.named("f")) == 2


def test_configuration_may_come_and_go_between_and_during_calls():
    from certtrace.testing import recording

    @traced(name="gen")
    def gen():
        yield 1
        yield 2

    @traced(name="f")
    def f():
        with recording():
            return g()

    g = traced(name="g")(lambda: 1)
    before = gen()
    next(before)
    with recording() as recorder:
        assert f() == 1
        during = gen()
        next(during)
        assert list(before) == [2]
    assert list(during) == [2]
    assert {s.name for s in recorder.spans} <= {"f", "g", "gen"}
    assert f() == 1


def test_a_thread_that_is_still_in_a_traced_call_at_the_end_of_recording_is_undisturbed():
    from certtrace.testing import recording

    entered, leave, seen = threading.Event(), threading.Event(), []

    @traced(name="slow")
    def slow():
        entered.set()
        leave.wait(10)
        return "done"

    with recording():
        thread = threading.Thread(target=lambda: seen.append(slow()))
        thread.start()
        assert entered.wait(10)
    leave.set()
    thread.join(10)
    assert seen == ["done"]
