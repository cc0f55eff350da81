"""What an observation says went wrong, and whether it is only passed on from below."""

from certtrace import semconv
from certtrace.records.facts import fact, text_fact
from certtrace.records.model import Observation
from certtrace.records.notes import http_text


def failure_words(observation: Observation) -> list[str]:
    """Return the failure class and the type of the error, as far as they are recorded."""
    found = text_fact(observation, semconv.FAILURE_CLASS), text_fact(observation, semconv.ERROR_TYPE)
    return list(dict.fromkeys(word for word in found if word))


def problem_text(observation: Observation) -> str:
    """Return class, type and message of an error or a warning in one text."""
    message = observation.status_message or ""
    # Messages often begin with the type or the class: it is not said twice.
    new_words = [word for word in failure_words(observation) if not message.startswith(word)]
    said = ": ".join(part for part in (", ".join(new_words), message) if part)
    return said or http_text(observation) or "no message recorded"


def is_same_failure(child: Observation, parent: Observation) -> bool:
    """Tell whether a parent's error is the one its child already shows."""
    if child.level != "ERROR" or parent.level != "ERROR":
        return False
    same_message = child.status_message == parent.status_message
    return same_message or (
        fact(child, semconv.ERROR_TYPE) is not None
        and fact(child, semconv.ERROR_TYPE) == fact(parent, semconv.ERROR_TYPE)
    )
