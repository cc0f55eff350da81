"""The routes of Langfuse's public API, one module per kind of record."""

from typing import Final

from fastapi import APIRouter

from certtrace.server.api import health, otel, projects, prompts

ROUTERS: Final[tuple[APIRouter, ...]] = (
    health.router,
    projects.router,
    otel.router,
    prompts.router,
)
"""In the order in which paths are tried."""
