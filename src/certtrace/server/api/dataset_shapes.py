"""How items and runs of datasets look in the API."""

import sqlite3
from typing import Any

from certtrace.records.catalog.dataset_items import DatasetItem
from certtrace.records.catalog.dataset_runs import DatasetRun, RunItem
from certtrace.records.langfuse_json import iso
from certtrace.server.api.media_references import media_references
from certtrace.server.box import Box


def item_json(box: Box, connection: sqlite3.Connection, project: str, item: DatasetItem) -> dict[str, Any]:
    """Return an item as the API shows it, with the media that it refers to."""
    content = {"input": item.input, "expectedOutput": item.expected_output, "metadata": item.metadata}
    return {
        "id": item.id,
        "status": item.status,
        **content,
        "sourceTraceId": item.source_trace_id,
        "sourceObservationId": item.source_observation_id,
        "datasetId": item.dataset_id,
        "datasetName": item.dataset_name,
        "createdAt": iso(item.created_at_ns),
        "updatedAt": iso(item.valid_from_ns),
        "version": iso(item.valid_from_ns),
        "mediaReferences": media_references(box, connection, project, content),
    }


def run_json(run: DatasetRun) -> dict[str, Any]:
    """Return a run as the API shows it."""
    return {
        "id": run.id,
        "name": run.name,
        "description": run.description,
        "metadata": run.metadata,
        "datasetId": run.dataset_id,
        "datasetName": run.dataset_name,
        "createdAt": iso(run.created_at_ns),
        "updatedAt": iso(run.updated_at_ns),
    }


def run_item_json(item: RunItem) -> dict[str, Any]:
    """Return an item's part in a run as the API shows it."""
    return {
        "id": item.id,
        "datasetRunId": item.run_id,
        "datasetRunName": item.run_name,
        "datasetItemId": item.dataset_item_id,
        "traceId": item.trace_id,
        "observationId": item.observation_id,
        "createdAt": iso(item.created_at_ns),
        "updatedAt": iso(item.created_at_ns),
    }
