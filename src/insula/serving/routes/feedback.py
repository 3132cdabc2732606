"""`POST /v1/feedback`: corrections of predictions, stored for the next training."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from insula.core.errors import OutputError
from insula.core.files import append_lines
from insula.serving.http.bodies import build_json_response, describe_json_body, read_body
from insula.serving.http.problems import ProblemError, describe_responses
from insula.serving.schemas import FeedbackRequest
from insula.serving.service import Service, get_service

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


@router.post(
    "/v1/feedback",
    summary="Send the correct labels of a text",
    status_code=201,
    responses=describe_responses(
        "malformed",
        "not_found",
        "too_large",
        "unsupported_media",
        "validation",
        "timeout",
        "disabled",
        "unavailable",
    ),
    openapi_extra=describe_json_body(FeedbackRequest, EXAMPLES),
)
async def feedback(request: Request) -> Response:
    """Stored in the database if `retention.days` is set, and as a line of `feedback.file`, which `insula train` reads.

    Personal data in the text, its earlier turns, their speakers, the target and the note is masked first. Only the
    database stores the subject, by which rows are erased. 501 if neither is set, 404 if
    the prediction is not stored.
    """
    await store_feedback(get_service(request), await read_body(request, FeedbackRequest))
    return build_json_response({"kept": True}, 201)


async def store_feedback(service: Service, body: FeedbackRequest) -> None:
    """Store feedback as the settings say; raise `ProblemError` if it is switched off, wrong, or cannot be stored."""
    file = service.settings.feedback.file
    if file is None and not service.retention.is_enabled:
        raise ProblemError(
            "disabled", "This service does not store feedback. Its operator can set retention.days or feedback.file."
        )
    model = service.models.find(body.model)
    service.check_inputs([body.model_input])
    if body.note:
        service.check_inputs([body.note])
    # Labels are stored unmasked, so anything else could be a person's words.
    unknown = {*body.labels, *(body.predicted or ())} - set(model.predictor.scheme.names)
    if unknown:
        raise ProblemError(
            "validation",
            f"The labels must be labels of the model. Choose from: {', '.join(model.predictor.scheme.names)}.",
        )
    if body.prediction is not None:
        await service.retention.check_prediction(body.prediction)
    stored: list[str] = []
    if service.retention.is_enabled:
        stored.append(
            await service.retention.store_feedback(
                body.labels, model=model.name, given=body.model_input, subject=body.subject, prediction=body.prediction
            )
        )
    if file is None:
        return
    try:
        row = {
            **await _mask_row(service, body.model_dump(exclude_none=True, exclude={"subject", "prediction"})),
            "model": model.name,
            "version": model.version,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        await run_in_threadpool(append_lines, file, [json.dumps(row, ensure_ascii=False)])
    except OutputError:
        service.retention.discard(stored)
        raise ProblemError("unavailable", "Feedback cannot be stored now. Try again later.") from None
    except ProblemError:
        service.retention.discard(stored)
        raise


async def _mask_row(service: Service, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the personal data in the caller's words masked."""
    words = [text for name in CALLER_TEXT_FIELDS if name in row for text in _iterate_strings(row[name])]
    masked = iter(await service.retention.mask(words))
    return row | {name: _replace_strings(row[name], masked) for name in CALLER_TEXT_FIELDS if name in row}


def _iterate_strings(value: Any) -> Iterator[str]:
    """Yield the strings of a field in order; turns are a list of objects."""
    if isinstance(value, str):
        yield value
    else:
        for one in value.values() if isinstance(value, dict) else value:
            yield from _iterate_strings(one)


def _replace_strings(value: Any, strings: Iterator[str]) -> Any:
    """Return a field with its strings replaced, in the order of `_iterate_strings`."""
    if isinstance(value, str):
        return next(strings)
    if isinstance(value, dict):
        return {name: _replace_strings(one, strings) for name, one in value.items()}
    return [_replace_strings(one, strings) for one in value]
