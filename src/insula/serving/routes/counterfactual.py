"""`POST /v1/counterfactual`: the smallest edits that change predictions, at lower priority than predictions."""

from __future__ import annotations

import dataclasses
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula.core.scheme import LabelScheme
from insula.explanation.counterfactual import Counterfactual, EditedText
from insula.serving.answers import build_answers
from insula.serving.explanation_schemas import CounterfactualResponse, TextsRequest
from insula.serving.http.bodies import build_json_response, describe_json_body, read_body
from insula.serving.queueing.explanation_queue import CounterfactualRequest
from insula.serving.routes.explain import PROBLEMS
from insula.serving.schemas import DEFAULT_OUTPUTS
from insula.serving.served_models import describe_context
from insula.serving.service import get_service

router = APIRouter(tags=["explain"])
EXAMPLES = {
    "Texts": {"texts": ["The room was fine but nobody ever answered us."]},
    "An input": {"inputs": [{"id": "m-18", "text": "The food was cold, but the staff were lovely."}]},
}


@router.post(
    "/v1/counterfactual",
    summary="Find the smallest edits that change predictions",
    response_model=CounterfactualResponse,
    responses=PROBLEMS,
    openapi_extra=describe_json_body(TextsRequest, EXAMPLES),
)
async def find_counterfactuals(request: Request) -> Response:
    """For each text, in order, the smallest edit found that changes its labels, and one of the same size that does not.

    Limits, quota, queue and the header `Insula-Wait-Ms` are those of `/v1/explain`. Neither texts nor edits are stored
    or logged.
    """
    service = get_service(request)
    max_wait = service.read_max_wait(request, service.settings.explain.wait_ms)
    service.explanations.admit(1, max_wait)
    body = await read_body(request, TextsRequest)
    model = service.models.find(body.model)
    inputs, unread = service.drop_unread_context(model, body.to_model_inputs())
    found = await service.explain_for(request, model, inputs, CounterfactualRequest(), max_wait)
    return build_json_response(
        {
            "model": model.name,
            "version": model.version,
            **describe_context(model),
            "unread": unread,
            "counterfactuals": [_build_row(model.predictor.scheme, one) for one in found],
        }
    )


def _build_row(scheme: LabelScheme, found: Counterfactual) -> dict[str, Any]:
    (row,) = build_answers(scheme, [found.prediction], DEFAULT_OUTPUTS, "en")
    return row | {
        "valid": found.valid,
        "changed": _build_edited(scheme, found.changed),
        "kept": _build_edited(scheme, found.kept),
        "evaluations": found.evaluations,
        "milliseconds": round(found.milliseconds, 2),
    }


def _build_edited(scheme: LabelScheme, edited: EditedText | None) -> dict[str, Any] | None:
    if edited is None:
        return None
    (row,) = build_answers(scheme, [edited.prediction], DEFAULT_OUTPUTS, "en")
    return row | {"words": edited.words, "edits": [dataclasses.asdict(edit) for edit in edited.edits]}
