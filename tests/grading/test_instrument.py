"""`instrument` traces a service as it is: same results, same exceptions, same kinds of methods."""

import asyncio
import copy
import inspect
import logging
import pickle
from dataclasses import dataclass, field

import pytest

from certtrace import DecorationError, grading, instrument, semconv
from certtrace.grading import AptitudeAdapter, Arguments, CaseStudyAdapter, GradingPass


@dataclass
class Student:
    full_name: str
    email: str


@dataclass
class Reply:
    score: float
    certainty: float
    explanation: str = ""


@dataclass
class Sheet:
    answer_id: str
    question_id: str
    answer_text: str
    student: Student
    headers: dict[str, str] = field(default_factory=dict)


SHEET = Sheet("sheet-1", "q-9", "Use a queue, signed Femi Balogun", Student("Femi Balogun", "femi@example.org"))


@dataclass
class Result:
    grade: float
    confidence: float


class AptitudeService:
    """An ordinary synchronous service: its methods call each other on `self`."""

    passes = 3

    def __init__(self):
        self.model = "grader"
        self.calls = []

    def grade_answer(self, sheet):
        self.calls.append("grade")
        prompt = self.build_prompt(sheet)
        return self.aggregate([self.run_pass(prompt, temperature=0.5) for _ in range(self.passes)])

    def build_prompt(self, sheet):
        return f"Grade: {sheet.answer_text}"

    def run_pass(self, prompt, *, temperature):
        return self._parse(self.call_llm(prompt))

    def call_llm(self, prompt):
        return {
            "id": "r-1",
            "model": "grader-2026",
            "usage": {"prompt_tokens": 9, "completion_tokens": 3},
            "choices": [{"finish_reason": "stop"}],
        }

    def _parse(self, reply):
        return Reply(4.0, 0.9, "fine")

    def aggregate(self, replies):
        return Result(sum(reply.score for reply in replies) / len(replies), 1.0)

    def unrelated(self):
        return self


class AsyncService:
    async def grade_answer(self, answer_id, question_id, text):
        replies = await asyncio.gather(*(self.run_pass(text) for _ in range(3)))
        return await self.aggregate(replies)

    async def run_pass(self, text):
        await asyncio.sleep(0)
        if text == "boom":
            raise TimeoutError
        return 4

    async def aggregate(self, replies):
        return {"grade": 4, "confidence": 1.0, "max_grade": 5}


class StreamingService:
    def __init__(self):
        self.log = []

    def grade_answer(self, text):
        try:
            for index in (1, 2):
                self.log.append((yield self.run_pass(index)))
        finally:
            self.log.append("closed")
        return "done"

    def run_pass(self, index):
        return index

    async def review(self, text):
        try:
            for index in (1, 2):
                self.log.append((yield index))
                await asyncio.sleep(0)
        finally:
            self.log.append("closed")


class CaseService:
    def grade_submission(self, submission):
        self.fetch_rubric(submission["case_study_id"])
        grades = {name: self.grade_criterion(name) for name in ("clarity", "fitness")}
        self.check_feedback(self.generate_feedback(grades))
        return {"grade": 70, "confidence": 0.9}

    def fetch_rubric(self, case_study_id):
        return {"id": "rubric-1", "criteria": [{"name": "clarity", "description": "Diagrams can be read alone."}]}

    def grade_criterion(self, criterion):
        return {"score": 3, "max_score": 4, "confidence": 0.7}

    def generate_feedback(self, grades):
        return "A clear solution."

    def check_feedback(self, report):
        return True


def test_methods_open_their_stages_also_where_they_call_each_other(certtrace_spans):
    service = instrument(AptitudeService())
    assert service.grade_answer(SHEET) == Result(4.0, 1.0)
    root = certtrace_spans.one("answer.grade")
    assert [span.name for span in root.children] == ["prompt.build", *["grade.pass"] * 3, "grade.aggregate"]
    assert [span.name for span in root.children[1].children] == ["llm.call"]
    assert root.attributes[semconv.SUBMISSION_ID] == "sheet-1"
    assert root.attributes[semconv.PASSES_PLANNED] == 3
    assert root.attributes[semconv.GRADE] == 4.0
    assert [span.attributes[semconv.PASS_INDEX] for span in certtrace_spans.named("grade.pass")] == [1, 2, 3]
    attempt, call = certtrace_spans.named("grade.pass")[0].attributes, certtrace_spans.named("llm.call")[0].attributes
    assert (attempt[semconv.PASS_GRADE], attempt[semconv.CONFIDENCE_SELF]) == (4.0, 0.9)
    assert attempt[semconv.GEN_AI_RESPONSE_MODEL] == "grader-2026"
    assert attempt[semconv.GEN_AI_REQUEST_TEMPERATURE] == 0.5
    assert (call[semconv.GEN_AI_REQUEST_MODEL], call[semconv.GEN_AI_USAGE_INPUT_TOKENS]) == ("grader", 9)
    aggregated = certtrace_spans.one("grade.aggregate").attributes
    assert (aggregated[semconv.PASSES_VALID], aggregated[semconv.PASSES_INDEPENDENT]) == (3, 3)


def test_the_candidate_of_a_foreign_type_is_redacted(certtrace_spans):
    instrument(AptitudeService()).grade_answer(SHEET)
    seen = repr([span.record for span in certtrace_spans.spans])
    assert "Use a queue, signed" in seen
    for personal in ("Femi", "Balogun", "femi@"):
        assert personal not in seen


def test_the_proxy_is_the_service_to_everyone_else():
    plain = AptitudeService()
    service = instrument(plain)
    assert isinstance(service, AptitudeService)
    assert service.__class__ is AptitudeService
    service.model = "other"
    assert plain.model == "other"
    assert service.unrelated() is service
    assert inspect.signature(service.run_pass) == inspect.signature(plain.run_pass)
    assert service.run_pass == service.run_pass
    assert service.run_pass.__self__ is service
    assert service.run_pass.__name__ == "run_pass"
    assert "grade_answer" in dir(service)
    assert vars(plain) == {"model": "other", "calls": []}
    with pytest.raises(AttributeError, match="'AptitudeService' object has no attribute 'nothing'"):
        _ = service.nothing


def test_the_bare_service_stays_untraced(certtrace_spans):
    plain = AptitudeService()
    instrument(plain)
    plain.grade_answer(SHEET)
    assert certtrace_spans.spans == []


def test_a_wrong_call_fails_with_the_methods_own_message(certtrace_spans):
    with pytest.raises(TypeError, match=r"AptitudeService.run_pass\(\) missing 1 required"):
        instrument(AptitudeService()).run_pass("p")
    assert certtrace_spans.one("grade.pass").status == "error"


def test_exceptions_arrive_as_they_were_raised(certtrace_spans):
    error = RuntimeError("broken")

    class Service(AptitudeService):
        def call_llm(self, prompt):
            raise error

    with pytest.raises(RuntimeError) as caught:
        instrument(Service()).grade_answer(SHEET)
    assert caught.value is error
    assert certtrace_spans.one("answer.grade").status == "error"


async def test_coroutine_methods_stay_coroutines(certtrace_spans):
    service = instrument(AsyncService())
    assert inspect.iscoroutinefunction(service.grade_answer)
    result = await service.grade_answer("a-1", "q-1", text="hello")
    assert result == {"grade": 4, "confidence": 1.0, "max_grade": 5}
    root = certtrace_spans.one("answer.grade")
    assert [span.name for span in root.children] == ["grade.pass"] * 3 + ["grade.aggregate"]
    assert (root.attributes[semconv.GRADE], root.attributes[semconv.GRADE_MAX]) == (4, 5)


async def test_a_failing_coroutine_names_its_class(certtrace_spans):
    with pytest.raises(TimeoutError):
        await instrument(AsyncService()).grade_answer("a-1", "q-1", "boom")
    assert certtrace_spans.one("answer.grade").attributes[semconv.FAILURE_CLASS] == "llm_timeout"


def test_a_generator_is_neither_consumed_nor_current_while_it_waits(certtrace_spans):
    service = instrument(StreamingService())
    assert inspect.isgeneratorfunction(service.grade_answer)
    stream = service.grade_answer("hello")
    assert certtrace_spans.spans == []
    assert next(stream) == 1
    with grading.llm_call("consumer's own"):
        pass
    assert stream.send("more") == 2
    with pytest.raises(StopIteration) as stopped:
        stream.send("last")
    assert stopped.value.value == "done"
    assert service.log == ["more", "last", "closed"]
    root = certtrace_spans.one("answer.grade")
    assert [span.name for span in root.children] == ["grade.pass", "grade.pass"]
    assert certtrace_spans.one("llm.call").parent_id is None


def test_a_generator_that_is_closed_early_is_closed_once(certtrace_spans):
    service = instrument(StreamingService())
    stream = service.grade_answer("hello")
    next(stream)
    stream.close()
    assert service.log == ["closed"]
    assert certtrace_spans.one("answer.grade").status == "abandoned"


def test_an_exception_thrown_into_a_generator_reaches_its_body(certtrace_spans):
    stream = instrument(StreamingService()).grade_answer("hello")
    next(stream)
    error = ValueError("thrown")
    with pytest.raises(ValueError, match="thrown") as caught:
        stream.throw(error)
    assert caught.value is error
    assert certtrace_spans.one("answer.grade").status == "error"


async def test_an_async_generator_is_neither_consumed_nor_current_while_it_waits(certtrace_spans):
    service = instrument(StreamingService())
    assert inspect.isasyncgenfunction(service.review)
    stream = service.review("hello")
    assert await anext(stream) == 1
    with grading.llm_call("consumer's own"):
        pass
    assert await stream.asend("more") == 2
    await stream.aclose()
    assert service.log == ["more", "closed"]
    assert certtrace_spans.one("review.expert").status == "abandoned"
    assert certtrace_spans.one("llm.call").parent_id is None


def test_a_case_study_service_is_recognised_by_its_names(certtrace_spans):
    service = instrument(CaseService())
    assert service.grade_submission({"id": "s-1", "case_study_id": "c-1", "text": "We use events."})["grade"] == 70
    root = certtrace_spans.one("submission.grade")
    assert [span.name for span in root.children] == [
        "rubric.fetch",
        "criterion.grade",
        "criterion.grade",
        "feedback.generate",
        "feedback.check",
    ]
    assert (root.attributes[semconv.SUBMISSION_ID], root.attributes[semconv.GRADE]) == ("s-1", 70)
    assert certtrace_spans.named("criterion.grade")[1].attributes[semconv.CRITERION_ID] == "fitness"
    assert certtrace_spans.one("feedback.check").attributes[semconv.FEEDBACK_CHECK] == "passed"
    assert "Diagrams can be read alone" not in repr([span.record for span in certtrace_spans.spans])


class OddNames:
    def evaluate(self, blob):
        return self.attempt(blob)

    def attempt(self, blob):
        return blob["points"] / 10


def test_an_adapter_names_methods_and_maps_types(certtrace_spans):
    adapter = AptitudeAdapter(
        grade="evaluate",
        run_pass="attempt",
        answer=lambda args: grading.Answer(id=args["blob"]["key"], question_id="q", text=args[0]["said"]),
        grading_pass=lambda result: GradingPass(index=0, grade=result * 10, max_grade=10),
        aggregated=lambda result: None,
    )
    assert instrument(OddNames(), adapter).evaluate({"key": "k-1", "said": "hi", "points": 7}) == 0.7
    assert certtrace_spans.one("answer.grade").attributes[semconv.SUBMISSION_ID] == "k-1"
    assert certtrace_spans.one("grade.pass").attributes[semconv.PASS_GRADE] == 7


def test_an_adapter_that_raises_is_counted_and_the_method_runs(certtrace_spans, caplog):
    def broken(_given):
        raise RuntimeError("Femi Balogun")

    adapter = AptitudeAdapter(answer=broken, grading_pass=broken, aggregated=broken, headers=broken, prompt=broken)
    before = sum(grading.fault_counts().values())
    with caplog.at_level(logging.ERROR, "certtrace.grading"):
        assert instrument(AptitudeService(), adapter).grade_answer(SHEET) == Result(4.0, 1.0)
    assert sum(grading.fault_counts().values()) > before
    assert certtrace_spans.one("answer.grade").status == "ok"
    assert "Balogun" not in caplog.text


def test_an_adapter_that_gives_something_else_is_contained(certtrace_spans):
    adapter = AptitudeAdapter(answer=lambda _args: "not an answer", grading_pass=lambda _result: 5)
    assert instrument(AptitudeService(), adapter).grade_answer(SHEET) == Result(4.0, 1.0)
    assert len(certtrace_spans.one("answer.grade").children) == 5
    assert [span.attributes[semconv.PASS_VALID] for span in certtrace_spans.named("grade.pass")] == [False] * 3


def test_a_missing_method_is_named_with_those_that_exist():
    with pytest.raises(DecorationError, match=r"no method 'grade_it'.*grade='grade_it'.*aggregate, build_prompt"):
        instrument(AptitudeService(), AptitudeAdapter(grade="grade_it"))


def test_a_service_without_any_known_method_is_refused():
    with pytest.raises(DecorationError, match=r"OddNames has no method.*attempt, evaluate.*grade='your_method'"):
        instrument(OddNames())


def test_the_empty_name_leaves_a_stage_out(certtrace_spans):
    instrument(AptitudeService(), AptitudeAdapter(build_prompt="")).grade_answer(SHEET)
    assert certtrace_spans.named("prompt.build") == []


def test_without_configuration_the_service_runs_as_it_is_and_nothing_is_read():
    def read(_args):
        pytest.fail("nothing is recorded, so nothing has to be read")

    adapter = AptitudeAdapter(answer=read, question=read)
    before = grading.fault_counts()
    assert instrument(AptitudeService(), adapter).grade_answer(SHEET) == Result(4.0, 1.0)
    assert grading.fault_counts() == before


def test_a_proxy_can_be_pickled_and_copied(certtrace_spans):
    service = instrument(AptitudeService(), AptitudeAdapter(planned=3))
    for twin in (pickle.loads(pickle.dumps(service)), copy.copy(service), copy.deepcopy(service)):
        certtrace_spans.clear()
        assert twin.grade_answer(SHEET) == Result(4.0, 1.0)
        assert len(certtrace_spans.named("grade.pass")) == 3
    assert pickle.loads(pickle.dumps(service.grade_answer))(SHEET) == Result(4.0, 1.0)


def test_inheritance_and_super_work_through_the_proxy(certtrace_spans):
    class Stricter(AptitudeService):
        def run_pass(self, prompt, *, temperature):
            reply = super().run_pass(prompt, temperature=temperature)
            return Reply(reply.score - 1, reply.certainty)

    assert instrument(Stricter()).grade_answer(SHEET).grade == 3.0
    assert len(certtrace_spans.named("grade.pass")) == 3


def test_a_context_manager_hands_out_the_traced_service(certtrace_spans):
    class Managed(AptitudeService):
        def __enter__(self):
            return self

        def __exit__(self, *exc):
            self.calls.append("exit")

    with instrument(Managed()) as service:
        service.grade_answer(SHEET)
    assert service.calls == ["grade", "exit"]
    assert certtrace_spans.one("answer.grade").status == "ok"


async def test_an_async_context_manager_hands_out_the_traced_service(certtrace_spans):
    class Managed(AsyncService):
        async def __aenter__(self):
            return self

        async def __aexit__(self, *exc):
            return None

    async with instrument(Managed()) as service:
        await service.grade_answer("a-1", "q-1", "x")
    assert certtrace_spans.one("answer.grade").status == "ok"


def test_static_and_class_methods_stay_what_they_are(certtrace_spans):
    class Service:
        @staticmethod
        def run_pass(prompt):
            return 4

        @classmethod
        def aggregate(cls, replies):
            return cls

    service = instrument(Service())
    assert service.run_pass("p") == 4
    assert service.aggregate([]) is Service
    assert [span.name for span in certtrace_spans.spans] == ["grade.pass", "grade.aggregate"]


def test_iterators_in_results_are_not_consumed(certtrace_spans):
    class Service:
        def fetch_reference(self, question_id):
            return iter(["a model answer"])

    assert list(instrument(Service()).fetch_reference("q-1")) == ["a model answer"]


def test_arguments_are_named_also_behind_star_parameters(certtrace_spans):
    seen: list[Arguments] = []

    class Service:
        def grade_answer(self, *args, **kwargs):
            return None

    def answer(args: Arguments) -> grading.Answer:
        seen.append(args)
        return grading.Answer(id="a", question_id="q")

    instrument(Service(), AptitudeAdapter(answer=answer)).grade_answer("first", "second", key="value")
    assert dict(seen[0]) == {"arg0": "first", "arg1": "second", "key": "value"}
    assert "first" not in repr(seen[0])


def test_a_case_study_adapter_names_its_methods():
    with pytest.raises(DecorationError, match="fetch_rubric='load_it'"):
        instrument(CaseService(), CaseStudyAdapter(fetch_rubric="load_it"))


def test_a_service_that_is_wrapped_twice_is_recorded_once(certtrace_spans):
    instrument(instrument(AptitudeService())).grade_answer(SHEET)
    assert len(certtrace_spans.named("answer.grade")) == 1
    assert len(certtrace_spans.named("grade.pass")) == 3


async def test_cancelling_the_consumer_of_an_async_generator_cancels_its_body(certtrace_spans):
    reached = asyncio.Event()

    class Service:
        def __init__(self):
            self.log = []

        async def review(self, text):
            try:
                yield 1
                reached.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.log.append("cancelled")
                raise

    service = instrument(Service())

    async def consume():
        async for _ in service.review("x"):
            pass

    task = asyncio.create_task(consume())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert service.log == ["cancelled"]
    assert certtrace_spans.one("review.expert").status == "cancelled"


def test_yielded_values_are_not_kept_alive_while_the_consumer_has_them(certtrace_spans):
    import gc
    import weakref

    class Item:
        pass

    class Service:
        def grade_answer(self):
            yield Item()
            yield None

    stream = instrument(Service()).grade_answer()
    item = weakref.ref(next(stream))
    gc.collect()
    assert item() is None
    assert list(stream) == [None]
