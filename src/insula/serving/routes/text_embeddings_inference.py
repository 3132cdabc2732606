"""`POST /predict`, `GET /info`, `GET /health`: the shape of text-embeddings-inference, with the scores of the model.

text-embeddings-inference applies a softmax to every model; here the labels of a multi-label model have independent
probabilities.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula import __version__
from insula.core.model_input import ModelInput, TextOrInput, Turn
from insula.serving.answers import rank_labels
from insula.serving.http.bodies import build_json_response, describe_json_body, read_body
from insula.serving.http.problems import ProblemError
from insula.serving.routes.predict import PROBLEMS
from insula.serving.schemas import LabelScore, TeiInfo, TeiRequest
from insula.serving.served_models import ServedModel
from insula.serving.service import get_service

router = APIRouter(tags=["predict"])
health_router = APIRouter(tags=["health"])
EXAMPLES = {
    "One text": {"inputs": "So happy!"},
    "A batch": {"inputs": [["So happy!"], ["Oh no."]]},
    "Logits": {"inputs": "So happy!", "raw_scores": True},
}


@router.post(
    "/predict",
    summary="Classify texts in the shape of text-embeddings-inference",
    response_model=list[LabelScore] | list[list[LabelScore]],
    responses=PROBLEMS,
    openapi_extra=describe_json_body(TeiRequest, EXAMPLES),
)
async def predict(request: Request) -> Response:
    """Labels with scores, predicted labels first: one list for a text or a pair, a list of lists for a batch.

    The second text of a pair is the target for a model that reads targets, else the turn before the text.
    """
    service = get_service(request)
    max_wait = service.reject_early(request)
    body = await read_body(request, TeiRequest)
    model = service.models.default
    inputs = [_build_input(sequence, model) for sequence in body.sequences]
    service.check_inputs(inputs)
    predicted = await service.predict_for(request, model, inputs, max_wait)
    scheme = model.predictor.scheme
    answers = [rank_labels(scheme, one, None, raw=body.raw_scores) for one in predicted.predictions]
    return build_json_response(answers if body.is_batch else answers[0])


@router.get("/info", summary="Show the model and the limits", response_model=TeiInfo)
async def info(request: Request) -> dict[str, Any]:
    """The first served model and the limits, in the shape of text-embeddings-inference."""
    service = get_service(request)
    model, settings = service.models.default, service.settings
    names = model.predictor.scheme.names
    return {
        "model_id": model.name,
        "model_sha": model.version,
        "model_type": {
            "classifier": {
                "id2label": {str(number): name for number, name in enumerate(names)},
                "label2id": {name: number for number, name in enumerate(names)},
            }
        },
        "max_concurrent_requests": settings.limits.connections,
        "max_batch_tokens": settings.queue.batch_tokens,
        "max_batch_requests": settings.queue.batch_texts,
        "max_client_batch_size": settings.limits.texts,
        "auto_truncate": True,
        "version": __version__,
    }


@health_router.get("/health", summary="Check that the process is alive, for clients of text-embeddings-inference")
async def health() -> dict[str, str]:
    """Always 200 while the process runs."""
    return {"status": "alive"}


def _build_input(sequence: list[str], model: ServedModel) -> TextOrInput:
    """Return the input of a text or a pair; raise `ProblemError` for a pair if the model reads only the text."""
    if len(sequence) == 1:
        return sequence[0]
    text, second = sequence
    context = model.predictor.context
    if context.target:
        return ModelInput(text, target=second)
    if context.turns:
        return ModelInput(text, turns=(Turn(second),))
    raise ProblemError(
        "validation", "inputs: this model accepts no text pairs. Send a text, or a batch of texts as [[text], [text]]."
    )
