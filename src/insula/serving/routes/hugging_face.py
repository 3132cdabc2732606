"""`POST /predict` in the shape of Hugging Face's inference servers, with the scores that the model means.

Their servers put a softmax over every model; here labels that may hold together have probabilities of their own.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula.serving.answers import ranked
from insula.serving.http.bodies import answered, json_body, read_body
from insula.serving.routes.predict import REFUSALS
from insula.serving.schemas import HuggingFaceLabel, HuggingFaceRequest
from insula.serving.service import service_of

router = APIRouter(tags=["predict"])
EXAMPLES = {
    "One text": {"inputs": "So happy!"},
    "Several": {"inputs": ["So happy!", "Oh no."], "parameters": {"top_k": 3}},
}


@router.post(
    "/predict",
    summary="Judge texts, as Hugging Face's servers answer",
    response_model=list[list[HuggingFaceLabel]],
    responses=REFUSALS,
    openapi_extra=json_body(HuggingFaceRequest, EXAMPLES),
)
async def predict(request: Request) -> Response:
    """A list of labels with scores for each text, decided labels first; the first served model answers."""
    service = service_of(request)
    patience = service.refuse_early(request)
    asked = await read_body(request, HuggingFaceRequest)
    texts = [asked.inputs] if isinstance(asked.inputs, str) else asked.inputs
    service.check_inputs(texts)
    predictions = await service.predict_for(request, service.models.default, texts, patience)
    await service.keeper.keep_predictions(service.models.default.name, texts, predictions)
    return answered([ranked(prediction, asked.parameters.top_k) for prediction in predictions])
