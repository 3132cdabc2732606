"""`GET /v1/models`: the served models, with their labels and metrics."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from insula.core.levels import find_levels
from insula.evaluation.result import Interval
from insula.serving.http.problems import describe_responses
from insula.serving.schemas import ModelDetails, ModelList
from insula.serving.served_models import describe_model
from insula.serving.service import get_service

router = APIRouter(tags=["models"])


@router.get("/v1/models", summary="List the served models", response_model=ModelList)
async def list_models(request: Request) -> dict[str, Any]:
    """The first one answers requests that name no model."""
    return {"models": [describe_model(model) for model in get_service(request).models]}


@router.get(
    "/v1/models/{name}",
    summary="Show a model",
    response_model=ModelDetails,
    responses=describe_responses("not_found", "validation"),
)
async def show_model(request: Request, name: str) -> dict[str, Any]:
    """The labels, metrics and card of a model."""
    model = get_service(request).models.find(name)
    scheme, measured = model.predictor.scheme, model.document.main
    return {
        **describe_model(model),
        "display": {language: dict(names) for language, names in scheme.display.items()},
        "levels": {level: list(known.scheme.names) for level, known in find_levels(scheme).items()},
        "ranges": {name: list(ends) for name, ends in scheme.ranges.items()},
        "abstains_below": model.predictor.decision.abstention or None,
        "metrics": {name: _keep_finite(interval) for name, interval in measured.metrics.items()} if measured else {},
        "card": model.card,
    }


def _keep_finite(interval: Interval) -> dict[str, float]:
    return {name: number for name, number in interval.to_dict().items() if number is not None}
