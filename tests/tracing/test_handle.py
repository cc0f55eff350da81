"""The handle takes whatever its author gives it, in every state, and the traced code goes on."""

import datetime as dt

import pytest
from opentelemetry import trace

from certtrace import current_span, identify, inject, propagate_attributes, span
from certtrace.testing import recording


class Hostile:
    def refuse(self, *args):
        raise RuntimeError("hostile")

    __repr__ = __str__ = __eq__ = __len__ = __iter__ = __float__ = __bool__ = __getattr__ = keys = items = refuse
    __hash__ = None


USES = {
    "attribute": lambda s: s.set_attribute("k", Hostile()),
    "attribute without a name": lambda s: s.set_attribute(None, 1),
    "attribute of a strange name": lambda s: s.set_attribute(Hostile(), 1),
    "attributes": lambda s: s.set_attributes({"a": Hostile(), 1: 2}),
    "attributes that are none": lambda s: s.set_attributes(None),
    "attributes that are no mapping": lambda s: s.set_attributes([1]),
    "attributes that refuse": lambda s: s.set_attributes(Hostile()),
    "event": lambda s: s.add_event("e", {"a": Hostile(), "b": [1, {"c": object()}]}),
    "event of a strange name": lambda s: s.add_event(Hostile()),
    "event of strange attributes": lambda s: s.add_event("e", Hostile()),
    "update": lambda s: s.update(input=Hostile(), output=[Hostile()], model=Hostile(), level="LOUD", version=3),
    "update of the name": lambda s: s.update(name=Hostile()),
    "update of metadata": lambda s: s.update(metadata=Hostile()),
    "update of an unknown field": lambda s: s.update(unknown=1),
    "update of a moment": lambda s: s.update(completion_start_time=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    "score": lambda s: s.score("s", float("nan"), comment=Hostile(), metadata=Hostile()),
    "score of a strange value": lambda s: s.score("s", Hostile()),
    "score of nothing": lambda s: s.score("s", None),
    "fail": lambda s: s.fail("timeout", "text", detail=Hostile()),
    "fail of a strange type": lambda s: s.fail(Hostile(), Hostile()),
    "identify": lambda s: identify(name=Hostile(), email=None, other=[1]),
    "inject": lambda s: inject({}),
}


@pytest.mark.parametrize("use", USES)
def test_no_use_of_the_handle_disturbs_the_traced_code(use, state):
    state.may_fault = True

    @state.trace
    def f():
        assert USES[use](current_span()) is None
        with span("inner") as inner:
            assert USES[use](inner) is None
        return "done"

    assert f() == "done"
    assert USES[use](current_span()) is None
    if state.recorder is not None:
        assert {s.name for s in state.recorder.spans} >= {"inner"} or use == "update of the name"


@pytest.mark.parametrize("use", USES)
def test_no_use_of_the_handle_of_another_librarys_span_disturbs_the_host(use):
    with recording() as recorder:
        with trace.get_tracer("other").start_as_current_span("foreign"):
            handle = current_span()
            assert handle.recording
            assert USES[use](handle) is None
        assert USES[use](handle) is None
        assert len(recorder.spans) == 1


def test_a_handle_may_be_used_after_its_span_has_ended(state):
    state.may_fault, kept = True, []

    @state.trace
    def f():
        kept.append(current_span())

    f()
    for use in USES.values():
        assert use(kept[0]) is None
    assert kept[0].recording is False


def test_propagated_attributes_take_odd_values(state):
    with propagate_attributes(user_id=5, tags=["a", 1], metadata={"k": Hostile(), 1: [1]}, version=2):
        assert state.trace(lambda: 1)() == 1
    with pytest.raises(KeyError), propagate_attributes(user_id="u"):
        raise KeyError


def test_what_the_handle_says_of_itself(state):
    @state.trace
    def f():
        handle = current_span()
        return handle.recording, len(handle.trace_id), len(handle.span_id)

    assert f() == ((True, 32, 16) if state.recorded else (False, 0, 0))
