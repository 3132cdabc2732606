"""Routes for monitoring: `/healthz`, `/readyz`, `/metrics`, `/version`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula import __version__
from insula.serving.http.problems import ProblemError, responses
from insula.serving.service import service_of
from insula.serving.telemetry import CONTENT_TYPE

router = APIRouter(tags=["health"])
metrics_router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Is the process alive?")
async def health() -> dict[str, str]:
    """Answers as long as the process does."""
    return {"status": "alive"}


@router.get("/readyz", summary="May requests be sent?", responses=responses("unavailable"))
async def ready(request: Request) -> dict[str, str]:
    """503 before the models are open, and from the first signal to stop."""
    service = service_of(request)
    if service.draining or not service.ready:
        raise ProblemError("unavailable", "The service does not take requests now.")
    return {"status": "ready"}


@router.get("/version", summary="Which insula is this?")
async def version() -> dict[str, str]:
    """The version of the program."""
    return {"insula": __version__}


@metrics_router.get(
    "/metrics",
    summary="Measurements for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """Counts and times, without a word of any text."""
    service = service_of(request)
    for model in service.models:
        service.telemetry.waiting(model.name, model.batcher.texts_waiting)
    return Response(service.telemetry.exposition(), media_type=CONTENT_TYPE)
