"""`POST /v1/predict`: predictions for texts, a dialogue, or inputs with context."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula.serving.answers import build_answers
from insula.serving.http.bodies import build_json_response, describe_json_body, read_body
from insula.serving.http.problems import describe_responses
from insula.serving.schemas import PredictRequest, PredictResponse
from insula.serving.served_models import describe_context
from insula.serving.service import get_service

router = APIRouter(tags=["predict"])
PROBLEMS = describe_responses(
    "malformed", "not_found", "timeout", "too_large", "unsupported_media", "validation", "overloaded", "unavailable"
)
EXAMPLES = {
    "Texts": {"texts": ["Two hours on hold and nobody called back.", "等了两个小时，还是没人回电话。"]},
    "A dialogue": {
        "dialogue": [
            {"speaker": "agent", "text": "How can I help?"},
            {"speaker": "customer", "text": "Two hours on hold!"},
        ],
        "predict_turns": "each",
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
    summary="Classify texts, a dialogue, or inputs with context",
    response_model=PredictResponse,
    responses=PROBLEMS,
    openapi_extra=describe_json_body(PredictRequest, EXAMPLES),
)
async def predict(request: Request) -> Response:
    """Predictions in the order of the texts.

    A model that was trained on conversations classifies a turn of a dialogue with up to `context_turns` turns
    before it; any other model reads only the turn itself. `unread` counts the inputs with earlier turns or a target
    that the model does not read, `truncated` those whose text is longer than the model reads.

    The header `Insula-Wait-Ms` limits the milliseconds in the queue; a request that would wait longer gets 429 at once.
    """
    service = get_service(request)
    max_wait = service.reject_early(request)
    body = await read_body(request, PredictRequest)
    model = service.models.find(body.model)
    if body.dialogue is not None:
        service.check_context([turn.text for turn in body.dialogue])
    context = model.predictor.context
    # One turn is enough to count inputs whose turns the model does not read.
    inputs, unread = service.drop_unread_context(model, body.to_model_inputs(max(context.turns, 1)))
    predicted = await service.predict_for(
        request, model, inputs, max_wait, subject=body.subject, language=body.language
    )
    answers = build_answers(model.predictor.scheme, predicted.predictions, body.outputs, body.language)
    if body.dialogue is not None:
        for row, turn in zip(answers, body.dialogue[-len(answers) :], strict=True):
            row["speaker"] = turn.speaker
    for row, stored_id in zip(answers, predicted.stored_ids, strict=False):
        row["stored_id"] = stored_id
        row.setdefault("id", stored_id)
    return build_json_response(
        {
            "model": model.name,
            "version": model.version,
            **describe_context(model),
            "unread": unread,
            "truncated": sum(one.truncated for one in predicted.predictions),
            "predictions": answers,
        }
    )
