"""The LLM Request Cache: replies by the same request, or by one that is nearly the same.

It keeps the two flaws of the services it stands for, because their traces must show them: the seed is not part of the
key (passes 2..N of one answer get the reply of pass 1), and a similar answer of another candidate may be served.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from certtrace.demo import text
from certtrace.demo.openai_protocol import ChatRequest, Completion
from certtrace.grading import CacheKind

SIMILAR_FROM: Final = 0.97
MAX_ENTRIES: Final = 2_048
MAX_COMPARED: Final = 64
KEY_VERSION: Final = "2"


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored reply."""

    completion: Completion
    stored_at: float
    source_trace: str
    """Trace id of the request that filled the entry, 32 hex digits."""
    answer: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A reply found."""

    completion: Completion
    kind: CacheKind
    similarity: float
    age_seconds: float
    source_trace: str


class RequestCache:
    """Bounded, least recently stored out first; safe from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start empty."""
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._groups: dict[str, list[str]] = {}

    def find(self, request: ChatRequest) -> Hit | None:
        """Return the stored reply to this request, else to the most similar one above the limit."""
        key, group, answer = _keys(request)
        with self._lock:
            exact = self._entries.get(key)
            others = [self._entries[k] for k in self._groups.get(group, ())[-MAX_COMPARED:] if k in self._entries]
        if exact is not None:
            return self._hit(exact, CacheKind.EXACT, 1.0)
        if not answer:
            return None
        ranked = [(text.similarity(answer, other.answer), other) for other in others]
        best = max(ranked, key=lambda pair: pair[0], default=None)
        if best is None or best[0] < SIMILAR_FROM:
            return None
        return self._hit(best[1], CacheKind.SIMILAR, best[0])

    def store(self, request: ChatRequest, completion: Completion, source_trace: str) -> None:
        """Keep a reply unless the same request is answered already."""
        key, group, answer = _keys(request)
        with self._lock:
            if key in self._entries:
                return
            self._entries[key] = Entry(completion, self._clock(), source_trace, answer)
            if answer:
                self._groups.setdefault(group, []).append(key)
            if len(self._entries) > MAX_ENTRIES:
                self._entries.popitem(last=False)

    def _hit(self, entry: Entry, kind: CacheKind, similarity: float) -> Hit:
        return Hit(entry.completion, kind, round(similarity, 4), self._clock() - entry.stored_at, entry.source_trace)


def _keys(request: ChatRequest) -> tuple[str, str, str]:
    """Return the key of the request, the key of its group (all but the candidate's answer) and the answer."""
    key = _digest([request.model, list(request.messages)])
    try:
        values: Any = orjson.loads(request.user)
        answer = values.pop("student_answer")
    except (orjson.JSONDecodeError, KeyError, AttributeError, TypeError):
        return key, "", ""
    return key, _digest([request.model, request.system, values]), answer if isinstance(answer, str) else ""


def _digest(value: object) -> str:
    return hashlib.sha256(orjson.dumps(value)).hexdigest()
