"""`POST /predict` in the shape of Hugging Face's inference servers, with the scores of the model.

Their servers apply a softmax to every model; here the labels of a multi-label model have independent probabilities.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula.serving.answers import ranked_labels
from insula.serving.http.bodies import json_body, json_response, read_body
from insula.serving.routes.predict import PROBLEMS
from insula.serving.schemas import HuggingFaceLabel, HuggingFaceRequest
from insula.serving.service import service_of

router = APIRouter(tags=["predict"])
EXAMPLES = {
    "One text": {"inputs": "So happy!"},
    "Several": {"inputs": ["So happy!", "Oh no."], "parameters": {"top_k": 3}},
}


@router.post(
    "/predict",
    summary="Classify texts in the shape of Hugging Face's servers",
    response_model=list[list[HuggingFaceLabel]],
    responses=PROBLEMS,
    openapi_extra=json_body(HuggingFaceRequest, EXAMPLES),
)
async def predict(request: Request) -> Response:
    """A list of labels with scores for each text, decided labels first, from the first served model."""
    service = service_of(request)
    max_wait = service.reject_early(request)
    body = await read_body(request, HuggingFaceRequest)
    texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
    service.check_inputs(texts)
    predicted = await service.predict_for(request, service.models.default, texts, max_wait)
    return json_response([ranked_labels(prediction, body.parameters.top_k) for prediction in predicted.predictions])
