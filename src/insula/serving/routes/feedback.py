"""`POST /v1/feedback`: what people say of an answer, kept for the next training."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from insula.core.errors import OutputError
from insula.core.files import output_errors
from insula.safety.mask import mask
from insula.serving.http.bodies import answered, json_body, read_body
from insula.serving.http.problems import ProblemError, responses
from insula.serving.schemas import FeedbackRequest
from insula.serving.service import service_of

router = APIRouter(tags=["feedback"])
EXAMPLES = {
    "Another label": {"text": "Two hours on hold!", "labels": ["anger"], "predicted": ["neutral"]},
    "It was right": {"text": "So happy!", "labels": ["joy"], "predicted": ["joy"], "note": "clear"},
    "In a conversation": {
        "text": "Well, great.",
        "turns": [{"speaker": "agent", "text": "It will be two weeks late."}],
        "labels": ["anger"],
    },
}
CALLERS_WORDS = ("text", "turns", "speaker", "target", "note")
_writing = threading.Lock()


@router.post(
    "/v1/feedback",
    summary="Say which labels are right",
    status_code=201,
    responses=responses(
        "malformed", "not_found", "too_large", "unsupported_media", "validation", "timeout", "unavailable"
    ),
    openapi_extra=json_body(FeedbackRequest, EXAMPLES),
)
async def feedback(request: Request) -> Response:
    """Kept in the store where a retention is set, and as a line of `feedback.file`, whose columns `insula train` reads.

    Personal data in the text, its earlier turns, their speakers, the target and the note are masked before. Only the
    store knows whom it is about, so that it can be erased. 503 if neither is set.
    """
    service = service_of(request)
    said = await read_body(request, FeedbackRequest)
    file = service.settings.feedback.file
    if file is None and not service.keeper.keeps:
        raise ProblemError(
            "unavailable", "Feedback is not kept here: neither retention.days nor feedback.file is given."
        )
    model = service.models.find(said.model)
    service.check_inputs([said.model_input])
    service.check_inputs([said.note or ""])
    # Both are kept as they are: what is no label could be a person's words.
    unknown = {*said.labels, *(said.predicted or ())} - set(model.predictor.scheme.names)
    if unknown:
        raise ProblemError("validation", f"The labels must be of: {', '.join(model.predictor.scheme.names)}.")
    if service.keeper.keeps:
        await service.keeper.keep_feedback(
            said.labels, model=model.name, given=said.model_input, subject=said.subject, prediction=said.prediction
        )
    if file is None:
        return answered({"kept": True}, 201)
    row = {
        **said.model_dump(exclude_none=True, exclude={"subject", "prediction"}),
        "model": model.name,
        "version": model.version,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        await run_in_threadpool(_append, file, row, service.settings.masking.kinds)
    except OutputError:
        raise ProblemError("unavailable", "Feedback cannot be kept now. Try again later.") from None
    return answered({"kept": True}, 201)


def _append(file: Path, row: dict[str, Any], kinds: Collection[str]) -> None:
    masked = {name: _masked(row[name], kinds) for name in CALLERS_WORDS if name in row}
    line = json.dumps(row | masked, ensure_ascii=False) + "\n"
    with _writing, output_errors(file), file.open("a", encoding="utf-8") as out:
        out.write(line)


def _masked(value: Any, kinds: Collection[str]) -> Any:
    """Return a caller's words without personal data; turns are a list of objects."""
    if isinstance(value, list):
        return [_masked(one, kinds) for one in value]
    if isinstance(value, dict):
        return {name: _masked(one, kinds) for name, one in value.items()}
    return mask(value, kinds=kinds).text
