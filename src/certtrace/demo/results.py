"""What became of each answer and submission: the demo's own books, apart from any trace."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from certtrace.grading import PASS_MARK, Aggregate, FailureClass, GradingStage, classify


@dataclass(slots=True, kw_only=True)
class Result:
    """One graded, failed or skipped subject."""

    subject_id: str
    kind: str
    """`answer` or `case study`."""
    max_grade: float
    claimed: bool = False
    """Whether this delivery is the one that grades; another one may have been first."""
    trace_id: str = ""
    aggregate: Aggregate | None = None
    error: str = ""
    """Class of the failure that left it without a grade; empty otherwise."""
    failures: tuple[FailureClass, ...] = ()
    human_score: float | None = None
    seconds: float = 0.0

    @property
    def grade(self) -> float | None:
        """Return the AI's grade in points."""
        return self.aggregate.grade if self.aggregate else None

    @property
    def route(self) -> str:
        """Return where the draft went; without a draft an expert grades from nothing."""
        route = self.aggregate.route if self.aggregate else None
        return route.value if route else "expert_review"


@dataclass(slots=True)
class Agreement:
    """AI grade against human score, over the subjects that have both."""

    compared: int
    mean_absolute_error: float
    """Share of the maximum."""
    pass_agreement: float
    """Share on which both stand on the same side of the pass mark."""


@dataclass(slots=True)
class Results:
    """Collects results from all workers."""

    by_key: dict[str, Result] = field(default_factory=dict)
    duplicates: int = 0
    on_result: Callable[[Result], None] | None = None
    """Called for every booked result, from the worker's thread."""
    reviews: dict[str, float] = field(default_factory=dict)
    """The experts' grades, by key."""
    _claimed: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def claim(self, key: str) -> bool:
        """Take an idempotency key; false when another delivery has it already."""
        with self._lock:
            if key in self._claimed:
                self.duplicates += 1
                return False
            self._claimed.add(key)
            return True

    def put(self, key: str, result: Result) -> None:
        """Book a result."""
        with self._lock:
            self.by_key[key] = result
        if self.on_result is not None:
            self.on_result(result)

    @contextmanager
    def booking(self, key: str, result: Result, grading: GradingStage) -> Iterator[None]:
        """Book `result` when the grading has closed: only then it knows which failures a later pass made good."""
        started = time.perf_counter()
        try:
            yield
        except Exception as error:
            result.error = classify(error).failure or type(error).__name__
            raise
        finally:
            if result.claimed or result.error:
                result.failures = tuple(grading.failures)
                result.seconds = time.perf_counter() - started
                self.put(key, result)

    def reviewed(self, key: str, grade: float) -> None:
        """Book an expert's grade."""
        with self._lock:
            self.reviews[key] = grade

    @property
    def all(self) -> list[Result]:
        """Return every result, in the order of booking."""
        with self._lock:
            return list(self.by_key.values())


def count_failures(results: Iterable[Result]) -> dict[str, int]:
    """Return how many subjects met each failure class, most frequent first."""
    counts = Counter(failure.value for result in results for failure in result.failures)
    return dict(counts.most_common())


def agreement(results: Iterable[Result]) -> Agreement | None:
    """Compare the AI's grades with the human scores; `None` when nothing can be compared."""
    pairs = [
        (result.grade / result.max_grade, result.human_score / result.max_grade)
        for result in results
        if result.grade is not None and result.human_score is not None
    ]
    if not pairs:
        return None
    same_side = sum((ai >= PASS_MARK) == (human >= PASS_MARK) for ai, human in pairs)
    return Agreement(
        compared=len(pairs),
        mean_absolute_error=sum(abs(ai - human) for ai, human in pairs) / len(pairs),
        pass_agreement=same_side / len(pairs),
    )
