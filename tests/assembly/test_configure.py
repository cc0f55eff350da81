import os
import sqlite3
import subprocess
import sys

import pytest

import certtrace
from certtrace import assembly
from certtrace.assembly.keys import load_or_create
from certtrace.records.source import StoreSource, TraceFilter


@certtrace.traced
def work(value):
    return value


def test_without_configure_nothing_is_recorded_and_nothing_is_written(tmp_path):
    code = (
        "import certtrace\n@certtrace.traced\ndef f(x): return x\n"
        "assert f(3) == 3\nprint(certtrace.current_span().recording)"
    )
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "False\n"
    assert list(tmp_path.iterdir()) == []


def test_disabled_records_nothing(configured, home):
    assert configured(enabled=False) is None
    work("x")
    assert certtrace.force_flush(1).delivered
    assert not home.exists()


def test_otel_sdk_disabled_keeps_its_meaning(configured, monkeypatch):
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert configured() is None


def test_configuring_again_delivers_what_was_recorded_and_starts_anew(configured, home, tmp_path):
    configured()
    work("first")
    certtrace.configure(home=tmp_path / "other", instrument_langfuse=False)
    work("second")
    certtrace.force_flush(10)
    for folder in (home, tmp_path / "other"):
        assert len(StoreSource(folder / "store.db").list_traces(TraceFilter(), limit=9).traces) == 1


def test_a_home_that_cannot_be_made_is_named_with_the_remedy(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(certtrace.ConfigurationError, match=r"file/home.*CERTTRACE_HOME"):
        certtrace.configure(home=blocked / "home")


def test_a_store_of_a_newer_version_is_refused_untouched(home):
    home.mkdir()
    with sqlite3.connect(home / "store.db") as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(certtrace.StoreError, match="999"):
        certtrace.configure(home=home)
    assert assembly.current_running() is None


def test_the_key_is_made_once_and_for_this_user_only(tmp_path):
    first = load_or_create(tmp_path / "keys")
    assert load_or_create(tmp_path / "keys") == first
    assert len(first) == 32
    assert (tmp_path / "keys" / "redaction.key").stat().st_mode & 0o777 == 0o600


def test_a_key_that_others_may_read_is_refused(tmp_path):
    load_or_create(tmp_path)
    (tmp_path / "redaction.key").chmod(0o644)
    with pytest.raises(certtrace.ConfigurationError, match="chmod 600"):
        load_or_create(tmp_path)


def test_spans_of_a_provider_that_was_set_before_join_the_trace_with_a_warning(tmp_path):
    code = """
import sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
import certtrace
certtrace.configure(home=sys.argv[1])
with certtrace.span("outer"), trace.get_tracer("other").start_as_current_span("theirs"), certtrace.span("inner"):
    pass
certtrace.shutdown(10)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "already set" in done.stderr
    source = StoreSource(tmp_path / "store.db")
    (found,) = source.list_traces(TraceFilter(), limit=9).traces
    by_name = {one.name: one for one in source.get_trace(found.trace_id).observations}
    assert by_name["theirs"].parent_observation_id == by_name["outer"].id
    assert by_name["inner"].parent_observation_id == by_name["theirs"].id


def test_a_langfuse_client_made_before_configure_leaves_nothing_raw_either(tmp_path, sink):
    code = """
import sys
home, url = sys.argv[1:]
from langfuse import Langfuse, observe
early = Langfuse(public_key="pk-lf-early", secret_key="sk-lf-early", base_url=url)
import certtrace
certtrace.configure(home=home, destinations=["store", "langfuse"], langfuse_base_url=url,
                    langfuse_public_key="pk-lf-early", langfuse_secret_key="sk-lf-early")
@observe
def observed(x):
    return x
@certtrace.traced
def outer(x):
    with early.start_as_current_observation(name="held", input=x):
        return observed(x)
outer("joe@example.org")
early.create_score(name="g", value=1.0, trace_id="a" * 32, comment="joe@example.org")
early.flush()
certtrace.shutdown(10)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), sink.url], capture_output=True, text=True, check=True, timeout=60
    )
    sent = b"".join(request.body for request in sink.seen)
    assert sorted(sink.names()) == ["held", "observed", "outer"], done.stderr
    assert b"joe@example.org" not in sent
    (found,) = StoreSource(tmp_path / "store.db").list_traces(TraceFilter(name="outer"), limit=9).traces
    assert found.observation_count == 3
