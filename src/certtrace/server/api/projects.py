"""The project that a key belongs to."""

from typing import Final

from fastapi import APIRouter, Response

from certtrace.server.access.callers import Known
from certtrace.server.answers import answer

router: Final = APIRouter(prefix="/api/public", tags=["projects"])


@router.get("/projects")
def projects(caller: Known) -> Response:
    """Return the key's own project; every role may ask."""
    project = caller.project
    organization = {"id": "certtrace", "name": "certtrace"}
    data = {"id": project.id, "name": project.name, "organization": organization, "metadata": {}}
    return answer({"data": [data]})
