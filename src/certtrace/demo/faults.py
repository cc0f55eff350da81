"""Which answer meets which fault: planned from a seed, so that a run can be repeated.

A plan only says what goes wrong. It goes wrong for real where it belongs: the provider really hangs, refuses or cuts
its reply; the broker really delivers twice; the reference is really not in the database.
"""

import random
import threading
from enum import StrEnum
from typing import Final


class FaultLevel(StrEnum):
    """How much goes wrong."""

    NONE = "none"
    FEW = "few"
    ALL = "all"


class Fault(StrEnum):
    """What goes wrong with one answer."""

    PROVIDER_TIMEOUT = "provider_timeout"
    """The provider hangs on one pass; the fallback provider answers."""
    PROVIDER_OUTAGE = "provider_outage"
    """Both providers hang on one pass: the gateway gives up and the pass is lost."""
    RATE_LIMIT = "rate_limit"
    """One 429 with Retry-After; the worker waits and tries again."""
    RATE_LIMIT_LASTING = "rate_limit_lasting"
    """429 on every try of one pass: the pass is lost."""
    MALFORMED_JSON = "malformed_json"
    """One reply is cut off; the pass is lost."""
    MALFORMED_ALWAYS = "malformed_always"
    """Every reply is cut off: no valid pass, the grading fails."""
    SCHEMA_MISMATCH = "schema_mismatch"
    """A grade above the maximum; the pass is lost."""
    MODEL_CHANGE = "model_change"
    """Another model version answers than the one asked for."""
    SECRET_LEAK = "secret_leak"  # noqa: S105 - the name of a fault
    """The reply quotes the model answer; the response guardrail blocks it."""
    PROMPT_INJECTION = "prompt_injection"
    """The answer addresses the grader; the request guardrail blocks it."""
    MISSING_REFERENCE = "missing_reference"
    """The answer names a question version that the Graded Database does not hold."""
    REDELIVERY = "redelivery"
    """The acknowledgement is lost after grading: the broker delivers again with the same idempotency key."""
    CACHED_PASSES = "cached_passes"
    """The passes may be answered from the cache: passes 2..N repeat pass 1 and agree for no reason."""
    CACHE_REUSE = "cache_reuse"
    """The cache may serve the reply to another candidate's nearly equal answer."""


FEW: Final = (
    Fault.MALFORMED_ALWAYS,
    Fault.PROVIDER_TIMEOUT,
    Fault.RATE_LIMIT,
    Fault.PROMPT_INJECTION,
    Fault.MISSING_REFERENCE,
    Fault.SCHEMA_MISMATCH,
    Fault.REDELIVERY,
    Fault.CACHED_PASSES,
    Fault.MALFORMED_JSON,
)
ALL: Final = tuple(fault for fault in Fault if fault is not Fault.CACHE_REUSE)
CACHE_FAULTS: Final = frozenset((Fault.CACHED_PASSES, Fault.CACHE_REUSE))
CASE_STUDIES_FEW: Final = (Fault.MALFORMED_JSON,)
CASE_STUDIES_ALL: Final = (Fault.MALFORMED_JSON, Fault.MISSING_REFERENCE, Fault.SECRET_LEAK, Fault.PROVIDER_TIMEOUT)
"""Faults of case studies, in the order of capture: there are few of them, so nothing is shuffled."""
_SPACING: Final = 2
"""One answer in two is planned for a fault until all have been given out."""

PROVIDER_FAULTS: Final = frozenset(
    (
        Fault.PROVIDER_TIMEOUT,
        Fault.PROVIDER_OUTAGE,
        Fault.RATE_LIMIT,
        Fault.RATE_LIMIT_LASTING,
        Fault.MALFORMED_JSON,
        Fault.MALFORMED_ALWAYS,
        Fault.SCHEMA_MISMATCH,
        Fault.MODEL_CHANGE,
        Fault.SECRET_LEAK,
    )
)
"""Faults that only a provider of ours can be made to show; an outside endpoint is never disturbed."""
_LASTING: Final = frozenset((Fault.MALFORMED_ALWAYS, Fault.RATE_LIMIT_LASTING, Fault.PROVIDER_OUTAGE))
_EVERY_PASS: Final = frozenset((Fault.MALFORMED_ALWAYS, Fault.MODEL_CHANGE))


class FaultPlan:
    """Gives out the faults of one run. Safe to ask from any thread."""

    def __init__(
        self, level: FaultLevel, seed: int, *, own_provider: bool = True, copies: frozenset[str] = frozenset()
    ) -> None:
        """Shuffle the faults of `level` by `seed`.

        Args:
            level: How many kinds of fault happen.
            seed: Same seed, same plan.
            own_provider: Whether provider faults can happen at all.
            copies: Ids of answers that nearly repeat another candidate's: where a cache would serve a foreign grade.
        """
        self._copies = copies if level is FaultLevel.ALL else frozenset()
        kinds = {FaultLevel.NONE: (), FaultLevel.FEW: FEW, FaultLevel.ALL: ALL}[level]
        self._kinds = [kind for kind in kinds if own_provider or kind not in PROVIDER_FAULTS]
        random.Random(seed).shuffle(self._kinds)  # noqa: S311 - a repeatable order, not a secret
        studies = {FaultLevel.NONE: (), FaultLevel.FEW: CASE_STUDIES_FEW, FaultLevel.ALL: CASE_STUDIES_ALL}[level]
        self._for_studies = [kind for kind in studies if own_provider or kind not in PROVIDER_FAULTS]
        self._by_answer: dict[str, Fault] = {}
        self._spent: set[str] = set()
        self._seen = 0
        self._lock = threading.Lock()

    @property
    def planned(self) -> dict[str, str]:
        """Return the answers and case studies that were given a fault, with its name."""
        with self._lock:
            return {answer_id: fault.value for answer_id, fault in self._by_answer.items()}

    def assign(self, answer_id: str) -> Fault | None:
        """Return the fault of the next answer in the order of capture, or `None`."""
        with self._lock:
            if answer_id in self._copies:
                self._by_answer[answer_id] = Fault.CACHE_REUSE
                return Fault.CACHE_REUSE
            index, self._seen = self._seen, self._seen + 1
            rank, rest = divmod(index, _SPACING)
            if rest or rank >= len(self._kinds):
                return None
            fault = self._by_answer[answer_id] = self._kinds[rank]
            return fault

    def assign_case_study(self, submission_id: str) -> None:
        """Give the next case study in the order of capture its fault, if any is left."""
        with self._lock:
            if self._for_studies:
                self._by_answer[submission_id] = self._for_studies.pop(0)

    def of(self, answer_id: str) -> Fault | None:
        """Return the fault that was given to `answer_id`."""
        return self._by_answer.get(answer_id)

    def strike(self, request_id: str) -> Fault | None:
        """Return the provider fault for one request, and spend it unless it lasts.

        Args:
            request_id: `answer_id/pass`, both as `request_id(...)` joins them; anything else meets no fault.
        """
        answer_id, _, index = request_id.rpartition("/")
        fault = self._by_answer.get(answer_id)
        if fault not in PROVIDER_FAULTS:
            return None
        if fault not in _EVERY_PASS and index != "1":
            return None
        if fault in _LASTING or fault in _EVERY_PASS:
            return fault
        with self._lock:
            if request_id in self._spent:
                return None
            self._spent.add(request_id)
        return fault


def request_id(answer_id: str, pass_index: int) -> str:
    """Name one pass: the value of `X-Client-Request-Id`."""
    return f"{answer_id}/{pass_index}"
