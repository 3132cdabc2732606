"""`/v1/predictions`: the predictions that the retention stores: search, read, correct, export."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from insula.serving.http.bodies import build_json_response, describe_json_body, read_body
from insula.serving.http.problems import describe_responses
from insula.serving.review.schemas import (
    CorrectionRequest,
    PredictionExport,
    PredictionList,
    PredictionSearch,
    StoredPredictionResponse,
)
from insula.serving.review.stored_predictions import (
    correct_prediction,
    export_predictions,
    find_prediction,
    search_predictions,
)
from insula.serving.service import get_service

router = APIRouter(tags=["predictions"])
SEARCHING = describe_responses("validation", "disabled", "unavailable")
READING = describe_responses("not_found", "validation", "disabled", "unavailable")
CORRECTING = describe_responses(
    "malformed", "not_found", "too_large", "unsupported_media", "validation", "timeout", "disabled", "unavailable"
)
PredictionId = Annotated[str, Path(max_length=36, description="The `stored_id` of the prediction.")]


@router.get("/v1/predictions", summary="Search stored predictions", response_model=PredictionList, responses=SEARCHING)
async def search(request: Request, wanted: Annotated[PredictionSearch, Query()]) -> Response:
    """Stored predictions with all of these conditions, the newest first.

    The audit log records every read, without the text that was searched for.
    """
    found = await search_predictions(get_service(request), wanted)
    return build_json_response(
        {
            "predictions": [one.to_dict() for one in found.predictions],
            "after": found.after,
            "searched_until": found.searched_until,
        }
    )


@router.get(
    "/v1/predictions/export",
    summary="Export stored predictions",
    responses={200: {"content": {"text/csv": {}, "application/x-ndjson": {}}}, **SEARCHING},
    response_class=Response,
)
async def export(request: Request, wanted: Annotated[PredictionExport, Query()]) -> Response:
    """All stored predictions with these conditions as CSV or JSON Lines in UTF-8, sent while they are read.

    CSV has the newest correction; its labels are separated by `|`. JSON Lines has scores, turns and all corrections.
    """
    return await export_predictions(request, get_service(request), wanted)


@router.get(
    "/v1/predictions/{id}",
    summary="Show a stored prediction",
    response_model=StoredPredictionResponse,
    responses=READING,
)
async def show(request: Request, id: PredictionId) -> Response:
    """A stored prediction with its corrections."""
    return build_json_response((await find_prediction(get_service(request), id)).to_dict())


@router.post(
    "/v1/predictions/{id}/feedback",
    summary="Correct a stored prediction",
    status_code=201,
    response_model=StoredPredictionResponse,
    responses=CORRECTING,
    openapi_extra=describe_json_body(
        CorrectionRequest, {"Other labels": {"labels": ["anger"]}, "None is right": {"labels": []}}
    ),
)
async def correct(request: Request, id: PredictionId) -> Response:
    """The prediction with the labels that it should have had, which are deleted when it is.

    They are also a line of `feedback.file`, as with `POST /v1/feedback`, if the text is stored.
    """
    body = await read_body(request, CorrectionRequest)
    return build_json_response((await correct_prediction(get_service(request), id, body.labels)).to_dict(), 201)
