"""The LLM Inference Guardrail Service: prompt injection on the way in, exam secrets on the way out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from certtrace.demo import text
from certtrace.demo.openai_protocol import ChatRequest
from certtrace.grading import FailureClass

MODEL_VERSION: Final = "rules-2"
QUOTED_WORDS: Final = 12
"""So many words in a row of the reference or rubric, unless the candidate wrote them, are a quotation."""


@dataclass(frozen=True, slots=True)
class Match:
    """What a rule found: offsets, never the text."""

    rule: str
    failure: FailureClass
    start: int
    end: int


_INJECTION_RULES: Final = {
    "INJ-1": r"\b(?:ignore|disregard|forget)\s+(?:\w+\s+){0,3}"
    r"(?:previous|above|prior|earlier)\s+(?:\w+\s+)?instructions?\b",
    "INJ-2": r"\b(?:give|award|assign)\s+(?:\w+\s+){0,3}"
    r"(?:full|maximum|perfect|highest)\s+(?:marks?|points?|score|grade)\b",
    "INJ-3": r"\byou\s+are\s+now\s+(?:a|an|the|in)\b[^.\n]{0,60}\b(?:mode|assistant|grader)\b",
    "INJ-4": r"<\|im_(?:start|end)\|>|\[/?INST\]|<<SYS>>",
}
_INJECTION: Final = {rule: re.compile(pattern, re.IGNORECASE) for rule, pattern in _INJECTION_RULES.items()}


def check_request(request: ChatRequest) -> Match | None:
    """Return the first sign of an instruction in what the candidate wrote."""
    for content in _candidate_content(request):
        for rule, pattern in _INJECTION.items():
            found = pattern.search(content)
            if found:
                return Match(rule, FailureClass.PROMPT_INJECTION, found.start(), found.end())
    return None


def check_response(request: ChatRequest, content: str) -> Match | None:
    """Return the first quotation of exam content in a reply."""
    secret = " ".join(_exam_content(request))
    if not secret:
        return None
    own = _runs(" ".join(_candidate_content(request)))
    found = first_quotation(secret, content, allowed=own)
    return Match("SEC-1", FailureClass.EXAM_SECRET_LEAK, *found) if found else None


def first_quotation(
    secret: str, content: str, *, allowed: frozenset[tuple[str, ...]] = frozenset()
) -> tuple[int, int] | None:
    """Return the word offsets of the first run of `QUOTED_WORDS` words that `content` shares with `secret`."""
    secrets = _runs(secret) - allowed
    words = text.plain_words(content)
    for start in range(len(words) - QUOTED_WORDS + 1):
        if tuple(words[start : start + QUOTED_WORDS]) in secrets:
            return start, start + QUOTED_WORDS
    return None


def _runs(content: str) -> frozenset[tuple[str, ...]]:
    words = text.plain_words(content)
    return frozenset(tuple(words[start : start + QUOTED_WORDS]) for start in range(len(words) - QUOTED_WORDS + 1))


def _candidate_content(request: ChatRequest) -> Iterator[str]:
    values = _values(request)
    answer = values.get("student_answer")
    if isinstance(answer, str):
        yield answer
    parts = values.get("submission")
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            yield part["text"]


def _exam_content(request: ChatRequest) -> Iterator[str]:
    values = _values(request)
    for key in ("reference_answer", "criterion"):
        if isinstance(values.get(key), str):
            yield values[key]


def _values(request: ChatRequest) -> dict[str, Any]:
    try:
        values = orjson.loads(request.user)
    except orjson.JSONDecodeError:
        return {"student_answer": request.user}  # not our prompt: all of it is checked as foreign text
    return values if isinstance(values, dict) else {"student_answer": request.user}
