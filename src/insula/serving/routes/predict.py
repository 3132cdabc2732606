"""`POST /v1/predict`: texts, a dialogue, or inputs in their contexts in, predictions out."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula.serving.answers import rows
from insula.serving.http.bodies import answered, json_body, read_body
from insula.serving.http.problems import responses
from insula.serving.schemas import PredictAnswer, PredictRequest
from insula.serving.served_models import context_of
from insula.serving.service import service_of

router = APIRouter(tags=["predict"])
REFUSALS = responses(
    "malformed", "not_found", "timeout", "too_large", "unsupported_media", "validation", "overloaded", "unavailable"
)
EXAMPLES = {
    "Texts": {"texts": ["Two hours on hold and nobody called back.", "等了两个小时，还是没人回电话。"]},
    "A dialogue": {
        "dialogue": [
            {"speaker": "agent", "text": "How can I help?"},
            {"speaker": "customer", "text": "Two hours on hold!"},
        ],
        "judge": "each",
        "outputs": ["labels", "confidence"],
    },
    "Inputs": {
        "inputs": [
            {
                "id": "m-17",
                "text": "Well, great.",
                "speaker": "customer",
                "turns": [
                    {"speaker": "customer", "text": "Where is my order?"},
                    {"speaker": "agent", "text": "It will be two weeks late."},
                ],
                "language": "en",
            },
            {"id": "m-18", "text": "The food was cold, but the staff were lovely.", "target": "staff"},
        ]
    },
}


@router.post(
    "/v1/predict",
    summary="Classify texts, a dialogue, or inputs in their contexts",
    response_model=PredictAnswer,
    responses=REFUSALS,
    openapi_extra=json_body(PredictRequest, EXAMPLES),
)
async def predict(request: Request) -> Response:
    """Answers are in the order of the texts.

    A model that was trained on conversations classifies a turn of a dialogue with the turns before it, up to
    `context_turns` of them; any other model classifies the turn's own words. `unread` counts the inputs with earlier
    turns or a target of which the model reads none.

    The header `Insula-Wait-Ms` says how long the request may wait in the queue; if it would wait longer, the
    answer is 429 at once.
    """
    service = service_of(request)
    patience = service.refuse_early(request)
    asked = await read_body(request, PredictRequest)
    model = service.models.find(asked.model)
    if asked.dialogue is not None:
        service.check_context([turn.text for turn in asked.dialogue])
    context = model.predictor.context
    # One turn is enough to see that there are turns that the model does not read.
    inputs, unread = service.drop_unread(model, asked.model_inputs(max(context.turns, 1)))
    predictions = await service.predict_for(request, model, inputs, patience)
    kept = await service.keeper.keep_predictions(
        model.name, inputs, predictions, subject=asked.subject, language=asked.language
    )
    found = rows(model.predictor.scheme, predictions, asked.outputs, asked.language)
    if asked.dialogue is not None:
        for row, turn in zip(found, asked.dialogue[-len(found) :], strict=True):
            row["speaker"] = turn.speaker
    for row, identity in zip(found, kept, strict=False):
        row["stored_id"] = identity
        row.setdefault("id", identity)
    return answered(
        {"model": model.name, "version": model.version, **context_of(model), "unread": unread, "predictions": found}
    )
