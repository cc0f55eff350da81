"""What Langfuse has and this server has not: a clear answer instead of an empty success."""

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Response

from certtrace.server.access.callers import Known
from certtrace.server.errors import ApiError

router: Final = APIRouter(prefix="/api/public")

_ABSENT: Final[tuple[tuple[str, tuple[tuple[str, str], ...]], ...]] = (
    (
        "Management of organizations",
        (
            ("/organizations/memberships", "GET PUT DELETE"),
            ("/organizations/projects", "GET"),
            ("/organizations/apiKeys", "GET"),
            ("/organizations/llm-connections", "GET PUT"),
            ("/organizations/llm-connections/{id}", "DELETE"),
            ("/projects/{project_id}/memberships", "GET PUT DELETE"),
        ),
    ),
    (
        "Management of projects",
        (("/projects", "POST"), ("/projects/{project_id}", "PUT DELETE")),
    ),
    (
        "SCIM",
        (
            ("/scim/ServiceProviderConfig", "GET"),
            ("/scim/ResourceTypes", "GET"),
            ("/scim/Schemas", "GET"),
            ("/scim/Users", "GET POST"),
            ("/scim/Users/{user_id}", "GET PUT PATCH DELETE"),
        ),
    ),
    (
        "Keeping LLM connections",
        (("/llm-connections", "GET PUT"), ("/llm-connections/{id}", "DELETE")),
    ),
    (
        "Export to blob storage",
        (("/integrations/blob-storage", "GET PUT"), ("/integrations/blob-storage/{id}", "GET DELETE")),
    ),
    (
        "Running evaluators",
        (
            ("/v2/evaluators", "GET POST"),
            ("/v2/evaluators/{evaluator_id}", "GET PATCH DELETE"),
            ("/v2/evaluators/{evaluator_id}/versions", "GET"),
            ("/v2/evaluation-rules", "GET POST"),
            ("/v2/evaluation-rules/{evaluation_rule_id}", "GET PATCH DELETE"),
            ("/unstable/evaluators", "GET POST"),
            ("/unstable/evaluators/{evaluator_id}", "GET PATCH DELETE"),
            ("/unstable/evaluation-rules", "GET POST"),
            ("/unstable/evaluation-rules/{evaluation_rule_id}", "GET PATCH DELETE"),
        ),
    ),
    (
        "Keeping dashboards",
        (
            ("/unstable/dashboards", "GET POST"),
            ("/unstable/dashboards/{dashboard_id}", "GET PATCH DELETE"),
            ("/unstable/dashboards/{dashboard_id}/placements", "POST"),
            ("/unstable/dashboards/{dashboard_id}/placements/{placement_id}", "PATCH DELETE"),
            ("/unstable/dashboard-widgets", "GET POST"),
            ("/unstable/dashboard-widgets/{widget_id}", "GET PATCH DELETE"),
        ),
    ),
    (
        "Keeping skills",
        (
            ("/unstable/skills", "GET POST"),
            ("/unstable/skills/files/content", "GET"),
            ("/unstable/skills/{skill_name}", "GET PATCH"),
            ("/unstable/skills/{skill_name}/versions/{skill_version}", "PATCH DELETE"),
        ),
    ),
    ("Feedback to Langfuse", (("/feedback", "POST"),)),
    ("The MCP server", (("/mcp", "GET POST DELETE"),)),
    ("OTLP ingestion of metrics", (("/otel/v1/metrics", "POST"),)),
    (
        "Ingestion by the routes that came before POST /api/public/ingestion",
        (("/generations", "POST PATCH"), ("/spans", "POST PATCH"), ("/events", "POST")),
    ),
)
"""Each feature with its paths and their methods."""


def _absent(feature: str) -> Callable[[Known], Response]:
    message = f"{feature} is not available in certtrace serve. Use a self-hosted Langfuse for it."

    def refuse(_caller: Known) -> Response:
        raise ApiError(501, message, "NotImplementedError")

    return refuse


for _feature, _paths in _ABSENT:
    for _path, _methods in _paths:
        router.add_api_route(_path, _absent(_feature), methods=_methods.split(), include_in_schema=False)
