"""`POST /v1/feedback`: corrections of predictions, stored for the next training."""

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
from insula.serving.http.bodies import json_body, json_response, read_body
from insula.serving.http.problems import ProblemError, responses
from insula.serving.schemas import FeedbackRequest
from insula.serving.service import service_of

router = APIRouter(tags=["feedback"])
EXAMPLES = {
    "Another label": {"text": "Two hours on hold!", "labels": ["anger"], "predicted": ["neutral"]},
    "A confirmation": {"text": "So happy!", "labels": ["joy"], "predicted": ["joy"], "note": "clear"},
    "In a conversation": {
        "text": "Well, great.",
        "turns": [{"speaker": "agent", "text": "It will be two weeks late."}],
        "labels": ["anger"],
    },
}
CALLER_TEXT_FIELDS = ("text", "turns", "speaker", "target", "note")
_writing = threading.Lock()


@router.post(
    "/v1/feedback",
    summary="Send the correct labels of a text",
    status_code=201,
    responses=responses(
        "malformed", "not_found", "too_large", "unsupported_media", "validation", "timeout", "unavailable"
    ),
    openapi_extra=json_body(FeedbackRequest, EXAMPLES),
)
async def feedback(request: Request) -> Response:
    """Stored in the database if a retention is set, and as a line of `feedback.file`, which `insula train` reads.

    Personal data in the text, its earlier turns, their speakers, the target and the note is masked first. Only the
    database stores the subject, by which rows are erased. 503 if neither is set.
    """
    service = service_of(request)
    body = await read_body(request, FeedbackRequest)
    file = service.settings.feedback.file
    if file is None and not service.retention.is_enabled:
        raise ProblemError(
            "unavailable", "This service stores no feedback: neither retention.days nor feedback.file is set."
        )
    model = service.models.find(body.model)
    service.check_inputs([body.model_input])
    service.check_inputs([body.note or ""])
    # Labels are stored unmasked, so anything else could be a person's words.
    unknown = {*body.labels, *(body.predicted or ())} - set(model.predictor.scheme.names)
    if unknown:
        raise ProblemError("validation", f"The labels must be some of: {', '.join(model.predictor.scheme.names)}.")
    if service.retention.is_enabled:
        await service.retention.store_feedback(
            body.labels, model=model.name, given=body.model_input, subject=body.subject, prediction=body.prediction
        )
    if file is None:
        return json_response({"kept": True}, 201)
    row = {
        **body.model_dump(exclude_none=True, exclude={"subject", "prediction"}),
        "model": model.name,
        "version": model.version,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        await run_in_threadpool(_append, file, row, service.settings.masking.kinds)
    except OutputError:
        raise ProblemError("unavailable", "Feedback cannot be stored now. Try again later.") from None
    return json_response({"kept": True}, 201)


def _append(file: Path, row: dict[str, Any], kinds: Collection[str]) -> None:
    masked = {name: _masked(row[name], kinds) for name in CALLER_TEXT_FIELDS if name in row}
    line = json.dumps(row | masked, ensure_ascii=False) + "\n"
    with _writing, output_errors(file), file.open("a", encoding="utf-8") as out:
        out.write(line)


def _masked(value: Any, kinds: Collection[str]) -> Any:
    """Return a field with its personal data masked; turns are a list of objects."""
    if isinstance(value, list):
        return [_masked(one, kinds) for one in value]
    if isinstance(value, dict):
        return {name: _masked(one, kinds) for name, one in value.items()}
    return mask(value, kinds=kinds).text
