"""A batch of events: checked one by one, stored together."""

from typing import Any, Final

import orjson
from pydantic import ValidationError

from certtrace.records.model import Score
from certtrace.server.box import Box
from certtrace.server.intake.events import (
    ANY_CREATED,
    ANY_UPDATED,
    CREATED,
    LOG,
    SCORE,
    TRACE,
    UPDATED,
    Event,
    ObservationEvent,
    TraceEvent,
)
from certtrace.server.intake.merging import Merging
from certtrace.server.intake.receiving import write
from certtrace.server.intake.scoring import EventScoreBody, RejectedScoreError, score_of
from certtrace.server.issues import issues

_CHANGING: Final = (*UPDATED, ANY_UPDATED)
_NOT_FOUND: Final = 404


class Batch:
    """The events of one request."""

    def __init__(self, box: Box, project: str) -> None:
        """Take the box and the project."""
        self._box = box
        self._project = project
        self._merging = Merging(box, project)
        self._scores: list[Score] = []
        self._successes: list[dict[str, Any]] = []
        self._errors: list[dict[str, Any]] = []

    def take(self, given: list[Any]) -> dict[str, Any]:
        """Store a batch and return what became of each event: `successes` and `errors`."""
        events = [event for each in given if (event := self._event(each)) is not None]
        # What changes something comes behind what makes something, whatever the clocks say.
        for event in sorted(events, key=lambda each: (each.type in _CHANGING, each.timestamp)):
            self._take(event)
        changes, traces = self._merging.finish()
        if changes or traces or self._scores:
            write(self._box, self._project, scores=self._scores, changes=changes, traces=traces)
        return {"successes": self._successes, "errors": self._errors}

    def _event(self, given: Any) -> Event | None:
        try:
            return Event.model_validate(given)
        except ValidationError as error:
            own_id = given.get("id") if isinstance(given, dict) else None
            self._refuse(own_id if isinstance(own_id, str) else "unknown", error)
            return None

    def _take(self, event: Event) -> None:
        try:
            self._dispatch(event)
        except ValidationError as error:
            self._refuse(event.id, error)
        except RejectedScoreError as error:
            message = "Resource not found" if error.status == _NOT_FOUND else "Invalid request data"
            self._errors.append({"id": event.id, "status": error.status, "message": message, "error": str(error)})
        else:
            if event.type != LOG:
                self._successes.append({"id": event.id, "status": 201})

    def _dispatch(self, event: Event) -> None:
        if event.type == TRACE:
            self._merging.say(TraceEvent.model_validate(event.body), event.timestamp)
        elif event.type == SCORE:
            body = EventScoreBody.model_validate(event.body)
            self._scores.append(score_of(self._box, self._project, body, event.timestamp))
        elif event.type != LOG:
            self._observation(event)

    def _observation(self, event: Event) -> None:
        body = ObservationEvent.model_validate(event.body)
        makes = event.type not in _CHANGING
        kind = body.type if event.type in (ANY_CREATED, ANY_UPDATED) else (CREATED | UPDATED)[event.type]
        self._merging.change(body, kind, event.timestamp, makes=makes)

    def _refuse(self, event_id: str, error: ValidationError) -> None:
        found = orjson.dumps(issues(error.errors(include_input=False))).decode()
        self._errors.append({"id": event_id, "status": 400, "message": "Invalid request data", "error": found})
