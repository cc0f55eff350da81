"""Traced callables cross process borders as untraced ones do."""

import pickle
import subprocess
import sys
import textwrap

import pytest

MODULE = """
import functools
from certtrace import traced

@traced
def function(x):
    return x + 1

@traced
@functools.lru_cache
def cached(x):
    return x + 2

class Thing:
    def __init__(self, by):
        self.by = by

    @traced
    def method(self, x):
        return x + self.by

    @traced
    @classmethod
    def of_class(cls, x):
        return cls.__name__, x

    @traced
    @staticmethod
    def static(x):
        return x

    def __call__(self, x):
        return x * self.by

    def __eq__(self, other):
        return self.by == other.by

traced_object = traced(Thing(3))
size = traced(len)
partial = traced(functools.partial(function, 4))
"""


@pytest.fixture
def things(tmp_path, monkeypatch):
    (tmp_path / "pickled_things.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("pickled_things", None)
    import pickled_things

    yield pickled_things
    sys.modules.pop("pickled_things", None)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_traced_callables_survive_pickling(things, protocol, state):
    def again(target):
        return pickle.loads(pickle.dumps(target, protocol))

    assert again(things.function) is things.function
    assert again(things.cached) is things.cached
    assert again(things.Thing(2).method)(1) == 3
    assert again(things.Thing.of_class)(1) == ("Thing", 1)
    assert again(things.Thing.static)(1) == 1
    assert again(things.size)("abc") == 3
    if protocol >= 2:
        assert again(things.traced_object)(2) == 6
        assert again(things.partial)() == 5


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_process_pools_run_traced_functions(tmp_path, method):
    (tmp_path / "pickled_things.py").write_text(MODULE)
    script = f"""
        import multiprocessing, concurrent.futures
        import pickled_things as t
        from certtrace.testing import recording

        if __name__ == "__main__":
            context = multiprocessing.get_context({method!r})
            with recording() as recorder:
                with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
                    calls = [t.function, t.cached, t.Thing(5).method, t.traced_object]
                    print([pool.submit(call, 1).result() for call in calls])
                t.function(1)
                print(len(recorder.spans))
    """
    (tmp_path / "main.py").write_text(textwrap.dedent(script))
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split("\n") == ["[2, 3, 6, 3]", "1", ""], done.stderr
    assert done.stderr == ""
