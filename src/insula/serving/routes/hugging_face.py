"""`POST /`, `POST /models/NAME`: the shape of Hugging Face's inference API, for the inference client of the hub."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula.core.scheme import uses_softmax
from insula.serving.answers import rank_labels
from insula.serving.http.bodies import build_json_response, describe_json_body, read_body
from insula.serving.http.problems import ProblemError
from insula.serving.routes.predict import PROBLEMS
from insula.serving.schemas import InferenceRequest, LabelScore
from insula.serving.served_models import ServedModel
from insula.serving.service import get_service

router = APIRouter(tags=["predict"])
EXAMPLES = {
    "One text": {"inputs": "So happy!"},
    "Several": {"inputs": ["So happy!", "Oh no."], "parameters": {"top_k": 3}},
}


@router.post(
    "/",
    summary="Classify texts in the shape of Hugging Face's inference API",
    response_model=list[list[LabelScore]],
    responses=PROBLEMS,
    openapi_extra=describe_json_body(InferenceRequest, EXAMPLES),
)
async def classify(request: Request) -> Response:
    """A list for each text, also for a single one, with labels and scores, predicted labels first; the first model."""
    return await _classify(request, get_service(request).models.default)


@router.post(
    "/models/{name}",
    summary="Classify texts with a model, in the shape of Hugging Face's inference API",
    response_model=list[list[LabelScore]],
    responses=PROBLEMS,
    openapi_extra=describe_json_body(InferenceRequest, EXAMPLES),
)
async def classify_with(request: Request, name: str) -> Response:
    """A list for each text, also for a single one, with labels and scores, predicted labels first."""
    return await _classify(request, get_service(request).models.find(name))


async def _classify(request: Request, model: ServedModel) -> Response:
    service = get_service(request)
    max_wait = service.reject_early(request)
    body = await read_body(request, InferenceRequest)
    scheme, function = model.predictor.scheme, body.parameters.function_to_apply
    own = "softmax" if uses_softmax(scheme.kind) else "sigmoid"
    if function not in (None, "none", own):
        raise ProblemError(
            "validation", f"parameters.function_to_apply: the model uses {own}. Leave it out, or send {own} or none."
        )
    texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
    service.check_inputs(texts)
    predicted = await service.predict_for(request, model, texts, max_wait)
    top_k, raw = body.parameters.top_k, function == "none"
    return build_json_response([rank_labels(scheme, one, top_k, raw=raw) for one in predicted.predictions])
