"""`POST /v1/explain`: the words behind predictions, computed at lower priority than predictions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula.explanation.explanation import Explanation
from insula.serving.answers import DIGITS, build_answers
from insula.serving.explanation_schemas import ExplainRequest, ExplainResponse
from insula.serving.http.bodies import build_json_response, describe_json_body, read_body
from insula.serving.http.problems import describe_responses
from insula.serving.queueing.explanation_queue import ExplanationRequest
from insula.serving.schemas import DEFAULT_OUTPUTS
from insula.serving.served_models import ServedModel, describe_context
from insula.serving.service import get_service

router = APIRouter(tags=["explain"])
PROBLEMS = describe_responses(
    "malformed",
    "not_found",
    "timeout",
    "too_large",
    "unsupported_media",
    "validation",
    "overloaded",
    "disabled",
    "unavailable",
)
EXAMPLES = {
    "Texts": {"texts": ["The room was fine but nobody ever answered us."]},
    "Within a time": {"texts": ["等了两个小时，还是没人回电话。"], "budget_ms": 200, "faithfulness": False},
    "An input": {
        "inputs": [{"id": "m-18", "text": "The food was cold, but the staff were lovely.", "target": "staff"}],
        "method": "partition",
    },
}


@router.post(
    "/v1/explain",
    summary="Explain predictions by the words behind them",
    response_model=ExplainResponse,
    responses=PROBLEMS,
    openapi_extra=describe_json_body(ExplainRequest, EXAMPLES),
)
async def explain(request: Request) -> Response:
    """Explanations in the order of the texts, each with its prediction and with measures of its faithfulness.

    Explanations have a queue of their own, and yield to predictions. Each text counts as one text of the quota.
    Neither texts nor explanations are stored or logged.

    The header `Insula-Wait-Ms` limits the milliseconds in the queue; a request that would wait longer gets 429 at once.
    """
    service = get_service(request)
    max_wait = service.read_max_wait(request, service.settings.explain.wait_ms)
    service.explanations.admit(1, max_wait)
    body = await read_body(request, ExplainRequest)
    model = service.models.find(body.model)
    inputs, unread = service.drop_unread_context(model, body.to_model_inputs())
    wanted = ExplanationRequest(body.method, tuple(body.labels), body.budget_ms, body.faithfulness)
    explanations = await service.explain_for(request, model, inputs, wanted, max_wait)
    return build_json_response(
        {
            "model": model.name,
            "version": model.version,
            **describe_context(model),
            "unread": unread,
            "explanations": _build_rows(model, explanations),
        }
    )


def _build_rows(model: ServedModel, explanations: list[Explanation]) -> list[dict[str, Any]]:
    predictions = [explanation.prediction for explanation in explanations]
    rows = build_answers(model.predictor.scheme, predictions, DEFAULT_OUTPUTS, "en")
    for row, explanation in zip(rows, explanations, strict=True):
        row["explanation"] = explanation.facts(DIGITS)
    return rows
