"""Routes for monitoring: `/healthz`, `/readyz`, `/metrics`, `/version`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula import __version__
from insula.serving.http.problems import describe_responses
from insula.serving.service import get_service
from insula.serving.telemetry import CONTENT_TYPE

router = APIRouter(tags=["health"])
metrics_router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Check that the process is alive")
async def health() -> dict[str, str]:
    """Always 200 while the process runs."""
    return {"status": "alive"}


@router.get("/readyz", summary="Check that requests are accepted", responses=describe_responses("unavailable"))
async def ready(request: Request) -> dict[str, str]:
    """503 before the models are loaded, from the first stop signal on, and while the store or Redis does not answer."""
    await get_service(request).check_ready()
    return {"status": "ready"}


@router.get("/version", summary="Show the version")
async def version() -> dict[str, str]:
    """The version of insula."""
    return {"insula": __version__}


@metrics_router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """Counts and times, without any part of a text."""
    service = get_service(request)
    for model in service.models:
        service.telemetry.set_queue_length(model.name, model.batcher.texts_waiting)
    return Response(service.telemetry.export(), media_type=CONTENT_TYPE)
