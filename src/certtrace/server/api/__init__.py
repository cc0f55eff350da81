"""The routes of Langfuse's public API, one module per kind of record."""

from typing import Final

from fastapi import APIRouter

from certtrace.server.api import (
    absent,
    annotation_queues,
    api_keys,
    comments,
    dataset_items,
    dataset_runs,
    datasets,
    experiments,
    health,
    ingestion,
    media,
    metrics,
    models,
    observations,
    observations_v2,
    otel,
    projects,
    prompts,
    reads,
    score_configs,
    scores,
    scores_v3,
    scores_write,
    sessions,
    traces,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    health.router,
    projects.router,
    api_keys.router,
    reads.router,
    otel.router,
    ingestion.router,
    scores_write.router,
    prompts.router,
    datasets.router,
    dataset_items.router,
    dataset_runs.router,
    experiments.router,
    score_configs.router,
    comments.router,
    annotation_queues.router,
    media.router,
    models.router,
    metrics.router,
    observations.router,
    observations_v2.router,
    scores.router,
    scores_v3.router,
    sessions.router,
    traces.router,
    absent.router,
)
"""In the order in which paths are tried."""
