"""Making scores."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Response
from pydantic import ValidationError

from certtrace.records.model import Score
from certtrace.server.access.callers import Ingesting
from certtrace.server.answers import answer
from certtrace.server.box import Box, InBox
from certtrace.server.errors import ApiError
from certtrace.server.intake.receiving import write
from certtrace.server.intake.scoring import RejectedScoreError, ScoreBody, faults_of, score_of
from certtrace.server.issues import issues

router: Final = APIRouter(prefix="/api/public", tags=["scores"])

_SCORE: Final = ScoreBody.model_json_schema(by_alias=True)
_REQUEST_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "content": {"application/json": {"schema": {"anyOf": [_SCORE, {"type": "array", "items": _SCORE}]}}}
    }
}


@router.post("/scores", openapi_extra=_REQUEST_BODY)
def create(body: Annotated[Any, Body()], box: InBox, caller: Ingesting) -> Response:
    """Store scores: a list of them, or one object as servers before 4.59 took it. A known id is replaced."""
    if isinstance(body, list):
        return _create_all(box, caller.project_id, body)
    try:
        score = score_of(box, caller.project_id, ScoreBody.model_validate(body))
    except ValidationError as error:
        raise ApiError(400, "Invalid request data", issues(error.errors(include_input=False))) from None
    except RejectedScoreError as error:
        kind = "LangfuseNotFoundError" if error.status == 404 else "InvalidRequestError"
        raise ApiError(error.status, str(error), kind) from None
    write(box, caller.project_id, scores=[score])
    return answer({"id": score.id})


def _create_all(box: Box, project: str, given: list[Any]) -> Response:
    scores: list[Score] = []
    errors: list[dict[str, str]] = []
    for position, each in enumerate(given):
        try:
            scores.append(score_of(box, project, ScoreBody.model_validate(each)))
        except ValidationError as error:
            errors.append({"message": f"Score {position}: {faults_of(error)}"})
        except RejectedScoreError as error:
            errors.append({"message": f"Score {position}: {error}"})
    if scores:
        write(box, project, scores=scores)
    if not errors:
        return answer({"message": "Accepted"}, 202)
    return answer({"accepted": len(scores), "rejected": len(errors), "errors": errors}, 207)
