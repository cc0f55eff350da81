"""Runs the services together: providers, gateway, workers, experts, and the captures that feed them."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import httpx

from certtrace.demo import bus, sample
from certtrace.demo.bus import Broker
from certtrace.demo.capture import CaptureServices
from certtrace.demo.case_studies import GROUP as CASE_STUDY_GROUP
from certtrace.demo.case_studies import CaseStudyService
from certtrace.demo.exam import AnswerRow, CaseStudyRow, GradedDatabase
from certtrace.demo.experts import GROUP as EXPERT_GROUP
from certtrace.demo.experts import ExpertDesk
from certtrace.demo.faults import FaultLevel, FaultPlan
from certtrace.demo.gateway_client import AsyncGatewayClient, GatewayClient
from certtrace.demo.intake import BadLine, Report, read_answers, read_case_studies
from certtrace.demo.messages import ReviewQueue
from certtrace.demo.provider import EXTERNAL_MODEL
from certtrace.demo.results import Result, Results
from certtrace.demo.serving import OUTSIDE_TIMEOUT_SECONDS, OWN_TIMEOUT_SECONDS, Endpoint, start_gateway
from certtrace.demo.short_answers import GROUP as ANSWER_GROUP
from certtrace.demo.short_answers import GradingPolicy, ShortAnswerWorker, Workplace

CASE_STUDIES_AT_ONCE: Final = 2

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What a run of the demo is asked to do."""

    answers: Path | None = None
    case_studies: Path | None = None
    limit: int | None = None
    """At most so many answers, and so many case studies."""
    faults: FaultLevel = FaultLevel.FEW
    passes: int = 3
    workers: int = 4
    threshold: float = 0.7
    seed: int = 0
    endpoint: Endpoint | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did."""

    results: list[Result]
    reviewed: int
    """Drafts that an expert has decided."""
    duplicates: int
    """Deliveries recognised as already graded."""
    bad_lines: int
    faults: dict[str, str]
    """Fault by answer id."""
    model: str


class Demo:
    """One run. Inputs are opened at once, so that a wrong file fails before anything starts."""

    def __init__(
        self, options: DemoOptions, *, on_bad_line: Report, on_result: Callable[[Result], None] | None = None
    ) -> None:
        """Open the inputs.

        Raises:
            InputError: A file cannot be read or holds nothing that can be graded.
        """
        self._options = options
        self._bad_lines = 0
        self._on_bad_line = on_bad_line
        self._answers, self._case_studies = self._inputs()
        self._model = options.endpoint.model if options.endpoint else EXTERNAL_MODEL
        copies = frozenset() if options.answers else sample.COPIES
        self._plan = FaultPlan(options.faults, options.seed, own_provider=options.endpoint is None, copies=copies)
        self._place = Workplace(
            broker=Broker(),
            database=GradedDatabase(rubrics={(rubric := sample.rubric()).id: rubric}),
            plan=self._plan,
            policy=GradingPolicy(
                passes=options.passes, threshold=options.threshold, seed=options.seed, model=self._model
            ),
            results=Results(on_result=on_result),
            reviews=ReviewQueue(),
            human_scores={},
            max_grades={},
        )

    def run(self) -> Outcome:
        """Grade everything and return what became of it."""
        with ExitStack() as stack:
            gateway_url = start_gateway(stack, self._plan, self._options.endpoint)
            # A proxy of the environment must not see what stays on this machine.
            client = stack.enter_context(httpx.Client(timeout=self._client_timeout, trust_env=False))
            # First on the way out: after an interruption the workers must not go on against a closed gateway.
            stack.callback(self._place.broker.abandon)
            workers = self._start_workers(client, gateway_url)
            experts = self._start_experts()
            self._capture()
            for thread in workers:
                thread.join()
            self._place.broker.close(bus.SHORT_ANSWER_REVIEW)
            self._place.broker.close(bus.ARCHITECTURE_SOLUTION_REVIEW)
            for thread in experts:
                thread.join()
        results = self._place.results
        return Outcome(
            results.all, len(results.reviews), results.duplicates, self._bad_lines, self._plan.planned, self._model
        )

    @property
    def _client_timeout(self) -> float:
        return (OUTSIDE_TIMEOUT_SECONDS if self._options.endpoint else 2 * OWN_TIMEOUT_SECONDS) + 30.0

    def _inputs(self) -> tuple[Iterator[AnswerRow], Iterator[CaseStudyRow]]:
        options = self._options
        if options.answers is None and options.case_studies is None:
            return self._limited(sample.answers()), self._limited(sample.case_studies())
        answers = read_answers(options.answers, self._report) if options.answers else iter(())
        studies = read_case_studies(options.case_studies, self._report) if options.case_studies else iter(())
        return self._limited(answers), self._limited(studies)

    def _limited(self, rows: Iterator[Row]) -> Iterator[Row]:
        return islice(rows, self._options.limit)

    def _report(self, line: BadLine) -> None:
        self._bad_lines += 1
        self._on_bad_line(line)

    def _start_workers(self, client: httpx.Client, gateway_url: str) -> list[threading.Thread]:
        self._place.broker.subscribe(bus.SHORT_ANSWER_CAPTURE, ANSWER_GROUP)
        self._place.broker.subscribe(bus.ARCHITECTURE_SOLUTION_CAPTURE, CASE_STUDY_GROUP)
        worker = ShortAnswerWorker(self._place, GatewayClient(client, gateway_url))
        threads = [_thread(f"grading-worker-{n}", worker.run) for n in range(1, self._options.workers + 1)]
        return [*threads, _thread("case-study-worker", lambda: asyncio.run(self._grade_case_studies(gateway_url)))]

    async def _grade_case_studies(self, gateway_url: str) -> None:
        async with httpx.AsyncClient(timeout=self._client_timeout, trust_env=False) as client:
            rubric_id = next(iter(self._place.database.rubrics))
            service = CaseStudyService(self._place, AsyncGatewayClient(client, gateway_url), rubric_id)
            await service.run(CASE_STUDIES_AT_ONCE)

    def _start_experts(self) -> list[threading.Thread]:
        desk = ExpertDesk(
            self._place.broker, self._place.reviews, self._place.results, sample.experts(), self._options.seed
        )
        threads = []
        for topic in (bus.SHORT_ANSWER_REVIEW, bus.ARCHITECTURE_SOLUTION_REVIEW):
            self._place.broker.subscribe(topic, EXPERT_GROUP)
            threads.append(_thread("expert-desk", partial(desk.run, topic)))
        return threads

    def _capture(self) -> None:
        services = CaptureServices(self._place.broker, self._place.database, self._plan)
        try:
            for study in self._case_studies:
                services.capture_case_study(study)
            self._place.broker.close(bus.ARCHITECTURE_SOLUTION_CAPTURE)
            for row in self._answers:
                self._place.max_grades[row.answer.id] = row.question.max_grade
                if row.human_score is not None:
                    self._place.human_scores[row.answer.id] = row.human_score
                services.capture_answer(row)
        finally:
            self._place.broker.close(bus.ARCHITECTURE_SOLUTION_CAPTURE)
            self._place.broker.close(bus.SHORT_ANSWER_CAPTURE)


def _thread(name: str, target: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread
