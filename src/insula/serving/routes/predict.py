"""`POST /v1/predict`: texts or a dialogue in, predictions out."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula.serving.answers import rows
from insula.serving.http.bodies import answered, json_body, read_body
from insula.serving.http.problems import responses
from insula.serving.schemas import PredictAnswer, PredictRequest
from insula.serving.service import service_of

router = APIRouter(tags=["predict"])
REFUSALS = responses(
    "malformed", "not_found", "timeout", "too_large", "unsupported_media", "validation", "overloaded", "unavailable"
)
EXAMPLES = {
    "Texts": {"texts": ["Two hours on hold and nobody called back.", "等了两个小时，也没有人回电话。"]},
    "A dialogue": {
        "dialogue": [
            {"speaker": "agent", "text": "How can I help?"},
            {"speaker": "customer", "text": "Two hours on hold!"},
        ],
        "judge": "each",
        "outputs": ["labels", "confidence"],
    },
}


@router.post(
    "/v1/predict",
    summary="Judge texts or a dialogue",
    response_model=PredictAnswer,
    responses=REFUSALS,
    openapi_extra=json_body(PredictRequest, EXAMPLES),
)
async def predict(request: Request) -> Response:
    """Answers stand in the order of the texts. A turn of a dialogue is judged by its own words.

    The header `Insula-Wait-Ms` says how long the request may wait for its turn; where that cannot be kept it is
    refused with 429 at once.
    """
    service = service_of(request)
    patience = service.refuse_early(request)
    asked = await read_body(request, PredictRequest)
    model = service.models.find(asked.model)
    texts = asked.judged
    service.check_texts(texts)
    predictions = await service.predict_for(request, model, texts, patience)
    kept = await service.keeper.keep_predictions(
        model.name, predictions, subject=asked.subject, language=asked.language
    )
    found = rows(model.predictor.scheme, predictions, asked.outputs, asked.language)
    if asked.dialogue is not None:
        for row, turn in zip(found, asked.dialogue[-len(found) :], strict=True):
            row["speaker"] = turn.speaker
    for row, identity in zip(found, kept, strict=False):
        row["id"] = identity
    return answered({"model": model.name, "version": model.version, "predictions": found})
