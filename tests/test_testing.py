"""`certtrace.testing` and the pytest plugin, as a project of a user would use them."""

import pytest

import certtrace
from certtrace import assembly, tracing
from certtrace.testing import recording

pytest_plugins = ["pytester"]

CODE = """
    import certtrace

    @certtrace.traced(as_type="chain")
    def grade(answer):
        with certtrace.span("grade.pass") as span:
            span.score("grade", 2.0)
            return {"answer": answer}

    @certtrace.traced
    async def grade_later(answer):
        return answer
"""


@pytest.fixture
def project(pytester):
    pytester.makepyfile(service=CODE)
    pytester.makeini(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"
    )
    return pytester


def run(project, *options):
    return project.runpytest_subprocess("-p", "no:cacheprovider", *options)


def test_the_fixture_gives_finished_redacted_spans(project):
    project.makepyfile(
        """
        import service

        def test_grade(certtrace_spans):
            service.grade("write to joe@example.org")
            grade = certtrace_spans.one("grade")
            assert grade.as_type == "chain"
            assert grade.input["answer"].startswith("write to <email:")
            assert [child.name for child in grade.children] == ["grade.pass"]
            assert grade.receipt["counts"] == {"EMAIL": 2}
            assert [score.value for score in certtrace_spans.scores] == [2.0]

        def test_each_test_sees_its_own(certtrace_spans):
            assert certtrace_spans.spans == []
        """
    )
    run(project).assert_outcomes(passed=2)


def test_it_is_safe_under_xdist_and_asyncio(project):
    project.makepyfile(
        """
        import asyncio, pytest, service

        @pytest.mark.parametrize("number", range(24))
        async def test_later(certtrace_spans, number):
            await asyncio.gather(*(service.grade_later(number) for _ in range(5)))
            assert [span.input for span in certtrace_spans.spans] == [{"answer": number}] * 5
        """
    )
    run(project, "-n", "3").assert_outcomes(passed=24)


def test_what_was_configured_before_runs_again_afterwards(project):
    project.makepyfile(
        """
        import certtrace, service
        from certtrace import assembly

        def test_around(tmp_path, request):
            certtrace.configure(home=tmp_path)
            before = assembly.current_running()
            spans = request.getfixturevalue("certtrace_spans")
            service.grade("inside")
            assert len(spans.spans) == 2
            assert before.tracer.started_total == 0
            request.node._after = before

        def test_after():
            assert assembly.current_running() is not None
            service.grade("outside")
            assert assembly.status().account.started == 1
            assert certtrace.shutdown(10).delivered
        """
    )
    run(project).assert_outcomes(passed=2)


def test_a_project_that_does_not_use_the_fixture_does_not_load_the_sdk(project):
    project.makepyfile(
        """
        import sys, service

        def test_plain():
            service.grade("x")
            assert "opentelemetry.sdk" not in sys.modules
            assert "pydantic" not in sys.modules
        """
    )
    run(project, "-p", "no:logfire", "-p", "no:hypothesispytest", "-p", "no:langsmith_plugin").assert_outcomes(passed=1)


def test_recording_reads_no_environment_and_writes_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("CERTTRACE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CERTTRACE_UNHEARD_OF", "x")
    with recording(), tracing.span("x"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_recording_nests_and_restores_in_order():
    with recording() as outer:
        with recording() as inner:
            with tracing.span("inner"):
                pass
            assert [span.name for span in inner.spans] == ["inner"]
        with tracing.span("outer"):
            pass
        assert [span.name for span in outer.spans] == ["outer"]
    assert assembly.current_running() is None
    assert not certtrace.current_span().recording


def test_one_names_what_was_recorded_instead():
    with recording() as seen:
        with tracing.span("a"):
            pass
        with pytest.raises(AssertionError, match=r"0 spans are named 'b', not one\. Recorded: a\."):
            seen.one("b")
        seen.clear()
        assert seen.spans == []


def test_settings_can_be_given():
    with recording(sample_rate=0.0) as seen:
        with tracing.span("dropped"):
            pass
        assert seen.spans == []
    with pytest.raises(certtrace.ConfigurationError, match="sample_rate"), recording(sample_rate=2):
        pass
