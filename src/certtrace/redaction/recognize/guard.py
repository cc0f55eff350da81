"""Run a recognizer that may raise, hang or return nonsense: each ends in an error that withholds the text."""

import queue
import threading
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final

from certtrace.ports import Recognized, Recognizer

_REST_SECONDS: Final = 60.0
"""How long a recognizer that hung is left alone; its texts are withheld meanwhile."""


_Answer = tuple[list[list[Recognized]] | None, str]
"""What was recognized, or why nothing was."""


class RecognizerError(Exception):
    """A recognizer failed; the message names no text."""


class Guarded:
    """A recognizer on a thread of its own, with a deadline for each call. Safe to share between threads."""

    def __init__(self, recognizer: Recognizer, timeout_seconds: float) -> None:
        """Take a recognizer.

        Args:
            recognizer: Code of somebody else.
            timeout_seconds: Longest time for one call.
        """
        self.name = recognizer.name
        self._recognizer = recognizer
        self._timeout = timeout_seconds
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._rests_until = 0.0

    def recognize(self, texts: Sequence[str]) -> list[list[Recognized]]:
        """Return what was recognized, checked.

        Raises:
            RecognizerError: It raised, did not answer in time, or answered with something else.
        """
        with self._lock:
            return self._answer(list(texts))

    def _answer(self, texts: list[str]) -> list[list[Recognized]]:
        if time.monotonic() < self._rests_until:
            msg = "It hung a moment ago."
            raise RecognizerError(msg)
        if self._worker is None or not self._worker.is_alive():
            self._worker = _Worker(self._recognizer)
        try:
            answer, why = self._worker.ask(texts).get(timeout=self._timeout)
        except queue.Empty:
            # A thread cannot be stopped: it is left to itself, and its late answer to nobody.
            self._worker.leave()
            self._worker = None
            self._rests_until = time.monotonic() + _REST_SECONDS
            msg = "It did not answer in time."
            raise RecognizerError(msg) from None
        if answer is None:
            raise RecognizerError(why)
        return answer


class _Worker:
    """The thread; a fork leaves it behind, so that the child starts its own."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._questions: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=_work, args=(recognizer, self._questions), name=f"certtrace-{recognizer.name}"[:40], daemon=True
        )
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether it takes questions."""
        return self._thread.is_alive()

    def ask(self, texts: list[str]) -> "queue.SimpleQueue[_Answer]":
        """Put a question and return where the answer will be."""
        answer: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
        self._questions.put((texts, answer))
        return answer

    def leave(self) -> None:
        """Let the thread end when its present call does."""
        self._questions.put(None)


def _work(recognizer: Recognizer, questions: "queue.SimpleQueue[Any]") -> None:
    while (question := questions.get()) is not None:
        texts, answer = question
        try:
            # Read here, too: an answer may be a generator that hangs or never ends.
            answer.put((checked(recognizer.recognize(texts), texts), ""))
        except RecognizerError as error:
            answer.put((None, str(error)))
        except BaseException as error:  # noqa: BLE001 - foreign code; whatever it raises withholds the text
            answer.put((None, f"It raised {type(error).__name__}."))


def _places(found: Iterable[Any], text: str) -> list[Recognized]:
    places = [Recognized(int(r.start), int(r.end), str(r.type)) for r in islice(found, len(text) + 1)]
    if len(places) > len(text):
        raise OverflowError  # more places than characters: what is left out might be a name
    return places


def checked(answer: Any, texts: Sequence[str]) -> list[list[Recognized]]:
    """Return an answer as lists, if each place lies in its text.

    Raises:
        RecognizerError: It does not.
    """
    try:
        answers = list(islice(answer, len(texts) + 1))  # it may have no end
        found = [_places(each, text) for each, text in zip(answers, texts, strict=False)]
    except Exception as error:  # noqa: BLE001 - attributes of foreign objects may do anything
        msg = f"Its answer cannot be read ({type(error).__name__})."
        raise RecognizerError(msg) from None
    if len(answers) != len(texts):
        msg = f"It answered for {len(answers)} of {len(texts)} texts."
        raise RecognizerError(msg)
    for text, places in zip(texts, found, strict=True):
        if any(not 0 <= place.start < place.end <= len(text) for place in places):
            msg = "It names places outside the text."
            raise RecognizerError(msg)
    return found
