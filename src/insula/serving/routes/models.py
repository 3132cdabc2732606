"""`GET /v1/models`: which models answer, and what is known of them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from insula.core.levels import levels
from insula.evaluation.result import Interval
from insula.serving.http.problems import responses
from insula.serving.schemas import ModelDetails, ModelList
from insula.serving.served_models import described
from insula.serving.service import service_of

router = APIRouter(tags=["models"])


@router.get("/v1/models", summary="List the served models", response_model=ModelList)
async def list_models(request: Request) -> dict[str, Any]:
    """The first is asked where a request names none."""
    return {"models": [described(model) for model in service_of(request).models]}


@router.get(
    "/v1/models/{name}",
    summary="Show a model",
    response_model=ModelDetails,
    responses=responses("not_found", "validation"),
)
async def show_model(request: Request, name: str) -> dict[str, Any]:
    """Its labels, what was measured, and its card."""
    model = service_of(request).models.find(name)
    scheme, measured = model.predictor.scheme, model.document.main
    return {
        **described(model),
        "display": {language: dict(names) for language, names in scheme.display.items()},
        "levels": {level: list(known.scheme.names) for level, known in levels(scheme).items()},
        "ranges": {name: list(ends) for name, ends in scheme.ranges.items()},
        "abstains_below": model.predictor.decision.abstention or None,
        "metrics": {name: _known(interval) for name, interval in measured.metrics.items()} if measured else {},
        "card": model.card,
    }


def _known(interval: Interval) -> dict[str, float]:
    return {name: number for name, number in interval.to_dict().items() if number is not None}
