"""The routes of Langfuse's public API, one module per kind of record."""

from typing import Final

from fastapi import APIRouter

from certtrace.server.api import (
    absent,
    annotation_queues,
    comments,
    health,
    ingestion,
    media,
    models,
    otel,
    projects,
    prompts,
    score_configs,
    scores_write,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    health.router,
    projects.router,
    otel.router,
    ingestion.router,
    scores_write.router,
    prompts.router,
    score_configs.router,
    comments.router,
    annotation_queues.router,
    media.router,
    models.router,
    absent.router,
)
"""In the order in which paths are tried."""
